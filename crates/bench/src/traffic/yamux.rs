//! yamux over WebSocket over TLS: what others do. Its settings are its own.
//!
//! ```text
//! yamux ── WebSocket ── Edge (TLS ends) ══ link ══ TLS ── WebSocket ── yamux
//! ```

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use futures_util::future::BoxFuture;
use futures_util::{AsyncRead, AsyncWrite};
use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{accept_async, client_async};
use tokio_util::compat::FuturesAsyncReadCompatExt as _;
use transport::tasks::Tasks;
use yamux::{Config, Connection, Mode, Stream};

use super::bytes::{ask, asked, pull, push};
use super::edge::Edge;
use super::tally::{Clock, Tally};
use super::websocket::Stretch;
use super::{Flow, Joined};
use crate::lab::Lab;

/// A client end: its streams, each until it is taken.
#[derive(Debug)]
struct Yamux {
    lines: Mutex<Option<Stream>>,
    bulk: Mutex<Option<Stream>>,
}

/// Starts a server end and connects to it.
pub(super) async fn join(lab: &Lab, clock: Clock) -> Result<Box<dyn Joined>> {
    let tasks = lab.server.tasks().clone();
    let server = lab.server.run(serve(tasks, clock)).await?;
    let edge = Edge::start(&lab.server, server).await?;
    let tls = TlsConnector::from(Arc::new(edge.client_config()?));
    let client = lab
        .client
        .run(connect(tls, edge.address, lab.client.tasks().clone()));
    Ok(Box::new(client.await.context("connect with yamux")?))
}

async fn connect(tls: TlsConnector, edge: SocketAddr, tasks: Tasks) -> Result<Yamux> {
    let stream = TcpStream::connect(edge).await?;
    stream.set_nodelay(true)?;
    let stream = tls.connect(ServerName::from(edge.ip()), stream).await?;
    let (socket, _) = client_async(format!("wss://{edge}/"), stream).await?;
    let mut connection = Connection::new(Stretch::new(socket), Config::default(), Mode::Client);
    let mut open = async || poll_fn(|cx| connection.poll_new_outbound(cx)).await;
    let (lines, bulk) = (open().await?, open().await?);
    tasks.spawn("yamux", async move {
        next(&mut connection).await;
    });
    Ok(Yamux {
        lines: Mutex::new(Some(lines)),
        bulk: Mutex::new(Some(bulk)),
    })
}

async fn serve(tasks: Tasks, clock: Clock) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let server = listener.local_addr()?;
    let owner = tasks.clone();
    tasks.spawn("yamux's server", async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Ends with the client; there is nobody to tell why.
            owner.spawn("yamux", serve_one(stream, owner.clone(), clock));
        }
    });
    Ok(server)
}

async fn serve_one(stream: TcpStream, tasks: Tasks, clock: Clock) -> Result<()> {
    stream.set_nodelay(true)?;
    let socket = Stretch::new(accept_async(stream).await?);
    let mut connection = Connection::new(socket, Config::default(), Mode::Server);
    while let Some(stream) = next(&mut connection).await {
        tasks.spawn("flow", async move {
            let mut stream = stream.compat();
            let flow = asked(&mut stream).await?;
            push(flow, clock, &mut stream).await
        });
    }
    Ok(())
}

/// Drives a connection until the peer opens a stream; `None` when it has ended.
async fn next(connection: &mut Connection<impl AsyncRead + AsyncWrite + Unpin>) -> Option<Stream> {
    poll_fn(|cx| connection.poll_next_inbound(cx)).await?.ok()
}

impl Joined for Yamux {
    fn receive(&self, flow: Flow, tally: Tally) -> BoxFuture<'static, Result<()>> {
        let stream = match flow {
            Flow::Lines => &self.lines,
            Flow::Bulk => &self.bulk,
        };
        let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async move {
            let mut stream = stream.context("the flow is open already")?.compat();
            ask(flow, &mut stream).await?;
            pull(flow, &tally, &mut stream).await
        })
    }
}
