//! What to do about a way that leads to no session: a name, a proxy, a certificate, an upgrade, a
//! handshake. Each failure has one next step.

use std::borrow::Cow;

use transport::carrier::websocket::UpgradeError;
use transport::endpoint::DialError;
use transport::reach::{Distrust, ProxySettingsError, ReachError, ReachFault, Role, TrustError};
use transport::trust::{HandshakeError, Refusal};
use wire::Status;

/// What to do next, in words.
type Step = Cow<'static, str>;

/// Returns the next step after any failure to open a session.
pub(crate) fn dial(error: &DialError) -> Step {
    match error {
        DialError::Resolve { .. } => NAME.into(),
        DialError::Socket { .. } => {
            "check that this machine is online, and that programs may open UDP sockets on it".into()
        }
        DialError::NobodyThere { .. } => START.into(),
        DialError::NoAnswer { .. } => LET_THROUGH.into(),
        DialError::Connect(_) => {
            "check the host and the port in --server or RENDER_EXTERNAL_URL: packets cannot be sent there".into()
        }
        DialError::NoWay { .. } => {
            "choose --carrier auto, or write the server's address as https:// or http://; quic:// is UDP alone".into()
        }
        DialError::Upgrade(error) => upgrade(error),
        DialError::Handshake(error) => handshake(error).into(),
    }
}

/// Returns the next step after a WebSocket that could not be had.
pub(crate) fn upgrade(error: &UpgradeError) -> Step {
    match error {
        UpgradeError::Reach(error) => reach(error),
        UpgradeError::NoTunnel { status, location } => no_tunnel(*status, location.as_deref()),
        UpgradeError::Refused(no) => refusal(no).into(),
        UpgradeError::WebSocket(_) => {
            "check the address: the port may speak TLS (then write https://), or another protocol".into()
        }
        UpgradeError::Slow | UpgradeError::Lost(_) => {
            "try again; if it stays so, a proxy on the way holds WebSockets back: let them through there".into()
        }
        UpgradeError::Endpoint(_) | UpgradeError::Randomness => BROKEN_MACHINE.into(),
    }
}

/// Returns the next step after an answer of something that is no tunnel server.
fn no_tunnel(status: u16, location: Option<&str>) -> Step {
    match (status, location) {
        (300..=399, Some(to)) if to.starts_with("https://") => {
            "write the server's address with https://, which this one leads to".into()
        }
        (300..=399, _) => {
            "write the address that this one leads to; a network's login page sends people away like that, too".into()
        }
        (200..=299, _) => {
            "log in to this network in a browser if it asks for that (hotels, trains); else check that the address is that of tunnel-server".into()
        }
        (401, _) => "a login stands before the server: let /render-tunnel through there without one".into(),
        (403, _) => {
            "a proxy or firewall on the way forbids it: let /render-tunnel through there (access rules, bot protection)".into()
        }
        (426, _) => "a proxy on the way removes the WebSocket upgrade: let it through there".into(),
        (404 | 405, _) => {
            "another program answers there: check the address, and that the service runs tunnel-server".into()
        }
        (502..=504, _) => {
            "the server is away, or still starting: try again in a minute, and look into its log".into()
        }
        _ => "check that the address is that of tunnel-server: a proxy, or another program, has answered".into(),
    }
}

/// Returns the next step after a byte stream that could not be had.
pub(crate) fn reach(ReachError { peer, fault, .. }: &ReachError) -> Step {
    match (fault, peer.role) {
        (ReachFault::Untrusted(distrust), Role::Server) => untrusted(distrust),
        (ReachFault::Untrusted(_) | ReachFault::NotTls | ReachFault::Tls(_), Role::Proxy) => {
            "check the proxy's address: one that speaks no TLS itself is written http://, and another's certificate must be trusted by this system".into()
        }
        (ReachFault::NotTls, Role::Server) => {
            "write the address with http:// if the server there speaks no TLS, and check the port".into()
        }
        (ReachFault::Tls(_), Role::Server) => {
            "check the port; the server, or a firewall that looks into TLS, takes no TLS 1.2 or 1.3 with this one's ciphers".into()
        }
        (ReachFault::ProxyNeedsAuth { schemes }, _) => proxy_auth(schemes).into(),
        (ReachFault::ProxyRefused { .. } | ReachFault::NotAProxy, _) => {
            "check the proxy in HTTPS_PROXY or HTTP_PROXY, and whether it may connect to the server; NO_PROXY names servers that need none".into()
        }
        (ReachFault::Roots(error), _) => trust(error).into(),
        (_, Role::Proxy) => {
            "check the proxy in HTTPS_PROXY or HTTP_PROXY, and that it runs; NO_PROXY names servers that need none".into()
        }
        (ReachFault::Resolve(_) | ReachFault::NotAHost, Role::Server) => NAME.into(),
        (ReachFault::Refused, Role::Server) => START.into(),
        (ReachFault::Slow | ReachFault::Unreachable(_) | ReachFault::Cut(_), Role::Server) => {
            "check that this machine is online, that the server runs, and that a firewall lets TCP to this port through".into()
        }
        _ => NAME.into(),
    }
}

