//! A service that has flags, as a server asks it: over HTTP, and one of them changes when it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::set;
use crate::lab::Machine;

/// A running service. It ends with its machine.
#[derive(Debug)]
pub(crate) struct Source {
    address: SocketAddr,
    changing: Arc<AtomicBool>,
    changes: mpsc::Receiver<Instant>,
}

impl Source {
    /// Starts it on the loopback of a machine.
    pub(crate) async fn start(machine: &Machine) -> Result<Self> {
        let listener = machine.run(async { Ok(TcpListener::bind("127.0.0.1:0").await?) });
        let listener = listener.await.context("listen for questions for flags")?;
        let (told, changes) = mpsc::channel(QUEUE);
        let source = Self {
            address: listener.local_addr()?,
            changing: Arc::default(),
            changes,
        };
        let answering = answer_all(listener, Arc::clone(&source.changing), told);
        machine.start("a service with flags", answering);
        Ok(source)
    }

    /// Returns the section of `tunnel.toml` that names it.
    pub(crate) fn section(&self) -> String {
        // A poll cannot be shorter.
        format!(
            "[flags]\nprefixes = []\nurl = \"http://{}\"\npoll = \"1s\"\n",
            self.address
        )
    }

    /// Lets a flag change with each question from now on.
    pub(crate) fn change(&self) {
        self.changing.store(true, Ordering::Relaxed);
    }

    /// Returns when the next change was told: just before its answer was written.
    pub(crate) async fn next(&mut self) -> Result<Instant> {
        self.changes.recv().await.context("the service has ended")
    }
}

async fn answer_all(listener: TcpListener, changing: Arc<AtomicBool>, told: mpsc::Sender<Instant>) {
    let mut turn = 0;
    while let Ok((stream, _)) = listener.accept().await {
        let changes = changing.load(Ordering::Relaxed);
        turn += u64::from(changes);
        // Whoever goes away asks again.
        let Ok(at) = answer(stream, turn).await else {
            continue;
        };
        if changes && told.send(at).await.is_err() {
            return;
        }
    }
}

/// Answers the one question of a connection.
async fn answer(mut stream: TcpStream, turn: u64) -> Result<Instant> {
    let body = set::answer(turn);
    stream.set_nodelay(true)?;
    let (mut question, mut buffer) = (Vec::new(), [0; 4096]);
    // An empty context is all that is asked with.
    while !question.ends_with(b"{\"context\":{}}") {
        let read = stream.read(&mut buffer).await?;
        anyhow::ensure!(read > 0, "the question breaks off");
        question.extend_from_slice(&buffer[..read]);
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    let answer = head + &body;
    let at = Instant::now();
    stream.write_all(answer.as_bytes()).await?;
    Ok(at)
}

/// A change is looked at before the next one.
const QUEUE: usize = 4;
