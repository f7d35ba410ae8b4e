//! The arguments of the command line, and their help texts.

#![expect(
    clippy::doc_markdown,
    reason = "the comments are the help texts, for people on a terminal"
)]

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand, ValueEnum};

use dynamodb_session::options::Layout;

use crate::exit::Exit;

mod keys;
mod user;

use keys::REENCRYPT_EXAMPLES;
pub(crate) use keys::{KeyArgs, KeysCommand, KeysDeleteArgs, KeysGenerateArgs, ReencryptArgs};
pub(crate) use user::{UserArgs, UserCommand, UserListArgs, UserRevokeArgs};

const EXAMPLES: &str = "\
Examples:
  dynamodb-session local                            run a local engine on http://127.0.0.1:8000
  dynamodb-session table create --region local      create a table on it
  dynamodb-session table describe --profile prod --region eu-central-1
  pass show session | dynamodb-session session get -

";

const TABLE_CREATE_EXAMPLES: &str = "\
Examples:
  dynamodb-session table create --region eu-central-1 --billing-mode PAY_PER_REQUEST
  dynamodb-session table create --table-name carts --read-capacity-units 20
  dynamodb-session table create --region local

";

const TABLE_DESCRIBE_EXAMPLES: &str = "\
Examples:
  dynamodb-session table describe --region eu-central-1
  dynamodb-session table describe --json | jq .status

";

const TABLE_DELETE_EXAMPLES: &str = "\
Examples:
  dynamodb-session table delete --table-name carts --region eu-central-1
  dynamodb-session table delete --region local --yes

";

const SESSION_GET_EXAMPLES: &str = "\
Examples:
  dynamodb-session session get - < id.txt
  pass show session | dynamodb-session session get - --json | jq .data

";

const SESSION_DELETE_EXAMPLES: &str = "\
Examples:
  dynamodb-session session delete - < id.txt

";

const SWEEP_EXAMPLES: &str = "\
Examples:
  dynamodb-session sweep --once --region eu-central-1
  dynamodb-session sweep --once --table-name carts --prefix shop: --json

";

const LOCAL_EXAMPLES: &str = "\
Examples:
  dynamodb-session local
  dynamodb-session local --port 0 --data sessions.db --sweep 60

Clients need no AWS account. To connect, use `--region local` with this program, or `region: 'local'` in
the options of a store. With a port other than 8000, set the endpoint's URL too.

";

/// Manages session tables on DynamoDB, shows and ends sessions, and runs a local engine.
#[derive(Parser)]
#[command(name = "dynamodb-session", version, after_long_help = help(EXAMPLES))]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Creates, describes or deletes a session table
    #[command(subcommand)]
    Table(TableCommand),
    /// Shows or deletes one session
    #[command(subcommand)]
    Session(SessionCommand),
    /// Lists or ends the sessions of a user
    #[command(subcommand)]
    User(UserCommand),
    /// Makes keys for the encryption of sessions, and deletes data keys of AWS KMS
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Encrypts the live sessions of a table with the first key, as a save would
    ///
    /// Goes through the whole table, and rewrites each session that another key encrypts, or none. With
    /// `--mode read` it decrypts them instead. Requests of visitors go on meanwhile, and what they write or
    /// sign out stays so. No expiry is moved. After an interruption, the same command goes on.
    ///
    /// The output says how many items need each key then: sessions, and the secret for the keys of users' items. Remove a
    /// key from the application when no item needs it, and all processes have the new key first.
    #[command(after_long_help = help(REENCRYPT_EXAMPLES))]
    Reencrypt(ReencryptArgs),
    /// Deletes the expired sessions of a table whose TTL is off
    ///
    /// DynamoDB does it by itself, free of charge and within a few days, where the table's TTL is on. This
    /// command reads the whole table and deletes the expired items one by one. A session stays for 25
    /// minutes after its end, until no request can arrive any more that was sent before. One that gets a
    /// later expiry meanwhile stays. After an interruption, the same command goes on.
    #[command(after_long_help = help(SWEEP_EXAMPLES))]
    Sweep(SweepArgs),
    /// Runs a DynamoDB on this machine, for development and tests
    ///
    /// Prints one line with its URL on standard output when it is ready. Ctrl-C or SIGTERM stops it.
    /// It does not verify signatures. Therefore it listens on loopback only, and it refuses requests of
    /// web pages.
    #[command(after_long_help = help(LOCAL_EXAMPLES))]
    Local(LocalArgs),
}

