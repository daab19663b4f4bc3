//! A terminal with a person before it.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

/// A program at a terminal; it is killed when it is dropped.
pub(crate) struct Watched {
    child: Child,
    keys: File,
    screen: BufReader<File>,
}

impl Watched {
    /// Starts a program with all of its streams at a terminal.
    pub(crate) fn start(mut command: Command) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let theirs = ioctl_tiocgptpeer(&ours, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        let stream = || OwnedFd::try_clone(&theirs).unwrap();
        command.stdin(stream()).stdout(stream()).stderr(stream());
        let child = command.spawn().unwrap();
        let ours = File::from(ours);
        Self {
            child,
            keys: ours.try_clone().unwrap(),
            screen: BufReader::new(ours),
        }
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        writeln!(self.keys, "{line}").unwrap();
    }

    /// Reads the screen up to a line that holds `piece`, and returns that line.
    #[track_caller]
    pub(crate) fn shows(&mut self, piece: &str) -> String {
        let mut seen = String::new();
        loop {
            let start = seen.len();
            let read: io::Result<usize> = self.screen.read_line(&mut seen);
            assert!(
                read.is_ok_and(|read| read > 0),
                "{piece:?} never came: {seen}"
            );
            if seen[start..].contains(piece) {
                return seen[start..].to_owned();
            }
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
