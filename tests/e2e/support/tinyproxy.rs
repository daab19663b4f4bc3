//! tinyproxy, which many a company's laptops go through: it opens ways with CONNECT.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use tempfile::TempDir;

use super::program::{Program, find, listen};

/// A proxy for clients.
pub(crate) struct Tinyproxy {
    // Dropped in this order: first the program, then its folder.
    _program: Program,
    folder: TempDir,
    /// As it stands in `HTTPS_PROXY`.
    pub(crate) url: String,
}

impl Tinyproxy {
    /// Starts one. It binds a port by itself, which another program may have taken in the same moment:
    /// then another port is tried.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (log, path) = (
            folder.path().join("log"),
            folder.path().join("tinyproxy.conf"),
        );
        loop {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let port = free.local_addr().expect("a bound socket").port();
            drop(free);
            let configuration = format!(
                "Listen 127.0.0.1\nPort {port}\nTimeout 600\nLogLevel Info\nLogFile \"{}\"\n",
                log.display()
            );
            std::fs::write(&path, configuration).expect("a file is written");
            let mut command = Command::new(find("tinyproxy"));
            command.args(["-d", "-c"]).arg(&path);
            // It has no use for the socket.
            let mut program = Program::start(&command, listen().0);
            if program.runs_until(|| text(&log).contains("Accepting connections")) {
                return Self {
                    _program: program,
                    folder,
                    url: format!("http://127.0.0.1:{port}"),
                };
            }
        }
    }

    /// Whether it was asked for a way to this port.
    pub(crate) fn was_asked_for(&self, port: u16) -> bool {
        let log = text(&self.folder.path().join("log"));
        log.contains("CONNECT 0.0.0.0:") && log.contains(&port.to_string())
    }
}

fn text(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
