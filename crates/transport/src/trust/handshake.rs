//! The proof inside QUIC: each end shows, by a code over the exporter of this very connection,
//! that it holds the key. Nothing that crosses the wire can be replayed elsewhere.
//!
//! ```text
//! client ── Hello ────────────▶ server    key id, clock, HMAC(exporter, hello)
//! client ◀── Welcome | Refused ── server  HMAC(exporter, hello, welcome)
//! ```
//! The first call travels with the hello, on a stream of its own.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quinn::{Connection, ConnectionError, TransportErrorCode};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wire::hello::{HelloError, MAX_HELLO};
use wire::{
    CloseCode, FeatureVersion, Hello, HelloBody, Refused, Reply, Status, Versions, Welcome,
    WelcomeBody,
};

use super::admission::Ticket;
use super::identity::named_key;
use super::key::{Key, KeyId, random_16};
use super::key_ring::KeyRing;
use crate::carrier::websocket::Carrying;
use crate::channel::{Channel, ChannelError};
use crate::control::Control;
use crate::first_call::{Asked, FirstCall};
use crate::session::close_code;

/// What a client says of itself.
#[derive(Clone, Debug)]
pub struct ClientName {
    /// For example `development`.
    pub environment: String,
    /// Program and version.
    pub program: String,
    /// The features that it knows.
    pub features: Vec<FeatureVersion>,
}

/// What a server says of itself.
#[derive(Clone, Debug)]
pub struct ServerName {
    /// The same for all instances of a service.
    pub server_id: String,
    /// This start of this instance.
    pub instance: [u8; 16],
    /// For example `production`.
    pub environment: String,
    /// Program and version.
    pub program: String,
    /// The features that it offers, before the key's scopes.
    pub features: Vec<FeatureVersion>,
    /// The UDP port that it offers.
    pub udp_port: Option<u16>,
}

/// Tells the seconds since 1970. Tests set it wrong on purpose.
pub type WallClock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Returns the system's clock.
#[must_use]
pub fn system_clock() -> WallClock {
    Arc::new(|| {
        // Before 1970 every clock is wrong in the same way: the peer will say so.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    })
}

/// Whom a server lets in, and what it says of itself.
pub struct ServerTrust {
    /// The keys that it accepts.
    pub keys: Arc<KeyRing>,
    /// What it says of itself.
    pub name: ServerName,
    /// Its clock.
    pub clock: WallClock,
}

impl fmt::Debug for ServerTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            keys,
            name,
            clock: _,
        } = self;
        f.debug_struct("ServerTrust")
            .field("keys", keys)
            .field("name", name)
            .finish_non_exhaustive()
    }
}

/// A client that has proved itself to the server.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The key that it holds.
    pub key: Arc<Key>,
    /// What it says of itself.
    pub hello: HelloBody,
}

/// What a client has after the welcome.
#[derive(Debug)]
pub(crate) struct Greeted {
    pub(crate) welcome: WelcomeBody,
    pub(crate) control: Control,
    pub(crate) asked: Asked,
    pub(crate) binding: Binding,
}

/// What a server has after the welcome.
#[derive(Debug)]
pub(crate) struct Welcomed {
    pub(crate) guest: Guest,
    pub(crate) place: OwnedSemaphorePermit,
    pub(crate) control: Control,
    pub(crate) binding: Binding,
}

/// What both ends of a session know, and nobody else.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Binding(pub(crate) [u8; 32]);

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Binding(<redacted>)")
    }
}

/// Says hello, asks the first question, and checks the welcome.
pub(crate) async fn greet(
    connection: &Connection,
    key: &Key,
    name: &ClientName,
    clock: &WallClock,
    first: Option<&FirstCall>,
) -> Result<Greeted, HandshakeError> {
    let exporter = exported(connection, PROOF)?;
    let body = HelloBody {
        key_id: key.id().0,
        time: clock(),
        nonce: random_16().map_err(|_| HandshakeError::Crypto)?,
        environment: name.environment.clone(),
        program: name.program.clone(),
        features: name.features.clone(),
    };
    let signed = Hello::signed_part(Versions::OURS, &body);
    let proof = key.prove(&[BY_CLIENT, &exporter, &signed]);
    let hello = Hello {
        versions: Versions::OURS,
        body,
        proof,
    }
    .encode();

    let (send, receive) = connection.open_bi().await?;
    let mut channel = Channel::new(send, receive, MAX_HELLO);
    // A server that refuses may close before it has read: the answer below tells more.
    let sent = channel.send_payload(&hello).await;
    let asked = match first {
        Some(first) => first.send(connection).await,
        None => Asked::default(),
    };
    let reply = match channel.receive::<Reply>().await {
        Ok(Some(reply)) => reply,
        Ok(None) => return Err(HandshakeError::NoAnswer),
        Err(error) => return Err(sent.err().unwrap_or(error).into()),
    };
    match reply {
        Reply::Welcome(Welcome { body, proof }) => {
            let mut welcome = Vec::new();
            wire::encode(&body, &mut welcome);
            key.verify(&[BY_SERVER, &exporter, &hello, &welcome], &proof)
                .map_err(|_| HandshakeError::Imposter)?;
            Ok(Greeted {
                welcome: body,
                control: Control::of_client(channel),
                asked,
                binding: exported(connection, BINDING).map(Binding)?,
            })
        }
        Reply::Refused(refused) => Err(HandshakeError::Refused(Refusal::new(refused, clock()))),
    }
}

