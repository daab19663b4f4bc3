//! `tunnel-server`: the server end, beside production.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::tunnel_server::main()
}
