//! What to do about an error.

use std::fmt;

/// Defines the enum, the names and the texts from one list.
macro_rules! remedies {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// What to do next about an [`Error`](crate::Error).
        ///
        /// Displays as an imperative in terms of this crate, for logs. An adapter with other names for
        /// the settings can match on the variant, or look its own wording up by [`name`](Self::name).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Remedy {
            $($(#[$doc])* $name,)*
        }

        impl Remedy {
            /// The variant's name, such as `CreateTable`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }

        impl fmt::Display for Remedy {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self {
                    $(Self::$name => $text,)*
                })
            }
        }
    };
}

remedies! {
    /// No Region is configured.
    SetRegion => "set `Builder::region`, AWS_REGION, or `region` in the AWS profile",
    /// The IAM policy does not allow the operation.
    ExtendPolicy => "extend the IAM policy by the action and table named",
    /// The table does not exist.
    CreateTable => "create the table: `Table::create_if_missing`, or `dynamodb-session table create`",
    /// The table's key is not the one that the store is configured with.
    CorrectPartitionKey => "set the partition key to the table's own, or name another table; a sort key is not supported",
    /// The table's write capacity is too small.
    RaiseWriteCapacity => "raise the table's write capacity, or call again later to continue",
    /// The session is too large for an item.
    StoreLess => "store less in the session, or keep large values elsewhere and their keys in it",
    /// The store has no encryption key of this name, or no encryption key at all.
    SetEncryptionKey => "give the store the key, by `Builder::encryption`; without it the session cannot be read",
    /// A sealed session was changed or moved in the table, or sealed with another key of the same name.
    RestoreSealedSession => "restore the key and the `context` of `EncryptionOptions`; if the item was changed in the \
                             table, delete the session, which signs the visitor out",
    /// The secret for the keys of users' items was changed or moved in the table, or sealed with another key of the same
    /// name.
    RestoreUserSecret => "restore the key and the `context` of `EncryptionOptions`; if the item whose key ends in `u1.key` \
                          was changed in the table, restore it from a backup, or delete it: a process that knows the \
                          secret stores it again within the hour, and otherwise users' sessions from before are no \
                          longer found",
    /// A session is not encrypted, and only encrypted ones are accepted.
    AcceptPlainSessions => "use `EncryptionMode::On` until all sessions are encrypted",
    /// More calls come in than DynamoDB or the network can take.
    ReduceLoad => "DynamoDB or the network is slower than calls come in: look there first, then at the limits of \
                   connections and of the queue",
    /// No credentials were found.
    SetCredentials => "set `Builder::credentials_provider`, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or an AWS profile",
    /// The sign-in to IAM Identity Center (SSO) has expired.
    SignIn => "sign in: aws sso login",
    /// The metadata service of EC2 does not answer.
    DisableInstanceMetadata => "set AWS_EC2_METADATA_DISABLED=true where there is no EC2 instance metadata",
    /// The session token has expired.
    RenewCredentials => "the session token has expired: renew the credentials",
    /// The clock of this host is wrong.
    SetClock => "set the host's clock",
    /// The service calculates another signature.
    CheckSignature => "check the secret access key, the Region and the host's clock",
    /// The service does not accept the access key.
    CheckAccessKey => "check the access key, the session token, and that they are for this endpoint",
    /// Something that is not DynamoDB answered.
    CheckEndpoint => "check the endpoint, and that no proxy or sign-in page stands before it",
    /// No TLS is spoken at the endpoint.
    CheckEndpointTls => "check the endpoint: something else than TLS is spoken there",
    /// The server's certificate is for another host.
    CheckEndpointHost => "check the endpoint: its certificate is another host's",
    /// The authority of the server's certificate is not trusted.
    TrustAuthority => "trust the authority of the server's certificate, by NODE_EXTRA_CA_CERTS, AWS_CA_BUNDLE or \
                       `TlsRoots`, if the endpoint is the right one",
    /// The server's certificate has expired, or this host's clock is wrong.
    RenewCertificate => "renew the server's certificate, or set this host's clock",
    /// The server's certificate cannot be used.
    ReplaceCertificate => "replace the server's certificate",
    /// The proxy cannot be reached, or is not an HTTP proxy.
    CheckProxy => "check the URL of the proxy, and that an HTTP proxy runs there",
    /// The proxy refused the user or the password.
    CorrectProxyPassword => "correct the user and the password in the URL of the proxy",
    /// The proxy wants a user and a password.
    AddProxyPassword => "add them to the URL of the proxy: http://user:password@host:port",
    /// The proxy refuses to connect to this endpoint.
    AllowInProxy => "have the proxy allow connections to this endpoint",
    /// KMS does not know the key, or the key cannot wrap data keys.
    CheckKmsKey => "check the KMS key: its id, alias or ARN, that it is in this account and Region, and that it is a \
                    symmetric key for encryption",
    /// The policies do not allow the operation on the KMS key.
    AllowKmsKey => "allow kms:GenerateDataKey and kms:Decrypt on the KMS key, with this encryption context, in the IAM \
                    policy and the key policy",
    /// The KMS key is disabled, or about to be deleted.
    EnableKmsKey => "enable the KMS key, or cancel its deletion",
    /// The wrapped data key, or its encryption context, is not what it was.
    CheckWrappedKey => "restore the data key as it was stored: it, or what it is bound to, has changed since",
    /// The data key was wrapped by another KMS key than the one that is named.
    NameWrappingKey => "name the KMS key that wrapped the data key, by `EncryptionOptions::older_kms_keys`, if it is \
                        yours: the alias may lead to another key since",
}
