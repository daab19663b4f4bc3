//! Help, version, completions: what is said before anything is done.

use std::path::Path;

use crate::support::Sandbox;

/// Holds a text against the one in `snapshots`; with `UPDATE_SNAPSHOTS` set it is written there.
#[track_caller]
pub(crate) fn assert_snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cli/snapshots")
        .join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, kept,
        "{name} is another: run the test with UPDATE_SNAPSHOTS=1 if it should be"
    );
}

#[test]
fn every_command_explains_itself_with_examples() {
    let sandbox = Sandbox::new();
    for command in [
        "connect",
        "status",
        "disconnect",
        "logs",
        "webhook",
        "sync",
        "flags",
        "validate-env",
        "health",
        "doctor",
        "keygen",
        "demo",
        "completions",
    ] {
        let help = sandbox.tunnel(&[command, "--help"]);
        help.expect(0, &[]);
        assert!(help.out.contains("Examples:"), "{}", help.out);
        assert_snapshot(&format!("tunnel-{command}.txt"), &help.out);
    }
    for command in ["list", "show", "replay", "trigger", "verify", "secret"] {
        let help = sandbox.tunnel(&["webhook", command, "--help"]);
        help.expect(0, &[]);
        assert!(help.out.contains("Examples:"), "{}", help.out);
        assert_snapshot(&format!("tunnel-webhook-{command}.txt"), &help.out);
    }
    for command in ["run", "set", "unset"] {
        let help = sandbox.tunnel(&["flags", command, "--help"]);
        help.expect(0, &[]);
        assert!(help.out.contains("Examples:"), "{}", help.out);
        assert_snapshot(&format!("tunnel-flags-{command}.txt"), &help.out);
    }
    assert_snapshot("tunnel.txt", &sandbox.tunnel(&["--help"]).out);
    assert_snapshot("tunnel-server.txt", &sandbox.server(&["--help"]).out);
    let run = sandbox.server(&["run", "--help"]);
    assert_snapshot("tunnel-server-run.txt", &run.out);
}

#[test]
fn no_argument_takes_a_secret() {
    let refused = Sandbox::new().tunnel(&["health", "--secret", "x"]);
    refused.expect(2, &["--secret"]);
}

#[test]
fn both_programs_have_a_version() {
    let sandbox = Sandbox::new();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        sandbox.tunnel(&["--version"]).out,
        format!("tunnel {version}\n")
    );
    assert_eq!(
        sandbox.server(&["--version"]).out,
        format!("tunnel-server {version}\n")
    );
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let completions = Sandbox::new().tunnel(&["completions", shell]);
        completions.expect(0, &[]);
        assert!(completions.out.contains("allow-remote-target"), "{shell}");
    }
}

#[test]
fn keygen_prints_the_secret_alone_and_what_to_do_with_it_beside() {
    let sandbox = Sandbox::new();
    let made = sandbox.tunnel(&["keygen"]);
    made.expect(0, &["RENDER_TUNNEL_SECRET"]);
    let secret = made.out.trim_end();
    assert!(secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_ne!(sandbox.tunnel(&["keygen", "--quiet"]).out, made.out);
    assert_eq!(
        sandbox.tunnel(&["keygen", "--json"]).json()["secret"]
            .as_str()
            .unwrap()
            .len(),
        64
    );
}
