//! A relay for UDP that holds packets up, and loses some, as a link does.
//!
//! ```text
//! client ──▶ front ── Path ──▶ line ──▶ back (one socket a client) ──▶ server
//! client ◀── front ◀── line ◀── Path ── back ◀── server
//! ```

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use transport::tasks::Tasks;

use super::Way;
use super::path::Path;

/// A running relay; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    tasks: Tasks,
}

impl Relay {
    /// Starts a relay in front of a server.
    pub(crate) async fn start(way: Way, server: SocketAddr) -> io::Result<Self> {
        let front = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        let tasks = Tasks::new();
        let relay = Self {
            address: front.local_addr()?,
            tasks: tasks.clone(),
        };
        let clients = Clients {
            server,
            up: Line::start(way, UP_SEED, &tasks),
            down: Line::start(way, DOWN_SEED, &tasks),
            front,
            backs: HashMap::new(),
            tasks: tasks.clone(),
        };
        spawn(&tasks, "relay from clients", clients.run());
        Ok(relay)
    }

    /// Returns the address that clients dial instead of the server's.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

/// The side of a relay that clients see.
struct Clients {
    server: SocketAddr,
    up: Line,
    down: Line,
    front: Arc<UdpSocket>,
    backs: HashMap<SocketAddr, Arc<UdpSocket>>,
    tasks: Tasks,
}

impl Clients {
    /// Takes in what clients send. Ends when a socket fails, and the link is dead then.
    async fn run(mut self) {
        let mut buffer = vec![0; LONGEST];
        while let Ok((length, client)) = self.front.recv_from(&mut buffer).await {
            let Ok(back) = self.back(client).await else {
                return;
            };
            self.up.put(&buffer[..length], back, self.server);
        }
    }

    /// Returns the socket by which the server knows a client.
    async fn back(&mut self, client: SocketAddr) -> io::Result<Arc<UdpSocket>> {
        if let Some(back) = self.backs.get(&client) {
            return Ok(Arc::clone(back));
        }
        let back = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        self.backs.insert(client, Arc::clone(&back));
        let answers = answers(
            Arc::clone(&back),
            self.down.clone(),
            Arc::clone(&self.front),
            client,
        );
        spawn(&self.tasks, "relay from the server", answers);
        Ok(back)
    }
}

async fn answers(back: Arc<UdpSocket>, down: Line, front: Arc<UdpSocket>, client: SocketAddr) {
    let mut buffer = vec![0; LONGEST];
    while let Ok((length, _)) = back.recv_from(&mut buffer).await {
        down.put(&buffer[..length], Arc::clone(&front), client);
    }
}

/// One direction: packets on their way, in the order of their arrival.
#[derive(Clone)]
struct Line {
    // Never held across an await.
    path: Arc<Mutex<Path>>,
    /// put --packets, bounded by the path's queue and delay--> carry
    packets: mpsc::UnboundedSender<Packet>,
}

struct Packet {
    due: Instant,
    bytes: Vec<u8>,
    from: Arc<UdpSocket>,
    to: SocketAddr,
}

impl Line {
    fn start(way: Way, seed: u64, tasks: &Tasks) -> Self {
        let (packets, under_way) = mpsc::unbounded_channel();
        spawn(tasks, "relay's line", carry(under_way));
        Self {
            path: Arc::new(Mutex::new(Path::new(way, seed))),
            packets,
        }
    }

    fn put(&self, bytes: &[u8], from: Arc<UdpSocket>, to: SocketAddr) {
        let mut path = self.path.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(due) = path.pass(Instant::now(), bytes.len()) {
            // Under the lock, so that packets are in the order of their arrival. Fails only when
            // the relay ends.
            self.packets
                .send(Packet {
                    due,
                    bytes: bytes.to_vec(),
                    from,
                    to,
                })
                .ok();
        }
    }
}

async fn carry(mut under_way: mpsc::UnboundedReceiver<Packet>) {
    while let Some(Packet {
        due,
        bytes,
        from,
        to,
    }) = under_way.recv().await
    {
        sleep_until(due).await;
        // A peer that is gone does not end the link.
        from.send_to(&bytes, to).await.ok();
    }
}

fn spawn(tasks: &Tasks, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
    let owner = tasks.clone();
    tasks.spawn(name, async move {
        tokio::select! {
            () = work => {}
            () = owner.stopping() => {}
        }
    });
}

/// The longest that UDP takes.
const LONGEST: usize = 65_535;

const UP_SEED: u64 = 0x75_70;

const DOWN_SEED: u64 = 0x64_6f_77_6e;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const WAY: Way = Way {
        rate: 1_000_000,
        delay: Duration::from_millis(20),
        queue: 1 << 20,
        loss: 0,
    };

    async fn socket() -> UdpSocket {
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
    }

    async fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; LONGEST];
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        (buffer[..length].to_vec(), from)
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_and_its_answer_take_the_round_trip() {
        let (server, client) = (socket().await, socket().await);
        let relay = Relay::start(WAY, server.local_addr().unwrap())
            .await
            .unwrap();
        let began = Instant::now();

        client.send_to(b"question", relay.address()).await.unwrap();
        let (question, back) = receive(&server).await;
        assert_eq!(question, b"question");
        assert!(began.elapsed() >= Duration::from_millis(20));

        server.send_to(b"answer", back).await.unwrap();
        assert_eq!(
            receive(&client).await,
            (b"answer".to_vec(), relay.address())
        );
        let took = began.elapsed();
        assert!(
            (Duration::from_millis(40)..Duration::from_millis(45)).contains(&took),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn each_client_gets_its_own_answers_in_order() {
        let server = socket().await;
        let relay = Relay::start(WAY, server.local_addr().unwrap())
            .await
            .unwrap();
        let clients = [socket().await, socket().await];
        for (number, client) in clients.iter().enumerate() {
            client
                .send_to(&[u8::try_from(number).unwrap()], relay.address())
                .await
                .unwrap();
            let (question, back) = receive(&server).await;
            for repeat in 0..3 {
                server.send_to(&[question[0], repeat], back).await.unwrap();
            }
        }
        for (number, client) in clients.iter().enumerate() {
            for repeat in 0..3 {
                assert_eq!(
                    receive(client).await.0,
                    [u8::try_from(number).unwrap(), repeat]
                );
            }
        }
    }
}
