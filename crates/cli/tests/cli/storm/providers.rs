//! Providers: each sends its webhooks one after the other, and again what was not answered 2xx.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ring::hmac;
use testkit::post::post;
use tokio::sync::watch;
use transport::tasks::Tasks;

use super::Weather;

/// Who sends.
pub(super) const PROVIDERS: [&str; 4] = ["north", "east", "south", "west"];

/// With which all of them sign.
pub(super) const KEY: &str = "the key of all four winds";

/// All providers.
pub(super) struct Providers {
    released: Arc<watch::Sender<usize>>,
    tasks: Tasks,
}

impl Providers {
    /// Starts them; they send what is released.
    pub(super) fn start(server: SocketAddr, weather: Weather) -> Self {
        let released = Arc::new(watch::Sender::new(0));
        let tasks = Tasks::new();
        for provider in PROVIDERS {
            let released = released.subscribe();
            tasks.spawn(provider, send_all(server, provider, weather.each, released));
        }
        Self { released, tasks }
    }

    /// Lets each send its part of what is to be sent before the blow of this number.
    pub(super) fn release(&self, blow: usize, weather: Weather) {
        self.released
            .send_replace(weather.each * blow / (weather.blows + 1));
    }

    /// Waits until all have been sent.
    pub(super) async fn end(self) {
        let late = self.tasks.shutdown(Duration::from_secs(1)).await;
        assert!(late.is_empty(), "what arrived was answered: {late:?}");
    }
}

async fn send_all(
    server: SocketAddr,
    provider: &'static str,
    count: usize,
    mut released: watch::Receiver<usize>,
) {
    for number in 0..count {
        // Whoever releases goes on until all have arrived.
        released.wait_for(|&released| number < released).await.ok();
        send(server, provider, number).await;
    }
}

/// Sends one until it is taken.
async fn send(server: SocketAddr, provider: &str, number: usize) {
    let body = body(provider, number);
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    let signature = hmac::sign(&key, &body);
    let signature: String = signature
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let headers = [
        ("host", "app.example.com".to_owned()),
        ("x-storm-id", format!("{provider}-{number}")),
        ("x-storm-event", "wind.blew".to_owned()),
        ("x-storm-signature", signature),
    ];
    let path = format!("/api/webhooks/{provider}");
    loop {
        let answered = post(server, &path, &headers, &body);
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(answered)) if (200..300).contains(&answered.status) => return,
            // A server that is not there is asked again soon, for the test's sake.
            _ => tokio::time::sleep(AGAIN).await,
        }
    }
}

/// What a provider sends: some hundred bytes, and no two the same.
pub(super) fn body(provider: &str, number: usize) -> Vec<u8> {
    format!(
        "{provider} {number} {}\u{0}\u{ff}",
        "~".repeat(number % 500)
    )
    .into_bytes()
}

/// How long an answer is waited for: a server that was killed says that at once.
const PATIENCE: Duration = Duration::from_secs(10);

const AGAIN: Duration = Duration::from_millis(30);
