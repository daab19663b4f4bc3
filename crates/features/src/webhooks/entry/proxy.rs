//! Providers in `proxy`, whose answer is the laptop's.
//!
//! ```text
//! expect ─▶ Inbox::take ─▶ a flow of this instance ─▶ the laptop ─▶ its answer, or `late`
//!   └ nobody follows it here ─▶ Inbox::take ─▶ `away`
//! ```
//! Somebody waits at the desk before the delivery is in the inbox: a flow, which may be quicker than the
//! entry, finds him there, or knows that there is nobody.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio::time::{Instant, timeout_at};

use super::Door;
use super::answer::kept;
use crate::webhooks::desk::Expected;
use crate::webhooks::http::Between;
use crate::webhooks::inbox::Taken;
use crate::webhooks::{Answer, DeliveryId, Mode, NotDelivered, Outcome, ProviderConfig, providers};

/// How a provider is answered that waits for the laptop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Proxy {
    /// How long the laptop has.
    deadline: Duration,
    late: StatusCode,
    away: StatusCode,
}

/// Why there is no answer of the laptop's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    /// It has not come in time.
    Late,
    /// No laptop follows the provider, or nothing listens there.
    Away,
}

impl Proxy {
    /// Takes what the configuration says of a provider; `None` where production answers it.
    fn of(provider: &str, config: Option<&ProviderConfig>) -> Option<Self> {
        let config = config.filter(|config| config.mode == Mode::Proxy)?;
        let status = |written: Option<u16>| {
            let status = written.and_then(|it| StatusCode::from_u16(it).ok());
            status.unwrap_or(StatusCode::ACCEPTED)
        };
        Some(Self {
            deadline: config
                .deadline
                .unwrap_or_else(|| providers::deadline(provider)),
            late: status(config.late),
            away: status(config.away),
        })
    }

    /// Answers for a laptop that does not.
    fn without(&self, silence: Silence, delivery: DeliveryId) -> Response {
        let status = match silence {
            Silence::Late => self.late,
            Silence::Away => self.away,
        };
        kept(status, delivery)
    }

    /// Answers with what came of a try, in the local app's words if it has any.
    fn with(&self, outcome: Outcome, delivery: DeliveryId) -> Response {
        match outcome {
            Outcome::Answered(answer) => passed_on(answer),
            Outcome::NotDelivered(NotDelivered::TooLate) => self.without(Silence::Late, delivery),
            Outcome::NotDelivered(_) => self.without(Silence::Away, delivery),
        }
    }
}

/// A provider that waits for the laptop.
#[derive(Debug)]
pub(super) struct Waits {
    proxy: Proxy,
    until: Instant,
    /// `None` where nobody follows the provider.
    expected: Option<Expected>,
}

impl Door {
    /// Begins to wait for what the laptop says of a delivery that came at `came`, and is not in the inbox
    /// yet; `None` if its provider does not wait.
    pub(super) fn waits(&self, provider: &str, id: DeliveryId, came: Instant) -> Option<Waits> {
        let proxy = Proxy::of(provider, self.providers.get(provider))?;
        let until = came + proxy.deadline;
        let expected = self.expect(provider, id, until);
        Some(Waits {
            proxy,
            until,
            expected,
        })
    }

    fn expect(&self, provider: &str, id: DeliveryId, until: Instant) -> Option<Expected> {
        let desk = &self.inside.desk;
        desk.is_followed(provider).then(|| desk.expect(id, until))
    }

    /// Waits for what the laptop says of a delivery that is in the inbox.
    pub(super) async fn laptop_s(&self, waits: Waits, taken: Taken) -> Response {
        let Waits {
            proxy,
            until,
            expected,
        } = waits;
        let id = taken.id();
        let expected = match taken {
            Taken::New(_) => expected,
            Taken::Repeated(before) => {
                if let Some(outcome) = self.answered(id).await {
                    return proxy.with(outcome, id);
                }
                self.expect(&before.provider, id, until)
            }
        };
        let Some(expected) = expected else {
            return proxy.without(Silence::Away, id);
        };
        match timeout_at(until, expected).await {
            Ok(receipt) => proxy.with(receipt.outcome, id),
            Err(_) => proxy.without(Silence::Late, id),
        }
    }

