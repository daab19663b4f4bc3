//! A relay between clients and a server's HTTP port: a way that a test can watch, spoil and lead
//! elsewhere.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use transport::tasks::Tasks;

use crate::harness::ANY;

/// A relay; its connections end when it is dropped.
pub(crate) struct Relay {
    way: Arc<watch::Sender<Way>>,
    heads: watch::Receiver<Vec<String>>,
    tasks: Tasks,
    /// Where clients find it.
    pub(crate) address: SocketAddr,
}

/// What becomes of connections.
#[derive(Clone, Debug)]
struct Way {
    server: SocketAddr,
    /// Connections that were there when this was changed are over.
    cuts: u32,
    /// What happens to what servers send.
    back: Back,
    /// Who the relay says that clients are.
    client: Option<&'static str>,
}

/// How what a server sends comes back to its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    /// As it comes.
    Flowing,
    /// Not: the relay stops reading.
    Standing,
    /// In heaps of so many bytes, or what there is when nothing follows for a while.
    Heaps(usize),
    /// As it comes, until neither end has said anything for so long: then the connection is cut.
    Idle(Duration),
}

impl Relay {
    /// Puts a relay before a server.
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let way = Way {
            server,
            cuts: 0,
            back: Back::Flowing,
            client: None,
        };
        let (listener, tasks) = (TcpListener::bind(ANY).await.expect("a port"), Tasks::new());
        let address = listener.local_addr().expect("a bound socket");
        let (way, heads) = (Arc::new(watch::Sender::new(way)), watch::Sender::default());
        let seen = heads.subscribe();
        let passing = pass_all(listener, Arc::clone(&way), heads, tasks.clone());
        tasks.spawn("relay", passing);
        Self {
            way,
            heads: seen,
            tasks,
            address,
        }
    }

    /// Says from now on, as proxies do, that clients have this address.
    pub(crate) fn says_from(&self, client: &'static str) {
        self.way.send_modify(|way| way.client = Some(client));
    }

    /// Changes how what servers send comes back, on all connections.
    pub(crate) fn back(&self, back: Back) {
        self.way.send_modify(|way| way.back = back);
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        self.way.send_modify(|way| way.cuts += 1);
    }

    /// Cuts all connections, and leads the next to another server.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        self.way.send_modify(|way| {
            way.server = server;
            way.cuts += 1;
        });
    }

    /// Waits until so many requests in all have come, and returns the heads of all.
    pub(crate) async fn requests(&self, count: usize) -> Vec<String> {
        let mut heads = self.heads.clone();
        let enough = heads.wait_for(|heads| heads.len() >= count).await;
        enough.expect("the relay runs").clone()
    }

    /// Returns how many requests have come.
    pub(crate) fn count(&self) -> usize {
        self.heads.borrow().len()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

async fn pass_all(
    listener: TcpListener,
    way: Arc<watch::Sender<Way>>,
    heads: watch::Sender<Vec<String>>,
    tasks: Tasks,
) {
    loop {
        let client = tokio::select! {
            accepted = listener.accept() => accepted.expect("a connection").0,
            () = tasks.stopping() => return,
        };
        let (mut changes, heads, stop) = (way.subscribe(), heads.clone(), tasks.clone());
        tasks.spawn("relayed connection", async move {
            let way = changes.borrow_and_update().clone();
            let mut watched = changes.clone();
            tokio::select! {
                // Either end may go when it likes.
                passed = pass(client, way.clone(), changes, heads) => drop(passed),
                _ = watched.wait_for(|now| now.cuts != way.cuts) => {}
                () = stop.stopping() => {}
            }
        });
    }
}

async fn pass(
    mut client: TcpStream,
    way: Way,
    changes: watch::Receiver<Way>,
    heads: watch::Sender<Vec<String>>,
) -> io::Result<()> {
    let head = read_head(&mut client, way.client).await?;
    let mut server = TcpStream::connect(way.server).await?;
    // Nagle's algorithm would be another spoiler than the one that was asked for.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    server.write_all(head.as_bytes()).await?;
    heads.send_modify(|heads| heads.push(head));
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    let said = watch::Sender::new(Instant::now());
    tokio::select! {
        ended = there(from_client, to_server, &said) => ended,
        ended = back(from_server, to_client, &said, changes.clone()) => ended,
        () = silence(said.subscribe(), changes) => Ok(()),
    }
}

/// Reads up to the end of a request's head, which has no body, and adds who the client is.
async fn read_head(client: &mut TcpStream, address: Option<&str>) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    if let Some(address) = address {
        head.truncate(head.len() - 2);
        head.extend(format!("X-Forwarded-For: {address}\r\n\r\n").bytes());
    }
    String::from_utf8(head).map_err(io::Error::other)
}

async fn there(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    said: &watch::Sender<Instant>,
) -> io::Result<()> {
    let mut bytes = vec![0; CHUNK];
    loop {
        let length = from.read(&mut bytes).await?;
        if length == 0 {
            return Ok(());
        }
        said.send_replace(Instant::now());
        to.write_all(&bytes[..length]).await?;
    }
}

async fn back(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    said: &watch::Sender<Instant>,
    mut changes: watch::Receiver<Way>,
) -> io::Result<()> {
    let mut heap = Vec::with_capacity(CHUNK);
    loop {
        let way = changes.wait_for(|way| way.back != Back::Standing).await;
        let back = way.expect("the relay runs").back;
        let length = match back {
            Back::Heaps(full) if !heap.is_empty() && heap.len() < full => {
                // Whoever has no more to say for now waits for an answer to what lies here.
                let more = timeout(LULL, from.read_buf(&mut heap)).await;
                more.unwrap_or(Ok(0))?
            }
            _ => from.read_buf(&mut heap).await?,
        };
        if heap.is_empty() {
            return Ok(());
        }
        said.send_replace(Instant::now());
        match back {
            Back::Heaps(full) if length > 0 && heap.len() < full => heap.reserve(CHUNK),
            _ => {
                to.write_all(&heap).await?;
                heap.clear();
            }
        }
    }
}

/// Waits until neither end has said anything for as long as the relay allows.
async fn silence(mut said: watch::Receiver<Instant>, mut changes: watch::Receiver<Way>) {
    loop {
        let way = changes.borrow_and_update().back;
        let Back::Idle(most) = way else {
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        };
        let until = *said.borrow_and_update() + most;
        tokio::select! {
            () = tokio::time::sleep_until(until) => return,
            _ = said.changed() => {}
        }
    }
}

/// What is read at once.
const CHUNK: usize = 64 * 1024;

/// A server that has more to send sends it within this.
const LULL: Duration = Duration::from_millis(20);
