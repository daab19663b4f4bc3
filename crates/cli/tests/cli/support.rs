//! A folder of its own, a clean environment, and the programs in it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tempfile::TempDir;

use crate::terminal::Watched;

pub(crate) const SECRET: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";
pub(crate) const OTHER_SECRET: &str = "c41e07f95d2a4b6e8037f1d9a2b45c68";

/// A folder to run programs in.
pub(crate) struct Sandbox {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

/// What a program printed and ended with.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    /// The same as it was written: it need not be text.
    pub(crate) raw_out: Vec<u8>,
    pub(crate) err: String,
}

/// What a program printed, byte for byte.
#[derive(Debug)]
pub(crate) struct RawEnded {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
}

/// A program that runs; it is killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
    err: BufReader<ChildStderr>,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        }
    }

    pub(crate) fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn tunnel(&self, arguments: &[&str]) -> Ended {
        Ended::of(
            self.command(env!("CARGO_BIN_EXE_tunnel"), arguments)
                .output()
                .unwrap(),
        )
    }

    pub(crate) fn server(&self, arguments: &[&str]) -> Ended {
        Ended::of(
            self.command(env!("CARGO_BIN_EXE_tunnel-server"), arguments)
                .output()
                .unwrap(),
        )
    }

    pub(crate) fn start_tunnel(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(env!("CARGO_BIN_EXE_tunnel"), arguments))
    }

    pub(crate) fn start_server(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(env!("CARGO_BIN_EXE_tunnel-server"), arguments))
    }

    /// Starts `tunnel-server run` with a shell's script as its app, which serves no HTTP.
    pub(crate) fn wrap(&self, script: &str) -> Running {
        self.wrap_with(&["--app-port", "none"], script)
    }

    /// Starts `tunnel-server run` with options of its own and a shell's script as its app.
    pub(crate) fn wrap_with(&self, options: &[&str], script: &str) -> Running {
        let app = ["--", "sh", "-c", script];
        self.start_server(&[&["run", "--port", "0"], options, &app].concat())
    }

    pub(crate) fn watch_tunnel(&self, arguments: &[&str]) -> Watched {
        Watched::start(self.command(env!("CARGO_BIN_EXE_tunnel"), arguments))
    }

    /// Starts a program that is not ours.
    pub(crate) fn start(&self, program: &str, arguments: &[&str]) -> Running {
        Running::start(self.command(program, arguments))
    }

    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.path())
            .stdin(Stdio::null());
        if program == env!("CARGO_BIN_EXE_tunnel") {
            // A session that is held is for the programs of this sandbox alone.
            command.env("XDG_RUNTIME_DIR", self.path());
        }
        command
    }
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            raw_out: output.stdout,
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Holds the exit code and pieces of standard error against what is expected.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, pieces: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for piece in pieces {
            assert!(self.err.contains(piece), "{piece:?} is not in {self:?}");
        }
        let escapes = self.out.contains('\x1b') || self.err.contains('\x1b');
        assert!(!escapes, "escape codes without a terminal: {self:?}");
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl RawEnded {
    /// Whether standard error holds these bytes.
    pub(crate) fn err_has(&self, bytes: &[u8]) -> bool {
        self.err.windows(bytes.len()).any(|part| part == bytes)
    }
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let err = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            out: Some(out),
            err,
        }
    }

    /// Reads standard error up to a line that holds `piece`, and returns that line.
    pub(crate) fn said(&mut self, piece: &str) -> String {
        line_with(&mut self.err, piece)
    }

    /// Reads standard output up to a line that holds `piece`, and returns that line.
    pub(crate) fn wrote(&mut self, piece: &str) -> String {
        line_with(self.out.as_mut().unwrap(), piece)
    }

    /// Waits until a server listens for QUIC, and returns where.
    pub(crate) fn quic_url(&mut self) -> String {
        let line = self.said("listening for QUIC on UDP");
        let port = line.trim().rsplit(':').next().unwrap();
        format!("quic://127.0.0.1:{port}")
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Fails with what it said if it has ended.
    #[track_caller]
    pub(crate) fn assert_runs(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            let mut err = String::new();
            self.err.read_to_string(&mut err).unwrap();
            panic!("it has ended too early, {status}: {err}");
        }
    }

    /// Waits for the end and returns what was not read yet.
    pub(crate) fn end(mut self) -> Ended {
        let (mut out, mut err) = (String::new(), String::new());
        if let Some(mut rest) = self.out.take() {
            rest.read_to_string(&mut out).unwrap();
        }
        self.err.read_to_string(&mut err).unwrap();
        Ended {
            code: self.child.wait().unwrap().code(),
            raw_out: out.clone().into_bytes(),
            out,
            err,
        }
    }

    /// Waits for the end and returns what was not read yet, which may be no text.
    pub(crate) fn end_raw(mut self) -> RawEnded {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        if let Some(mut rest) = self.out.take() {
            rest.read_to_end(&mut out).unwrap();
        }
        self.err.read_to_end(&mut err).unwrap();
        let code = self.child.wait().unwrap().code();
        RawEnded { code, out, err }
    }

    /// Stops reading standard output, as `head` does, and waits for the end.
    pub(crate) fn end_unread(mut self) -> Ended {
        self.out = None;
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A server in a folder of its own, on a free port.
pub(crate) struct Serving {
    // Dropped in this order: first the program, then its folder.
    running: Running,
    sandbox: Sandbox,
    /// Its address for a client.
    pub(crate) url: String,
}

impl Serving {
    /// Starts `tunnel-server` with [`SECRET`] and a database, if one is given.
    pub(crate) fn start(database: Option<&str>) -> Self {
        let mut sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
        if let Some(database) = database {
            sandbox = sandbox.set("DATABASE_URL", database);
        }
        Self::run(sandbox, "0")
    }

    /// Starts one without a database whose log is what its standard input has.
    pub(crate) fn with_log(lines: &[u8]) -> Self {
        let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
        let input = sandbox.path().join("app.log");
        std::fs::write(&input, lines).unwrap();
        let server = env!("CARGO_BIN_EXE_tunnel-server");
        let mut command = sandbox.command(server, &["--port", "0", "--stdin-logs"]);
        command.stdin(File::open(input).unwrap());
        Self::when_it_listens(Running::start(command), sandbox)
    }

    /// Starts one in a folder that has its files already.
    pub(crate) fn in_sandbox(sandbox: Sandbox) -> Self {
        Self::run(sandbox, "0")
    }

    /// Writes one of its files aside, and puts it in its place.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.sandbox.path().join(name);
        let aside = path.with_extension("aside");
        std::fs::write(&aside, text).unwrap();
        std::fs::rename(aside, path).unwrap();
    }

    /// Starts one without a database that can be replaced.
    pub(crate) fn at_a_lasting_port() -> Self {
        let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
        Self::run(sandbox, &lasting_port().to_string())
    }

    /// Starts one with a database, and with pseudonyms that last, that can be killed.
    pub(crate) fn lasting_with(database: &str) -> Self {
        Self::lasting_in(Sandbox::new(), database)
    }

    /// The same, with what else a sandbox has.
    pub(crate) fn lasting_in(sandbox: Sandbox, database: &str) -> Self {
        let sandbox = sandbox
            .set("RENDER_TUNNEL_SECRET", SECRET)
            .set("RENDER_TUNNEL_PSEUDONYM_KEY", OTHER_SECRET)
            .set("DATABASE_URL", database);
        Self::run(sandbox, &lasting_port().to_string())
    }

    pub(crate) fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    /// Kills it without a last word, and starts the same again.
    pub(crate) fn kill_and_start_again(self) -> Self {
        let port = self.port().to_owned();
        self.running.signal("-KILL");
        assert_eq!(self.running.end().code, None);
        Self::run(self.sandbox, &port)
    }

    /// Stops it in order, and starts another with this secret in its place.
    pub(crate) fn replace(self, secret: &str) -> Self {
        let port = self.port().to_owned();
        self.running.signal("-TERM");
        self.running.end().expect(0, &[]);
        Self::run(Sandbox::new().set("RENDER_TUNNEL_SECRET", secret), &port)
    }

    /// Returns its address as a plain HTTP server's: where the port is a lasting one, it is one
    /// for both.
    pub(crate) fn http(&self) -> String {
        self.url.replace("quic://", "http://")
    }

    fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    fn run(sandbox: Sandbox, port: &str) -> Self {
        let arguments = ["--host", "127.0.0.1", "--port", port];
        Self::when_it_listens(sandbox.start_server(&arguments), sandbox)
    }

    fn when_it_listens(mut running: Running, sandbox: Sandbox) -> Self {
        let line = running.said("listening for QUIC on UDP");
        let url = format!(
            "quic://127.0.0.1:{}",
            line.trim().rsplit(':').next().unwrap()
        );
        Self {
            running,
            sandbox,
            url,
        }
    }
}

