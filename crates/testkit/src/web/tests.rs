//! What a session over virtual WebSockets survives.

use transport::channel::{Channel, ChannelError, Priority};
use transport::reach::ReachFault;
use transport::router::{Handler, ServeError, Visit};
use transport::session::Protocol;

use super::*;

/// A call whose answer is the request.
const ECHO: Protocol = Protocol {
    feature: "echo",
    version: 1,
    priority: Priority::Call,
    longest_request: 1024,
    longest_reply: 1024,
};

#[derive(Debug)]
struct Echo;

impl Handler for Echo {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        _visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            let asked: Option<u64> = channel.receive().await?;
            channel.send(&asked.unwrap_or_default()).await?;
            Ok(channel.finish().await?)
        })
    }
}

fn router() -> Router {
    let mut router = Router::default();
    router.add(ECHO, Arc::new(Echo));
    router
}

fn web() -> Web {
    Web::serve(router(), Scopes::default(), Path::default(), 1)
}

async fn session(web: &Web) -> Session {
    let (session, _) = web.dial().dial().await.expect("a session");
    session
}

async fn echo(session: &Session) -> Result<u64, ChannelError> {
    session.call(&ECHO, &7_u64).await
}

#[tokio::test(start_paused = true)]
async fn a_session_outlives_connections_that_are_cut_or_fall_silent() {
    let web = web();
    let session = session(&web).await;
    for _ in 0..3 {
        web.road.cut();
        assert_eq!(echo(&session).await.unwrap(), 7);
        web.road.fall_silent();
        assert_eq!(echo(&session).await.unwrap(), 7);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_with_its_server_and_the_next_server_takes_another() {
    let mut web = web();
    let old = session(&web).await;
    web.kill_and_start(router(), Scopes::default()).await;
    assert!(echo(&old).await.unwrap_err().is_lost());
    assert_eq!(echo(&session(&web).await).await.unwrap(), 7);
    web.restart(router(), Scopes::default()).await;
    assert_eq!(echo(&session(&web).await).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn on_a_closed_road_a_client_waits() {
    let web = web();
    web.road.close();
    let reopened = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        web.road.reopen();
    };
    let (session, ()) = tokio::join!(session(&web), reopened);
    assert_eq!(echo(&session).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_road_that_leads_nowhere_refuses() {
    let refused = Road::new(Path::default(), 1).open().await;
    let fault = refused.err().map(|error| error.fault);
    assert!(matches!(fault, Some(ReachFault::Refused)), "{fault:?}");
}
