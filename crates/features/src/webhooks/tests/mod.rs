//! Webhooks from the inbox to a local app and back: a virtual network between the ends, a real inbox on
//! a disk, a real HTTP server.

mod beginning;
mod flow;
mod forged;
mod gaps;
mod golden;
mod liars;
mod local;
mod loss;
mod proxy;
mod refused;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use testkit::net::Link;
use testkit::pair::Pair;
use transport::backoff::BackoffPolicy;
use transport::keeper::{Keeper, Reconnect};
use transport::router::Router;
use transport::tasks::Tasks;
use transport::trust::Scopes;

use super::client::tests::app::{App, Deed, answer};
use super::client::{
    Forwarding, LONGEST_ANSWER, Posting, Signer, SigningPolicy, Target, Targets, WebhookEvent,
    WebhookStream,
};
use super::clock::system_clock;
use super::desk::Desk;
use super::inbox::{Inbox, NewDelivery, Taken, draw};
use super::providers::OwnSecrets;
use super::server::Webhooks;
use super::wire::Start;
use super::{Delivery, Header, Origin, PROTOCOL, Receipt, Request, Verification, WebhooksConfig};
use crate::parts::Variables;

/// A server with an inbox, and a client with a keeper, on a virtual network.
struct Play {
    pair: Pair,
    keeper: Keeper,
    running: Option<Running>,
    config: WebhooksConfig,
    folder: TempDir,
}

/// What a start of the server has.
struct Running {
    inbox: Arc<Inbox>,
    desk: Arc<Desk>,
    tasks: Tasks,
}

impl Play {
    async fn begin() -> Self {
        Self::with("").await
    }

    /// Begins with more in the section `[webhooks]`.
    async fn with(section: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let mut config: WebhooksConfig = toml::from_str(section).unwrap();
        config.inbox = Some(folder.path().join("inbox.db"));
        let (router, running) = open(&config);
        let pair = Pair::serve(router, Scopes::default(), Link::default());
        let keeper = Keeper::start(pair.dial_from(2), PATIENT).await.unwrap();
        Self {
            pair,
            keeper,
            running: Some(running),
            config,
            folder,
        }
    }

    fn inbox(&self) -> &Inbox {
        &self.running.as_ref().unwrap().inbox
    }

    fn desk(&self) -> &Arc<Desk> {
        &self.running.as_ref().unwrap().desk
    }

    /// Brings a delivery to the inbox.
    async fn take(&self, provider: &str, event: &str, body: &[u8]) -> Arc<Delivery> {
        match self.inbox().take(new(provider, event, body)).await.unwrap() {
            Taken::New(delivery) => delivery,
            Taken::Repeated(delivery) => panic!("{delivery:?}"),
        }
    }

    /// Brings so many deliveries with the numbers from `first` as their bodies.
    async fn take_all(&self, provider: &str, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.take(provider, "event", number.to_string().as_bytes())
                .await;
        }
    }

    /// Forwards everything to an app.
    fn forward(&self, app: &App) -> WebhookStream {
        WebhookStream::open(&self.keeper, forwarding(app.port))
    }

    /// Ends the server as a restart or a kill does, and starts another with the same inbox.
    async fn start_again(&mut self, end: End) {
        self.start_between(end, |_| {}).await;
    }

    /// The same, with something done to the folder of the inbox between.
    async fn start_between(&mut self, end: End, between: impl FnOnce(&Path)) {
        let running = self.running.take().unwrap();
        match end {
            End::Restart => {
                self.pair.server.shutdown(Duration::from_secs(30)).await;
                running.tasks.shutdown(Duration::from_secs(5)).await;
            }
            End::Kill => {
                self.pair.server.kill().await;
                running.tasks.shutdown(Duration::ZERO).await;
            }
        }
        // A file is one inbox's at a time.
        drop(running);
        between(self.folder.path());
        let (router, running) = open(&self.config);
        self.running = Some(running);
        self.pair.kill_and_start(router, Scopes::default()).await;
    }
}

/// How a server ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Restart,
    Kill,
}

/// Opens what a start of the server has.
fn open(config: &WebhooksConfig) -> (Router, Running) {
    let (webhooks, inbox_tasks) = Webhooks::open(config.clone(), &Variables::default()).unwrap();
    let running = Running {
        inbox: Arc::clone(&webhooks.inbox),
        desk: Arc::clone(&webhooks.desk),
        tasks: Tasks::new(),
    };
    inbox_tasks.start(&running.tasks);
    let mut router = Router::default();
    router.add(PROTOCOL, Arc::new(webhooks));
    (router, running)
}

fn new(provider: &str, event: &str, body: &[u8]) -> NewDelivery {
    let received = crate::wall_clock::millis();
    NewDelivery {
        random: draw(),
        received,
        provider: provider.to_owned(),
        event: Some(event.to_owned()),
        event_id: None,
        verification: Verification::Verified,
        answered: None,
        request: Request {
            method: "POST".into(),
            target: format!("/api/webhooks/{provider}?a=b"),
            headers: vec![
                Header::new("content-type", "text/plain"),
                Header::new("content-length", body.len().to_string()),
            ],
            body: Bytes::copy_from_slice(body),
            origin: Origin {
                scheme: "https".into(),
                host: "app.example.com".into(),
                client: [192, 0, 2, 7].into(),
            },
        },
    }
}

/// Forwards everything to a port, from the first delivery on.
fn forwarding(port: u16) -> Forwarding {
    Forwarding {
        follower: "laptop".into(),
        targets: Targets::all(target(port)),
        events: Vec::new(),
        start: Start::Since(0),
        journals: None,
        posting: posting(),
    }
}

fn target(port: u16) -> Target {
    port.to_string().parse().unwrap()
}

fn posting() -> Posting {
    Posting {
        signer: Arc::new(Signer {
            policy: SigningPolicy::Never,
            secrets: OwnSecrets::new(&[7; 32]),
            asked: [].into(),
        }),
        longest: LONGEST_ANSWER,
        clock: system_clock(),
    }
}

/// Waits for what matters: not that a provider is there, and not that a delivery has come.
async fn next(stream: &mut WebhookStream) -> WebhookEvent {
    loop {
        let event = stream.next().await.unwrap().expect("more events");
        match event {
            WebhookEvent::Watching { .. }
            | WebhookEvent::Provider(_)
            | WebhookEvent::Opened { .. }
            | WebhookEvent::Arrived(_) => {}
            event => return event,
        }
    }
}

/// Waits for the last receipt of the next delivery.
async fn receipt(stream: &mut WebhookStream) -> Arc<Receipt> {
    loop {
        match next(stream).await {
            WebhookEvent::Answered { receipt, .. } => return receipt,
            WebhookEvent::Reconnected { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Waits for the last receipts of so many deliveries, which a local app has taken at the first try.
async fn delivered(stream: &mut WebhookStream, count: usize) {
    for _ in 0..count {
        let receipt = receipt(stream).await;
        assert!(receipt.outcome.is_delivered(), "{receipt:?}");
        assert_eq!(receipt.attempt, 1, "{receipt:?}");
    }
}

/// Returns the bodies that an app was sent, as numbers.
fn numbers(app: &mut App) -> Vec<u64> {
    std::iter::from_fn(|| app.asked_already())
        .map(|asked| String::from_utf8(asked.body).unwrap().parse().unwrap())
        .collect()
}

const PATIENT: Reconnect = Reconnect::On(BackoffPolicy {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(4),
    attempts: None,
});
