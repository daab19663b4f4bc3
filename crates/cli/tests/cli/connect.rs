//! A session that is held: through restarts, and with logs and a sync over it.

use crate::relay::Wire;
use crate::support::{OTHER_SECRET, Running, SECRET, Sandbox, Serving, carrier_of};

fn connected(sandbox: &Sandbox, serving: &Serving) -> Running {
    let mut running = sandbox.start_tunnel(&["connect", "--server", &serving.url]);
    running.said("connected to tunnel-server (production)");
    running
}

#[test]
fn a_server_that_restarts_is_found_again() {
    let serving = Serving::at_a_lasting_port();
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    let mut running = connected(&sandbox, &serving);
    let _again = serving.replace(SECRET);
    running.said("the server is leaving");
    running.said("disconnected: ");
    running.said("reconnecting in ");
    running.said("connected to tunnel-server (production)");
    running.signal("-INT");
    assert_eq!(running.end().code, Some(130));
}

#[test]
fn a_websocket_that_is_cut_is_replaced_under_its_session() {
    let serving = Serving::at_a_lasting_port();
    let wire = Wire::before(&serving.http());
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    let options = ["--server", &wire.url, "--carrier", "websocket"];
    let start = |more: &[&str]| sandbox.start_tunnel(&[&["connect"][..], &options, more].concat());
    let mut person = start(&[]);
    person.said("connected to tunnel-server (production) over websocket");
    let mut quiet = start(&["--quiet", "--json"]);
    quiet.wrote("authenticated");
    wire.cut();
    person.said("the WebSocket is lost: opening another under the session");
    person.said("the session goes on over a new WebSocket");
    for running in [person, quiet] {
        running.signal("-INT");
        let ended = running.end();
        assert_eq!((ended.code, &*ended.err, &*ended.out), (Some(130), "", ""));
    }
}

#[test]
fn a_server_that_no_longer_trusts_this_end_ends_it() {
    let serving = Serving::at_a_lasting_port();
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    let connected = connected(&sandbox, &serving);
    let mut logs = sandbox.start_tunnel(&["logs", "--server", &serving.url]);
    logs.said("connected to tunnel-server (production)");
    let _other = serving.replace(OTHER_SECRET);
    let why = "the server does not hold this secret";
    let last = format!("not connected: no further try will be made: {why}");
    connected.end().expect(4, &[&last, "hint: use the secret"]);
    logs.end().expect(4, &[why, "hint: use the secret"]);
}

#[test]
fn logs_and_a_sync_share_the_session() {
    let sandbox = Sandbox::new();
    let mut running = sandbox.start_tunnel(&["connect", "--logs", "--sync", "courses"]);
    running.said("synced 24,000 rows");
    // Lines came all the while, and still do.
    for _ in 0..21 {
        running.wrote(" ");
    }
    running.signal("-INT");
    let ended = running.end();
    assert_eq!(
        (ended.code, ended.err.contains("error")),
        (Some(130), false),
        "{ended:?}"
    );
}

#[test]
fn what_worked_is_remembered_for_the_next_command() {
    let serving = Serving::at_a_lasting_port();
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    // What is insisted on has won nothing.
    for (choice, carrier) in [("websocket", "websocket"), ("auto", "udp")] {
        let arguments = ["health", "--server", &serving.http(), "--carrier", choice];
        let health = sandbox.tunnel(&[&arguments[..], &["--json"]].concat());
        health.expect(0, &[]);
        assert_eq!(carrier_of(&health), carrier);
    }
    let kept = sandbox.path().join(".local/state/render-tunnel/ways.json");
    let kept = std::fs::read_to_string(kept).unwrap();
    for piece in [&*serving.http(), r#""carrier":"udp""#] {
        assert!(kept.contains(piece), "{kept}");
    }
    assert!(!kept.contains(SECRET));
}

#[test]
fn the_demo_is_reached_over_either_carrier_and_not_remembered() {
    let sandbox = Sandbox::new();
    for carrier in ["udp", "websocket"] {
        let health = sandbox.tunnel(&["health", "--json", "--carrier", carrier]);
        health.expect(0, &[]);
        assert_eq!(carrier_of(&health), carrier);
    }
    assert!(!sandbox.path().join(".local").exists());
}
