//! QUIC with quinn's own settings: what ours have to be worth.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures_util::future::BoxFuture;
use quinn::{ClientConfig, Connection, Endpoint, ServerConfig};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use transport::tasks::Tasks;

use super::bytes::{ask, asked, pull, push};
use super::tally::{Clock, Tally};
use super::{Flow, Joined};
use crate::lab::Lab;

#[derive(Debug)]
struct PlainQuic(Connection);

/// Starts a server and connects to it.
pub(super) async fn join(lab: &Lab, clock: Clock) -> Result<Box<dyn Joined>> {
    let (address, tasks) = (lab.server.any_port(), lab.server.tasks().clone());
    let name = address.ip().to_string();
    let own = rcgen::generate_simple_self_signed([name.clone()])?;
    let certificate = own.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let config = ServerConfig::with_single_cert(vec![certificate.clone()], key.into())?;
    let serve = async move {
        let endpoint = Endpoint::server(config, address)?;
        let server = endpoint.local_addr()?;
        let owner = tasks.clone();
        tasks.spawn("quinn's server", async move {
            while let Some(incoming) = endpoint.accept().await {
                if let Ok(connection) = incoming.await {
                    owner.spawn("connection", flows(connection, owner.clone(), clock));
                }
            }
        });
        Ok(server)
    };
    let server = lab.server.run(serve).await?;
    let address = lab.client.any_port();
    let connect = connect(address, server, name, certificate);
    let connection = lab
        .client
        .run(connect)
        .await
        .context("connect with quinn")?;
    Ok(Box::new(PlainQuic(connection)))
}

async fn connect(
    address: SocketAddr,
    server: SocketAddr,
    name: String,
    certificate: CertificateDer<'static>,
) -> Result<Connection> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    let config = ClientConfig::with_root_certificates(Arc::new(roots))?;
    let endpoint = Endpoint::client(address)?;
    Ok(endpoint.connect_with(config, server, &name)?.await?)
}

async fn flows(connection: Connection, tasks: Tasks, clock: Clock) {
    while let Ok((mut send, mut receive)) = connection.accept_bi().await {
        tasks.spawn("flow", async move {
            let flow = asked(&mut receive).await?;
            push(flow, clock, &mut send).await
        });
    }
}

impl Joined for PlainQuic {
    fn receive(&self, flow: Flow, tally: Tally) -> BoxFuture<'static, Result<()>> {
        let connection = self.0.clone();
        Box::pin(async move {
            let (mut send, mut receive) = connection.open_bi().await?;
            ask(flow, &mut send).await?;
            pull(flow, &tally, &mut receive).await
        })
    }
}
