//! Servers that name others than they were asked for, or what is no name: nothing of it is told.

use futures_util::future::BoxFuture;
use transport::channel::{Channel, ChannelError};
use transport::router::{Handler, ServeError, Visit};

use super::*;
use crate::webhooks::Mode;
use crate::webhooks::client::WebhooksError;
use crate::webhooks::wire::{InboxId, Open, Piece, Point, ProviderState, Watched};

/// A server that says what it was told to.
#[derive(Clone, Debug)]
struct Liar {
    watched: Watched,
    opened: ProviderState,
}

impl Handler for Liar {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            match channel.receive().await?.ok_or(ChannelError::Closed)? {
                Open::Watch => {
                    let (url, last) = (None, START);
                    channel.send(&Watched::Opened { url, last }).await?;
                    channel.send(&self.watched).await?;
                }
                Open::Follow(_) => {
                    let opened = Piece::Opened {
                        provider: Box::new(self.opened.clone()),
                        after: START,
                        waiting: 0,
                        before: 0,
                    };
                    channel.send(&opened).await?;
                }
                other => panic!("{other:?}"),
            }
            visit.tasks.stopping().await;
            Ok(())
        })
    }
}

/// Follows a liar to the end, and returns why it was left.
async fn left(liar: Liar) -> WebhooksError {
    let mut router = Router::default();
    router.add(PROTOCOL, Arc::new(liar));
    let pair = Pair::serve(router, Scopes::default(), Link::default());
    let keeper = Keeper::start(pair.dial_from(2), PATIENT).await.unwrap();
    let mut stream = WebhookStream::open(&keeper, forwarding(1));
    loop {
        match stream.next().await {
            Ok(Some(WebhookEvent::Watching { .. } | WebhookEvent::Provider(_))) => {}
            Ok(told) => panic!("{told:?}"),
            Err(error) => return error,
        }
    }
}

fn state(name: &str) -> ProviderState {
    ProviderState {
        name: name.to_owned(),
        path: String::new(),
        mode: Mode::default(),
        verified: true,
        hmac: None,
        kept: 0,
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_name_of_a_provider_is_not_told_to_anybody() {
    for name in ["/home/ann/.bashrc", "../seed", "..", "", "a\nb"] {
        let repeated = Watched::Repeated {
            delivery: crate::webhooks::DeliveryId::new(1, 1),
            provider: name.to_owned(),
        };
        for watched in [Watched::Provider(state(name)), repeated] {
            let opened = state(name);
            let error = left(Liar { watched, opened }).await.to_string();
            assert!(error.contains("a provider's name"), "{name:?}: {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_flow_is_that_of_the_provider_that_was_asked_for() {
    for name in ["github", "../seed"] {
        let watched = Watched::Provider(state("stripe"));
        let opened = state(name);
        let error = left(Liar { watched, opened }).await.to_string();
        assert!(error.contains("the provider that is followed"), "{error}");
    }
}

const START: Point = Point {
    inbox: InboxId([1; 8]),
    sequence: 0,
};
