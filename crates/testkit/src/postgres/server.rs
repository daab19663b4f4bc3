//! A PostgreSQL server that ends with the process that started it, however that process ends.
//!
//! A guard owns it (`guard.sh`): process --standard input--> guard --signals--> PostgreSQL

use std::{
    io::{self, BufRead, BufReader, Read},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
};

use thiserror::Error;

/// A running PostgreSQL server with nothing in it; stopped and removed when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: String,
    guard: Child,
    /// Open for as long as the server is wanted; the system closes it if this process is killed.
    leash: Option<ChildStdin>,
}

impl Server {
    /// Makes a server in a temporary folder, on a free port of 127.0.0.1, and waits until it answers.
    ///
    /// Blocks for about a second.
    pub fn start() -> Result<Self, StartError> {
        Self::start_with(&[])
    }

    /// Makes a server as [`Server::start`] does, with settings that count more than the tests' own,
    /// each written `name=value` and without spaces.
    pub fn start_with(settings: &[&str]) -> Result<Self, StartError> {
        let ports = free_ports().map_err(StartError::Port)?;
        let mut guard = guard(settings, ports).spawn().map_err(StartError::Guard)?;
        let leash = guard.stdin.take();
        match read_address(&mut guard) {
            Ok(address) => Ok(Self {
                address,
                guard,
                leash,
            }),
            Err(error) => {
                drop(leash);
                guard.wait().map_err(StartError::Guard)?;
                Err(error)
            }
        }
    }

    /// Returns the URL of the server, which names no database: `postgres://USER:PASSWORD@HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.leash.take());
        // The guard outlives us only if it cannot be waited for, and then still cleans up.
        let _gone = self.guard.wait();
    }
}

fn guard(settings: &[&str], ports: impl IntoIterator<Item = String>) -> Command {
    let options: String = settings
        .iter()
        .flat_map(|setting| ["-c ", setting, " "])
        .collect();
    let mut guard = Command::new("sh");
    guard
        .arg(GUARD)
        .arg(options)
        .args(ports)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // A group of its own: ^C and a runner's kill reach the tests, and the guard then sees them
        // end.
        .process_group(0);
    guard
}

/// Ports that were free a moment ago, all different: another process may take one in between.
fn free_ports() -> io::Result<Vec<String>> {
    let held = (0..PORTS_TO_TRY)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<io::Result<Vec<_>>>()?;
    held.iter()
        .map(|listener| Ok(listener.local_addr()?.port().to_string()))
        .collect()
}

fn read_address(guard: &mut Child) -> Result<String, StartError> {
    let Some(stdout) = guard.stdout.take() else {
        return Err(StartError::Server(String::new()));
    };
    let mut stdout = BufReader::new(stdout);
    let mut said = String::new();
    stdout.read_line(&mut said).map_err(StartError::Guard)?;
    if let Some(address) = said.strip_prefix("ready ") {
        return Ok(address.trim_end().to_owned());
    }
    stdout
        .read_to_string(&mut said)
        .map_err(StartError::Guard)?;
    Err(StartError::Server(said.trim_end().to_owned()))
}

/// Why there is no PostgreSQL for the tests.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// This machine has no free port on loopback.
    #[error("find a free port for PostgreSQL")]
    Port(#[source] io::Error),
    /// The guard could not be started or heard.
    #[error("run PostgreSQL's guard")]
    Guard(#[source] io::Error),
    /// PostgreSQL is missing or did not start; the text is its own, or the line to run.
    #[error("start PostgreSQL for the tests: {0}")]
    Server(String),
}

/// Tests run in their source tree, where the script is.
const GUARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/postgres/guard.sh");

/// A port is lost only to a process that binds one in the same second: three in a row is a fault.
const PORTS_TO_TRY: usize = 3;

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_server_whose_owner_dies_before_it_is_ready_ends_too() {
        let port = free_ports().unwrap().remove(0);
        let mut guard = guard(&[], [port.clone()]).spawn().unwrap();

        drop((guard.stdin.take(), guard.stdout.take()));
        let _code = guard.wait().unwrap();

        let answer = TcpStream::connect(format!("127.0.0.1:{port}"));
        assert_eq!(answer.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
