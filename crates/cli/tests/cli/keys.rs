//! The keys of `tunnel-server`: how they are listed, and what a hangup does to them.

use std::fs;
use std::path::Path;

use crate::support::{OTHER_SECRET, SECRET, Sandbox};

const KEY: &str = "[[keys]]\nname = 'ci'\nsecret-file = 'ci'\n";

/// A client's folder, for the holder of a secret.
fn laptop(url: &str, secret: &str) -> Sandbox {
    Sandbox::new()
        .set("RENDER_TUNNEL_SECRET", secret)
        .set("RENDER_EXTERNAL_URL", url)
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

#[test]
fn a_hangup_revokes_what_the_files_no_longer_have_and_keeps_what_they_have() {
    let production = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    let folder = production.path();
    write(folder, "ci", OTHER_SECRET);
    let audit = "[audit]\npath = 'audit.ndjson'\n";
    write(folder, "tunnel.toml", &format!("{audit}{KEY}"));
    let mut server = production.start_server(&["--port", "0"]);
    let line = server.said("listening for QUIC on UDP");
    let port = line.trim().rsplit(':').next().unwrap();
    let url = format!("quic://127.0.0.1:{port}");
    server.said("keys: default, ci");
    let (revoked, kept) = (laptop(&url, OTHER_SECRET), laptop(&url, SECRET));
    let following = ["logs", "--json"];
    let (gone, stays) = (
        revoked.start_tunnel(&following),
        kept.start_tunnel(&following),
    );
    server.said("session opened");
    server.said("session opened");

    // What makes no sense changes nothing, and is said.
    let wrong = format!("{audit}{KEY}secret = 'x'\n");
    write(folder, "tunnel.toml", &wrong);
    server.signal("-HUP");
    assert!(
        server
            .said("the keys stay as they were")
            .contains("tunnel.toml")
    );
    fs::rename(folder.join("audit.ndjson"), folder.join("audit.1")).unwrap();
    let changed = format!("{audit}[limits]\ncalls = 7\n");
    write(folder, "tunnel.toml", &changed);
    server.signal("-HUP");
    assert!(server.said("key ci (").contains("revoked"));
    server.said("changed as well, and read at the next start: [limits]");
    gone.end()
        .expect(4, &["not authorised: the key was revoked"]);
    revoked.tunnel(&["health"]).expect(4, &[]);
    // The other is still there, and what it follows goes on.
    stays.signal("-INT");
    let ended = stays.end();
    assert!(
        !ended.err.contains("reconnect") && !ended.err.contains("lost"),
        "{ended:?}"
    );

    server.signal("-TERM");
    let ended = server.end();
    ended.expect(0, &["stopping"]);
    let (old, new) = (
        fs::read_to_string(folder.join("audit.1")).unwrap(),
        fs::read_to_string(folder.join("audit.ndjson")).unwrap(),
    );
    assert_eq!(old.matches("session_opened").count(), 2);
    // What is noted while the file is opened again is in one of the two.
    let both = format!("{old}{new}");
    assert!(
        both.contains("\"keys_replaced\"") && both.contains("the key was revoked"),
        "{both}"
    );
    assert!(new.contains("session_closed"), "{new}");
    for text in [old, new, ended.err] {
        assert!(!text.contains(SECRET) && !text.contains(OTHER_SECRET));
    }
}

#[test]
fn keys_are_listed_and_none_is_shown() {
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    write(sandbox.path(), "ci", OTHER_SECRET);
    write(sandbox.path(), "tunnel.toml", KEY);
    let listed = sandbox.server(&["keys"]);
    listed.expect(0, &[]);
    assert!(
        listed.out.contains("default") && listed.out.contains("the variable RENDER_TUNNEL_SECRET")
    );
    let json = sandbox.server(&["keys", "--json"]).json();
    assert_eq!(json[1]["name"], "ci");
    assert_eq!(json[1]["secrets"][0]["state"], "good");
    assert_eq!(json[1]["secrets"][0]["id"].as_str().unwrap().len(), 16);
    fs::remove_file(sandbox.path().join("ci")).unwrap();
    let missing = sandbox.server(&["keys"]);
    missing.expect(1, &[]);
    assert!(missing.out.contains("missing"));
    for ended in [listed, missing] {
        let shown = ended.out + &ended.err;
        assert!(!shown.contains(SECRET) && !shown.contains(OTHER_SECRET));
    }
    Sandbox::new()
        .server(&["keys"])
        .expect(2, &["no secret is configured"]);
}
