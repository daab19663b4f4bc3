//! An app in the wrapper, `tunnel-server run -- APP`, or by itself.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{ChildStdout, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::process::{Child, Command};

use super::Stage;
use super::ends::beside;

/// A running app, with or without the wrapper. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct App {
    process: Child,
    port: u16,
}

impl App {
    /// Starts an app by itself, and waits until it listens on its `PORT`.
    pub(crate) async fn alone(stage: &Stage, app: &[&str]) -> Result<Self> {
        let mut command = Command::new(app[0]);
        command.args(&app[1..]);
        Self::start(stage, command).await
    }

    /// Starts an app in the wrapper, and waits until that listens.
    pub(crate) async fn wrapped(stage: &Stage, app: &[&str]) -> Result<Self> {
        let mut command = Command::new(beside("tunnel-server")?);
        command.args(["run", "--"]).args(app);
        Self::start(stage, command).await
    }

    async fn start(stage: &Stage, mut command: Command) -> Result<Self> {
        let port = free_port()?;
        prepare(stage, &mut command).env("PORT", port.to_string());
        let process = command.stdout(Stdio::null()).spawn();
        let mut app = Self {
            process: process.context("start an app")?,
            port,
        };
        app.wait_until_it_listens().await?;
        Ok(app)
    }

    async fn wait_until_it_listens(&mut self) -> Result<()> {
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let ended = self.process.try_wait()?;
            ensure!(ended.is_none(), "the app has ended: {ended:?}");
            ensure!(began.elapsed() < START_TIME, "the app does not listen");
            tokio::time::sleep(START_PAUSE).await;
        }
        Ok(())
    }

    /// Returns where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

/// Prepares the wrapper around an app that only writes.
pub(crate) fn wrap(stage: &Stage, app: &[&str]) -> Result<std::process::Command> {
    let mut command = Command::new(beside("tunnel-server")?);
    command
        .args(["run", "--app-port", "none", "--"])
        .args(app)
        .env("PORT", free_port()?.to_string());
    prepare(stage, &mut command);
    Ok(command.into_std())
}

fn prepare<'c>(stage: &Stage, command: &'c mut Command) -> &'c mut Command {
    command
        .env("RENDER_TUNNEL_SECRET", stage.secret.expose())
        .env_remove("DATABASE_URL")
        .env_remove("RENDER")
        // No `.env` and no `tunnel.toml` of whoever measures.
        .current_dir(stage.folder.path())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
}

/// Returns what a command writes, with the command's process.
pub(crate) fn output_of(
    command: &mut std::process::Command,
) -> Result<(std::process::Child, ChildStdout)> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("start a program")?;
    let pipe = child.stdout.take().context("it is piped")?;
    Ok((child, pipe))
}

/// Returns a port that was free a moment ago.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(listener.local_addr()?.port())
}

/// On a machine that is busy beyond reason.
const START_TIME: Duration = Duration::from_secs(15);

const START_PAUSE: Duration = Duration::from_millis(10);
