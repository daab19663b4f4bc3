//! Every failure has its exit code, its cause and its next step.

use super::*;
use client::CarrierChoice;
use client::logs::client::LogsError;
use quinn::{ConnectError, ConnectionError};
use std::sync::Arc;
use transport::carrier::websocket::{LinkEnd, UpgradeError};
use transport::channel::ChannelError;
use transport::endpoint::DialError;
use transport::keeper::GiveUp;
use transport::reach::{Distrust, Peer, ReachError, ReachFault, Role, Seen, Stage, TrustError};
use wire::{Fault, Refused, Versions};

fn refused(status: Status, clock_ahead: i64) -> Failure {
    let refused = Refused {
        status,
        reason: "the server's words".to_owned(),
        time: 0,
        versions: Versions::OURS,
    };
    let refusal = Refusal {
        refused,
        clock_ahead,
    };
    Failure::from(TunnelError::Connect {
        server: "quic://a:1".to_owned(),
        source: DialError::Handshake(HandshakeError::Refused(refusal)),
    })
}

#[test]
fn a_wrong_clock_is_named_by_how_much_and_which_way() {
    for (ahead, words) in [(420, "7 min ahead of"), (-7500, "2 h 5 min behind")] {
        let failure = refused(Status::UNAUTHENTICATED, ahead);
        assert_eq!(failure.exit(), Exit::NotAuthorised);
        let shown = failure.to_string();
        assert!(
            shown.contains(words) && shown.contains("set-ntp"),
            "{shown}"
        );
    }
}

#[test]
fn a_clock_within_bounds_is_not_blamed() {
    let shown = refused(Status::UNAUTHENTICATED, 20).to_string();
    assert!(
        shown.contains("the server's words") && !shown.contains("clock"),
        "{shown}"
    );
}

#[test]
fn another_version_is_a_matter_of_updating() {
    let failure = refused(Status::BAD_REQUEST, 0);
    assert_eq!(failure.exit(), Exit::NoConnection);
    assert!(failure.to_string().contains("up to date"));
}

fn failures() -> Vec<DialError> {
    let address = "127.0.0.1:1".parse().unwrap();
    let source = || io::Error::other("why");
    let host = "a".to_owned();
    let handshakes = [
        HandshakeError::Imposter,
        HandshakeError::TurnedAway,
        HandshakeError::NoAnswer,
        HandshakeError::Crypto,
        HandshakeError::Slow,
        HandshakeError::Connection(ConnectionError::Reset),
        HandshakeError::Channel(ChannelError::Cut),
    ];
    let mut failures = vec![
        DialError::Resolve {
            host,
            source: source(),
        },
        DialError::Socket {
            address,
            source: source(),
        },
        DialError::NobodyThere { address },
        DialError::NoAnswer { address },
        DialError::Connect(ConnectError::EndpointStopping),
    ];
    failures.extend(handshakes.map(DialError::Handshake));
    failures
}

fn unreached(stage: Stage, role: Role, fault: ReachFault) -> UpgradeError {
    let peer = Peer {
        role,
        host: "a.example".to_owned(),
        port: 443,
    };
    UpgradeError::from(ReachError {
        stage,
        peer,
        seen: Box::new(Seen::default()),
        fault,
    })
}

#[track_caller]
fn expect_step(error: UpgradeError, step: &str) {
    let failure = Failure::from(TunnelError::Connect {
        server: "https://a.example".to_owned(),
        source: error.into(),
    });
    assert_eq!(failure.exit(), Exit::NoConnection, "{failure}");
    let shown = failure.to_string();
    let hint = shown.split("\nhint: ").nth(1).unwrap_or_default();
    assert!(hint.contains(step), "{step:?} is not in {shown}");
}

