//! The two ends: the server as a process of its own, the client in this one.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use client::sync::client::{SyncRequest, Theirs};
use client::sync::target::{Destination, Mode};
use client::sync::wire::{Open, Sanitising, Selection};
use client::{Reconnect, TunnelClient};
use tokio::process::{Child, Command};
use transport::choice::CarrierChoice;
use transport::trust::Secret;
use url::Url;

use super::{Databases, Stage};
use crate::lab::{Congestion, Door, Lab, Machine};
use crate::link::Way;

/// What a server end has.
#[derive(Debug, Default)]
pub(crate) struct Equipment<'a> {
    /// The address of production's database.
    pub(crate) database: Option<&'a str>,
    /// Where log lines come from.
    pub(crate) lines: Option<ChildStdout>,
    /// Its `tunnel.toml`.
    pub(crate) config: String,
    /// Variables of its environment.
    pub(crate) variables: Vec<(String, String)>,
}

/// A running `tunnel-server`, and the machines of both ends.
#[derive(Debug)]
pub(crate) struct ServerEnd {
    process: Child,
    secret: Secret,
    address: SocketAddr,
    tunnel: PathBuf,
    lab: Lab,
    /// To the databases, if the machines are not this one.
    _doors: Vec<Door>,
}

impl ServerEnd {
    /// Starts a server end with a database, and with log lines out of a pipe if one is given, and
    /// waits until it lets in.
    pub(crate) async fn start(
        stage: &Stage,
        database: &str,
        lines: Option<ChildStdout>,
    ) -> Result<Self> {
        let equipment = Equipment {
            database: Some(database),
            lines,
            ..Equipment::default()
        };
        Self::over(stage, stage.way(), equipment).await
    }

    /// Starts a server end on a link, or on loopback, and waits until it lets in.
    pub(crate) async fn over(
        stage: &Stage,
        way: Option<Way>,
        equipment: Equipment<'_>,
    ) -> Result<Self> {
        let lab = match way {
            None => Lab::on_loopback()?,
            Some(way) => Lab::emulated(way, Congestion::Bbr, SEED)?,
        };
        Self::within(stage, lab, equipment).await
    }

    /// Starts a server end in a lab, and waits until it lets in.
    pub(crate) async fn within(stage: &Stage, lab: Lab, equipment: Equipment<'_>) -> Result<Self> {
        let Equipment {
            database,
            lines,
            config,
            variables,
        } = equipment;
        let (settings, log) = (stage.new_file("tunnel.toml"), stage.new_file("server.log"));
        std::fs::write(&settings, config).context("write a configuration")?;
        let address = SocketAddr::new(lab.server.any_port().ip(), free_port()?);
        let secret = stage.secret.clone();
        let process = lab
            .server
            .command(&beside("tunnel-server")?)
            .arg("--config")
            .arg(&settings)
            .args(["--port", &address.port().to_string()])
            .args(lines.is_some().then_some("--stdin-logs"))
            .env("RENDER_TUNNEL_SECRET", secret.expose())
            .env("RENDER_TUNNEL_PSEUDONYM_KEY", secret.expose())
            .env_remove("DATABASE_URL")
            .envs(database.map(|database| ("DATABASE_URL", database)))
            .envs(variables)
            // No `.env` of whoever measures.
            .current_dir(stage.folder.path())
            .stdin(lines.map_or_else(Stdio::null, Stdio::from))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .context("start tunnel-server")?;
        let mut end = Self {
            process,
            secret,
            address,
            tunnel: beside("tunnel")?,
            _doors: doors(&lab, stage, database.unwrap_or_default()).await?,
            lab,
        };
        end.wait_until_it_lets_in(&log).await?;
        Ok(end)
    }

