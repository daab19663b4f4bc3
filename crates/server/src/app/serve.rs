//! A server and its app, from the app's start to the end of both.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use features::logs::AppEnd;
use tracing::{info, warn};
use transport::router::MOVE;
use transport::tasks::heavy;

use super::signals::Signals;
use super::supervisor::{App, EndedBy};
use crate::error::ServerError;
use crate::server::{ClosedFront, SESSIONS, TunnelServer};

/// Serves until the app has ended for good, and returns how it did. The front opens when the app
/// listens, so that whoever probes the public port sees the app's readiness and not ours.
///
/// The order of the end, all of it within the app's grace and eleven seconds:
///
/// 1. SIGTERM: the app is told at once. So is every client, which moves to another instance if there
///    is one; whoever comes is turned away.
/// 2. The app ends in its own time, over its own requests; what it says on the way reaches those who
///    follow. At the end of its grace it is killed.
/// 3. What it has left behind is ended, and its pipes are read to their last byte.
/// 4. The sessions end, when they have sent what there is; then the front; then the rest.
///
/// An app that ends by itself begins at 3, and its clients are given no time to move: the platform
/// starts another when we are gone.
///
/// This is all but the last of these: [`stop`].
///
/// # Errors
/// [`ServerError`] if the front cannot be opened; the app has been stopped by then.
pub async fn serve(
    server: &TunnelServer,
    front: Option<ClosedFront>,
    app: App,
    signals: &mut Signals,
) -> Result<AppEnd, ServerError> {
    server.vitals().own("app:state", app.condition());
    let mut failed = None;
    // Where the app should listen, until it does.
    let mut awaited;
    let ended = {
        let readiness = app.readiness();
        awaited = readiness.as_ref().map(|readiness| readiness.port);
        let opening = pin!(async {
            if let Some(readiness) = readiness {
                readiness.wait().await;
                awaited = None;
                info!("the app listens on port {}", readiness.port);
            }
            failed = open(front).await.err();
            if failed.is_none() {
                std::future::pending::<()>().await;
            }
        });
        app.run(signals, opening, || server.leave(MOVE)).await
    };
    if ended.by == EndedBy::Itself {
        if let Some(port) = awaited {
            warn!("the app has ended before it ever listened on port {port}, which PORT tells it");
        }
        server.leave(Duration::ZERO);
    }
    failed.map_or(Ok(ended.end), Err)
}

/// Ends a server whose app has ended, within seconds, or at once if that is asked for. In either case
/// the next start finds a log that was ended in order.
pub async fn stop(server: TunnelServer, signals: &mut Signals) {
    let ring = Arc::clone(server.ring());
    let most = server.time_to_move() + SESSIONS + REST;
    tokio::select! {
        stopped = tokio::time::timeout(most, server.stop()) => {
            if stopped.is_ok() {
                return;
            }
            warn!("the server has not stopped in time and is cut");
        }
        () = signals.stop() => info!("asked once more: the server is cut"),
    }
    heavy(|| ring.finish());
}

async fn open(front: Option<ClosedFront>) -> Result<(), ServerError> {
    let Some(front) = front else {
        return Ok(());
    };
    if let Some(address) = front.open().await? {
        info!("listening for HTTP on TCP {address}");
    }
    Ok(())
}

/// For what follows the sessions. Of Render's 30 seconds the app has 18, its being killed takes one and
/// its last lines 2; clients have moved by then, sessions have 6, and the rest these.
const REST: Duration = Duration::from_secs(2);
