//! The demo production, served by this very process.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use client::CarrierChoice;
use features::logs::{Feed, Origin};
use server::demo::Logs;
use server::{DatabaseUrl, TunnelServer};
use transport::trust::Secret;

use crate::exit::Failure;
use crate::folder::TunnelFolder;
use crate::settings::Server;

/// The demo production: a database that looks like a school's, and the logs of its services.
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
        let server = serve(&database, &secret, doors).await?;
        let ring = Arc::clone(server.ring());
        let tasks = server.helpers().clone();
        server.helpers().spawn("demo logs", async move {
            let mut feeds = BTreeMap::new();
            let write = |service: &str, line: &str| {
                let new = || Feed::new(Arc::clone(&ring), Origin::service(service));
                let feed = feeds.entry(service.to_owned()).or_insert_with(new);
                feed.push(line.as_bytes());
                feed.push(b"\n");
            };
            Logs::starting(SystemTime::now())
                .write_logs(write, tasks.stopping())
                .await;
        });
        Ok(Self {
            server,
            secret,
            doors,
        })
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
            (Doors::ThisProcess(_), Some(http)) => format!("http://{http}"),
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

async fn serve(database: &Path, secret: &Secret, doors: Doors) -> Result<TunnelServer, Failure> {
    let (port, http) = match doors {
        Doors::ThisProcess(CarrierChoice::WebSocket) => (0, Some(local(0))),
        Doors::ThisProcess(CarrierChoice::Auto | CarrierChoice::Udp) => (0, None),
        Doors::ThisMachine(port) => (port, Some(local(port))),
    };
    let builder = TunnelServer::builder()
        .quic_address(local(port))
        .http_address(http)
        .secret(secret.expose())
        .server_id("demo")
        .environment("demo production")
        .database(Some(DatabaseUrl::Sqlite(database.to_owned())))
        // Nobody's data: pseudonyms that are the same every time are what a demo wants.
        .pseudonym_key(Some("the pseudonyms of the demo production".to_owned()));
    Ok(builder.start().await?)
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