#[derive(Subcommand)]
pub(crate) enum TableCommand {
    /// Creates the table if it is missing, waits until it is active, and turns TTL on
    ///
    /// An existing table is changed only where you give capacity units or --no-ttl.
    #[command(after_long_help = help(TABLE_CREATE_EXAMPLES))]
    Create(TableCreateArgs),
    /// Shows the status, key, billing, size and TTL of the table
    #[command(after_long_help = help(TABLE_DESCRIBE_EXAMPLES))]
    Describe(TableDescribeArgs),
    /// Deletes the table with every session in it, and waits until it is gone
    ///
    /// Asks for confirmation on the terminal first.
    #[command(after_long_help = help(TABLE_DELETE_EXAMPLES))]
    Delete(TableDeleteArgs),
}

#[derive(Subcommand)]
pub(crate) enum SessionCommand {
    /// Shows a live session: its data, when it was created, and when it expires
    ///
    /// An expired session counts as not found, even if DynamoDB has not deleted its item yet. The data is
    /// shown in full. In place of the id, the session's reference is shown: its name in logs and events,
    /// which opens nothing. The session is found whether the table has its id or a hash of it.
    #[command(after_long_help = help(SESSION_GET_EXAMPLES))]
    Get(SessionGetArgs),
    /// Deletes a session, which signs its visitor out
    ///
    /// Succeeds even if the session does not exist. The session is found whether the table has its id or a
    /// hash of it.
    #[command(after_long_help = help(SESSION_DELETE_EXAMPLES))]
    Delete(SessionArgs),
}

#[derive(Args)]
pub(crate) struct SessionGetArgs {
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
}

#[derive(Args)]
pub(crate) struct TableCreateArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// How you pay for capacity [default: PROVISIONED]
    ///
    /// The mode of an existing table is not changed.
    #[arg(long, value_name = "MODE", ignore_case = true)]
    pub(crate) billing_mode: Option<BillingMode>,
    /// Reserved reads of 4 KB per second [default at creation: 5]
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) read_capacity_units: Option<u64>,
    /// Reserved writes of 1 KB per second [default at creation: 5]
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) write_capacity_units: Option<u64>,
    /// Keep expired items in the table; turns off the TTL of an existing table
    #[arg(long)]
    pub(crate) no_ttl: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args)]
pub(crate) struct TableDescribeArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args)]
pub(crate) struct TableDeleteArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// Delete without confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args)]
pub(crate) struct SessionArgs {
    /// The session's id, or `-` to read it from standard input
    ///
    /// Prefer `-`. Every user of the machine can see the arguments of a process, the shell's history keeps
    /// them, and anyone who knows the id can use the session. One newline at the end of the input is
    /// ignored. For an id that begins with a hyphen, use `-`, or put `--` before it.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
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

#[derive(Args)]
pub(crate) struct SweepArgs {
    /// Go through the table once, then exit
    #[arg(long, required = true)]
    once: bool,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    #[command(flatten)]
    pub(crate) ids: IdArgs,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args)]
pub(crate) struct IdArgs {
    /// The prefix that the application puts before its session ids [default: no prefix]
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) prefix: String,
}

#[derive(Args)]
pub(crate) struct LayoutArgs {
    /// The package that wrote the items; `session` stands for this project's own packages
    #[arg(
        long,
        value_name = "LAYOUT",
        default_value = Layout::Session.name(),
        value_parser = PossibleValuesParser::new(Layout::ALL.map(Layout::name)).try_map(|name| name.parse::<Layout>())
    )]
    pub(crate) layout: Layout,
}

#[derive(Args)]
pub(crate) struct TableArgs {
    /// The table's name or ARN
    #[arg(long, value_name = "NAME", default_value = "sessions")]
    pub(crate) table_name: String,
    /// The name of the table's partition key
    #[arg(long, value_name = "ATTRIBUTE", default_value = "sessionId")]
    pub(crate) partition_key: String,
    /// The name of the attribute that holds the expiry, in epoch seconds
    #[arg(long, value_name = "ATTRIBUTE", default_value = "expires")]
    pub(crate) ttl_attribute: String,
}

