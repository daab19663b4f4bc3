//! Runs a command with a PostgreSQL of its own: `with_postgres cargo nextest run`.
//!
//! The command and all that it starts find the server in `TESTKIT_POSTGRES_ADDRESS`; it ends with
//! the command, and with this program however that ends. The exit code is the command's.

use std::{
    env,
    error::Error,
    io::{self, Write},
    os::unix::process::ExitStatusExt,
    process::ExitCode,
};

use testkit::postgres::{ADDRESS_VARIABLE, Server};
use tokio::{process::Command, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            // Nothing is left to do if nobody reads it.
            let _unread = writeln!(io::stderr(), "with_postgres: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let program = arguments
        .next()
        .ok_or("usage: with_postgres COMMAND [ARGUMENT...]")?;
    let server = Server::start()?;
    let mut command = Command::new(program)
        .args(arguments)
        .env(ADDRESS_VARIABLE, server.address())
        .spawn()?;
    let status = loop {
        tokio::select! {
            status = command.wait() => break status?,
            // The terminal gives ^C to the command too, which ends when it has cleaned up.
            interrupted = signal::ctrl_c() => interrupted?,
        }
    };
    // As a shell reports it.
    let code = status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}
