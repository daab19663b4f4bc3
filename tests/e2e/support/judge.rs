//! Programs in other languages, which ask the official SDKs what the tests want to know: `tests/sdks`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A running program: a line of JSON is a question, a line of JSON the answer. It ends when this is dropped.
pub(crate) struct Judge {
    program: Child,
    asks: Option<ChildStdin>,
    says: BufReader<ChildStdout>,
}

impl Judge {
    /// Starts a program of `tests/sdks` with Node.
    ///
    /// # Panics
    /// If its SDKs are not installed: a test that needs them fails, it is never left out.
    pub(crate) fn node(script: &str, arguments: &[&str]) -> Self {
        installed("node_modules");
        Self::start(Command::new("node"), script, arguments)
    }

    /// Starts a program of `tests/sdks` with Python.
    ///
    /// # Panics
    /// If its SDKs are not installed.
    pub(crate) fn python(script: &str, arguments: &[&str]) -> Self {
        let python = installed(".venv/bin/python");
        Self::start(Command::new(python), script, arguments)
    }

    fn start(mut command: Command, script: &str, arguments: &[&str]) -> Self {
        let command = command.arg(installed(script)).args(arguments);
        // What is on this machine is not asked for through a developer's proxy.
        let command = command.env("no_proxy", "127.0.0.1");
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = piped.spawn().expect("node and Python: run ./setup.sh test");
        Self {
            asks: program.stdin.take(),
            says: BufReader::new(program.stdout.take().expect("it is piped")),
            program,
        }
    }

    /// Asks, and waits for the answer.
    pub(crate) fn ask(&mut self, question: &Value) -> Value {
        let asks = self.asks.as_mut().expect("it runs");
        writeln!(asks, "{question}").expect("it listens");
        let mut line = String::new();
        self.says.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).expect("JSON: what it said is above")
    }
}

impl Drop for Judge {
    /// It ends with its input.
    fn drop(&mut self) {
        self.asks = None;
        self.program.wait().ok();
    }
}

/// Returns where something of the SDKs is.
fn installed(name: &str) -> PathBuf {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/sdks")).join(name);
    assert!(path.exists(), "no {}; run: ./setup.sh test", path.display());
    path
}
