//! The official SDKs of webhooks' providers, asked by two programs of their own languages:
//! `tests/sdks/judge.mjs` and `judge.py`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use features::webhooks::{Header, Request};
use serde_json::{Value, json};

use crate::support::judge::Judge;

/// An official SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sdk {
    /// What the judge calls it.
    name: &'static str,
    language: Language,
    /// Whose webhooks it knows, as we call them.
    pub(crate) provider: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Node,
    Python,
}

/// npm's `stripe`.
pub(crate) const STRIPE: Sdk = Sdk::node("stripe", "stripe");

/// npm's `svix`.
pub(crate) const SVIX: Sdk = Sdk::node("svix", "svix");

/// npm's `@octokit/webhooks-methods`.
pub(crate) const GITHUB: Sdk = Sdk::node("github", "github");

/// npm's `@paddle/paddle-node-sdk`.
pub(crate) const PADDLE: Sdk = Sdk::node("paddle", "paddle");

/// npm's `square`.
pub(crate) const SQUARE: Sdk = Sdk::node("square", "square");

/// npm's `@sendgrid/eventwebhook`, whose webhooks are signed with a private key.
pub(crate) const SENDGRID: Sdk = Sdk::node("sendgrid", "sendgrid");

/// PyPI's `stripe`.
pub(crate) const STRIPE_TOO: Sdk = Sdk::python("stripe", "stripe");

/// PyPI's `standardwebhooks`.
pub(crate) const STANDARD: Sdk = Sdk::python("standard", "standard");

/// PyPI's `slack_sdk`.
pub(crate) const SLACK: Sdk = Sdk::python("slack", "slack");

/// PyPI's `twilio`, whose webhooks are forms.
pub(crate) const TWILIO: Sdk = Sdk::python("twilio", "twilio");

/// Every SDK that is installed for the tests.
pub(crate) const ALL: [Sdk; 10] = [
    STRIPE, SVIX, GITHUB, PADDLE, SQUARE, SENDGRID, STRIPE_TOO, STANDARD, SLACK, TWILIO,
];

impl Sdk {
    const fn node(name: &'static str, provider: &'static str) -> Self {
        Self {
            name,
            language: Language::Node,
            provider,
        }
    }

    const fn python(name: &'static str, provider: &'static str) -> Self {
        Self {
            name,
            language: Language::Python,
            provider,
        }
    }
}

/// When an SDK lives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// Now.
    Machine,
    /// At this second since 1970.
    At(u64),
}

/// Both programs.
pub(crate) struct Judges {
    node: Judge,
    python: Judge,
}

impl Judges {
    /// Starts them. They end with the test's process.
    ///
    /// # Panics
    /// If they are not installed: a test that needs them fails, it is never left out.
    pub(crate) fn start() -> Self {
        Self {
            node: Judge::node("judge.mjs", &[]),
            python: Judge::python("judge.py", &[]),
        }
    }

    /// Asks an SDK whether a request is its provider's.
    pub(crate) fn verify(
        &mut self,
        sdk: Sdk,
        request: &Request,
        secret: &str,
        url: &str,
        clock: Clock,
    ) -> Result<(), String> {
        let text = |header: &Header| {
            let value = String::from_utf8(header.value.to_vec()).expect("text");
            (header.name.clone(), value)
        };
        let headers: Vec<_> = request.headers.iter().map(text).collect();
        let said = self.ask(
            sdk,
            clock,
            json!({
                "op": "verify", "secret": secret, "url": url, "headers": headers,
                "body": BASE64_STANDARD.encode(&request.body),
            }),
        );
        if said["ok"] == json!(true) {
            return Ok(());
        }
        Err(said["error"].as_str().expect("an error").to_owned())
    }

    /// Has an SDK sign a request, which gets the headers for it.
    ///
    /// # Panics
    /// If it cannot.
    pub(crate) fn sign(
        &mut self,
        sdk: Sdk,
        request: &mut Request,
        secret: &str,
        (url, id): (&str, &str),
        clock: Clock,
    ) {
        let said = self.ask(
            sdk,
            clock,
            json!({
                "op": "sign", "secret": secret, "url": url, "id": id,
                "body": BASE64_STANDARD.encode(&request.body),
            }),
        );
        let headers = said["headers"].as_array();
        for header in headers.unwrap_or_else(|| panic!("{sdk:?} does not sign: {said}")) {
            let part = |at: usize| header[at].as_str().expect("text");
            request.headers.push(Header::new(part(0), part(1)));
        }
    }

    /// Makes SendGrid's private key, with which it signs, and the public one.
    pub(crate) fn keys(&mut self) -> (String, String) {
        let said = self.ask(SENDGRID, Clock::Machine, json!({"op": "keys"}));
        let key = |name: &str| said[name].as_str().expect("a key").to_owned();
        (key("secret"), key("public"))
    }

    fn ask(&mut self, sdk: Sdk, clock: Clock, mut question: Value) -> Value {
        question["sdk"] = json!(sdk.name);
        if let Clock::At(second) = clock {
            question["now"] = json!(second);
        }
        let judge = match sdk.language {
            Language::Node => &mut self.node,
            Language::Python => &mut self.python,
        };
        judge.ask(&question)
    }
}