#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// The AWS Region; a name that contains `local` selects a local engine [default: AWS_REGION, AWS_DEFAULT_REGION, the profile's]
    ///
    /// A local engine needs no AWS account. Its requests go to http://localhost:8000, or to
    /// --endpoint-url.
    #[arg(long, value_name = "REGION", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) region: Option<String>,
    /// The URL that requests are sent to [default: AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, the profile's, the Region's own]
    #[arg(long, value_name = "URL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) endpoint_url: Option<String>,
    /// The profile in ~/.aws to take credentials, Region and endpoint from [default: AWS_DEFAULT_PROFILE, AWS_PROFILE, `default`]
    #[arg(long, value_name = "PROFILE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) profile: Option<String>,
}

#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Print one line of JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct LocalArgs {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = address)]
    pub(crate) host: IpAddr,
    /// The TCP port to listen on; 0 chooses any free port
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    pub(crate) port: u16,
    /// Keep the tables in this file, and create it if missing [default: in memory, lost at exit]
    ///
    /// An acknowledged write survives even `kill -9`. While the engine runs, there are three more files,
    /// whose names end in -wal, -shm and -lock, and no other engine can use the file.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Delete expired items every so many seconds; 0 never deletes them
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) sweep: u64,
    /// Allow an address that other machines can reach; they can then read and write all data
    #[arg(long)]
    pub(crate) allow_remote: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BillingMode {
    /// Per reserved capacity unit
    #[value(name = "PROVISIONED")]
    Provisioned,
    /// Per request
    #[value(name = "PAY_PER_REQUEST")]
    PayPerRequest,
}

fn help(examples: &str) -> String {
    examples.to_owned() + Exit::HELP
}

fn address(text: &str) -> Result<IpAddr, &'static str> {
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    text.parse()
        .map_err(|_| "expected an IP address or `localhost`")
}

/// The arguments of this process. Help, version and wrong usage are printed here; the error is then the exit code.
pub(crate) fn parse() -> Result<Cli, Exit> {
    Cli::try_parse().map_err(|mut error| {
        hide_values(&mut error, std::env::args_os());
        // An error means that the reader has closed the pipe.
        drop(error.print());
        if error.use_stderr() {
            Exit::Usage
        } else {
            Exit::Ok
        }
    })
}

/// An unexpected argument that must not appear on a terminal or in a log.
struct Hidden {
    command: &'static str,
    name: &'static str,
    /// Whether it can be what this text is.
    can_be: fn(&str) -> bool,
}

static HIDDEN: [Hidden; 2] = [
    Hidden {
        command: "session",
        name: "a session id",
        can_be: |text| !is_like_a_name(text),
    },
    Hidden {
        command: "user",
        name: "the id of a user",
        // A user can be called anything, but mistyped flags are to be named.
        can_be: |text| !(text.starts_with("--") && is_like_a_name(text)),
    },
];

fn hide_values(error: &mut clap::Error, mut arguments: impl Iterator<Item = impl AsRef<OsStr>>) {
    let hidden = arguments.find_map(|argument| {
        let mut all = HIDDEN.iter();
        all.find(|hidden| argument.as_ref() == hidden.command)
    });
    let Some(hidden) = hidden else { return };
    for kind in [ContextKind::InvalidArg, ContextKind::InvalidSubcommand] {
        if matches!(error.get(kind), Some(ContextValue::String(value)) if (hidden.can_be)(value)) {
            let value = format!("(hidden: it may be {})", hidden.name);
            error.insert(kind, ContextValue::String(value));
            // Suggestions repeat the value.
            error.remove(ContextKind::Suggested);
        }
    }
}

/// Whether it is a short, lower-case word. An id that is hard to guess never looks like that.
fn is_like_a_name(text: &str) -> bool {
    let name =
        text.trim_end_matches(|character| "<>ABCDEFGHIJKLMNOPQRSTUVWXYZ ".contains(character));
    let name = name.strip_prefix("--").unwrap_or(name);
    name.len() <= 20
        && name
            .chars()
            .all(|character| character.is_ascii_lowercase() || character == '-')
}

#[cfg(test)]
mod tests;
