//! Production: a `tunnel-server` that takes the webhooks of ten providers.

use std::fmt::Write as _;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::{PROVIDERS, Provider};
use crate::lab::Lab;
use crate::stage::{Stage, beside};

/// A running server. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Production {
    process: Child,
    address: SocketAddr,
}

/// Where a server keeps its webhooks.
#[derive(Clone, Debug)]
pub(crate) enum Inbox {
    /// In a file.
    Sqlite(PathBuf),
    /// In the database at this address.
    Postgres(String),
}

/// What else a server has.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    /// The address of production's database.
    pub(crate) database: Option<String>,
    /// Where log lines come from.
    pub(crate) lines: Option<ChildStdout>,
}

impl Production {
    /// Starts a server on the server's machine, and waits until it listens.
    pub(crate) async fn start(stage: &Stage, lab: &Lab, inbox: &Inbox) -> Result<Self> {
        Self::start_with(stage, lab, inbox, Extras::default()).await
    }

    /// The same, with more than webhooks.
    pub(crate) async fn start_with(
        stage: &Stage,
        lab: &Lab,
        inbox: &Inbox,
        extras: Extras,
    ) -> Result<Self> {
        let (config, log) = (stage.new_file("tunnel.toml"), stage.new_file("server.log"));
        std::fs::write(&config, inbox.section()).context("write a configuration")?;
        let address = SocketAddr::new(lab.server.any_port().ip(), free_port()?);
        let mut command = lab.server.command(&beside("tunnel-server")?);
        command
            .arg("--config")
            .arg(&config)
            .args(["--port", &address.port().to_string()])
            .args(extras.lines.is_some().then_some("--stdin-logs"))
            .env("RENDER_TUNNEL_SECRET", stage.secret().expose())
            .env("RENDER_TUNNEL_PSEUDONYM_KEY", stage.secret().expose())
            .envs(PROVIDERS.iter().map(Provider::variable))
            .envs(inbox.variable())
            .env_remove("DATABASE_URL")
            .envs(extras.database.map(|it| ("DATABASE_URL", it)))
            .current_dir(stage.folder())
            .stdin(extras.lines.map_or_else(Stdio::null, Stdio::from))
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .kill_on_drop(true);
        let process = command.spawn().context("start tunnel-server")?;
        let mut production = Self { process, address };
        production.wait_until_it_listens(lab, &log).await?;
        Ok(production)
    }

    async fn wait_until_it_listens(&mut self, lab: &Lab, log: &Path) -> Result<()> {
        let began = Instant::now();
        let address = self.address;
        let dial = || async move { Ok(TcpStream::connect(address).await?) };
        while lab.server.run(dial()).await.is_err() {
            if began.elapsed() > START_TIME || self.process.try_wait()?.is_some() {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                bail!("tunnel-server does not listen: {said}");
            }
            tokio::time::sleep(START_PAUSE).await;
        }
        Ok(())
    }

    /// Returns where it takes webhooks.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what a laptop dials.
    pub(crate) fn url(&self) -> String {
        format!("quic://{}", self.address)
    }

    /// Stops it in order: what it has taken is in its inbox, and the inbox is closed.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let id = self.process.id().context("tunnel-server has ended")?;
        let mut kill = Command::new("kill");
        let told = kill.arg("-TERM").arg(id.to_string()).status().await?;
        ensure!(told.success(), "tunnel-server could not be told to stop");
        let ended = tokio::time::timeout(STOP_TIME, self.process.wait()).await;
        ended.context("tunnel-server does not stop")??;
        Ok(())
    }
}

impl Inbox {
    /// Returns a file that is not there yet.
    pub(crate) fn new_file(stage: &Stage) -> Self {
        Self::Sqlite(stage.new_file("inbox.db"))
    }

    /// Returns the section of `tunnel.toml`: nothing leaves the inbox, and nobody comes too often.
    fn section(&self) -> String {
        let mut text = "[webhooks]\nretention = \"7d\"\n".to_owned();
        // A string takes everything.
        writeln!(text, "max-bytes = {MOST_BYTES}").ok();
        match self {
            Self::Sqlite(path) => writeln!(text, "inbox = {:?}", path.display().to_string()),
            Self::Postgres(_) => writeln!(text, "inbox-env = {VARIABLE:?}"),
        }
        .ok();
        for provider in &PROVIDERS {
            writeln!(
                text,
                "[webhooks.providers.{}]\nper-minute = 0",
                provider.name
            )
            .ok();
        }
        text
    }

    fn variable(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(address) => Some((VARIABLE, address)),
        }
    }
}

/// Returns a port that was free a moment ago.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(listener.local_addr()?.port())
}

const VARIABLE: &str = "BENCH_INBOX";

/// More than a million deliveries take.
const MOST_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// On a machine that is busy beyond reason, with an inbox of a million deliveries.
const START_TIME: Duration = Duration::from_secs(30);

const START_PAUSE: Duration = Duration::from_millis(10);

/// Sessions have eight seconds to go.
const STOP_TIME: Duration = Duration::from_secs(20);
