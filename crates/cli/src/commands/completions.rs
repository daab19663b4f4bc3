//! `tunnel completions`: what a shell needs to complete arguments.

use clap::builder::PossibleValuesParser;
use clap::{Arg, Args, Command, CommandFactory as _, ValueHint};
use clap_complete::Shell;
use features::logs::Level;
use features::webhooks::providers::built_in;
use serde::Serialize;

use crate::context::Context;
use crate::exit::Failure;
use crate::output::Format;

/// Prints the completions for a shell
///
/// They know the commands, their options and those values that can be known: levels, providers,
/// modes, files.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel completions bash > ~/.local/share/bash-completion/completions/tunnel
  tunnel completions zsh > \"${fpath[1]}/_tunnel\"
  tunnel completions fish > ~/.config/fish/completions/tunnel.fish
  tunnel completions powershell >> $PROFILE
  tunnel completions elvish >> ~/.config/elvish/rc.elv

Those are the places where each shell looks when it starts; bash needs the package bash-completion.
With --json: shell, script.")]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Prints the completions.
///
/// # Errors
/// [`Failure`] if they cannot be written.
pub fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Completions<'a> {
        shell: String,
        script: &'a str,
    }
    let mut bytes = Vec::new();
    let mut command = completed(crate::tunnel::Arguments::command());
    clap_complete::generate(arguments.shell, &mut command, "tunnel", &mut bytes);
    let screen = &context.screen;
    match screen.format() {
        Format::Json => screen.json(&Completions {
            shell: arguments.shell.to_string(),
            script: &String::from_utf8_lossy(&bytes),
        }),
        Format::Human => screen.bytes(&bytes),
    }
}

/// Lets every argument say what can be known of its values.
fn completed(command: Command) -> Command {
    command.mut_args(with_values).mut_subcommands(completed)
}

fn with_values(argument: Arg) -> Arg {
    if !argument.get_action().takes_values() {
        return argument;
    }
    let name = argument.get_value_names().and_then(<[_]>::first);
    match name.map(AsRef::as_ref) {
        Some("PROVIDER") => argument.value_parser(PossibleValuesParser::new(built_in())),
        Some("LEVEL" | "LEVELS") => {
            argument.value_parser(PossibleValuesParser::new(LEVELS.map(Level::name)))
        }
        _ => match argument.get_value_hint() {
            // Else zsh would offer programs, too.
            ValueHint::AnyPath => argument.value_hint(ValueHint::FilePath),
            // A table or a pattern is no file, which is what shells offer otherwise.
            ValueHint::Unknown => argument.value_hint(ValueHint::Other),
            _ => argument,
        },
    }
}

/// The levels that have a name of their own.
const LEVELS: [Level; 6] = [
    Level::TRACE,
    Level::DEBUG,
    Level::INFO,
    Level::WARN,
    Level::ERROR,
    Level::FATAL,
];
