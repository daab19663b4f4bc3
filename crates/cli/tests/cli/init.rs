//! `tunnel init`: files for a project, and nobody's lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{OTHER_SECRET, SECRET, Sandbox, Serving};

fn read(sandbox: &Sandbox, name: &str) -> String {
    fs::read_to_string(sandbox.path().join(name)).unwrap()
}

fn mode(sandbox: &Sandbox, name: &str) -> u32 {
    let file = fs::metadata(sandbox.path().join(name)).unwrap();
    file.permissions().mode() & 0o777
}

#[test]
fn a_new_project_gets_its_files_and_a_secret_that_is_nowhere_else() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path().join(".git")).unwrap();
    let made = sandbox.tunnel(&["init"]);
    made.expect(0, &["add RENDER_TUNNEL_SECRET", "No server is named yet"]);
    let env = read(&sandbox, ".env");
    let secret = env.split('\'').nth(1).unwrap();
    assert_eq!(secret.len(), 64);
    assert_eq!(mode(&sandbox, ".env"), 0o600);
    assert_eq!(read(&sandbox, ".gitignore"), "/.env\n.tunnel/\n");
    for text in [made.out, made.err, read(&sandbox, "tunnel.toml")] {
        assert!(!text.contains(secret));
    }

    let again = sandbox.tunnel(&["init"]);
    again.expect(0, &[]);
    assert_eq!(read(&sandbox, ".env"), env, "nothing is done twice");
    assert!(!again.out.contains("made"), "{again:?}");
}

#[test]
fn files_of_the_users_grow_only_if_that_is_agreed_to() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path().join(".git")).unwrap();
    let write = |name: &str, text: &str| fs::write(sandbox.path().join(name), text).unwrap();
    write(".env", "MINE=1");
    write(".gitignore", ".env\n");
    write("tunnel.toml", "[client]\nenvironment = 'ada'\n");
    sandbox.tunnel(&["init"]).expect(
        5,
        &[
            "RENDER_TUNNEL_SECRET=(the secret)",
            ".tunnel/",
            "nobody is here",
            "--yes",
        ],
    );
    assert_eq!(read(&sandbox, ".env"), "MINE=1");

    let server = ["--server", "quic://127.0.0.1:1"];
    let done = sandbox.tunnel(&[&["init", "--yes", "--json"], &server[..]].concat());
    done.expect(0, &[]);
    let env = read(&sandbox, ".env");
    let start = "MINE=1\nRENDER_EXTERNAL_URL=quic://127.0.0.1:1\nRENDER_TUNNEL_SECRET='";
    assert!(env.starts_with(start));
    assert_eq!(mode(&sandbox, ".env"), 0o600);
    assert_eq!(read(&sandbox, ".gitignore"), ".env\n.tunnel/\n");
    assert_eq!(
        read(&sandbox, "tunnel.toml"),
        "[client]\nenvironment = 'ada'\n"
    );
    let json = done.json();
    assert_eq!(
        (&json["secret"], &json["connection"]),
        (&"made".into(), &"failed".into())
    );
}

#[test]
fn a_server_is_tried_with_the_secret_that_it_has() {
    let serving = Serving::start(None);
    let init = |secret: &str| {
        let sandbox = Sandbox::new();
        fs::write(sandbox.path().join("secret"), secret).unwrap();
        let arguments = ["init", "--server", &serving.url, "--secret-file", "secret"];
        sandbox.tunnel(&arguments)
    };
    init(SECRET).expect(0, &["connected to tunnel-server"]);
    init(OTHER_SECRET).expect(4, &["error: "]);
    init("weak").expect(2, &["tunnel keygen"]);
    init(&format!("{SECRET}'x")).expect(2, &["cannot stand in .env"]);
}

#[test]
fn what_makes_no_sense_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    sandbox
        .tunnel(&["init", "--server", "ftp://x"])
        .expect(2, &["name the server as"]);
    assert_eq!(fs::read_dir(sandbox.path()).unwrap().count(), 0);
}

#[test]
fn a_secret_is_not_put_into_a_file_of_the_repository() {
    let sandbox = Sandbox::new().set("PATH", "/usr/local/bin:/usr/bin:/bin");
    fs::write(sandbox.path().join(".env"), "MINE=1\n").unwrap();
    for arguments in [&["init", "-q"][..], &["add", ".env"]] {
        sandbox.start("git", arguments).end().expect(0, &[]);
    }
    sandbox
        .tunnel(&["init", "--yes"])
        .expect(5, &["git rm --cached .env"]);
    assert_eq!(read(&sandbox, ".env"), "MINE=1\n");
}
