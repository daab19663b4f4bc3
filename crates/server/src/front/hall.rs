//! The connections of an app's front: thousands, for as long as they like.
//!
//! Nobody is sent away for another: when there is no place left, the next waits outside, as without us
//! they would wait in the app's backlog.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;
use transport::tasks::Tasks;

use super::accept;
use super::descriptors;
use super::passage::{Stay, Surface};

/// Serves until `tasks` are told to stop. Then nobody is let in any more, and who is there finishes
/// the request that is under way.
pub(super) async fn run(listener: TcpListener, surface: Surface, tasks: Tasks) {
    let places = Arc::new(Semaphore::new(descriptors::most_connections()));
    let mut full = Spell::Over;
    loop {
        full = full.look(&places);
        let entered = tokio::select! {
            entered = enter(&listener, &places) => entered,
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

type Entered = (TcpStream, SocketAddr, OwnedSemaphorePermit);

/// Waits for a place, and then for somebody who wants it. Cancel-safe.
async fn enter(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Entered> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    let (stream, peer) = accept(listener).await?;
    transport::reach::tune(&stream);
    Some((stream, peer, place))
}

/// So many free places are not a moment's luck: the fewest that there may be, halved.
const CALM: usize = 32;
