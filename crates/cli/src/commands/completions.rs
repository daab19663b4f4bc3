//! `tunnel completions`: what a shell needs to complete arguments.

use std::io::{self, Write as _};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::exit::Failure;

/// Prints the completions for a shell
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel completions bash > ~/.local/share/bash-completion/completions/tunnel
  tunnel completions zsh > \"${fpath[1]}/_tunnel\"
  tunnel completions fish > ~/.config/fish/completions/tunnel.fish")]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Prints the completions.
///
/// # Errors
/// [`Failure`] if they cannot be written.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    let mut command = crate::tunnel::Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "tunnel", &mut script);
    Ok(io::stdout().lock().write_all(&script)?)
}
