//! The operations of the DynamoDB API that the store uses.

use std::fmt;

/// Defines the enum, the names and the `X-Amz-Target` headers from one list.
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// An operation of the DynamoDB API.
        ///
        /// Displays as its [`name`](Self::name).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Operation {
            $($(#[$doc])* $name,)*
        }

        impl Operation {
            /// Every operation, in the order of the variants.
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name that AWS gives the operation, such as `GetItem`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The value of the `X-Amz-Target` header.
            pub(crate) fn target(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("DynamoDB_20120810.", stringify!($name)),)*
                }
            }
        }
    };
}

operations! {
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
            assert_eq!(operation.target(), format!("DynamoDB_20120810.{operation}"));
        }
    }

    #[test]
    fn the_index_of_an_operation_is_its_place_in_the_list() {
        for (index, operation) in Operation::ALL.iter().enumerate() {
            assert_eq!(*operation as usize, index);
        }
    }
}
