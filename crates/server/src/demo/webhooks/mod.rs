//! The demo production's webhooks: what providers send to it, every few seconds, as they would send it.
//!
//! ```text
//! fixtures ── filled, signed ──▶ HTTP ──▶ the demo's own front, as any provider's
//! ```
//! Four providers sign, with secrets that the demo is started with; PayPal, which nobody else can sign
//! for, comes unverified. Now and then a provider sends the same again, as providers do.

mod send;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::time::{Duration, SystemTime};

use features::webhooks::fixtures::{self, Fixture, Fresh};
use features::webhooks::providers::{OwnSecrets, Signing, sign};
use features::webhooks::{Origin, Request};
use tokio::time::sleep;
use tracing::debug;

use super::draw::Draw;

/// The webhooks of the demo production, without end.
#[derive(Debug)]
pub struct Webhooks {
    draw: Draw,
    /// What each of them is new by: the same webhook of two starts is not the same delivery.
    start: SystemTime,
    sent: u64,
    last: Option<Request>,
}

impl Webhooks {
    /// What stands before the path of each.
    pub const URL: &str = "https://demo.example.com";

    /// Begins the webhooks at a time.
    #[must_use]
    pub fn starting(start: SystemTime) -> Self {
        Self {
            draw: Draw::for_the("webhooks"),
            start,
            sent: 0,
            last: None,
        }
    }

    /// Returns the demo's secret that a variable holds: `STRIPE_WEBHOOK_SECRET`, and the like.
    #[must_use]
    pub fn secret(variable: &str) -> Option<String> {
        let provider = variable
            .strip_suffix("_WEBHOOK_SECRET")?
            .to_ascii_lowercase();
        secret_of(&provider)
    }

    /// Sends each to the front at an address when it is due, until `stop` is done. A front that does
    /// not take one is as a provider sees it: there will be others.
    pub async fn send_to(mut self, front: SocketAddr, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            let wait = if self.sent == 0 {
                FIRST
            } else {
                Duration::from_millis(self.draw.within(PACE))
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = sleep(wait) => {}
            }
            let request = self.next(SystemTime::now());
            tokio::select! {
                biased;
                () = &mut stop => return,
                sent = send::send(front, &request) => match sent {
                    Ok(status) => debug!("the demo's webhook was answered with {status}"),
                    Err(error) => debug!("the demo's webhook was not taken: {error}"),
                }
            }
        }
    }

    /// Makes the next.
    fn next(&mut self, now: SystemTime) -> Request {
        self.sent += 1;
        if self.draw.chance(AGAIN)
            && let Some(last) = self.last.take()
        {
            return last;
        }
        let fixture = self.fixture();
        let fresh = Fresh {
            seed: self.seed(),
            now,
        };
        let request = signed(fixture, &fresh);
        self.last = Some(request.clone());
        request
    }

    /// Draws what happens: a shop is paid more often than it makes releases.
    fn fixture(&mut self) -> &'static Fixture {
        let provider = match self.draw.below(100) {
            0..=54 => "stripe",
            55..=74 => "github",
            75..=86 => "shopify",
            87..=94 => "slack",
            _ => "paypal",
        };
        let those: Vec<_> = fixtures::ALL
            .iter()
            .filter(|fixture| fixture.provider == provider)
            .collect();
        those[self.draw.place(&those)]
    }

    fn seed(&self) -> [u8; 16] {
        let start = self.start.duration_since(SystemTime::UNIX_EPOCH);
        let nanos = start.unwrap_or_default().as_nanos();
        (nanos.wrapping_add(u128::from(self.sent))).to_be_bytes()
    }
}

/// Makes a request as its provider sends it.
fn signed(fixture: &Fixture, fresh: &Fresh) -> Request {
    let provider = fixture.provider;
    let origin = Origin {
        scheme: SCHEME.to_owned(),
        host: HOST.to_owned(),
        client: SENDER,
    };
    let target = format!("/api/webhooks/{provider}");
    let mut request = fixture.request(fresh, &fixture.document(fresh), &target, origin);
    let signing = Signing {
        provider,
        hmac: None,
        url: None,
        now: fresh.now,
    };
    if let Some(secret) = secret_of(provider)
        && let Err(error) = sign(&signing, &mut request, &secret)
    {
        debug!("the demo cannot sign for {provider}: {error}");
    }
    request
}

/// Returns what a provider of the demo's signs with.
fn secret_of(provider: &str) -> Option<String> {
    SIGNED
        .contains(&provider)
        .then(|| OwnSecrets::new(&SEED).of(provider, None).ok())?
}

/// Those who sign. The demo is to have one that is not verified as well.
const SIGNED: [&str; 4] = ["stripe", "github", "shopify", "slack"];

/// Nobody's secret: whoever has this program can make the demo's webhooks.
const SEED: [u8; 32] = *b"the demo production's webhooks  ";

/// The parts of [`Webhooks::URL`].
const SCHEME: &str = "https";
const HOST: &str = "demo.example.com";

/// Of a network that is kept for documents.
const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

/// Whoever has just begun to follow sees the first soon, and not before what is said at the start.
const FIRST: Duration = Duration::from_millis(1500);

/// The milliseconds between two of them: one can be read before the next comes.
const PACE: std::ops::RangeInclusive<u64> = 2_500..=9_000;

/// How many of a hundred are sent a second time.
const AGAIN: u64 = 6;