    async fn wait_until_it_lets_in(&mut self, log: &Path) -> Result<()> {
        let began = Instant::now();
        loop {
            match self.connect().await {
                Ok(client) => {
                    client.disconnect().await;
                    return Ok(());
                }
                Err(error)
                    if began.elapsed() > START_TIME || self.process.try_wait()?.is_some() =>
                {
                    let said = std::fs::read_to_string(log).unwrap_or_default();
                    bail!("tunnel-server lets nobody in: {error:#}\n{said}");
                }
                // It has not bound its port yet.
                Err(_) => tokio::time::sleep(START_PAUSE).await,
            }
        }
    }

    /// Connects over the link, by UDP.
    pub(crate) async fn connect(&self) -> Result<TunnelClient> {
        self.connect_over(CarrierChoice::Udp).await
    }

    /// Connects over the link.
    pub(crate) async fn connect_over(&self, choice: CarrierChoice) -> Result<TunnelClient> {
        let client = TunnelClient::builder()
            .server(format!("http://{}", self.address).parse()?)
            .carrier(choice)
            .secret(self.secret.clone())
            .reconnect(Reconnect::Off);
        let connect = async {
            let client = client.connect().await;
            client.map_err(|error| anyhow::anyhow!("{}", error.chain()))
        };
        self.lab.client.run(connect).await
    }

    /// Prepares the command `tunnel` for this server.
    pub(crate) fn tunnel(&self, stage: &Stage) -> Command {
        let mut command = self.lab.client.command(&self.tunnel);
        command
            .env("RENDER_EXTERNAL_URL", self.address())
            .env("RENDER_TUNNEL_SECRET", self.secret.expose())
            .env_remove("DATABASE_URL")
            // What whoever measures holds or has kept is nothing to it.
            .env("XDG_RUNTIME_DIR", stage.folder.path())
            .env("XDG_STATE_HOME", stage.folder.path().join("state"))
            .current_dir(stage.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Returns the machine of the programs at the client's end.
    pub(crate) const fn laptop(&self) -> &Machine {
        &self.lab.client
    }

    /// Prepares the command that syncs the table `courses` into a database.
    pub(crate) fn tunnel_sync(&self, stage: &Stage, local: &str) -> Command {
        let mut command = self.tunnel(stage);
        command.args(["sync", "--table", "courses", "--quiet", "--to", local]);
        command
    }

    /// Returns the process's id.
    pub(crate) fn process(&self) -> Result<u32> {
        self.process.id().context("tunnel-server has ended")
    }

    /// Returns what a client dials.
    fn address(&self) -> String {
        format!("quic://{}", self.address)
    }
}

/// Opens the doors to the databases that the ends use.
async fn doors(lab: &Lab, stage: &Stage, database: &str) -> Result<Vec<Door>> {
    let mut doors = Vec::new();
    if lab.wire.is_some() {
        let port = |database: &str| Url::parse(database).ok()?.port();
        if let Some(production) = port(database) {
            doors.push(Door::open(&lab.server, production).await?);
        }
        let local = stage.databases.get().map(Databases::local_address);
        if let Some(local) = local.as_deref().and_then(port) {
            doors.push(Door::open(&lab.client, local).await?);
        }
    }
    Ok(doors)
}

/// Returns the sync of the whole table `courses` into a database, as a user asks for it.
pub(crate) fn courses_into(database: &str) -> Result<SyncRequest> {
    Ok(SyncRequest {
        open: Open {
            tables: Selection::Named(vec!["courses".to_owned()]),
            limit: None,
            sanitising: Sanitising::On,
        },
        destination: Destination::Database(database.parse()?),
        mode: Mode::Merge,
        theirs: Theirs::Ask,
    })
}

/// Returns the path of a program that was built with this one.
pub(crate) fn beside(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()
        .context("find this program")?
        .with_file_name(name);
    if !path.exists() {
        bail!("{} is missing; `just bench` builds it", path.display());
    }
    Ok(path)
}

/// Returns a port that was free a moment ago.
fn free_port() -> Result<u16> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(socket.local_addr()?.port())
}

/// On a machine that is busy beyond reason.
const START_TIME: Duration = Duration::from_secs(15);

/// The link's luck, the same in every run.
const SEED: u64 = 1;

const START_PAUSE: Duration = Duration::from_millis(20);
