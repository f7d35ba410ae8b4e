//! The arguments of the commands about the sessions of a user.

use clap::{Args, Subcommand};

use super::{ConnectionArgs, IdArgs, KeyArgs, LayoutArgs, OutputArgs, TableArgs, help};

const LIST_EXAMPLES: &str = "\
Examples:
  dynamodb-session user list - < user.txt
  dynamodb-session user list 4711 --key-file keys.json --json | jq -r .sessions[].ref

";

const REVOKE_EXAMPLES: &str = "\
Examples:
  dynamodb-session user revoke - --yes < user.txt
  dynamodb-session user revoke 4711 --kms-key alias/sessions --region eu-central-1
  dynamodb-session user revoke 4711 --ref 96ed42f33cbf3cc79617541c

";

#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Lists the live sessions of a user, the latest sign-in first
    ///
    /// Shows each session's reference, when it became the user's, when it was last written, when it expires,
    /// and its label. A user without a live session counts as not found. If the application encrypts sessions,
    /// give its keys: they are needed to find what is stored about a user.
    #[command(after_long_help = help(LIST_EXAMPLES))]
    List(UserListArgs),
    /// Ends the sessions of a user, which signs the user out everywhere
    ///
    /// Asks for confirmation on the terminal first. When it has returned, the sessions that the user had are not
    /// accepted any more, even if requests save them at the same moment. Succeeds even if the user has no
    /// session. After an interruption, the same command goes on. If the application encrypts sessions, give its
    /// keys: they are needed to find what is stored about a user.
    #[command(after_long_help = help(REVOKE_EXAMPLES))]
    Revoke(UserRevokeArgs),
}

#[derive(Args)]
pub(crate) struct UserListArgs {
    #[command(flatten)]
    pub(crate) user: UserArgs,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args)]
pub(crate) struct UserRevokeArgs {
    #[command(flatten)]
    pub(crate) user: UserArgs,
    /// End only the session with this reference, as `user list` shows it
    #[arg(long = "ref", value_name = "REF", conflicts_with = "except_reference")]
    pub(crate) reference: Option<String>,
    /// End all sessions but the one with this reference
    ///
    /// If the user has no such session, nothing ends.
    #[arg(long = "except-ref", value_name = "REF")]
    pub(crate) except_reference: Option<String>,
    /// End them without confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args)]
pub(crate) struct UserArgs {
    /// The user's id, as the application gives it to the store, or `-` to read it from standard input
    ///
    /// Prefer `-` where an id is personal, such as an address: every user of the machine can see the arguments
    /// of a process, and the shell's history keeps them. One newline at the end of the input is ignored. For an
    /// id that begins with a hyphen, use `-`, or put `--` before it.
    #[arg(value_name = "USER")]
    pub(crate) user: String,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    #[command(flatten)]
    pub(crate) ids: IdArgs,
    #[command(flatten)]
    pub(crate) layout: LayoutArgs,
}
