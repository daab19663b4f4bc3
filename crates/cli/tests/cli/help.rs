//! Help, version, secrets: what is said before anything is done.

use crate::snapshot::assert_snapshot;
use crate::support::Sandbox;

#[test]
fn both_programs_explain_themselves() {
    let sandbox = Sandbox::new();
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