    /// Returns what a laptop has said of a delivery before.
    async fn answered(&self, id: DeliveryId) -> Option<Outcome> {
        let shown = self.inside.inbox.show(id).await.ok()??;
        let (_, tries) = shown;
        let answers = tries.into_iter().map(|tried| tried.receipt);
        let answers = answers.filter(|receipt| matches!(receipt.outcome, Outcome::Answered(_)));
        let last = answers.max_by_key(|receipt| receipt.at)?;
        Some(last.outcome)
    }
}

/// Passes on what a local app has answered: all of its headers but for those between neighbours, and
/// as much of the body as was brought.
fn passed_on(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).ok();
    // Nothing else ends a request.
    let status = status.filter(|status| !status.is_informational());
    let mut response = Response::new(Body::from(answer.body.into_vec()));
    *response.status_mut() = status.unwrap_or(StatusCode::BAD_GATEWAY);
    let between = Between::of(&answer.headers);
    for line in &answer.headers {
        // The length is the body's here.
        let goes = line.name != header::CONTENT_LENGTH.as_str() && !between.has(&line.name);
        let name = HeaderName::try_from(line.name.as_str());
        let value = HeaderValue::from_bytes(&line.value);
        if let (true, Ok(name), Ok(value)) = (goes, name, value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use serde_bytes::ByteBuf;

    use super::*;
    use crate::webhooks::Header;

    fn answer(status: u16) -> Answer {
        let line = |name: &str, value: &str| Header::new(name, value);
        Answer {
            status,
            headers: vec![
                line("connection", "x-hop, close,content-type"),
                line("content-type", "text/plain"),
                line("x-hop", "1"),
                line("set-cookie", "a=1"),
                line("x-end", "2"),
                line("set-cookie", "b=2"),
                line("content-length", "999"),
                line("transfer-encoding", "chunked"),
                line("x-bad", "a\r\nb"),
            ],
            body: ByteBuf::from(vec![0xff, 0, 1]),
            length: 999,
            cut: true,
        }
    }

    #[test]
    fn a_local_answer_goes_back_without_what_is_between_neighbours() {
        let response = passed_on(answer(418));
        assert_eq!(response.status(), 418);
        let lines: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(
            lines,
            [
                ("content-type", "text/plain"),
                ("set-cookie", "a=1"),
                ("set-cookie", "b=2"),
                ("x-end", "2")
            ]
        );
    }

    #[test]
    fn what_is_no_final_status_is_a_fault_of_the_local_app() {
        for status in [0, 99, 100, 101, 1000] {
            assert_eq!(passed_on(answer(status)).status(), 502, "{status}");
        }
    }

    #[test]
    fn only_a_provider_in_proxy_waits_for_the_laptop() {
        let config = |text: &str| toml::from_str::<ProviderConfig>(text).unwrap();
        assert_eq!(Proxy::of("slack", None), None);
        assert_eq!(Proxy::of("slack", Some(&config("deadline = '2s'"))), None);
        let proxy = config("mode = 'proxy'\ndeadline = '2s'\nlate = 503");
        let proxy = Proxy::of("slack", Some(&proxy)).unwrap();
        assert_eq!(proxy.deadline, Duration::from_secs(2));
        let id = DeliveryId::new(1, 1);
        assert_eq!(proxy.without(Silence::Late, id).status(), 503);
        assert_eq!(proxy.without(Silence::Away, id).status(), 202);
        let late = Outcome::NotDelivered(NotDelivered::TooLate);
        assert_eq!(proxy.with(late, id).status(), 503);
        let refused = Outcome::NotDelivered(NotDelivered::Refused);
        assert_eq!(proxy.with(refused, id).status(), 202);
    }
}
