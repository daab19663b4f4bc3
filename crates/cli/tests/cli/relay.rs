//! A relay between a client and a server: a gate in the way of what the server sends.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Passes on all that clients send, and what the server sends up to a number of bytes: a sync that
/// has more to fetch cannot end before the test lets it.
pub(crate) struct Relay {
    passage: Arc<Passage>,
    /// Where clients find the server.
    pub(crate) url: String,
}

/// Its threads wait for packets until the test's process ends.
struct Passage {
    outside: UdpSocket,
    inside: UdpSocket,
    /// Who sent last: one client at a time.
    client: Mutex<Option<SocketAddr>>,
    /// How many bytes of the server's may still pass.
    left: AtomicU64,
}

impl Relay {
    /// Lets that many bytes of the server at `url` pass.
    pub(crate) fn before(url: &str, bytes: u64) -> Self {
        let socket = || UdpSocket::bind("127.0.0.1:0").unwrap();
        let passage = Arc::new(Passage {
            outside: socket(),
            inside: socket(),
            client: Mutex::default(),
            left: bytes.into(),
        });
        let server = url.strip_prefix("quic://").unwrap();
        passage.inside.connect(server).unwrap();
        let url = format!("quic://{}", passage.outside.local_addr().unwrap());
        for pass in [Passage::pass_in, Passage::pass_out] {
            let passage = Arc::clone(&passage);
            thread::spawn(move || pass(&passage));
        }
        Self { passage, url }
    }

    /// Lets everything pass from now on.
    pub(crate) fn open(&self) {
        self.passage.left.store(u64::MAX, Ordering::Relaxed);
    }
}

impl Passage {
    fn pass_in(&self) {
        let mut packet = [0; LONGEST];
        loop {
            let Ok((length, client)) = self.outside.recv_from(&mut packet) else {
                continue;
            };
            // One byte is a dialer's question whether anybody is here, from another port.
            if length > 1 {
                *self.client.lock().unwrap() = Some(client);
                // The server may be gone, and another to come.
                self.inside.send(&packet[..length]).ok();
            }
        }
    }

    fn pass_out(&self) {
        let mut packet = [0; LONGEST];
        loop {
            let Ok(length) = self.inside.recv(&mut packet) else {
                continue;
            };
            let pays = |left: u64| left.checked_sub(length as u64);
            let passes = self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, pays);
            let client = *self.client.lock().unwrap();
            if let (Ok(_), Some(client)) = (passes, client) {
                self.outside.send_to(&packet[..length], client).ok();
            }
        }
    }
}

/// No UDP packet is longer.
const LONGEST: usize = 64 * 1024;
