//! The operations of the DynamoDB API that the store uses, and of the API of KMS.

use std::fmt;

/// An API, as far as its requests differ from those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    DynamoDb,
    Kms,
}

impl Api {
    /// Its name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "DynamoDB",
            Self::Kms => "KMS",
        }
    }

    /// The `Content-Type` of its requests.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::DynamoDb => "application/x-amz-json-1.0",
            Self::Kms => "application/x-amz-json-1.1",
        }
    }
}

/// Defines the enum, the names and the `X-Amz-Target` headers from one list for each API.
macro_rules! operations {
    ($($api:ident, $prefix:literal: { $($(#[$doc:meta])* $name:ident,)* })*) => {
        /// An operation of the DynamoDB API, or of that of KMS.
        ///
        /// Displays as its [`name`](Self::name).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Operation {
            $($($(#[$doc])* $name,)*)*
        }

        impl Operation {
            /// Every operation, in the order of the variants.
            pub(crate) const ALL: &[Self] = &[$($(Self::$name,)*)*];

            /// The name that AWS gives the operation, such as `GetItem`.
            pub fn name(self) -> &'static str {
                match self {
                    $($(Self::$name => stringify!($name),)*)*
                }
            }

            /// The value of the `X-Amz-Target` header.
            pub(crate) fn target(self) -> &'static str {
                match self {
                    $($(Self::$name => concat!($prefix, ".", stringify!($name)),)*)*
                }
            }

            /// The API that it belongs to.
            pub(crate) fn api(self) -> Api {
                match self {
                    $($(Self::$name)|* => Api::$api,)*
                }
            }
        }
    };
}

operations! {
    DynamoDb, "DynamoDB_20120810": {
        /// Reads one item.
        GetItem,
        /// Writes one whole item.
        PutItem,
        /// Changes attributes of one item.
        UpdateItem,
        /// Deletes one item.
        DeleteItem,
        /// Reads a part of the table.
        Scan,
        /// Deletes up to 25 items.
        BatchWriteItem,
        /// Creates the table.
        CreateTable,
        /// Reads the table's key, capacity and status.
        DescribeTable,
        /// Changes the table's capacity.
        UpdateTable,
        /// Deletes the table.
        DeleteTable,
        /// Reads which attribute the table's TTL uses.
        DescribeTimeToLive,
        /// Turns the table's TTL on or off.
        UpdateTimeToLive,
    }
    Kms, "TrentService": {
        /// Makes a data key, and wraps it with a key of KMS.
        GenerateDataKey,
        /// Unwraps a data key.
        Decrypt,
    }
}

impl Operation {
    /// Whether the operation manages the table, so that its request and answer hold no items.
    pub fn is_about_table(self) -> bool {
        matches!(
            self,
            Self::CreateTable
                | Self::DescribeTable
                | Self::UpdateTable
                | Self::DeleteTable
                | Self::DescribeTimeToLive
                | Self::UpdateTimeToLive
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_ends_in_the_name() {
        for operation in Operation::ALL {
            let prefix = match operation.api() {
                Api::DynamoDb => "DynamoDB_20120810",
                Api::Kms => "TrentService",
            };
            assert_eq!(operation.target(), format!("{prefix}.{operation}"));
        }
        let of_kms = Operation::ALL
            .iter()
            .filter(|operation| operation.api() == Api::Kms);
        let names: Vec<_> = of_kms.map(|operation| operation.name()).collect();
        assert_eq!(names, ["GenerateDataKey", "Decrypt"]);
    }

    #[test]
    fn the_index_of_an_operation_is_its_place_in_the_list() {
        for (index, operation) in Operation::ALL.iter().enumerate() {
            assert_eq!(*operation as usize, index);
        }
    }
}