/// Waits for the hello, checks it and answers. `Err` means that the peer was refused or is gone.
/// Who came with a pass must hold the key of that pass.
pub(crate) async fn welcome(
    connection: &Connection,
    trust: &ServerTrust,
    ticket: &Ticket,
    places: Arc<Semaphore>,
    carrying: Option<&Carrying>,
) -> Result<Welcomed, HandshakeError> {
    let exporter = exported(connection, PROOF)?;
    let binding = exported(connection, BINDING).map(Binding)?;
    let (send, receive) = connection.accept_bi().await?;
    let mut channel = Channel::new(send, receive, MAX_HELLO);
    let payload = channel
        .receive_payload()
        .await?
        .ok_or(HandshakeError::NoAnswer)?;
    let checked = check(
        connection,
        &trust.keys,
        &exporter,
        &payload,
        (trust.clock)(),
    );
    let pass = carrying.and_then(Carrying::key);
    let admitted = checked.and_then(|guest| {
        if pass.is_some_and(|pass| pass != guest.key.id()) {
            // One identity from the upgrade to the last channel.
            return Err(Unwelcome::Key);
        }
        let place = places.try_acquire_owned().map_err(|_| Unwelcome::Full)?;
        Ok((guest, place))
    });
    match admitted {
        Ok((guest, place)) => {
            let body = welcome_body(&trust.name, &guest, (trust.clock)())?;
            let mut bytes = Vec::new();
            wire::encode(&body, &mut bytes);
            let proof = guest.key.prove(&[BY_SERVER, &exporter, &payload, &bytes]);
            // Before the client knows of the session: its WebSocket may be lost at once, and the next one
            // has to find it.
            if let Some(carrying) = carrying {
                carrying.begin(connection);
            }
            channel
                .send(&Reply::Welcome(Welcome { body, proof }))
                .await?;
            Ok(Welcomed {
                guest,
                place,
                control: Control::of_server(channel),
                binding,
            })
        }
        Err(unwelcome) => {
            if unwelcome.is_a_guess() {
                // A guess costs its address a growing delay. A valid proof never waits here.
                ticket.penalty().await;
            }
            let refused = unwelcome.refused((trust.clock)());
            channel.send(&Reply::Refused(refused.clone())).await?;
            channel.finish().await?;
            // The refusal must have left before the connection is closed over it.
            channel.until_read().await;
            Err(HandshakeError::Refused(Refusal::new(
                refused,
                (trust.clock)(),
            )))
        }
    }
}

fn check(
    connection: &Connection,
    keys: &KeyRing,
    exporter: &[u8; 32],
    payload: &[u8],
    now: u64,
) -> Result<Guest, Unwelcome> {
    let hello = Hello::decode(payload)?;
    let id = KeyId(hello.body.key_id);
    let key = keys.get_or_decoy(id);
    let signed = &payload[..payload.len() - hello.proof.len()];
    let proved = key.verify(&[BY_CLIENT, exporter, signed], &hello.proof);
    // The identity that TLS showed must be that of the same key.
    if proved.is_err() || named_key(connection) != Some(id) {
        return Err(Unwelcome::Key);
    }
    if hello.body.time.abs_diff(now) > CLOCK_TOLERANCE {
        return Err(Unwelcome::Clock);
    }
    Ok(Guest {
        key,
        hello: hello.body,
    })
}

fn welcome_body(name: &ServerName, guest: &Guest, now: u64) -> Result<WelcomeBody, HandshakeError> {
    let allowed = &guest.key.scopes().features;
    let mut features = name.features.clone();
    features.retain(|feature| allowed.has(&feature.name));
    Ok(WelcomeBody {
        // `Hello::decode` has found a common version, and this build speaks one alone.
        version: Versions::OURS.highest,
        server_id: name.server_id.clone(),
        instance: name.instance,
        environment: name.environment.clone(),
        program: name.program.clone(),
        time: now,
        nonce: random_16().map_err(|_| HandshakeError::Crypto)?,
        features,
        key_name: guest.key.name().to_owned(),
        udp_port: name.udp_port,
    })
}

/// Returns bytes that both ends of this connection can derive, and nobody else.
fn exported(connection: &Connection, label: &[u8]) -> Result<[u8; 32], HandshakeError> {
    let mut output = [0; 32];
    connection
        .export_keying_material(&mut output, label, b"")
        .map_err(|_| HandshakeError::Crypto)?;
    Ok(output)
}

/// Why a hello is not accepted.
enum Unwelcome {
    Hello(HelloError),
    Key,
    Clock,
    Full,
}