#[test]
fn an_answer_of_something_that_is_no_tunnel_server_has_a_step_of_its_own() {
    for (status, location, step) in [
        (200, None, "log in to this network"),
        (301, Some("https://a.example/render-tunnel"), "https://"),
        (308, Some("https://a.example/render-tunnel"), "https://"),
        (302, Some("http://login.hotel/"), "login page"),
        (401, None, "a login stands before"),
        (403, None, "forbids it"),
        (404, None, "another program"),
        (426, None, "removes the WebSocket upgrade"),
        (500, None, "that of tunnel-server"),
        (502, None, "away, or still starting"),
        (503, None, "away, or still starting"),
    ] {
        let location = location.map(str::to_owned);
        expect_step(UpgradeError::NoTunnel { status, location }, step);
    }
    expect_step(UpgradeError::Slow, "holds WebSockets back");
    expect_step(UpgradeError::Lost(LinkEnd::Silent), "holds WebSockets back");
}

#[test]
fn every_stage_on_the_way_has_a_next_step() {
    let why = || io::Error::other("why");
    let auth = |schemes: &[&str]| ReachFault::ProxyNeedsAuth {
        schemes: schemes.iter().map(ToString::to_string).collect(),
    };
    use Role::{Proxy, Server};
    use Stage::{Connect, Resolve, Tls, Tunnel};
    for (stage, role, fault, step) in [
        (Resolve, Server, ReachFault::Resolve(why()), "host's name"),
        (Resolve, Proxy, ReachFault::Resolve(why()), "HTTPS_PROXY"),
        (Connect, Server, ReachFault::Refused, "start the server"),
        (Connect, Proxy, ReachFault::Refused, "NO_PROXY"),
        (Connect, Server, ReachFault::Slow, "firewall"),
        (Connect, Server, ReachFault::Unreachable(why()), "online"),
        (
            Tunnel,
            Proxy,
            ReachFault::ProxyRefused { status: 403 },
            "may connect",
        ),
        (Tunnel, Proxy, ReachFault::NotAProxy, "HTTPS_PROXY"),
        (Tunnel, Proxy, auth(&["NTLM", "Negotiate"]), "cntlm"),
        (Tunnel, Proxy, auth(&["NTLM", "Basic"]), "USER:PASSWORD"),
        (Tunnel, Proxy, auth(&["Digest"]), "(Basic)"),
        (Tls, Server, ReachFault::NotTls, "http://"),
        (Tls, Proxy, ReachFault::NotTls, "proxy's address"),
        (Tls, Server, ReachFault::Slow, "online"),
        (
            Tls,
            Proxy,
            ReachFault::Roots(TrustError::NoRoots(None)),
            "ca-certificates",
        ),
    ] {
        expect_step(unreached(stage, role, fault), step);
    }
}

#[test]
fn a_certificate_that_is_not_trusted_has_a_next_step_by_what_is_wrong_with_it() {
    let seen = "ab".repeat(32).parse().unwrap();
    let presented = vec!["b.example".to_owned()];
    let pin = format!("use --pin {seen}");
    for (distrust, step) in [
        (Distrust::UnknownIssuer, "--ca"),
        (Distrust::Expired, "renew"),
        (Distrust::NotYetValid, "clock"),
        (Distrust::WrongName { presented }, "a name that"),
        (Distrust::PinDiffers { seen }, &*pin),
    ] {
        let fault = ReachFault::Untrusted(distrust);
        expect_step(unreached(Stage::Tls, Role::Server, fault), step);
    }
}

#[test]
fn a_no_in_the_upgrade_is_told_as_one_in_the_hello() {
    let refusal = |status, clock_ahead| {
        let refused = Refused {
            status,
            reason: "no".to_owned(),
            time: 0,
            versions: Versions::OURS,
        };
        let refusal = Refusal {
            refused,
            clock_ahead,
        };
        Failure::from(TunnelError::Connect {
            server: "https://a.example".to_owned(),
            source: UpgradeError::Refused(refusal).into(),
        })
    };
    for (ahead, step) in [(0, "use the secret"), (-400, "set-ntp")] {
        let failure = refusal(Status::UNAUTHENTICATED, ahead);
        assert_eq!(failure.exit(), Exit::NotAuthorised);
        assert!(failure.to_string().contains(step), "{failure}");
    }
    let leaving = refusal(Status::UNAVAILABLE, 0);
    assert_eq!(leaving.exit(), Exit::NoConnection);
    assert!(leaving.to_string().contains("in some seconds"), "{leaving}");
}

