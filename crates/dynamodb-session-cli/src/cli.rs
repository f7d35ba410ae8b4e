//! What is typed.

#![expect(
    clippy::doc_markdown,
    reason = "the comments are the help texts, for people on a terminal"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit::Exit;

const EXAMPLES: &str = "\
Examples:
  dynamodb-session local                            a DynamoDB on http://127.0.0.1:8000
  dynamodb-session table create --region local      a table on it
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

const LOCAL_EXAMPLES: &str = "\
Examples:
  dynamodb-session local
  dynamodb-session local --port 0 --data sessions.db --sweep 60

Clients need no account: `--region local` here, `region: 'local'` in the options of the stores; with a
port other than 8000 the endpoint's URL as well.

";

/// Session tables on DynamoDB: create, inspect and delete them, look up sessions, run a local engine.
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
    /// Runs a DynamoDB on this machine, for development and tests
    ///
    /// Prints one line with its URL on standard output once it answers, and stops on Ctrl-C or SIGTERM.
    /// It verifies no signatures, so it listens on loopback only, and it refuses web pages.
    #[command(after_long_help = help(LOCAL_EXAMPLES))]
    Local(LocalArgs),
}

#[derive(Subcommand)]
pub(crate) enum TableCommand {
    /// Creates the table if it is missing, waits until it is active, turns TTL on
    ///
    /// A table that exists is changed only by the capacity units and --no-ttl given here.
    #[command(after_long_help = help(TABLE_CREATE_EXAMPLES))]
    Create(TableCreateArgs),
    /// Shows status, key, billing, size and TTL of the table
    #[command(after_long_help = help(TABLE_DESCRIBE_EXAMPLES))]
    Describe(TableDescribeArgs),
    /// Deletes the table with every session in it, and waits until it is gone
    ///
    /// Asks first, on the terminal.
    #[command(after_long_help = help(TABLE_DELETE_EXAMPLES))]
    Delete(TableDeleteArgs),
}

#[derive(Subcommand)]
pub(crate) enum SessionCommand {
    /// Shows a live session: its data, when it was created, when it expires
    ///
    /// An expired session is not found, even while DynamoDB still holds its item. The id is shown in
    /// part only; the data is shown in full.
    #[command(after_long_help = help(SESSION_GET_EXAMPLES))]
    Get(SessionArgs),
    /// Deletes a session: signs its visitor out
    ///
    /// That there is none (any more) is a success.
    #[command(after_long_help = help(SESSION_DELETE_EXAMPLES))]
    Delete(SessionArgs),
}

#[derive(Args)]
pub(crate) struct TableCreateArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// How capacity is paid for [default: PROVISIONED]
    ///
    /// Not changed on a table that exists.
    #[arg(long, value_name = "MODE", ignore_case = true)]
    pub(crate) billing_mode: Option<BillingMode>,
    /// Reads of 4 KB a second that are reserved [default at creation: 5]
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) read_capacity_units: Option<u64>,
    /// Writes of 1 KB a second that are reserved [default at creation: 5]
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) write_capacity_units: Option<u64>,
    /// Leave expired items in the table; on a table that exists, turn its TTL off
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
    /// Delete without asking
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
    /// Prefer `-`: the arguments of a process can be seen by every user of the machine and stay in the
    /// shell's history, and whoever knows the id has the session. One newline at its end is not part of
    /// it. An id that begins with a hyphen can only be given this way, or after `--`.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// What the application puts before its session ids [default: nothing]
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) prefix: String,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args)]
pub(crate) struct TableArgs {
    /// The table's name or ARN
    #[arg(long, value_name = "NAME", default_value = "sessions")]
    pub(crate) table_name: String,
    /// The attribute that is the table's partition key
    #[arg(long, value_name = "ATTRIBUTE", default_value = "sessionId")]
    pub(crate) partition_key: String,
    /// The attribute that holds the expiry, in epoch seconds
    #[arg(long, value_name = "ATTRIBUTE", default_value = "expires")]
    pub(crate) ttl_attribute: String,
}

#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// The AWS Region; one that contains `local` means a local engine [default: AWS_REGION, AWS_DEFAULT_REGION, the profile's]
    ///
    /// For a local engine no account is needed, and requests go to http://localhost:8000 unless
    /// --endpoint-url says otherwise.
    #[arg(long, value_name = "REGION", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) region: Option<String>,
    /// The URL requests go to [default: AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, the Region's own]
    #[arg(long, value_name = "URL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) endpoint_url: Option<String>,
    /// The profile in ~/.aws with credentials and Region [default: AWS_PROFILE, `default`]
    #[arg(long, value_name = "PROFILE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) profile: Option<String>,
}

#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// One line of JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct LocalArgs {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = address)]
    pub(crate) host: IpAddr,
    /// The TCP port to listen on; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    pub(crate) port: u16,
    /// Keep the tables in this file, created if missing [default: in memory, gone at the end]
    ///
    /// A write that was answered survives even `kill -9`. While it runs there are three more files, with
    /// -wal, -shm and -lock after the name, and no other engine can use it.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Seconds from one deletion of expired items to the next; 0 deletes none
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) sweep: u64,
    /// Permit an address that other machines can reach: they may then read and write everything
    #[arg(long)]
    pub(crate) allow_remote: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BillingMode {
    /// By the capacity units reserved
    #[value(name = "PROVISIONED")]
    Provisioned,
    /// By the capacity units consumed
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
        .map_err(|_| "an IP address or `localhost` is needed")
}

/// The arguments of this process. For help, version and wrong usage all has been said: the exit code is left.
pub(crate) fn parse() -> Result<Cli, Exit> {
    Cli::try_parse().map_err(|mut error| {
        if std::env::args_os().any(|argument| argument == "session") {
            hide_values(&mut error);
        }
        // Nobody reads a closed pipe.
        drop(error.print());
        if error.use_stderr() {
            Exit::Usage
        } else {
            Exit::Ok
        }
    })
}

/// What stands where no argument is expected may be a session id, which is not for a terminal or log.
fn hide_values(error: &mut clap::Error) {
    for kind in [ContextKind::InvalidArg, ContextKind::InvalidSubcommand] {
        if matches!(error.get(kind), Some(ContextValue::String(value)) if !is_like_a_name(value)) {
            error.insert(
                kind,
                ContextValue::String("(hidden: it may be a session id)".to_owned()),
            );
            // Suggestions repeat it.
            error.remove(ContextKind::Suggested);
        }
    }
}

/// Short, lower-case words: no id that is hard enough to guess looks like that.
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
