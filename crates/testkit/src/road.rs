//! The road from clients to a server: each connection they open is a virtual one, and all of them can
//! be slowed, stalled and broken together.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use transport::carrier::websocket::Open;
use transport::reach::{ByteStream, Peer, ReachError, ReachFault, Role, Seen, Stage};

use crate::stream::{self, Connection, End, Path};

/// The road to a server. Clones are the same road.
#[derive(Clone, Debug)]
pub struct Road {
    state: Arc<Mutex<State>>,
    /// Whether a connection can be opened.
    passable: watch::Sender<Passable>,
}

#[derive(Debug)]
struct State {
    path: Path,
    /// Each connection has luck of its own.
    seed: u64,
    connections: Vec<Connection>,
    /// client --its connection's other end--> server
    ends: Option<mpsc::UnboundedSender<End>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passable {
    Yes,
    No,
}

impl Road {
    /// Makes a road that leads nowhere yet. The same seed gives the same luck.
    #[must_use]
    pub fn new(path: Path, seed: u64) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                path,
                seed,
                connections: Vec::new(),
                ends: None,
            })),
            passable: watch::Sender::new(Passable::Yes),
        }
    }

    /// Lets the road lead to whoever takes what comes from the result: the other end of each
    /// connection that a client opens from now on. Where nobody does, they are refused.
    #[must_use]
    pub fn listen(&self) -> mpsc::UnboundedReceiver<End> {
        let (ends_tx, ends_rx) = mpsc::unbounded_channel();
        self.lock().ends = Some(ends_tx);
        ends_rx
    }

    /// Makes the path of all connections, and of those to come, this one.
    pub fn set_path(&self, path: Path) {
        self.lock().path = path;
        self.each(|connection| connection.set_path(path));
    }

    /// Holds all connections up for so long.
    pub fn stall(&self, time: Duration) {
        self.each(|connection| connection.stall(time));
    }

    /// Breaks all connections, of which both ends hear. New ones can be opened.
    pub fn cut(&self) {
        self.each(Connection::cut);
    }

    /// Lets nothing through on the connections that there are, and tells nobody. New ones can be
    /// opened.
    pub fn fall_silent(&self) {
        self.each(Connection::fall_silent);
    }

    /// Lets nobody open a connection: whoever tries waits.
    pub fn close(&self) {
        self.passable.send_replace(Passable::No);
    }

    /// Ends what [`Road::close`] began.
    pub fn reopen(&self) {
        self.passable.send_replace(Passable::Yes);
    }

    fn each(&self, deed: impl Fn(&Connection)) {
        let mut state = self.lock();
        state.connections.retain(|connection| !connection.is_over());
        state.connections.iter().for_each(deed);
    }

    /// Goes to the server and back, as TCP's handshake does.
    async fn ask(&self) {
        let mut passable = self.passable.subscribe();
        // Fails only without a sender, and here is one.
        passable.wait_for(|&it| it == Passable::Yes).await.ok();
        let round_trip = 2 * self.lock().path.delay;
        tokio::time::sleep(round_trip).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn connect(&mut self) -> Result<End, ReachError> {
        self.seed += 1;
        let (client, server) = stream::pair(self.path, self.seed);
        self.connections.retain(|connection| !connection.is_over());
        self.connections.push(client.connection());
        let taken = self.ends.as_ref().map(|ends| ends.send(server));
        match taken {
            Some(Ok(())) => Ok(client),
            _ => Err(refused()),
        }
    }
}

impl Open for Road {
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, ReachError>> {
        Box::pin(async {
            self.ask().await;
            let end = self.lock().connect()?;
            Ok(ByteStream::over(end))
        })
    }

    fn authority(&self) -> String {
        format!("{SERVER}:80")
    }
}

fn refused() -> ReachError {
    ReachError {
        stage: Stage::Connect,
        peer: Peer {
            role: Role::Server,
            host: SERVER.to_string(),
            port: 80,
        },
        seen: Box::new(Seen::default()),
        fault: ReachFault::Refused,
    }
}

/// Where the road leads to, as far as anybody asks.
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
