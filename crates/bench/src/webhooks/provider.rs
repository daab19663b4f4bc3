//! Ten providers, and how each signs what it sends.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// A provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) name: &'static str,
    /// Its headers, in which `{id}`, `{time}`, `{hex}` and `{base64}` stand for what they say.
    headers: &'static str,
    /// What is signed before the body, in the same way.
    signed: &'static str,
    secret: Written,
}

/// How a secret is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// As it is.
    Plainly,
    /// In base64, behind `whsec_`.
    InBase64,
}

/// Signs for one provider.
pub(super) struct Signer {
    provider: &'static Provider,
    key: hmac::Key,
}

impl Provider {
    /// Returns the variable that a server looks for the secret in, and what it finds there.
    pub(crate) fn variable(&self) -> (String, String) {
        let name = format!("{}_WEBHOOK_SECRET", self.name.to_ascii_uppercase());
        let secret = match self.secret {
            Written::Plainly => SECRET.to_owned(),
            Written::InBase64 => format!("whsec_{}", STANDARD.encode(SECRET)),
        };
        (name, secret)
    }
}

impl Signer {
    pub(super) fn of(provider: &'static Provider) -> Self {
        Self {
            provider,
            key: hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()),
        }
    }

    /// Returns the headers for a body, each with its end of line.
    pub(super) fn headers(&self, id: &str, time: u64, body: &[u8]) -> String {
        let time = time.to_string();
        let written = |text: &str| text.replace("{id}", id).replace("{time}", &time);
        let mut context = hmac::Context::with_key(&self.key);
        context.update(written(self.provider.signed).as_bytes());
        context.update(body);
        let tag = context.sign();
        written(self.provider.headers)
            .replace("{hex}", &hex(tag.as_ref()))
            .replace("{base64}", &STANDARD.encode(tag))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.provider.name)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Nobody's. Base64 of it is what Standard Webhooks take: 24 to 64 bytes.
const SECRET: &str = "bench-secret-of-32-bytes-exactly";

/// Ten of those that sign with a secret, and not the address.
pub(crate) const PROVIDERS: [Provider; 10] = [
    provider(
        "stripe",
        "stripe-signature: t={time},v1={hex}\r\n",
        "{time}.",
    ),
    provider(
        "github",
        "x-github-event: push\r\nx-github-delivery: {id}\r\nx-hub-signature-256: sha256={hex}\r\n",
        "",
    ),
    provider(
        "shopify",
        "x-shopify-topic: orders/create\r\nx-shopify-webhook-id: {id}\r\nx-shopify-hmac-sha256: {base64}\r\n",
        "",
    ),
    provider(
        "slack",
        "x-slack-request-timestamp: {time}\r\nx-slack-signature: v0={hex}\r\n",
        "v0:{time}:",
    ),
    provider(
        "paddle",
        "paddle-signature: ts={time};h1={hex}\r\n",
        "{time}:",
    ),
    provider(
        "bitbucket",
        "x-event-key: repo:push\r\nx-request-uuid: {id}\r\nx-hub-signature: sha256={hex}\r\n",
        "",
    ),
    provider(
        "gitea",
        "x-gitea-event: push\r\nx-gitea-delivery: {id}\r\nx-gitea-signature: {hex}\r\n",
        "",
    ),
    provider(
        "lemonsqueezy",
        "x-event-name: order_created\r\nx-signature: {hex}\r\n",
        "",
    ),
    Provider {
        secret: Written::InBase64,
        ..provider(
            "standard",
            "webhook-id: {id}\r\nwebhook-timestamp: {time}\r\nwebhook-signature: v1,{base64}\r\n",
            "{id}.{time}.",
        )
    },
    Provider {
        secret: Written::InBase64,
        ..provider(
            "svix",
            "svix-id: {id}\r\nsvix-timestamp: {time}\r\nsvix-signature: v1,{base64}\r\n",
            "{id}.{time}.",
        )
    },
];

const fn provider(name: &'static str, headers: &'static str, signed: &'static str) -> Provider {
    Provider {
        name,
        headers,
        signed,
        secret: Written::Plainly,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use client::webhooks::providers::{Signing, check};
    use client::webhooks::{Header, Origin, Request};

    use super::*;

    #[test]
    fn what_is_signed_here_is_taken_by_the_product() {
        for provider in &PROVIDERS {
            let signer = Signer::of(provider);
            let mut request = Request {
                method: "POST".to_owned(),
                target: "/".to_owned(),
                headers: Vec::new(),
                body: b"{}".as_slice().into(),
                origin: Origin {
                    scheme: "http".to_owned(),
                    host: "localhost".to_owned(),
                    client: [127, 0, 0, 1].into(),
                },
            };
            let headers = signer.headers("evt_1", 1_700_000_000, &request.body);
            let headers = headers.lines().filter_map(|line| line.split_once(": "));
            request.headers = headers
                .map(|(name, value)| Header::new(name, value))
                .collect();
            let signing = Signing {
                provider: provider.name,
                hmac: None,
                url: None,
                now: UNIX_EPOCH + Duration::from_secs(1_700_000_001),
            };
            let (_, secret) = provider.variable();
            let checked = check(&signing, &request, &[&secret], None);
            assert_eq!(checked, Ok(()), "{}", provider.name);
            let late = Signing {
                now: SystemTime::now(),
                ..signing
            };
            request.body = b"[]".as_slice().into();
            assert!(
                check(&late, &request, &[&secret], None).is_err(),
                "{}",
                provider.name
            );
        }
    }
}
