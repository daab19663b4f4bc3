//! `tunnel`: the client end, on a developer's machine.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::tunnel::main().into()
}
