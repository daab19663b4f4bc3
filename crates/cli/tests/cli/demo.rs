//! The demo production, served for other programs.

use crate::support::{SECRET, Sandbox};

#[test]
fn what_it_says_to_try_works_and_holds_no_secret() {
    let sandbox = Sandbox::new();
    let mut running = sandbox.start_tunnel(&["demo", "--port", "0"]);
    running.wrote("the demo production is at quic://127.0.0.1:");
    let line = running.said("tunnel sync --table courses");
    let words: Vec<_> = line.split_whitespace().collect();
    let secret = std::fs::read_to_string(sandbox.path().join(".tunnel/demo.secret")).unwrap();
    assert!(!line.contains(secret.trim()));
    let ended = sandbox.tunnel(&[&words[1..], &["--limit", "3"]].concat());
    ended.expect(0, &["connected to demo", "synced 3 rows"]);
    running.signal("-TERM");
    assert_eq!(running.end().code, Some(0));
}

#[test]
fn its_secret_is_its_owners_alone_and_lasts() {
    let sandbox = Sandbox::new();
    let secret = || {
        let mut running = sandbox.start_tunnel(&["demo", "--port", "0", "--json"]);
        running.wrote("secret_file");
        std::fs::read_to_string(sandbox.path().join(".tunnel/demo.secret")).unwrap()
    };
    assert_eq!(secret(), secret());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::fs::metadata(sandbox.path().join(".tunnel/demo.secret")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn nobody_takes_it_for_a_production_of_their_own() {
    let quiet = Sandbox::new().tunnel(&["health", "-q"]);
    quiet.expect(0, &["This is the built-in demo production"]);
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    for command in [&["health"][..], &["sync", "--table", "users"]] {
        let ended = sandbox.tunnel(command);
        ended.expect(2, &["RENDER_TUNNEL_SECRET is set", "RENDER_EXTERNAL_URL"]);
    }
}
