//! The connections of an app's front: thousands, for as long as they like.
//!
//! Nobody is sent away for another: when there is no place left, the next waits outside, as without us
//! they would wait in the app's backlog. But nobody takes all places for themselves either: an address
//! has half of them, unless it is a proxy's, behind which everybody comes.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{debug, warn};
use transport::tasks::Tasks;
use transport::trust::{Share, Shares};

use super::accept;
use super::descriptors;
use super::forwarded::is_private;
use super::passage::{Stay, Surface};

/// Serves until `tasks` are told to stop. Then nobody is let in any more, and who is there finishes
/// the request that is under way.
pub(super) async fn run(listener: TcpListener, surface: Surface, tasks: Tasks) {
    let hall = Hall::new(descriptors::most_connections());
    let mut full = Spell::Over;
    loop {
        full = full.look(&hall.places);
        let entered = tokio::select! {
            entered = hall.enter(&listener) => entered,
            () = tasks.stopping() => return,
        };
        let Some((stream, peer, place)) = entered else {
            continue;
        };
        let stay = Stay::new(peer, place, tasks.clone());
        tasks.spawn("http connection", surface.clone().serve(stream, stay));
    }
}

/// Whether it has been said that there is no place left: once, until most have been left again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spell {
    Said,
    Over,
}

impl Spell {
    fn look(self, places: &Semaphore) -> Self {
        match (self, places.available_permits()) {
            (Self::Over, 0) => {
                warn!("the front is full: connections wait until others end");
                Self::Said
            }
            (Self::Said, CALM..) => Self::Over,
            (spell, _) => spell,
        }
    }
}

/// The places that there are, and those who have them.
struct Hall {
    places: Arc<Semaphore>,
    shares: Shares,
}

/// A connection's place; free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    /// What it counts of its address's, if that is one client's.
    _share: Option<Share>,
}

impl Hall {
    fn new(most: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(most)),
            shares: Shares::new(most / 2),
        }
    }

    /// Waits for a place, and then for somebody who wants it. Cancel-safe.
    async fn enter(&self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr, Place)> {
        let permit = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let (stream, peer) = accept(listener).await?;
        let place = self.admit(permit, peer)?;
        transport::reach::tune(&stream);
        Some((stream, peer, place))
    }

    fn admit(&self, permit: OwnedSemaphorePermit, peer: SocketAddr) -> Option<Place> {
        let share = if is_private(peer.ip().to_canonical()) {
            None
        } else {
            let share = self.shares.take(peer.ip());
            if share.is_none() {
                debug!("{peer} is turned away: its address has half of the front's places");
            }
            Some(share?)
        };
        Some(Place {
            _permit: permit,
            _share: share,
        })
    }
}

/// So many free places are not a moment's luck: the fewest that there may be, halved.
const CALM: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(hall: &Hall, peer: &str) -> Option<Place> {
        let permit = Arc::clone(&hall.places).try_acquire_owned().unwrap();
        hall.admit(permit, peer.parse().unwrap())
    }

    #[test]
    fn an_address_takes_half_of_the_places_and_a_proxy_all() {
        let hall = Hall::new(4);
        let mut held: Vec<_> = (1..=2)
            .map(|port| admitted(&hall, &format!("203.0.113.5:{port}")))
            .collect();
        assert!(held.iter().all(Option::is_some));
        assert!(admitted(&hall, "203.0.113.5:3").is_none());
        assert!(admitted(&hall, "[::ffff:203.0.113.5]:4").is_none());
        assert_eq!(hall.places.available_permits(), 2);
        held.push(admitted(&hall, "203.0.113.6:1"));
        assert!(held.pop().unwrap().is_some());
        held.clear();
        held.extend((1..=4).map(|port| admitted(&hall, &format!("10.0.0.1:{port}"))));
        assert!(held.iter().all(Option::is_some));
    }
}
