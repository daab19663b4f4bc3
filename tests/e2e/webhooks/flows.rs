//! The whole way, from a provider to a local app, whose SDK verifies what arrives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::{TunnelClient, Webhooks};
use features::parts::Sections;
use features::webhooks::client::{
    self as webhooks, Forwarding, Occasion, Outgoing, Posting, Signed, Signer, SigningPolicy,
    Targets,
};
use features::webhooks::providers::OwnSecrets;
use features::webhooks::wire::{List, Start};
use features::webhooks::{Header, Request};
use server::TunnelServer;
use tempfile::TempDir;
use testkit::post::post;
use testkit::target::{Posted, Target};

use super::judge::{ALL, Clock, Judges, SENDGRID, STRIPE_TOO, Sdk, TWILIO};
use super::{Keys, address, body, keys, unsigned};
use crate::harness::{ANY, SECRET, laptop};

#[tokio::test]
async fn what_an_sdk_signs_comes_home_as_it_was_and_is_verified_there() {
    let mut play = Play::begin().await;
    let (app, _stream) = play.forward(SigningPolicy::Late, Duration::ZERO).await;
    for (place, sdk) in PROVIDERS.into_iter().enumerate() {
        let sent = play.signed(sdk, place);
        play.is_refused_with_a_flipped_byte(&sent).await;
        assert_eq!(play.send(&sent).await, 200, "{sdk:?}");
        let posted = &app.heard(place + 1).await[place];
        came_as_it_was(&sent, posted);
        assert_eq!(posted.header("tunnel-verification"), "verified");
        play.production_verifies(sdk, posted);
        if sdk.provider == "stripe" {
            play.production_verifies(STRIPE_TOO, posted);
        }
    }
    // What was refused is not in the inbox either.
    assert_eq!(app.heard(0).await.len(), PROVIDERS.len());
}

#[tokio::test]
async fn what_is_signed_anew_is_verified_with_the_laptop_s_own_secret() {
    let mut play = Play::begin().await;
    let (app, _stream) = play.forward(SigningPolicy::Always, Duration::ZERO).await;
    for (place, sdk) in PROVIDERS.into_iter().enumerate() {
        let sent = play.signed(sdk, place);
        assert_eq!(play.send(&sent).await, 200, "{sdk:?}");
        let posted = &app.heard(place + 1).await[place];
        assert_eq!(posted.body, sent.body, "{sdk:?}");
        if sdk == SENDGRID {
            // Only SendGrid can sign for SendGrid.
            play.production_verifies(sdk, posted);
        } else {
            play.the_laptop_verifies(sdk, posted, Clock::Machine);
        }
    }
}

#[tokio::test]
async fn what_comes_an_hour_late_is_verified_all_the_same() {
    let mut play = Play::begin().await;
    for (place, sdk) in PROVIDERS.into_iter().enumerate() {
        let sent = play.signed(sdk, place);
        assert_eq!(play.send(&sent).await, 200, "{sdk:?}");
    }
    let (app, _stream) = play.forward(SigningPolicy::Late, HOUR).await;
    let arrived = app.heard(PROVIDERS.len()).await;
    for sdk in PROVIDERS {
        let of_it = |posted: &&Arc<Posted>| posted.header("user-agent") == sdk.provider;
        let posted = arrived.iter().find(of_it).expect("each has come");
        let is_dated = DATED.contains(&sdk.provider);
        let is_anew = posted.values("tunnel-signed").next().is_some();
        assert_eq!(is_anew, is_dated, "{sdk:?}");
        if is_anew {
            let then = now() + HOUR.as_secs();
            play.the_laptop_verifies(sdk, posted, Clock::At(then));
        } else {
            play.production_verifies(sdk, posted);
        }
    }
}

#[tokio::test]
async fn what_is_replayed_is_signed_anew_though_it_is_fresh() {
    let mut play = Play::begin().await;
    let app = Target::start().await;
    for (place, sdk) in PROVIDERS.into_iter().enumerate() {
        let sent = play.signed(sdk, place);
        assert_eq!(play.send(&sent).await, 200, "{sdk:?}");
        let signed = play.replay(sdk, &app).await;
        let posted = &app.heard(place + 1).await[place];
        assert_eq!(posted.body, sent.body, "{sdk:?}");
        if sdk == SENDGRID {
            // Only SendGrid can sign for SendGrid.
            assert_eq!(signed, Signed::AsItCame);
            play.production_verifies(sdk, posted);
        } else {
            assert_eq!(signed, Signed::Anew, "{sdk:?}");
            play.the_laptop_verifies(sdk, posted, Clock::Machine);
        }
    }
}

