//! Whatever way a session over WebSocket ends, nothing of it stays behind: no task, and with the
//! tasks no QUIC, no queue and no connection.

use std::time::Duration;

use testkit::stream::Path;
use testkit::web::Web;
use tokio::runtime::Handle;
use transport::keeper::Dial;
use transport::router::Router;
use transport::session::Session;
use transport::trust::Scopes;
use wire::CloseCode;

fn web() -> Web {
    let path = Path {
        delay: Duration::from_millis(5),
        ..Path::default()
    };
    Web::serve(Router::default(), Scopes::default(), path, 7)
}

async fn session(web: &Web) -> Session {
    web.dial().dial().await.expect("a session").0
}

/// Waits for longer than any timeout of a session, and returns how many tasks are alive.
async fn left() -> usize {
    tokio::time::sleep(Duration::from_secs(60)).await;
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_dropped_without_a_close_leaves_nothing() {
    let web = web();
    let before = left().await;
    let session = session(&web).await;
    assert!(Handle::current().metrics().num_alive_tasks() > before);
    drop(session);
    assert_eq!(left().await, before);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_closed_leaves_nothing() {
    let web = web();
    let before = left().await;
    session(&web).await.close(CloseCode::DONE).await;
    assert_eq!(left().await, before);
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_websocket_is_lost_for_good_leaves_nothing() {
    let web = web();
    let before = left().await;
    let session = session(&web).await;
    web.road.cut();
    web.server.shutdown(Duration::ZERO).await;
    drop(web);
    session.closed().await;
    drop(session);
    assert!(left().await <= before);
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_is_given_up_at_any_moment_leaves_nothing() {
    let web = web();
    let before = left().await;
    // A whole dial takes four round trips.
    for moment in 0..50 {
        let dial = web.dial();
        tokio::time::timeout(Duration::from_millis(moment), dial.dial())
            .await
            .ok();
    }
    assert_eq!(left().await, before);
}
