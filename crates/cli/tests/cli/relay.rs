//! Relays between a client and a server: a gate in the way of what the server sends, and a wire that
//! can be cut.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
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

/// Passes on connections, and cuts them when it is told to. Its threads wait for connections until
/// the test's process ends.
pub(crate) struct Wire {
    open: Arc<Mutex<Vec<TcpStream>>>,
    /// Where clients find the server.
    pub(crate) url: String,
}

impl Wire {
    /// Leads to the HTTP port of the server at `url`.
    pub(crate) fn before(url: &str) -> Self {
        let server = url.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let open = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&open);
        thread::spawn(move || {
            for near in listener.incoming() {
                let (near, far) = (near.unwrap(), TcpStream::connect(&server).unwrap());
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    thread::spawn(move || io::copy(&mut from, &mut to));
                }
                all.lock().unwrap().extend([near, far]);
            }
        });
        Self { open, url }
    }

    /// Cuts every connection that is open.
    pub(crate) fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            // It may have ended by itself.
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}

/// No UDP packet is longer.
const LONGEST: usize = 64 * 1024;
