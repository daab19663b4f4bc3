//! Tests of providers: what they sign is taken, and nothing else.

mod schemes;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{CannotSign, Signing, check, sign};
use crate::webhooks::{Header, HmacConfig, Origin, Refusal, Request};

/// A provider of the tests', with a secret of its form.
#[derive(Clone)]
struct Play {
    provider: &'static str,
    hmac: Option<HmacConfig>,
    secret: String,
    body: &'static [u8],
}

impl Play {
    fn new(provider: &'static str, secret: &str) -> Self {
        Self {
            provider,
            hmac: None,
            secret: secret.to_owned(),
            body: b"{\"id\":\"evt_1\",\"caf\xe9\":true}",
        }
    }

    fn signing(&self, now: u64) -> Signing<'_> {
        Signing {
            provider: self.provider,
            hmac: self.hmac.as_ref(),
            url: None,
            now: at(now),
        }
    }

    fn check(&self, request: &Request, now: u64) -> Result<(), Refusal> {
        check(&self.signing(now), request, &[&self.secret], None)
    }

    fn sign(&self, request: &mut Request) -> Result<(), CannotSign> {
        sign(&self.signing(NOW), request, &self.secret)
    }

    /// A request of the provider's, signed now.
    fn signed(&self) -> Request {
        let mut request = post(self.body);
        self.sign(&mut request).expect("it can be signed");
        request
    }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn post(body: &[u8]) -> Request {
    Request {
        method: "POST".into(),
        target: "/api/webhooks/it?a=b".into(),
        headers: vec![Header::new("content-type", "application/json")],
        body: body.to_vec().into(),
        origin: Origin {
            scheme: "https".into(),
            host: "app.example.com".into(),
            client: [192, 0, 2, 1].into(),
        },
    }
}

/// When the tests are.
const NOW: u64 = 1_795_000_000;
