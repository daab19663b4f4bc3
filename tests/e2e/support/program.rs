//! A program of somebody else's, such as nginx, for as long as a test needs it.

use std::io::{BufRead, BufReader, Read as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

/// A running program; it ends when this is dropped, or when the test's process does.
///
/// ```text
/// test ── leash ──▶ guard.sh ── signals ──▶ program
/// ```
pub(crate) struct Program {
    guard: Child,
    leash: Option<BufReader<UnixStream>>,
    id: String,
    says: BufReader<ChildStderr>,
}

impl Program {
    /// Starts a program. It finds the listening socket as descriptor 3, so that it has a port that
    /// nobody can take away meanwhile, and connections wait there until it accepts them.
    pub(crate) fn start(command: &Command, listener: TcpListener) -> Self {
        let (leash, end) = UnixStream::pair().expect("a pair of sockets");
        let mut guard = Command::new("sh");
        guard.arg(GUARD).arg(command.get_program());
        guard.args(command.get_args());
        for (name, value) in command.get_envs() {
            guard.env(name, value.unwrap_or_default());
        }
        let mut guard = guard
            .stdin(OwnedFd::from(listener))
            .stdout(OwnedFd::from(end))
            .stderr(Stdio::piped())
            // A group of its own: ^C and a runner's kill reach the test, and the guard sees it end.
            .process_group(0)
            .spawn()
            .expect("sh");
        let says = BufReader::new(guard.stderr.take().expect("it is piped"));
        let mut leash = BufReader::new(leash);
        let mut id = String::new();
        leash.read_line(&mut id).expect("an answer of the guard");
        Self {
            guard,
            leash: Some(leash),
            id: id.trim().to_owned(),
            says,
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.id]).status();
        assert!(sent.expect("kill").success(), "{name} to {}", self.id);
    }

    /// Waits until something is so; false if the program ends before.
    pub(crate) fn runs_until(&mut self, is_so: impl Fn() -> bool) -> bool {
        loop {
            if is_so() {
                return true;
            }
            if self.guard.try_wait().expect("a child").is_some() {
                return false;
            }
            std::thread::sleep(GLANCE);
        }
    }
}

impl Drop for Program {
    #[expect(clippy::print_stdout, reason = "it may be why a test fails")]
    fn drop(&mut self) {
        self.leash = None;
        self.guard.wait().ok();
        if std::thread::panicking() {
            let mut rest = String::new();
            self.says.read_to_string(&mut rest).ok();
            println!("the program said:\n{rest}");
        }
    }
}

/// Finds a program, also where Debian puts those of administrators.
///
/// # Panics
/// If it is not on this machine: a test that needs one fails, it is never left out.
pub(crate) fn find(name: &str) -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "where programs are is the machine's"
    )]
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/local/sbin"]);
    let mut found = folders.map(|folder| Path::new(folder).join(name));
    found
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("there is no {name} on this machine; run: ./setup.sh test"))
}

/// Listens on a port of loopback that the system chooses.
pub(crate) fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    (listener, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// Tests run in their source tree, where the script is.
const GUARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/support/guard.sh");

/// How often is looked whether a program that cannot tell is ready.
const GLANCE: Duration = Duration::from_millis(5);
