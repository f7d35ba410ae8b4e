//! `dynamodb-session`: session tables, the sessions in them, and a local engine, from the command line.

#![forbid(unsafe_code)]

mod cli;
mod confirm;
mod connection;
mod exit;
mod input;
mod keys;
mod local;
mod output;
mod progress;
mod reencrypt;
mod session;
mod sweep;
mod table;
mod user;

use std::process::ExitCode;

use cli::{Cli, Command, KeysCommand, SessionCommand, TableCommand, UserCommand};
use exit::{Exit, Failure};

fn main() -> ExitCode {
    let result = match cli::parse() {
        Ok(cli) => run(cli),
        Err(exit) => return exit.into(),
    };
    match result {
        Ok(()) => Exit::Ok.into(),
        Err(failure) => {
            failure.report();
            failure.exit().into()
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Other, format!("cannot start: {error}")))?;
    runtime.block_on(async {
        match cli.command {
            Command::Table(TableCommand::Create(args)) => table::create(&args).await,
            Command::Table(TableCommand::Describe(args)) => table::describe(&args).await,
            Command::Table(TableCommand::Delete(args)) => table::delete(&args).await,
            Command::Session(SessionCommand::Get(args)) => session::get(args).await,
            Command::Session(SessionCommand::Delete(args)) => session::delete(args).await,
            Command::User(UserCommand::List(args)) => user::list(args).await,
            Command::User(UserCommand::Revoke(args)) => user::revoke(args).await,
            Command::Keys(KeysCommand::Generate(args)) => keys::generate(&args),
            Command::Keys(KeysCommand::Delete(args)) => keys::delete(&args).await,
            Command::Reencrypt(args) => reencrypt::run(&args).await,
            Command::Sweep(args) => sweep::run(&args).await,
            Command::Local(args) => local::run(&args).await,
        }
    })
}
