//! How the app is started: its command, and what is different about its environment.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, IsTerminal as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use thiserror::Error;

use super::group::Grouping;

/// What is started, and how. The app has our environment but for what is said here.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program, by its path or by its name.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The port that it is told, as `PORT`.
    pub port: AppPort,
    /// The public port, which the app must leave to us.
    pub public: u16,
    /// What it reads.
    pub input: Input,
    /// The variables that it does not get: those that hold secrets of ours.
    pub withheld: Vec<OsString>,
}

/// Where the app listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppPort {
    /// On this port of the machine.
    At(u16),
    /// Nowhere: it is a worker. It has no `PORT`, because the public one is ours.
    Nowhere,
}

/// What the app reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Our standard input.
    Ours,
    /// Nothing: our own held a secret.
    Nothing,
}

/// Why an app does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no such program. Whoever wrote the command is at fault.
    #[error("the program {} is not there", .program.display())]
    NotFound {
        /// As it was written.
        program: OsString,
    },
    /// The program is there, and cannot be run.
    #[error("the program {} cannot be run: {source}", .program.display())]
    CannotRun {
        /// As it was written.
        program: OsString,
        /// What the system says.
        source: io::Error,
    },
    /// The machine has no threads or descriptors left.
    #[error("cannot read the app's output")]
    Outputs(#[source] io::Error),
}

impl Launch {
    /// Starts the app.
    pub(super) fn spawn(&self) -> Result<(Child, Grouping), StartError> {
        let grouping = self.grouping();
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(match self.input {
                Input::Ours => Stdio::inherit(),
                Input::Nothing => Stdio::null(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for variable in &self.withheld {
            command.env_remove(variable);
        }
        match self.port {
            AppPort::At(port) => command.env(PORT, port.to_string()),
            AppPort::Nowhere => command.env_remove(PORT),
        };
        if grouping == Grouping::Own {
            command.process_group(0);
        }
        let child = command.spawn().map_err(|source| self.cannot(source))?;
        Ok((child, grouping))
    }

    /// Returns the program's name without its folder.
    #[must_use]
    pub fn name(&self) -> &OsStr {
        Path::new(&self.program)
            .file_name()
            .unwrap_or(&self.program)
    }

    /// Only a group in the foreground may read what is typed into a terminal.
    fn grouping(&self) -> Grouping {
        match self.input {
            Input::Ours if io::stdin().is_terminal() => Grouping::Shared,
            Input::Ours | Input::Nothing => Grouping::Own,
        }
    }

    fn cannot(&self, source: io::Error) -> StartError {
        let program = self.program.clone();
        // The system says the same of a script whose interpreter is not there.
        let is_there = Path::new(&program).components().nth(1).is_some()
            && Path::new(&program).try_exists().unwrap_or(true);
        if source.kind() == ErrorKind::NotFound && !is_there {
            return StartError::NotFound { program };
        }
        StartError::CannotRun { program, source }
    }
}

/// Finds a port for the app that is free now, and neither the public one nor one of Render's own.
///
/// # Errors
/// If the system gives none.
pub fn free_port(public: u16) -> io::Result<u16> {
    for _ in 0..MOST_TRIES {
        let port = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?
            .local_addr()?
            .port();
        if port != public && !RESERVED.contains(&port) {
            return Ok(port);
        }
    }
    Err(ErrorKind::AddrInUse.into())
}

/// What an app is told its port by.
const PORT: &str = "PORT";

/// Ports that Render keeps for itself, and the one that its router asks for first.
const RESERVED: [u16; 4] = [10_000, 18_012, 18_013, 19_099];

/// The system draws from some 28,000 ports: to meet one of five twice in a row is luck enough.
const MOST_TRIES: usize = 8;
