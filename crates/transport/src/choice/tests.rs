//! Which way is tried first, what is learned, and which of two failures is told.

use super::*;
use crate::reach::{Route, Security};
use crate::trust::{ClientName, HandshakeError, Key, Scopes, Secret, system_clock};
use tokio::time::Instant;

/// A dial to nowhere, for the plans that it makes.
fn dial(udp_port: Option<u16>, choice: CarrierChoice) -> ServerDial {
    let secret = Secret::generate().unwrap();
    let key = Key::derive("test", &secret, Scopes::default()).unwrap();
    let name = ClientName {
        environment: String::new(),
        program: String::new(),
        features: Vec::new(),
    };
    let dialer = Dialer::new(Arc::new(key), name, system_clock());
    let host = "127.0.0.1".to_owned();
    let http = Route {
        host: host.clone(),
        port: 1,
        security: Security::Plain,
        proxy: None,
    };
    let ways = Ways {
        host,
        udp_port,
        http: Some(Arc::new(http)),
        choice,
    };
    ServerDial::new(dialer, ways, Arc::new(InProcess::default()))
}

fn first_of(plan: &Plan) -> Option<Carrier> {
    match plan {
        Plan::Race { first, .. } => Some(*first),
        Plan::Udp(_) | Plan::WebSocket(_) | Plan::Nothing => None,
    }
}

#[test]
fn udp_goes_first_wherever_it_is_offered_and_has_not_lost() {
    let https = dial(None, CarrierChoice::Auto);
    assert!(matches!(https.plan(Known::default()), Plan::WebSocket(_)));
    let offered = Known {
        udp_port: Some(7),
        best: None,
    };
    assert_eq!(first_of(&https.plan(offered)), Some(Carrier::Udp));
    let lost = Known {
        best: Some(Carrier::WebSocket),
        ..offered
    };
    assert_eq!(first_of(&https.plan(lost)), Some(Carrier::WebSocket));
    let http = dial(Some(7), CarrierChoice::Auto);
    assert_eq!(first_of(&http.plan(Known::default())), Some(Carrier::Udp));
}

#[test]
fn a_carrier_that_was_chosen_is_the_only_one() {
    let known = Known {
        udp_port: Some(7),
        best: Some(Carrier::Udp),
    };
    let websocket = dial(Some(7), CarrierChoice::WebSocket);
    assert!(matches!(websocket.plan(known), Plan::WebSocket(_)));
    let udp = dial(Some(7), CarrierChoice::Udp);
    assert!(matches!(udp.plan(known), Plan::Udp(7)));
    let nowhere = dial(None, CarrierChoice::Udp);
    assert!(matches!(nowhere.plan(Known::default()), Plan::Nothing));
}

async fn fails(after: Duration, error: DialError) -> Dialled {
    tokio::time::sleep(after).await;
    Err(error)
}

const fn no_tunnel() -> DialError {
    DialError::Upgrade(UpgradeError::NoTunnel {
        status: 404,
        location: None,
    })
}

fn nobody() -> DialError {
    DialError::NobodyThere {
        address: ([127, 0, 0, 1], 1).into(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_failure_that_says_most_is_told_whichever_came_first() {
    let soon = Duration::from_millis(1);
    let imposter = || DialError::Handshake(HandshakeError::Imposter);
    for (first, second, told) in [
        (nobody(), no_tunnel(), "404"),
        (no_tunnel(), nobody(), "404"),
        (no_tunnel(), imposter(), "secret"),
        (nobody(), nobody(), "UDP"),
    ] {
        let error = race(fails(soon, first), fails(soon, second)).await;
        let shown = error.unwrap_err().to_string();
        assert!(shown.contains(told), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_says_is_not_asked_again_on_another_carrier() {
    let imposter = DialError::Handshake(HandshakeError::Imposter);
    let never = async { panic!("it was tried") };
    assert!(race(fails(Duration::ZERO, imposter), never).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn silence_does_not_hide_what_the_other_way_has_answered() {
    let started = Instant::now();
    let silence = std::future::pending();
    let error = race(silence, fails(Duration::ZERO, no_tunnel())).await;
    assert!(matches!(error, Err(DialError::Upgrade(_))), "{error:?}");
    assert_eq!(started.elapsed(), HEAD_START + LAST_CHANCE);
}
