//! What was learned of the ways to servers: a small file that outlives a command.
//!
//! ```json
//! {"ways":[{"server":"https://app.example.com:443","network":"192.168.7.0/24",
//!           "carrier":"websocket","udp_port":3001,"learned":1800000000}]}
//! ```
//! It only saves time: what cannot be read is as if it were not there, and what cannot be written
//! is learned again by the next command.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use client::{Carrier, ServerAddress};
use features::whole_file::{Readers, write_whole};
use serde::{Deserialize, Serialize};
use tracing::debug;
use transport::choice::{Known, Memory, Network};
use transport::trust::WallClock;

use crate::environment::Environment;
use crate::folder::{make_private, state_folder};

/// Remembers the ways to one server in a file that all commands share.
pub struct WaysFile {
    path: PathBuf,
    server: String,
    clock: WallClock,
}

/// What the file holds, oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    ways: Vec<Way>,
}

/// What is known of a server from a network.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Way {
    server: String,
    network: String,
    /// What won the last time.
    carrier: Option<KeptCarrier>,
    udp_port: Option<u16>,
    /// When it did, in seconds since 1970.
    learned: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeptCarrier {
    Udp,
    WebSocket,
}

impl WaysFile {
    /// Makes the memory of a server, if this system has a place for such files.
    #[must_use]
    pub fn of(server: &ServerAddress, environment: &Environment, clock: WallClock) -> Option<Self> {
        let folder = state_folder(environment)?;
        Some(Self {
            path: folder.join("ways.json"),
            server: server.to_string(),
            clock,
        })
    }

    fn read(&self) -> io::Result<Kept> {
        let mut text = Vec::new();
        File::open(&self.path)?
            .take(LONGEST)
            .read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Writes aside and renames, so that a command which reads meanwhile sees a whole file.
    fn write(&self, kept: &Kept) -> io::Result<()> {
        let text = serde_json::to_string(kept)?;
        if let Some(folder) = self.path.parent() {
            make_private(folder)?;
        }
        write_whole(&self.path, text.as_bytes(), Readers::Owner)
    }

    fn is_of(&self, way: &Way, network: &str) -> bool {
        way.server == self.server && way.network == network
    }

    /// Returns what a way still tells: that a WebSocket won says less and less of UDP.
    fn known(&self, way: &Way) -> Known {
        let age = (self.clock)().checked_sub(way.learned);
        let is_fresh = age.is_some_and(|age| age < UDP_AGAIN);
        Known {
            udp_port: way.udp_port,
            best: match way.carrier {
                Some(KeptCarrier::Udp) => Some(Carrier::Udp),
                Some(KeptCarrier::WebSocket) if is_fresh => Some(Carrier::WebSocket),
                Some(KeptCarrier::WebSocket) | None => None,
            },
        }
    }
}

impl Memory for WaysFile {
    fn recall(&self, network: &Network) -> Known {
        let kept = self.read().unwrap_or_default();
        let network = network.to_string();
        let mut ways = kept.ways.iter();
        let way = ways.find(|way| self.is_of(way, &network));
        way.map_or_else(Known::default, |way| self.known(way))
    }

    fn remember(&self, network: &Network, known: Known) {
        if self.recall(network) == known {
            return;
        }
        let mut kept = self.read().unwrap_or_default();
        let network = network.to_string();
        kept.ways.retain(|way| !self.is_of(way, &network));
        kept.ways.push(Way {
            server: self.server.clone(),
            network,
            carrier: known.best.and_then(KeptCarrier::of),
            udp_port: known.udp_port,
            learned: (self.clock)(),
        });
        let superfluous = kept.ways.len().saturating_sub(MOST_WAYS);
        kept.ways.drain(..superfluous);
        if let Err(error) = self.write(&kept) {
            debug!("{} cannot be written: {error}", self.path.display());
        }
    }
}

impl KeptCarrier {
    const fn of(carrier: Carrier) -> Option<Self> {
        match carrier {
            Carrier::Udp => Some(Self::Udp),
            Carrier::WebSocket => Some(Self::WebSocket),
            Carrier::Memory => None,
        }
    }
}

impl std::fmt::Debug for WaysFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            path,
            server,
            clock: _,
        } = self;
        f.debug_struct("WaysFile")
            .field("path", path)
            .field("server", server)
            .finish_non_exhaustive()
    }
}

/// A few servers, each from a laptop's home, office, telephone and cafés.
const MOST_WAYS: usize = 64;

/// Several times what that many ways take.
const LONGEST: u64 = 64 * 1024;

