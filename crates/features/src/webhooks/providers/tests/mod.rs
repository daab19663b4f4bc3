//! Tests of providers: what they sign is taken, and nothing else.

mod answers;
mod described;
mod fixed;
mod public;
mod random;
mod trials;
mod verifiers;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{CannotSign, OwnSecrets, Signing, check, sign};
use crate::webhooks::{
    Header, HmacAlgorithm, HmacConfig, Origin, Refusal, Request, SignatureEncoding,
};

/// A provider in a test, with a secret of its form.
#[derive(Clone)]
struct Play {
    provider: &'static str,
    hmac: Option<HmacConfig>,
    /// What it sends, before it is signed.
    request: Request,
    /// Whether its signature covers the body.
    body_counts: bool,
    /// Whether its signature covers the address.
    address_counts: bool,
    secret: String,
}

impl Play {
    fn new(provider: &'static str) -> Self {
        Self {
            provider,
            hmac: None,
            request: post(BODY),
            body_counts: true,
            address_counts: false,
            secret: OwnSecrets::new(&[7; 32])
                .of(provider, None)
                .expect("a secret"),
        }
    }

    /// One that is described in the configuration.
    fn described() -> Self {
        let mut play = Self::new("github");
        play.provider = "billing";
        play.address_counts = true;
        play.hmac = Some(HmacConfig {
            header: "x-billing-signature".into(),
            prefix: "sha512=".into(),
            algorithm: HmacAlgorithm::Sha512,
            encoding: SignatureEncoding::Base64,
            signed: "{method} {url} {timestamp}.{body}".into(),
            timestamp_header: Some("x-billing-time".into()),
            id_header: Some("x-billing-id".into()),
            event_header: Some("x-billing-event".into()),
        });
        play
    }

    fn mailgun() -> Self {
        let body = br#"{"signature": {"token": "old", "timestamp": "1", "signature": "00"}, "event-data": {}}"#;
        let mut play = Self::new("mailgun");
        play.request = post(body);
        play.body_counts = false;
        play
    }

    fn twilio(kind: &str, target: &str, body: &[u8]) -> Self {
        let mut play = Self::new("twilio");
        play.request = post(body);
        play.request.headers = vec![Header::new("content-type", kind)];
        play.request.target = target.into();
        play.address_counts = true;
        play
    }

    /// Every scheme with a shared secret, one with two forms in both.
    fn all() -> Vec<Self> {
        let form = "application/x-www-form-urlencoded; charset=UTF-8";
        let mut gitlab = Self::new("gitlab");
        gitlab.body_counts = false;
        let mut square = Self::new("square");
        square.address_counts = true;
        let mut all = vec![
            Self::twilio(form, "/hooks/sms?x=1", b"To=%2B1800&Body=a+b%26c&Empty="),
            Self::twilio("application/json", "/hooks?bodySHA256=00&x=1", BODY),
            Self::mailgun(),
            Self::described(),
            gitlab,
            square,
        ];
        all.extend(OF_BODY.iter().copied().map(Self::new));
        all
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

    fn sign(&self, request: &mut Request, now: u64) -> Result<(), CannotSign> {
        sign(&self.signing(now), request, &self.secret)
    }

    /// What it sends, signed now.
    fn signed(&self) -> Request {
        let mut request = self.request.clone();
        self.sign(&mut request, NOW).expect("it can be signed");
        request
    }

    /// The headers that signing has added.
    fn added(&self, signed: &Request) -> Vec<usize> {
        let is_new = |header: &Header| self.request.headers.iter().all(|it| it.name != header.name);
        let numbered = signed.headers.iter().enumerate();
        let added = numbered.filter(|(_, header)| is_new(header));
        added.map(|(index, _)| index).collect()
    }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

pub(super) fn post(body: &[u8]) -> Request {
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

/// Not UTF-8, and not JSON either.
const BODY: &[u8] = b"{\"id\":\"evt_1\",\"caf\xe9\":\0}\r\n";

/// When the tests are.
const NOW: u64 = 1_795_000_000;

const OF_BODY: &[&str] = &[
    "stripe",
    "github",
    "shopify",
    "slack",
    "standard",
    "svix",
    "paddle",
    "lemonsqueezy",
    "bitbucket",
    "gitea",
    "meta",
    "dropbox",
    "zoom",
];
