//! An instance of a service: `tunnel-server` with a memory of lines on a disk, whose standard input is
//! the log.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::mem;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::Stage;
use super::ends::beside;

/// A running instance. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Instance {
    child: Child,
    /// What it writes to its standard error. A file: a pipe that nobody reads would stop it one day.
    says: BufReader<File>,
    /// Where it listens.
    pub(crate) port: u16,
}

/// What an instance keeps from start to start.
#[derive(Clone)]
pub(crate) struct Place {
    name: &'static str,
    config: PathBuf,
    /// What its instances say, one after the other.
    words: PathBuf,
    folder: PathBuf,
    secret: String,
}

impl Place {
    /// Makes a place for an instance of this name.
    pub(crate) fn new(stage: &Stage, name: &'static str) -> Result<Self> {
        let (config, log) = (stage.new_file("tunnel.toml"), stage.new_file("log"));
        // A laptop that is cut off for a second is to find everything.
        let text = format!(
            "[logs]\npath = {:?}\nmax-bytes = {}\n",
            log.display().to_string(),
            256 * 1024 * 1024
        );
        std::fs::write(&config, text).context("write a configuration")?;
        Ok(Self {
            name,
            config,
            words: stage.new_file("server.log"),
            folder: stage.folder.path().to_owned(),
            secret: stage.secret.expose().to_owned(),
        })
    }
}

impl Instance {
    /// Starts an instance and waits until it listens, on a port of its own unless one is given.
    pub(crate) fn start(place: &Place, port: Option<u16>) -> Result<(Self, ChildStdin)> {
        let port = port.unwrap_or(0).to_string();
        let words = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&place.words)
            .context("write down what a server says")?;
        let mut says = File::open(&place.words).context("read what a server says")?;
        says.seek(SeekFrom::End(0))?;
        let mut child = command(place)?
            .stderr(words)
            .args(["--stdin-logs", "--port", &port])
            .env("RENDER_INSTANCE_ID", place.name)
            .spawn()
            .context("start tunnel-server")?;
        let input = child.stdin.take().context("it is piped")?;
        let mut instance = Self {
            child,
            says: BufReader::new(says),
            port: 0,
        };
        let line = instance.said("listening for HTTP on TCP")?;
        let port = line
            .trim()
            .rsplit(':')
            .next()
            .and_then(|it| it.parse().ok());
        instance.port = port.context("it names no port")?;
        Ok((instance, input))
    }

    /// Waits until it has read all that its closed standard input held, and stops it in order.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.said("standard input has ended")?;
        self.signal("-TERM")?;
        self.child.wait().context("wait for its end")?;
        Ok(())
    }

    /// Kills it without a last word.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.signal("-KILL")?;
        self.child.wait().context("wait for its end")?;
        Ok(())
    }

    fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill")
            .arg(name)
            .arg(self.child.id().to_string())
            .status();
        anyhow::ensure!(status?.success(), "{name} was not sent");
        Ok(())
    }

    /// Waits until it says something.
    fn said(&mut self, piece: &str) -> Result<String> {
        let (mut seen, mut line) = (String::new(), String::new());
        loop {
            // Asked first: what it said before its end is in the file then.
            let ended = self.child.try_wait()?.is_some();
            let read = self.says.read_line(&mut line)?;
            if line.ends_with('\n') {
                if line.contains(piece) {
                    return Ok(line);
                }
                seen.push_str(&mem::take(&mut line));
            } else if read == 0 && ended {
                bail!("tunnel-server has ended: {seen}");
            } else {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn command(place: &Place) -> Result<Command> {
    let mut command = Command::new(beside("tunnel-server")?);
    command
        .arg("--config")
        .arg(&place.config)
        .env("RENDER_TUNNEL_SECRET", &place.secret)
        .env("RENDER_TUNNEL_PSEUDONYM_KEY", &place.secret)
        .env_remove("DATABASE_URL")
        .current_dir(&place.folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    Ok(command)
}

/// Writes numbered lines, and says whether they could all be written.
pub(crate) fn write_lines(
    input: &mut ChildStdin,
    numbers: std::ops::Range<u64>,
) -> std::io::Result<()> {
    let mut text = String::new();
    for number in numbers {
        use std::fmt::Write as _;
        // A string takes everything.
        writeln!(
            text,
            r#"{{"level":30,"time":1800000000000,"msg":"line {number}","path":"/api"}}"#
        )
        .ok();
    }
    input.write_all(text.as_bytes())
}

/// How often it is looked whether a server has said more.
const PAUSE: Duration = Duration::from_millis(10);