/// After so many seconds UDP gets its head start again, which costs half a second if it is still
/// blocked. The library's own probes, every five minutes, are for those who stay; most commands
/// last a minute.
const UDP_AGAIN: u64 = 60 * 60;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const OVER_WEBSOCKET: Known = Known {
        udp_port: Some(7),
        best: Some(Carrier::WebSocket),
    };

    /// A home, and a clock that the test sets.
    struct Home {
        folder: tempfile::TempDir,
        now: Arc<AtomicU64>,
    }

    impl Home {
        fn new() -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
                now: Arc::new(AtomicU64::new(1_800_000_000)),
            }
        }

        fn memory(&self, server: &str) -> WaysFile {
            let state = self.folder.path().to_str().unwrap();
            let environment = Environment::of(&[("XDG_STATE_HOME", state)], &[]);
            let now = Arc::clone(&self.now);
            let clock: WallClock = Arc::new(move || now.load(Ordering::Relaxed));
            WaysFile::of(&server.parse().unwrap(), &environment, clock).unwrap()
        }

        fn file(&self) -> PathBuf {
            self.folder.path().join("render-tunnel/ways.json")
        }
    }

    #[test]
    fn what_one_command_learns_the_next_one_knows() {
        let (home, here) = (Home::new(), Network::current());
        home.memory("https://a").remember(&here, OVER_WEBSOCKET);
        assert_eq!(home.memory("https://a").recall(&here), OVER_WEBSOCKET);
        assert_eq!(home.memory("https://b").recall(&here), Known::default());
        let kept = fs::read_to_string(home.file()).unwrap();
        assert!(kept.contains(r#""carrier":"websocket""#), "{kept}");
    }

    #[test]
    fn udp_gets_another_chance_in_time_and_each_of_its_losses_counts_anew() {
        let (home, here) = (Home::new(), Network::current());
        let memory = home.memory("https://a");
        let untried = Known {
            best: None,
            ..OVER_WEBSOCKET
        };
        memory.remember(&here, OVER_WEBSOCKET);
        home.now.fetch_add(UDP_AGAIN - 1, Ordering::Relaxed);
        // A session over WebSocket alone says nothing new.
        memory.remember(&here, OVER_WEBSOCKET);
        assert_eq!(memory.recall(&here), OVER_WEBSOCKET);
        home.now.fetch_add(1, Ordering::Relaxed);
        assert_eq!(memory.recall(&here), untried);
        memory.remember(&here, OVER_WEBSOCKET);
        assert_eq!(memory.recall(&here), OVER_WEBSOCKET);
        home.now.fetch_sub(10_000, Ordering::Relaxed);
        assert_eq!(
            memory.recall(&here),
            untried,
            "a time that is still to come"
        );
    }

    #[test]
    fn rubbish_is_ignored_and_replaced() {
        let (home, here) = (Home::new(), Network::current());
        let memory = home.memory("https://a");
        fs::create_dir_all(home.file().parent().unwrap()).unwrap();
        for rubbish in ["", "{", "[1]", "{\"ways\":[{\"server\":1}]}", "\u{0}\u{1}"] {
            fs::write(home.file(), rubbish).unwrap();
            assert_eq!(memory.recall(&here), Known::default(), "{rubbish:?}");
            memory.remember(&here, OVER_WEBSOCKET);
            assert_eq!(memory.recall(&here), OVER_WEBSOCKET, "{rubbish:?}");
        }
    }

    #[test]
    fn a_file_without_end_is_not_read_to_its_end() {
        let (home, here) = (Home::new(), Network::current());
        let memory = home.memory("https://a");
        memory.remember(&here, OVER_WEBSOCKET);
        let mut text = fs::read_to_string(home.file()).unwrap();
        text.push_str(&" ".repeat(usize::try_from(LONGEST).unwrap()));
        text.push_str("rubbish");
        fs::write(home.file(), text).unwrap();
        assert_eq!(memory.recall(&here), OVER_WEBSOCKET);
    }

    #[test]
    fn servers_that_were_not_seen_for_long_are_forgotten() {
        let (home, here) = (Home::new(), Network::current());
        for number in 0..=MOST_WAYS {
            let memory = home.memory(&format!("https://a{number}"));
            memory.remember(&here, OVER_WEBSOCKET);
        }
        assert_eq!(home.memory("https://a0").recall(&here), Known::default());
        assert_eq!(home.memory("https://a1").recall(&here), OVER_WEBSOCKET);
    }

    #[test]
    fn a_place_that_cannot_be_written_to_does_no_harm() {
        let (home, here) = (Home::new(), Network::current());
        fs::write(home.folder.path().join("render-tunnel"), "a file").unwrap();
        let memory = home.memory("https://a");
        memory.remember(&here, OVER_WEBSOCKET);
        assert_eq!(memory.recall(&here), Known::default());
    }
}