/// Production, a laptop, and the judges.
struct Play {
    judges: Judges,
    keys: BTreeMap<&'static str, Keys>,
    server: TunnelServer,
    client: TunnelClient,
    _folder: TempDir,
}

impl Play {
    async fn begin() -> Self {
        let mut judges = Judges::start();
        let keys: BTreeMap<_, _> = PROVIDERS
            .into_iter()
            .map(|sdk| (sdk.provider, keys(&mut judges, sdk, 1)))
            .collect();
        let folder = tempfile::tempdir().expect("a folder");
        let server = production(&folder, &keys).await;
        let client = laptop(&server).connect().await.expect("a session");
        Self {
            judges,
            keys,
            server,
            client,
            _folder: folder,
        }
    }

    /// Has a provider sign something, the number of which is its own.
    fn signed(&mut self, sdk: Sdk, number: usize) -> Request {
        let path = format!("/api/webhooks/{}?a=%2Fb", sdk.provider);
        let mut request = unsigned(sdk, &path, body(sdk));
        request.headers.push(Header::new("x-twice", "1"));
        request.headers.push(Header::new("x-twice", vec![0xe9]));
        let (url, keys) = (address(&request), &self.keys[sdk.provider]);
        let id = format!("msg_{number}");
        self.judges
            .sign(sdk, &mut request, &keys.signs, (&url, &id), Clock::Machine);
        request
    }

    /// Sends what a provider has signed, and returns the status of the answer.
    async fn send(&self, request: &Request) -> u16 {
        let front = self.server.http_address().expect("a front");
        let headers = request.headers.iter();
        let headers: Vec<_> = headers.map(|it| (&it.name, &it.value)).collect();
        let answered = post(front, &request.target, &headers, &request.body).await;
        answered.expect("an answer").status
    }

    async fn is_refused_with_a_flipped_byte(&self, sent: &Request) {
        let mut body = sent.body.to_vec();
        body[3] ^= 1;
        let mut forged = sent.clone();
        forged.body = body.into();
        assert_eq!(self.send(&forged).await, 401, "{sent:?}");
    }

    /// Starts an app and forwards everything to it, by a clock that is ahead.
    async fn forward(&self, policy: SigningPolicy, ahead: Duration) -> (Target, Webhooks) {
        let app = Target::start().await;
        let forwarding = Forwarding {
            follower: "laptop".to_owned(),
            targets: Targets::all(app.address.to_string().parse().expect("an address")),
            events: Vec::new(),
            start: Start::Since(0),
            journals: None,
            posting: posting(policy, ahead),
        };
        (app, self.client.forward_webhooks(forwarding))
    }

    /// Fetches the only delivery of a provider, and posts it to an app as somebody who wants it again.
    async fn replay(&self, sdk: Sdk, app: &Target) -> Signed {
        let list = List {
            since: None,
            provider: Some(sdk.provider.to_owned()),
            events: Vec::new(),
            state: None,
            before: None,
            limit: 2,
        };
        let listed = self.client.webhooks(&list).await.expect("a list");
        let [line] = &*listed.deliveries else {
            panic!("{listed:?}");
        };
        let delivery = self.client.webhook(line.id).await.expect("it").delivery;
        let outgoing = Outgoing {
            delivery: delivery.id,
            sequence: delivery.sequence,
            provider: &delivery.provider,
            hmac: None,
            verification: delivery.verification,
            attempt: 1,
            occasion: Occasion::Replay,
            until: None,
            request: delivery.request,
        };
        let posting = posting(SigningPolicy::Late, Duration::ZERO);
        let target = app.address.to_string().parse().expect("an address");
        let posted = webhooks::post(&posting, target, outgoing).await;
        posted.expect("it can be posted").signed
    }

    /// Production's secret is right for what has arrived, at production's address.
    fn production_verifies(&mut self, sdk: Sdk, posted: &Posted) {
        let request = received(posted);
        let secret = &self.keys[sdk.provider].verifies;
        let url = address(&unsigned(sdk, posted.header("x-forwarded-uri"), b""));
        let said = self
            .judges
            .verify(sdk, &request, secret, &url, Clock::Machine);
        assert_eq!(said, Ok(()), "{sdk:?}");
    }

