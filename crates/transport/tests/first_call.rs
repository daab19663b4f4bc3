//! The first call, which travels with the hello: what it costs, and who gets its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use testkit::net::Link;
use testkit::pair::{MemoryDial, Pair};
use tokio::time::Instant;
use transport::channel::{Channel, ChannelError, Priority};
use transport::first_call::FirstCall;
use transport::keeper::Dial as _;
use transport::router::{Handler, Router, ServeError, Visit};
use transport::session::{Protocol, Session};
use transport::trust::{Allow, Scopes};
use wire::Status;

/// Answers with how many questions have come so far, this one included.
#[derive(Debug, Default)]
struct Count(AtomicU32);

const COUNT: Protocol = Protocol {
    feature: "count",
    version: 1,
    priority: Priority::Call,
    longest_request: 64,
    longest_reply: 256,
};

impl Handler for Count {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        _visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            let _question: Option<String> = channel.receive().await?;
            let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            channel.send(&count).await?;
            Ok(channel.finish().await?)
        })
    }
}

/// A tenth of a second to the server and back.
fn far(scopes: Scopes) -> Pair {
    let mut router = Router::default();
    router.add(COUNT, Arc::new(Count::default()));
    let link = Link {
        delay: ROUND_TRIP / 2,
        ..Link::default()
    };
    Pair::serve(router, scopes, link)
}

fn asking(pair: &Pair) -> Arc<MemoryDial> {
    pair.dial_asking(2, FirstCall::new(&COUNT, "how many?").ok())
}

async fn ask(session: &Session, question: &str) -> Result<u32, ChannelError> {
    session.call(&COUNT, &question.to_owned()).await
}

fn round_trips(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() / ROUND_TRIP.as_secs_f64()
}

const ROUND_TRIP: Duration = Duration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_first_call_takes_two_round_trips_from_nothing() {
    let pair = far(Scopes::default());
    let start = Instant::now();
    let (session, _) = asking(&pair).dial().await.unwrap();
    assert_eq!(ask(&session, "how many?").await.unwrap(), 1);
    let took = round_trips(start);
    assert!(took <= 2.2, "{took} round trips");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_not_asked_with_the_hello_takes_a_third() {
    let pair = far(Scopes::default());
    let start = Instant::now();
    let session = pair.connect(2).await;
    assert_eq!(ask(&session, "how many?").await.unwrap(), 1);
    let took = round_trips(start);
    assert!((2.9..3.2).contains(&took), "{took} round trips");
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_for_the_first_who_asks_the_same_within_a_moment() {
    let pair = far(Scopes::default());
    let dial = asking(&pair);
    let (session, _) = dial.dial().await.unwrap();
    assert_eq!(ask(&session, "another thing").await.unwrap(), 2);
    assert_eq!(ask(&session, "how many?").await.unwrap(), 1);
    assert_eq!(ask(&session, "how many?").await.unwrap(), 3);

    let (session, _) = dial.dial().await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    // The fourth answer was of another moment.
    assert_eq!(ask(&session, "how many?").await.unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_first_call_is_held_against_the_keys_scope_like_any_other() {
    let scopes = Scopes {
        features: Allow::Only(["logs".to_owned()].into()),
        ..Scopes::default()
    };
    let pair = far(scopes);
    let (session, _) = asking(&pair).dial().await.unwrap();
    let error = ask(&session, "how many?").await.unwrap_err();
    assert!(
        matches!(&error, ChannelError::Fault(fault) if fault.status == Status::FORBIDDEN),
        "{error:?}"
    );
}
