//! The arguments of the commands about keys.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use dynamodb_session::options::EncryptionMode;

use super::{ConnectionArgs, IdArgs, LayoutArgs, OutputArgs, TableArgs, help};

const GENERATE_EXAMPLES: &str = "\
Examples:
  dynamodb-session keys generate k1 > key.json
  dynamodb-session session get - --key-file key.json < id.txt

";

const DELETE_EXAMPLES: &str = "\
Examples:
  dynamodb-session keys delete ja --region eu-central-1
  dynamodb-session keys delete ja --table-name carts --prefix shop: --yes

";

pub(super) const REENCRYPT_EXAMPLES: &str = "\
Examples:
  dynamodb-session reencrypt --key-file keys.json --dry-run
  dynamodb-session reencrypt --key-file keys.json --prefix shop: --json | jq .keys
  dynamodb-session reencrypt --kms-key alias/sessions --region eu-central-1

";

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Prints a new key as a line of JSON, for the option `encryption` of a store
    ///
    /// Keep it where you keep passwords. Without it, the sessions that it encrypts cannot be read. To change
    /// the key later, put a new one, with another id, before it in the list.
    #[command(after_long_help = help(GENERATE_EXAMPLES))]
    Generate(KeysGenerateArgs),
    /// Deletes a data key that AWS KMS has wrapped, if no session needs it
    ///
    /// Asks for confirmation on the terminal first. Then it reads the whole table. A key that live sessions
    /// need stays, and so does the one that processes encrypt with. This cannot be undone: a backup of the table
    /// has sessions that need the key.
    #[command(after_long_help = help(DELETE_EXAMPLES))]
    Delete(KeysDeleteArgs),
}

#[derive(Args)]
pub(crate) struct KeysGenerateArgs {
    /// A name of 1 to 4 letters, digits, hyphens or underscores, which no other key of the table has had
    #[arg(value_name = "ID", default_value = "k1")]
    pub(crate) id: String,
}

#[derive(Args)]
pub(crate) struct KeysDeleteArgs {
    /// The id of the data key: what follows `k2.` in the key of its item
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    #[command(flatten)]
    pub(crate) ids: IdArgs,
    /// Delete without confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args)]
pub(crate) struct KeyArgs {
    /// A file with the keys that encrypt the sessions: JSON, a list of { id, key } or one key
    ///
    /// `keys generate` prints a key in this form.
    #[arg(long, value_name = "FILE", group = "keys")]
    pub(crate) key_file: Option<PathBuf>,
    /// The KMS key that wraps the data keys: its id, its alias, or the ARN of either
    ///
    /// Give it again for each KMS key that wrapped data keys before.
    #[arg(long, value_name = "KEY", group = "keys")]
    pub(crate) kms_key: Vec<String>,
    /// The `context` of the application's option `encryption` [default: the prefix]
    #[arg(long, value_name = "TEXT", requires = "keys")]
    pub(crate) context: Option<String>,
}

#[derive(Args)]
pub(crate) struct ReencryptArgs {
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    /// What the application does with plain sessions: `on` encrypts them, `only` refuses them, `read` makes all plain
    #[arg(
        long,
        value_name = "MODE",
        default_value = "on",
        value_parser = PossibleValuesParser::new(["read", "on", "only"]).try_map(|name| name.parse::<EncryptionMode>())
    )]
    pub(crate) mode: EncryptionMode,
    /// The `pad` of the application's option `encryption`, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub(crate) pad: usize,
    /// Compress sessions, as the application's option `compress` does
    #[arg(long)]
    pub(crate) compress: bool,
    /// Only count the sessions that each key encrypts, and those that would be rewritten
    ///
    /// With --kms-key, the data key of these 30 days is made if it is not there yet.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    #[command(flatten)]
    pub(crate) ids: IdArgs,
    #[command(flatten)]
    pub(crate) layout: LayoutArgs,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