/// Returns what carried the session of a `tunnel health --json`.
pub(crate) fn carrier_of(health: &Ended) -> String {
    let carrier = &health.json()["checks"]["session:carrier"][0]["observedValue"];
    carrier.as_str().unwrap().to_owned()
}

/// Answers every connection with the same text, as a web server that is no tunnel does, and
/// returns its port. Its thread waits for connections until the test's process ends.
pub(crate) fn answering(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // Up to the end of the request's head: a reset would overtake the answer otherwise.
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head = lines.map_while(Result::ok);
            head.take_while(|line| !line.is_empty()).for_each(drop);
            // Who asked may have left.
            stream.write_all(answer.as_bytes()).ok();
        }
    });
    port
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

/// Finds a port that nobody takes while it is free for a moment: below those that Linux hands out.
pub(crate) fn lasting_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Processes and tests that run at once begin far apart.
        let number = std::process::id()
            .wrapping_mul(37)
            .wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from(number % 12_000).unwrap();
        if UdpSocket::bind(("0.0.0.0", port)).is_ok()
            && TcpListener::bind(("0.0.0.0", port)).is_ok()
        {
            return port;
        }
    }
}

/// A folder with the demo production's database in it, and the database's path.
pub(crate) fn demo_database(sandbox: &Sandbox) -> String {
    sandbox.tunnel(&["health"]).expect(0, &[]);
    sandbox
        .path()
        .join(".tunnel/demo-production.db")
        .to_str()
        .unwrap()
        .to_owned()
}

#[track_caller]
fn line_with(reader: &mut impl BufRead, piece: &str) -> String {
    let mut seen = String::new();
    loop {
        let start = seen.len();
        assert_ne!(
            reader.read_line(&mut seen).unwrap(),
            0,
            "{piece:?} never came: {seen}"
        );
        if seen[start..].contains(piece) {
            return seen[start..].to_owned();
        }
    }
}