impl From<HelloError> for Unwelcome {
    fn from(error: HelloError) -> Self {
        Self::Hello(error)
    }
}

impl Unwelcome {
    /// Whether the sender has not shown that it holds a key.
    const fn is_a_guess(&self) -> bool {
        matches!(self, Self::Hello(_) | Self::Key)
    }

    fn refused(self, time: u64) -> Refused {
        let (status, reason) = match self {
            Self::Hello(error) => (Status::BAD_REQUEST, error.to_string()),
            Self::Key => (
                Status::UNAUTHENTICATED,
                "the key is unknown or its proof is wrong".into(),
            ),
            Self::Full => {
                let reason =
                    format!("the server has {MOST_SESSIONS} sessions open, the most it takes");
                (Status::TOO_MANY, reason)
            }
            Self::Clock => (
                Status::UNAUTHENTICATED,
                format!(
                    "the clocks of client and server differ by more than {} minutes",
                    CLOCK_TOLERANCE / 60
                ),
            ),
        };
        Refused {
            status,
            reason,
            time,
            versions: Versions::OURS,
        }
    }
}

/// A refusal, with what only the receiver can add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was said.
    pub refused: Refused,
    /// How far this end's clock is ahead of the server's, in seconds.
    pub clock_ahead: i64,
}

impl Refusal {
    pub(crate) fn new(refused: Refused, now: u64) -> Self {
        let clock_ahead = now.cast_signed().saturating_sub(refused.time.cast_signed());
        Self {
            refused,
            clock_ahead,
        }
    }

    /// Whether the refusal is due to a wrong clock at one of the ends.
    #[must_use]
    pub const fn is_clock(&self) -> bool {
        self.refused.status.0 == Status::UNAUTHENTICATED.0
            && self.clock_ahead.unsigned_abs() > CLOCK_TOLERANCE
    }
}

/// A session that did not come to be.
#[derive(Debug, Error)]
pub enum HandshakeError {
    /// The server refused; as a server: the client was refused.
    #[error("{}", .0.refused.reason)]
    Refused(Refusal),
    /// The server does not hold the client's key: the secret is another, or the server is.
    #[error("the server does not hold this secret")]
    Imposter,
    /// The server takes no new session at the moment.
    #[error("the server takes no new sessions now: it is stopping, or has too many to look at")]
    TurnedAway,
    /// The peer ended the stream without a word.
    #[error("the peer ended the hello without an answer")]
    NoAnswer,
    /// The crypto library failed.
    #[error("the crypto library failed")]
    Crypto,
    /// The connection ended.
    #[error(transparent)]
    Connection(ConnectionError),
    /// What was sent makes no hello.
    #[error(transparent)]
    Channel(ChannelError),
    /// It took too long.
    #[error("no hello within {} seconds", HANDSHAKE_TIME.as_secs())]
    Slow,
}

impl HandshakeError {
    /// Returns the code that a server closes the connection with.
    pub(crate) const fn close_code(&self) -> CloseCode {
        match self {
            Self::Slow => CloseCode::SLOW_HELLO,
            Self::TurnedAway => CloseCode::RESTARTING,
            _ => CloseCode::REFUSED,
        }
    }
}

impl From<ConnectionError> for HandshakeError {
    fn from(error: ConnectionError) -> Self {
        // The only certificate that a client accepts is the one of its key, so that an alert about
        // a certificate means that the keys differ.
        match &error {
            ConnectionError::TransportError(transport)
                if CERTIFICATE_ALERTS.contains(&u64::from(transport.code)) =>
            {
                Self::Imposter
            }
            ConnectionError::ConnectionClosed(closed)
                if closed.error_code == TransportErrorCode::CONNECTION_REFUSED =>
            {
                Self::TurnedAway
            }
            _ if close_code(&error) == Some(CloseCode::RESTARTING) => Self::TurnedAway,
            _ => Self::Connection(error),
        }
    }
}

impl From<ChannelError> for HandshakeError {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::Lost(lost) => lost.into(),
            error => Self::Channel(error),
        }
    }
}

/// What proofs are made over.
const PROOF: &[u8] = b"EXPORTER-render-tunnel";

/// What features bind their own cryptography to: another label, so that no use of it can help to
/// forge a proof.
const BINDING: &[u8] = b"EXPORTER-render-tunnel-binding";

const BY_CLIENT: &[u8] = b"render-tunnel hello";
const BY_SERVER: &[u8] = b"render-tunnel welcome";

/// `bad_certificate` to `access_denied` (RFC 8446, section 6), as QUIC's errors number them
/// (RFC 9001, section 4.8).
const CERTIFICATE_ALERTS: std::ops::RangeInclusive<u64> = 0x12a..=0x131;

/// How far two clocks may differ, in seconds: five minutes, as the package before this one had it.
pub(super) const CLOCK_TOLERANCE: u64 = 300;

/// From the first packet to the welcome. Three round trips of a satellite link take two seconds;
/// the rest is for packets lost on the way.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Sessions of one server: a large team. An idle one takes about 100 KiB.
pub const MOST_SESSIONS: usize = 256;
