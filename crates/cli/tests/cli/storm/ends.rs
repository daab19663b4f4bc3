//! The programs at both ends and the app behind them, which are killed and start again.

use std::fs::File;
use std::net::SocketAddr;
use std::process::Child;
use std::time::Duration;

use testkit::luck::Luck;
use testkit::target::{Heard, Target};
use tokio::net::TcpStream;

use super::Blow;
use super::providers::{KEY, PROVIDERS};
use super::relay::Relay;
use crate::support::{SECRET, Sandbox, lasting_port};

/// Both ends, what is between them, and the app.
pub(super) struct Ends {
    /// What the app has heard.
    pub(super) heard: Heard,
    production: Sandbox,
    home: Sandbox,
    port: u16,
    relay: Relay,
    server: Program,
    laptop: Program,
    app: Option<Target>,
    app_address: SocketAddr,
}

/// A program that is killed when it is dropped.
struct Program(Child);

impl Ends {
    /// Starts them with an inbox in a file.
    pub(super) async fn with_sqlite() -> Self {
        Self::start("inbox = \"inbox.db\"", Sandbox::new()).await
    }

    /// Starts them with an inbox in a database.
    pub(super) async fn with_postgres(url: &str) -> Self {
        let production = Sandbox::new().set("INBOX_URL", url);
        Self::start("inbox-env = \"INBOX_URL\"", production).await
    }

    async fn start(inbox: &str, production: Sandbox) -> Self {
        let production = production
            .set("RENDER_TUNNEL_SECRET", SECRET)
            .set("STORM_KEY", KEY);
        std::fs::write(production.path().join("tunnel.toml"), configuration(inbox)).unwrap();
        let port = lasting_port();
        let relay = Relay::before(SocketAddr::from(([127, 0, 0, 1], port))).await;
        let home = Sandbox::new()
            .set("RENDER_TUNNEL_SECRET", SECRET)
            .set("RENDER_EXTERNAL_URL", format!("http://{}", relay.address));
        let heard = Heard::default();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let app = Target::start_at(any, heard.clone(), PACE).await.unwrap();
        let app_address = app.address;
        let server = start_server(&production, port);
        // A laptop gives up if it never had a connection.
        until_there(port).await;
        let ends = Self {
            server,
            laptop: start_laptop(&home, app_address.port()),
            heard,
            production,
            home,
            port,
            relay,
            app: Some(app),
            app_address,
        };
        ends.follow().await;
        ends
    }

    /// Waits until the laptop follows each provider: one that is new to a server begins with what comes
    /// from then on.
    async fn follow(&self) {
        let opened = async {
            while said(&self.home).matches(r#""type":"opened""#).count() < PROVIDERS.len() {
                tokio::time::sleep(GLANCE).await;
            }
        };
        if tokio::time::timeout(START, opened).await.is_err() {
            panic!("the laptop does not follow: {}", self.report());
        }
    }

    /// Returns where providers send to: not through the relay.
    pub(super) fn server_address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Kills or cuts, and lets live again.
    pub(super) async fn strike(&mut self, blow: Blow, luck: &mut Luck) {
        match blow {
            Blow::Server => {
                self.server.kill();
                self.server = start_server(&self.production, self.port);
            }
            Blow::Laptop => {
                self.laptop.kill();
                self.laptop = start_laptop(&self.home, self.app_address.port());
            }
            Blow::App => {
                if let Some(app) = self.app.take() {
                    app.kill().await;
                }
                // As long as an app takes that its developer has saved a file of.
                luck.pause(Duration::ZERO, Duration::from_millis(300)).await;
                let again = Target::start_at(self.app_address, self.heard.clone(), PACE);
                self.app = Some(again.await.expect("its port is free again"));
            }
            Blow::Cut => self.relay.cut(),
        }
    }

    /// Starts the laptop's program again if it has given up: one that starts while the server is not
    /// there does, as it tells its user at once.
    pub(super) fn revive(&mut self) {
        if self.laptop.0.try_wait().unwrap().is_some() {
            self.laptop = start_laptop(&self.home, self.app_address.port());
        }
    }

    /// Waits for something with a laptop that is there.
    pub(super) async fn while_reviving(&mut self, something: impl Future<Output = ()>) {
        tokio::pin!(something);
        while tokio::time::timeout(GLANCE, &mut something).await.is_err() {
            self.revive();
        }
    }

    /// Ends the programs.
    pub(super) async fn end(&mut self) {
        self.laptop.kill();
        self.server.kill();
        if let Some(app) = self.app.take() {
            app.kill().await;
        }
    }

    /// Returns the last words of both programs, and how much has arrived.
    pub(super) fn report(&self) -> String {
        let said = |sandbox: &Sandbox| {
            let said = said(sandbox);
            let lines: Vec<_> = said.lines().collect();
            lines[lines.len().saturating_sub(40)..].join("\n")
        };
        format!(
            "{} posts\n--- the server:\n{}\n--- the laptop:\n{}",
            self.heard.count(),
            said(&self.production),
            said(&self.home),
        )
    }
}

impl Program {
    fn kill(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

fn start_server(sandbox: &Sandbox, port: u16) -> Program {
    let port = port.to_string();
    start(
        sandbox,
        env!("CARGO_BIN_EXE_tunnel-server"),
        &["--port", &port],
    )
}

fn start_laptop(sandbox: &Sandbox, app: u16) -> Program {
    let forwards: Vec<_> = PROVIDERS
        .iter()
        .map(|name| format!("{name}={app}/{name}"))
        .collect();
    let mut arguments = vec!["webhook", "--json", "--carrier", "websocket"];
    for forward in &forwards {
        arguments.extend(["--forward", forward]);
    }
    start(sandbox, env!("CARGO_BIN_EXE_tunnel"), &arguments)
}

fn start(sandbox: &Sandbox, program: &str, arguments: &[&str]) -> Program {
    let mut command = sandbox.command(program, arguments);
    let mut said = File::options();
    let said = said
        .create(true)
        .append(true)
        .open(sandbox.path().join(SAID))
        .unwrap();
    command.stdout(said.try_clone().unwrap()).stderr(said);
    Program(command.spawn().unwrap())
}

async fn until_there(port: u16) {
    let there = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(GLANCE).await;
        }
    };
    tokio::time::timeout(START, there)
        .await
        .expect("the server listens");
}

fn said(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path().join(SAID)).unwrap_or_default()
}

fn configuration(inbox: &str) -> String {
    let provider = |name: &&str| {
        format!(
            "[webhooks.providers.{name}]\nsecret-env = \"STORM_KEY\"\nper-minute = 0\n\
             [webhooks.providers.{name}.hmac]\nheader = \"x-storm-signature\"\n\
             id-header = \"x-storm-id\"\nevent-header = \"x-storm-event\"\n"
        )
    };
    let providers: String = PROVIDERS.iter().map(provider).collect();
    format!("[webhooks]\n{inbox}\n{providers}")
}

/// Where what a program says goes: a pipe that nobody reads would hold it up.
const SAID: &str = "said.txt";

/// How long the app thinks: so long may somebody die between a POST and its receipt.
const PACE: Duration = Duration::from_millis(2);

/// How long both ends may take until they are joined, on a busy machine.
const START: Duration = Duration::from_secs(30);

/// How often is looked for a line in a file, which cannot be waited for.
const GLANCE: Duration = Duration::from_millis(20);
