//! The demo production, served by this very process: a database, logs, and webhooks that come by
//! themselves.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use client::CarrierChoice;
use features::logs::{Feed, Origin};
use features::parts::Sections;
use server::demo::{Flags, Logs, Webhooks, variable, with_environment};
use server::{DatabaseUrl, ServerBuilder, ServerError, TunnelServer};
use transport::trust::Secret;

use crate::exit::Failure;
use crate::folder::{TunnelFolder, write_private};
use crate::settings::Server;

/// The demo production: a database that looks like a school's, the logs of its services, and webhooks.
#[derive(Debug)]
pub struct Demo {
    server: TunnelServer,
    secret: Secret,
    doors: Doors,
}

/// Who can reach the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doors {
    /// This process, at whichever port is free.
    ThisProcess(CarrierChoice),
    /// This machine, at a port that others know: QUIC and HTTP.
    ThisMachine(u16),
}

impl Demo {
    /// Starts the demo. Its database is kept in `folder`, so that the next start is quick.
    ///
    /// # Errors
    /// [`Failure`] if the database cannot be made or the port cannot be had.
    pub async fn start(
        folder: &TunnelFolder,
        secret: Secret,
        doors: Doors,
    ) -> Result<Self, Failure> {
        let database = folder.file("demo-production.db");
        server::demo::database(&database).await?;
        let server = serve(folder, &secret, doors).await?;
        send_webhooks(&server);
        write_logs(&server);
        Ok(Self {
            server,
            secret,
            doors,
        })
    }

    /// Returns the secret of the last time, or a new one, and the file that it is in. Clients that are
    /// still there find their server with it, and followers of its webhooks their place.
    ///
    /// # Errors
    /// [`Failure`] if none can be made or kept.
    pub fn secret(folder: &TunnelFolder) -> Result<(Secret, PathBuf), Failure> {
        let file = folder.file("demo.secret");
        let kept = fs::read_to_string(&file).ok();
        if let Some(secret) = kept.and_then(|text| text.parse().ok()) {
            return Ok((secret, file));
        }
        let secret = Secret::generate().map_err(|error| Failure::failed(error.to_string()))?;
        write_private(&file, &format!("{}\n", secret.expose())).map_err(|error| {
            Failure::failed(format!("cannot write {}: {error}", file.display()))
        })?;
        Ok((secret, file))
    }

    /// Returns where it is and the secret that it takes.
    ///
    /// # Errors
    /// [`Failure`] if the system does not say which port it gave.
    pub fn server(&self) -> Result<Server, Failure> {
        let bound = self.server.quic_address();
        let bound =
            bound.map_err(|error| Failure::failed(format!("the demo has no port: {error}")))?;
        let address = match (self.doors, self.http_address()) {
            (Doors::ThisProcess(CarrierChoice::WebSocket), Some(http)) => format!("http://{http}"),
            _ => format!("quic://{bound}"),
        };
        let address = address.parse();
        Ok(Server {
            address: address
                .map_err(|error| Failure::failed(format!("the demo has no address: {error}")))?,
            secret: self.secret.clone(),
        })
    }

    /// Returns the address of its HTTP front, if it has one.
    #[must_use]
    pub const fn http_address(&self) -> Option<SocketAddr> {
        self.server.http_address()
    }

    /// Stops it in order.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// Writes the lines of the past before anybody can ask for them, and lets the others follow.
fn write_logs(server: &TunnelServer) {
    let ring = Arc::clone(server.ring());
    let mut feeds = BTreeMap::new();
    let mut write = move |service: &str, line: &str| {
        let new = || Feed::new(Arc::clone(&ring), Origin::service(service));
        let feed = feeds.entry(service.to_owned()).or_insert_with(new);
        feed.push(line.as_bytes());
        feed.push(b"\n");
    };
    let mut logs = Logs::starting(SystemTime::now());
    logs.write_past(&mut write);
    let tasks = server.helpers().clone();
    server.helpers().spawn("demo logs", async move {
        logs.write_logs(write, tasks.stopping()).await;
    });
}

/// Serves with the inbox of the last time, or where another demo has that, with one of its own.
async fn serve(
    folder: &TunnelFolder,
    secret: &Secret,
    doors: Doors,
) -> Result<TunnelServer, Failure> {
    let database = folder.file("demo-production.db");
    let mut webhooks = toml::Table::new();
    webhooks.insert("max-bytes".to_owned(), MOST_INBOX.into());
    // Known from the beginning, so that whoever follows all gets the first of each.
    let known = Webhooks::PROVIDERS.map(|name| (name.to_owned(), toml::Table::new().into()));
    let known = toml::Table::from_iter(known);
    webhooks.insert("providers".to_owned(), known.into());
    let flags = flags(folder)?;
    let with_inbox = |webhooks| {
        let sections = Sections::default()
            .with("webhooks", webhooks)
            .with("flags", flags.clone());
        let sections = with_environment(sections);
        builder(&database, secret, doors).sections(sections).start()
    };
    let mut lasting = webhooks.clone();
    let inbox = folder.file("demo-inbox.db");
    lasting.insert(
        "inbox".to_owned(),
        inbox.to_string_lossy().into_owned().into(),
    );
    let started = match with_inbox(lasting).await {
        Err(ServerError::Section(_)) => with_inbox(webhooks).await,
        started => started,
    };
    Ok(started?)
}

/// Returns the section of flags. The file is the user's to edit, and stays as it is.
fn flags(folder: &TunnelFolder) -> Result<toml::Table, Failure> {
    let file = folder.file("demo-flags.json");
    if !file.exists() {
        fs::write(&file, Flags::FILE).map_err(|error| {
            Failure::failed(format!("cannot write {}: {error}", file.display()))
        })?;
    }
    let mut flags = toml::Table::new();
    let file = file.to_string_lossy().into_owned();
    flags.insert("file".to_owned(), file.into());
    Ok(flags)
}

fn builder(database: &Path, secret: &Secret, doors: Doors) -> ServerBuilder {
    let port = match doors {
        Doors::ThisProcess(_) => 0,
        Doors::ThisMachine(port) => port,
    };
    TunnelServer::builder()
        .quic_address(local(port))
        // Webhooks come to it as well.
        .http_address(Some(local(port)))
        .secret(secret.expose())
        .server_id("demo")
        .environment("demo production")
        .database(Some(DatabaseUrl::Sqlite(database.to_owned())))
        .variables(|name| match name {
            "RENDER_EXTERNAL_URL" => Some(Webhooks::URL.to_owned()),
            _ => variable(name)
                .or_else(|| Webhooks::secret(name))
                .or_else(|| Flags::variable(name)),
        })
        .variable_names(Flags::NAMES.map(str::to_owned))
        // Nobody's data: pseudonyms that are the same every time are what a demo wants.
        .pseudonym_key(Some("the pseudonyms of the demo production".to_owned()))
}

/// Lets webhooks come, as from outside.
fn send_webhooks(server: &TunnelServer) {
    let Some(front) = server.http_address() else {
        return;
    };
    let tasks = server.helpers().clone();
    server.helpers().spawn("demo webhooks", async move {
        let webhooks = Webhooks::starting(SystemTime::now());
        webhooks.send_to(front, tasks.stopping()).await;
    });
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Some thousand webhooks: nobody misses the older ones.
const MOST_INBOX: i64 = 16 * 1024 * 1024;