/// Returns the next step after a certificate that is not trusted.
fn untrusted(distrust: &Distrust) -> Step {
    match distrust {
        Distrust::UnknownIssuer | Distrust::BadSignature => {
            "name the authority's PEM file with --ca, or the server's key with --pin; if you expect neither, something on this network opens TLS (a login page, a company's firewall)".into()
        }
        Distrust::Expired => "renew the server's certificate; if it is new, this machine's clock is ahead".into(),
        Distrust::NotYetValid => "set this machine's clock: it is behind, or the certificate is of tomorrow".into(),
        Distrust::WrongName { .. } => {
            "use a name that the certificate is for, or --pin; on a strange network, log in to it first".into()
        }
        Distrust::PinDiffers { seen } => {
            format!("if the server's key was changed on purpose, use --pin {seen}; if not, somebody is between").into()
        }
        _ => "look at the server's certificate: this end cannot read or check it".into(),
    }
}

/// Returns the next step before a proxy that wants to know who asks. Basic is all that we have.
fn proxy_auth(schemes: &[String]) -> &'static str {
    let has = |name: &str| {
        schemes
            .iter()
            .any(|scheme| scheme.eq_ignore_ascii_case(name))
    };
    if schemes.is_empty() || has("basic") {
        "put user and password into the proxy's address: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
    } else if has("ntlm") || has("negotiate") || has("kerberos") {
        "the proxy takes a Windows or Kerberos login, which this end does not have: run a local helper such as cntlm or px, and name that in HTTPS_PROXY"
    } else {
        "the proxy takes none of the logins that this end has (Basic): run a helper that does, and name that in HTTPS_PROXY"
    }
}

/// Returns the next step where there is nothing to check certificates by.
pub(crate) const fn trust(error: &TrustError) -> &'static str {
    match error {
        TrustError::NoRoots(_) => {
            "install the system's certificate authorities (the package ca-certificates), or name one with --ca"
        }
        TrustError::Setup(_) => BROKEN_MACHINE,
        _ => {
            "name a PEM file with the certificate of the authority, as `-----BEGIN CERTIFICATE-----`"
        }
    }
}

/// Returns the next step after a variable that names no proxy.
pub(crate) fn proxy_settings(error: &ProxySettingsError) -> Step {
    let name = error.variable;
    format!("write {name} as http://HOST:PORT, empty it, or name the server in NO_PROXY").into()
}

/// Returns the next step after two ends that did not come together.
fn handshake(error: &HandshakeError) -> &'static str {
    match error {
        HandshakeError::Imposter => SAME_SECRET,
        HandshakeError::Refused(no) => refusal(no),
        HandshakeError::TurnedAway => TURNED_AWAY,
        HandshakeError::Slow => LET_THROUGH,
        HandshakeError::Crypto => BROKEN_MACHINE,
        HandshakeError::Connection(_) => {
            "try again; if it stays so, look into the server's log, and at what is on the way to it"
        }
        HandshakeError::NoAnswer | HandshakeError::Channel(_) => {
            "check that the address is that of tunnel-server, and of no other program that speaks QUIC"
        }
    }
}

/// Returns the next step after a server's no.
pub(crate) const fn refusal(refusal: &Refusal) -> &'static str {
    match refusal.is_clock() {
        true => SET_CLOCK,
        false => refused(refusal.refused.status),
    }
}

const fn refused(status: Status) -> &'static str {
    match status {
        Status::UNAUTHENTICATED => SAME_SECRET,
        Status::BAD_REQUEST => UPDATE,
        Status::TOO_MANY => "try again when another client has left",
        Status::UNAVAILABLE => TURNED_AWAY,
        _ => "look into the server's log: it says more",
    }
}

const NAME: &str =
    "check the host's name in --server or RENDER_EXTERNAL_URL, and that this machine is online";

const START: &str = "start the server there (`tunnel-server`), or name another with --server or RENDER_EXTERNAL_URL";

const SAME_SECRET: &str = "use the secret that this server was started with (RENDER_TUNNEL_SECRET there), and check that the address is that server's";

pub(crate) const SET_CLOCK: &str =
    "set the wrong one of the two: `timedatectl set-ntp true` does it on most Linux systems";

pub(crate) const UPDATE: &str =
    "bring the older of the two programs up to date: `tunnel --version`, `tunnel-server --version`";

const TURNED_AWAY: &str =
    "try again in some seconds: another instance, or the next start of this one, will answer";

const BROKEN_MACHINE: &str =
    "try again; if it stays so, this machine gives no random bytes, or this build is none for it";

pub(crate) const LET_THROUGH: &str = "check that the server runs, and that UDP to this port is let through on the way; where it is not, https:// and http:// addresses need none";