    /// The laptop's own secret is right for what has arrived, at the local address; production's is not.
    fn the_laptop_verifies(&mut self, sdk: Sdk, posted: &Posted, clock: Clock) {
        assert_eq!(posted.header("tunnel-signed"), "anew", "{sdk:?}");
        let request = received(posted);
        let url = format!("http://{}{}", posted.header("host"), posted.target);
        let own = OwnSecrets::new(&OWN)
            .of(sdk.provider, None)
            .expect("a secret");
        let said = self.judges.verify(sdk, &request, &own, &url, clock);
        assert_eq!(said, Ok(()), "{sdk:?}");
        let theirs = &self.keys[sdk.provider].verifies;
        let said = self.judges.verify(sdk, &request, theirs, &url, clock);
        said.expect_err("production's secret stays in production");
    }
}

/// Posts with the laptop's own secrets, by a clock that is ahead.
fn posting(policy: SigningPolicy, ahead: Duration) -> Posting {
    let signer = Signer {
        policy,
        secrets: OwnSecrets::new(&OWN),
        asked: Default::default(),
    };
    Posting {
        signer: Arc::new(signer),
        longest: Duration::from_secs(30),
        clock: Arc::new(move || SystemTime::now() + ahead),
    }
}

/// Starts production, which has each provider's secret and an inbox in a folder.
async fn production(folder: &TempDir, keys: &BTreeMap<&'static str, Keys>) -> TunnelServer {
    let inbox = folder.path().join("inbox.db");
    let written = format!(
        "[webhooks]\ninbox = {inbox:?}\n[webhooks.providers]\n\
         square.url = \"https://{host}\"\ntwilio.url = \"https://{host}\"\n",
        host = super::HOST,
    );
    let secrets: BTreeMap<_, _> = keys
        .iter()
        .map(|(provider, keys)| {
            let variable = format!("{}_WEBHOOK_SECRET", provider.to_uppercase());
            (variable, keys.verifies.clone())
        })
        .collect();
    let server = TunnelServer::builder()
        .quic_address(ANY)
        .http_address(Some(ANY))
        .secret(SECRET)
        .sections(Sections::new(toml::from_str(&written).expect("TOML")))
        .variables(move |name: &str| secrets.get(name).cloned())
        .start();
    server.await.expect("a server")
}

/// Body and headers are as they were sent, but for those that are documented.
fn came_as_it_was(sent: &Request, posted: &Posted) {
    assert_eq!(
        (&posted.method, &posted.target),
        (&sent.method, &sent.target)
    );
    assert_eq!(posted.body, sent.body);
    let is_theirs = |name: &str| !OURS.contains(&name);
    let sent = sent.headers.iter().filter(|header| is_theirs(&header.name));
    let sent: Vec<_> = sent
        .map(|it| (it.name.clone(), it.value.to_vec()))
        .collect();
    let arrived = posted.headers.iter().filter(|(name, _)| is_theirs(name));
    assert_eq!(arrived.cloned().collect::<Vec<_>>(), sent);
    for name in OURS.into_iter().filter(|&name| name != "tunnel-signed") {
        assert_eq!(posted.values(name).count(), 1, "{name}");
    }
}

/// Returns what an app has got, as the judges are asked about it.
fn received(posted: &Posted) -> Request {
    let headers = posted.headers.iter().filter(|(name, _)| name != "x-twice");
    let headers = headers.map(|(name, value)| Header::new(name, value.clone()));
    Request {
        method: posted.method.clone(),
        target: posted.target.clone(),
        headers: headers.collect(),
        body: posted.body.clone().into(),
        ..unsigned(TWILIO, "/", b"")
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

/// Whose SDKs are here, each once.
const PROVIDERS: [Sdk; 9] = {
    let [
        stripe,
        svix,
        github,
        paddle,
        square,
        sendgrid,
        _,
        standard,
        slack,
        twilio,
    ] = ALL;
    [
        stripe, svix, github, paddle, square, sendgrid, standard, slack, twilio,
    ]
};

/// Whose signatures age.
const DATED: [&str; 5] = ["stripe", "svix", "paddle", "standard", "slack"];

/// The headers that a local app gets from the tunnel, and only from it.
const OURS: [&str; 11] = [
    "host",
    "content-length",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-uri",
    "tunnel-attempt",
    "tunnel-delivery",
    "tunnel-verification",
    "tunnel-signed",
];

/// The seed of the laptop's own secrets.
const OWN: [u8; 32] = [9; 32];

const HOUR: Duration = Duration::from_secs(3600);
