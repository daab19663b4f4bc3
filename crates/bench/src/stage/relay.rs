//! A relay between the client and whichever instance is the current one, that can be cut.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use transport::tasks::Tasks;

/// Passes TCP connections on. Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    target: Arc<AtomicU16>,
    connections: Connections,
    tasks: Tasks,
}

type Connections = Arc<Mutex<Vec<AbortHandle>>>;

impl Relay {
    /// Listens, and passes on to a port of this machine.
    pub(crate) async fn to(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("listen for a relay")?;
        let relay = Self {
            address: listener.local_addr()?,
            target: Arc::new(AtomicU16::new(port)),
            connections: Connections::default(),
            tasks: Tasks::new(),
        };
        let (target, connections) = (Arc::clone(&relay.target), Arc::clone(&relay.connections));
        let tasks = relay.tasks.clone();
        relay.tasks.spawn("relay", async move {
            while let Ok((inner, _)) = listener.accept().await {
                let port = target.load(Ordering::Relaxed);
                let passing = tasks.spawn("relayed connection", pass(inner, port));
                let mut connections = lock(&connections);
                connections.retain(|it: &AbortHandle| !it.is_finished());
                connections.push(passing.abort_handle());
            }
        });
        Ok(relay)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection, without a word, and returns how many there were.
    pub(crate) fn cut(&self) -> usize {
        let mut connections = lock(&self.connections);
        connections.retain(|it| !it.is_finished());
        connections.drain(..).map(|it| it.abort()).count()
    }

    /// Passes connections that come from now on to another port; those that are there stay.
    pub(crate) fn turn_to(&self, port: u16) {
        self.target.store(port, Ordering::Relaxed);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.tasks.stop();
        self.cut();
    }
}

fn lock(connections: &Connections) -> std::sync::MutexGuard<'_, Vec<AbortHandle>> {
    // Handles only.
    connections.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn pass(mut inner: TcpStream, port: u16) {
    if let Ok(mut outer) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
        inner.set_nodelay(true).ok();
        outer.set_nodelay(true).ok();
        // However it ends: both sides see it.
        copy_bidirectional(&mut inner, &mut outer).await.ok();
    }
}
