//! The program `tunnel`: its arguments, and which command they name.

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::{
    completions, config, connect, demo, disconnect, doctor, flags, health, init, keygen, logs, man,
    status, sync, validate_env, webhook,
};
use crate::context::{Context, OutputOptions};
use crate::exit::{Exit, Failure};
use crate::interrupt::{self, Interrupt};
use crate::report::report;

/// Joins a production service to this machine: live logs, webhooks, sanitised data and health over one QUIC connection.
///
/// Without a server configured, every command runs against a built-in demo production.
#[derive(Debug, Parser)]
#[command(name = "tunnel", version, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(flatten)]
    options: OutputOptions,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Connect(connect::Arguments),
    Status(status::Arguments),
    Disconnect(disconnect::Arguments),
    Logs(Box<logs::Arguments>),
    Sync(sync::Arguments),
    Webhook(Box<webhook::Arguments>),
    Flags(Box<flags::Arguments>),
    ValidateEnv(validate_env::Arguments),
    Health(health::Arguments),
    Doctor(doctor::Arguments),
    Keygen(keygen::Arguments),
    Demo(demo::Arguments),
    Init(init::Arguments),
    Config(config::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Runs the program and says what it ends with.
#[must_use]
pub fn main() -> Exit {
    let matches = Arguments::command().get_matches();
    let name = matches.subcommand_name().unwrap_or_default().to_owned();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    report(interrupt::run(|interrupt| run(arguments, name, interrupt)))
}

async fn run(arguments: Arguments, name: String, interrupt: Interrupt) -> Result<(), Failure> {
    let Arguments { options, command } = arguments;
    let context = || Context::new(options, interrupt.clone()).map(|context| context.named(name));
    let bare = || Context::without_files(options, interrupt.clone());
    match command {
        Command::Connect(arguments) => connect::run(&context()?, &arguments).await,
        Command::Status(arguments) => status::run(&context()?, &arguments).await,
        Command::Disconnect(arguments) => disconnect::run(&context()?, &arguments).await,
        Command::Logs(arguments) => logs::run(&context()?, &arguments).await,
        Command::Sync(arguments) => sync::run(&context()?, &arguments).await,
        Command::Webhook(arguments) => webhook::run(&context()?, &arguments).await,
        Command::Flags(arguments) => flags::run(&context()?, &arguments).await,
        Command::ValidateEnv(arguments) => validate_env::run(&context()?, &arguments).await,
        Command::Health(arguments) => health::run(&context()?, &arguments).await,
        Command::Doctor(arguments) => doctor::run(options, interrupt, &arguments).await,
        Command::Keygen(arguments) => keygen::run(&context()?, &arguments),
        Command::Demo(arguments) => demo::run(&context()?, &arguments).await,
        Command::Init(arguments) => init::run(&context()?, &arguments).await,
        Command::Config(arguments) => config::run(&context()?, &arguments),
        // A shell that starts is not to hear of the .env of the folder that it starts in.
        Command::Completions(arguments) => completions::run(&bare(), &arguments),
        Command::Man(arguments) => man::run(&bare(), &arguments),
    }
}

const AFTER_HELP: &str = "\
Configuration: flags first, then the environment, then .env (in this folder or above it), then
[client] in tunnel.toml. RENDER_EXTERNAL_URL is the server, RENDER_TUNNEL_SECRET the secret.
If there is no connection, `tunnel doctor` says why.

Exit codes: 0 fine, 1 it failed or the check failed, 2 usage, 3 no connection, 4 not authorised,
5 refused by policy, 130 interrupted.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_contradict_each_other_nowhere() {
        Arguments::command().debug_assert();
    }
}
