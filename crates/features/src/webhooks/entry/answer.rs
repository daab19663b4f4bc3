//! What a provider is answered: that its delivery is kept, or what the laptop says of it.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::webhooks::http::Between;
use crate::webhooks::providers::Challenge;
use crate::webhooks::{Answer, DeliveryId, Mode, NotDelivered, Outcome, ProviderConfig, providers};

/// How a provider is answered that waits for the laptop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    /// How long the laptop has.
    pub(super) deadline: Duration,
    late: StatusCode,
    away: StatusCode,
}

/// Why there is no answer of the laptop's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// It has not come in time.
    Late,
    /// No laptop follows the provider, or nothing listens there.
    Away,
}

impl Proxy {
    /// Takes what the configuration says of a provider; `None` where production answers it.
    pub(super) fn of(provider: &str, config: Option<&ProviderConfig>) -> Option<Self> {
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
    pub(super) fn without(&self, silence: Silence, delivery: DeliveryId) -> Response {
        let status = match silence {
            Silence::Late => self.late,
            Silence::Away => self.away,
        };
        kept(status, delivery)
    }

    /// Answers with what came of a try, in the local app's words if it has any.
    pub(super) fn with(&self, outcome: Outcome, delivery: DeliveryId) -> Response {
        match outcome {
            Outcome::Answered(answer) => passed_on(answer),
            Outcome::NotDelivered(NotDelivered::TooLate) => self.without(Silence::Late, delivery),
            Outcome::NotDelivered(_) => self.without(Silence::Away, delivery),
        }
    }
}

/// Says that a delivery is kept, and as which.
pub(super) fn kept(status: StatusCode, delivery: DeliveryId) -> Response {
    let text = format!("{{\"id\":\"{delivery}\"}}");
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, json, text).into_response()
}

/// Gives back what a provider has asked for.
pub(super) fn challenged(challenge: Challenge) -> Response {
    let headers = [
        (header::CONTENT_TYPE, challenge.content_type),
        // Anybody may have written it.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, challenge.body).into_response()
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