#[test]
fn a_carrier_that_the_address_does_not_have_is_a_matter_of_what_was_asked() {
    let failure = Failure::from(TunnelError::Connect {
        server: "quic://a:1".to_owned(),
        source: DialError::NoWay {
            choice: CarrierChoice::WebSocket,
        },
    });
    assert_eq!(failure.exit(), Exit::Usage);
    assert!(failure.to_string().contains("--carrier auto"), "{failure}");
}

#[test]
fn every_connection_that_fails_has_a_next_step() {
    for source in failures() {
        let shown = Failure::from(TunnelError::Connect {
            server: "quic://a:1".to_owned(),
            source,
        });
        assert!(shown.to_string().contains("\nhint: "), "{shown}");
    }
    for (status, step) in [
        (Status::UNAUTHENTICATED, "use the secret"),
        (Status::BAD_REQUEST, "up to date"),
        (Status::TOO_MANY, "another client has left"),
        (Status::INTERNAL, "server's log"),
    ] {
        let shown = refused(status, 0).to_string();
        assert!(shown.contains(step), "{shown}");
    }
}

#[test]
fn a_session_that_cannot_be_replaced_is_explained_whatever_ran_over_it() {
    let imposter = || GiveUp::Dial(Arc::new(DialError::Handshake(HandshakeError::Imposter)));
    for error in [
        TunnelError::GaveUp(imposter()),
        TunnelError::Logs(LogsError::GaveUp(imposter())),
        TunnelError::Sync(SyncError::GaveUp(imposter())),
    ] {
        let failure = Failure::from(error);
        assert_eq!(failure.exit(), Exit::NotAuthorised);
        let shown = failure.to_string();
        assert!(shown.contains("hint: use the secret"), "{shown}");
    }
    for source in failures() {
        let give_up = GiveUp::Dial(Arc::new(source));
        let shown = Failure::from(TunnelError::Sync(SyncError::GaveUp(give_up))).to_string();
        assert!(shown.contains("; then run the same command"), "{shown}");
    }
}

#[test]
fn a_server_that_cannot_do_it_now_is_to_be_asked_again() {
    let fault = Fault::new(Status::UNAVAILABLE, "the database is away");
    let failure = Failure::from(TunnelError::Channel(ChannelError::Fault(fault)));
    assert_eq!(failure.exit(), Exit::NoConnection);
    assert_eq!(
        failure.to_string(),
        "error: the database is away\nhint: try again later: the server's log says more"
    );
}

#[test]
fn a_feature_of_another_version_is_a_matter_of_updating() {
    let failure = Failure::from(TunnelError::OtherVersion {
        feature: "sync",
        ours: 1,
        theirs: 2,
    });
    assert_eq!(failure.exit(), Exit::NoConnection);
    let shown = failure.to_string();
    assert!(shown.contains("version 1 of sync") && shown.contains("up to date"));
}

#[test]
fn only_a_port_that_is_taken_is_another_programs() {
    let address = "127.0.0.1:1".parse().unwrap();
    let failed = |kind: io::ErrorKind| {
        let quic = ServerError::Quic(BindError::Socket {
            address,
            source: kind.into(),
        });
        let http = ServerError::Http {
            address,
            source: kind.into(),
        };
        [quic, http].map(|error| Failure::from(error).to_string())
    };
    for shown in failed(io::ErrorKind::AddrInUse) {
        assert!(shown.contains("end the program"), "{shown}");
    }
    for shown in failed(io::ErrorKind::PermissionDenied) {
        assert!(shown.contains("above 1023"), "{shown}");
    }
    for shown in failed(io::ErrorKind::AddrNotAvailable) {
        assert!(!shown.contains("hint"), "{shown}");
    }
}

#[test]
fn a_file_that_cannot_be_made_comes_with_a_way_on() {
    let error = TunnelError::Sync(SyncError::Write(WriteError::File {
        deed: "make the file",
        path: "/nowhere/x.db".into(),
        source: io::ErrorKind::NotFound.into(),
    }));
    assert!(hint(&error).is_some_and(|hint| hint.contains("--output")));
}
