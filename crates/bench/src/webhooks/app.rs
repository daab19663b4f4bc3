//! The local app: it notes when each delivery has come whole, and answers 200.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::net::TcpListener;

use super::arrivals::Arrivals;
use super::lane::Name;
use crate::lab::Machine;
use crate::messages::Messages;

/// A running app. It takes connections until its machine ends.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) port: u16,
    arrivals: Arc<Arrivals>,
}

impl App {
    /// Starts an app on a machine, for so many lanes.
    pub(crate) async fn start(machine: &Machine, lanes: usize) -> Result<Self> {
        let address = (std::net::Ipv4Addr::LOCALHOST, 0);
        let listener = machine.run(async move {
            let listener = TcpListener::bind(address).await;
            listener.context("listen for deliveries")
        });
        let listener = listener.await?;
        let port = listener.local_addr()?.port();
        let arrivals = Arc::new(Arrivals::of(lanes));
        let noted = Arc::clone(&arrivals);
        machine.start("local app", async move {
            while let Ok((stream, _)) = listener.accept().await {
                let noted = Arc::clone(&noted);
                // It ends with its connection.
                let serve = move || serve(stream, &noted);
                std::thread::Builder::new().spawn(serve).ok();
            }
        });
        Ok(Self { port, arrivals })
    }

    /// Waits until so many deliveries are there, and returns when the last one came.
    ///
    /// # Errors
    /// If one is missing, or comes twice, or none has come for a long time.
    pub(crate) async fn wait_for(&self, deliveries: u64) -> Result<Instant> {
        let (mut before, mut heard) = (0, Instant::now());
        loop {
            let now = self.arrivals.total()?;
            if now >= deliveries {
                break;
            }
            if now > before {
                (before, heard) = (now, Instant::now());
            }
            ensure!(
                heard.elapsed() < SILENCE,
                "{now} of {deliveries} deliveries have come, and none any more"
            );
            tokio::time::sleep(LOOK).await;
        }
        self.arrivals.last().context("nothing has come")
    }

    /// Returns how many deliveries are there.
    ///
    /// # Errors
    /// If one is missing, or came twice.
    pub(crate) fn total(&self) -> Result<u64> {
        self.arrivals.total()
    }

    /// Returns when a delivery came.
    pub(super) fn at(&self, name: Name) -> Option<Instant> {
        self.arrivals.at(name)
    }
}

/// Serves a connection until it ends.
fn serve(stream: tokio::net::TcpStream, arrivals: &Arrivals) {
    if let Err(error) = answer_all(stream, arrivals) {
        arrivals.fail(&error);
    }
}

fn answer_all(stream: tokio::net::TcpStream, arrivals: &Arrivals) -> Result<()> {
    let mut messages = Messages::over(stream)?;
    while let Ok(Some(message)) = messages.read() {
        let at = Instant::now();
        let name = Name::of(message.body).context("a delivery came that nobody sent")?;
        arrivals.note(name, at)?;
        if messages.write(ANSWER).is_err() {
            break;
        }
    }
    Ok(())
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Longer than any back-off.
const SILENCE: Duration = Duration::from_secs(40);

const LOOK: Duration = Duration::from_millis(5);
