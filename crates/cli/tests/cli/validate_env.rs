//! `tunnel validate-env`: what it prints, what it ends with, and what it never prints.

use serde_json::json;

use crate::support::{Running, SECRET, Sandbox};

/// A server whose environment and `tunnel.toml` these are, and its address.
fn production(variables: &[(&'static str, &str)], config: &str) -> (Running, Sandbox, String) {
    let mut sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    for &(name, value) in variables {
        sandbox = sandbox.set(name, value);
    }
    std::fs::write(sandbox.path().join("tunnel.toml"), config).unwrap();
    let mut running = sandbox.start_server(&["--port", "0"]);
    let url = running.quic_url();
    (running, sandbox, url)
}

fn laptop(url: &str) -> Sandbox {
    Sandbox::new()
        .set("RENDER_TUNNEL_SECRET", SECRET)
        .set("RENDER_EXTERNAL_URL", url)
}

fn write(sandbox: &Sandbox, name: &str, text: &str) {
    std::fs::write(sandbox.path().join(name), text).unwrap();
}

const PRODUCTION: [(&str, &str); 6] = [
    ("STRIPE_SECRET_KEY", "sk_live_production"),
    ("API_VERSION", "2026-09"),
    ("LOG_LEVEL", "info"),
    ("BLANK", ""),
    ("EXTRA", "only-in-production"),
    ("CI_SECRET", "c41e07f95d2a4b6e8037f1d9a2b45c68"),
];

const CONFIG: &str = "
[[keys]]
name = 'ci'
secret-env = 'CI_SECRET'
[env.variables.LOG_LEVEL]
public = true
[env.variables.STRIPE_SECRET_KEY]
production = '^sk_live_'
";

#[test]
fn the_demo_has_something_to_compare_with() {
    let sandbox = Sandbox::new();
    write(
        &sandbox,
        ".env",
        "NODE_ENV=production\nSESSION_SECRET='the secret of the demo'\n",
    );
    let found = sandbox.tunnel(&["validate-env"]);
    found.expect(
        1,
        &["built-in demo production", "values from the process, .env"],
    );
    assert!(
        found.out.contains("match (1)\n  ✓  NODE_ENV"),
        "{}",
        found.out
    );
    assert!(found.out.contains("missing here (4)"), "{}", found.out);
    assert!(
        found
            .out
            .starts_with("production secret on this machine (1)\n  ✗  SESSION_SECRET"),
        "{}",
        found.out
    );
    assert!(!found.out.contains("the demo"), "{}", found.out);
}

/// A laptop with a variable for each status, in the order in which they are named.
fn laptop_with_everything(url: &str) -> Sandbox {
    let laptop = laptop(url).set("API_VERSION", "2026-09");
    write(
        &laptop,
        ".env.example",
        "STRIPE_SECRET_KEY=\nAPI_VERSION=\nLOG_LEVEL=\nBLANK=\nEXTRA=\nMINE=\nCI_SECRET=\n\
         RENDER_TUNNEL_SECRET=\n",
    );
    // The process comes before the files, and one file before the other.
    write(
        &laptop,
        ".env",
        "API_VERSION=old\nSTRIPE_SECRET_KEY=wrong\n",
    );
    write(
        &laptop,
        ".env.local",
        "STRIPE_SECRET_KEY=sk_live_production\nLOG_LEVEL=debug\nBLANK=x\nMINE=local-only\n\
         CI_SECRET=x\n",
    );
    laptop
}

#[test]
fn every_status_is_found() {
    let (_running, _folder, url) = production(&PRODUCTION, CONFIG);
    let found = laptop_with_everything(&url).tunnel(&["validate-env", "--json"]);
    found.expect(
        1,
        &["names from .env.example; values from the process, .env.local, .env"],
    );
    let found = found.json();
    let of = |key: &str| {
        let all = found.as_array().unwrap().iter();
        all.map(|it| it[key].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("status"),
        [
            "production-secret-here",
            "match",
            "differs",
            "empty",
            "missing-here",
            "missing-in-production",
            // It is a secret of the tunnel's, by the server's configuration.
            "not-compared"
        ]
    );
    assert_eq!(of("rule")[..2], ["must-differ", "must-exist"]);
    assert_eq!(
        found[1],
        json!({"name": "API_VERSION", "rule": "must-exist", "status": "match"})
    );
    assert_eq!(found[2]["production"], "info");
}

#[test]
fn no_value_is_shown_but_those_that_are_public() {
    let audit = "[audit]\npath = 'audit.ndjson'\n";
    let (_running, server, url) = production(&PRODUCTION, &format!("{audit}{CONFIG}"));
    let laptop = laptop_with_everything(&url);
    let forms: [&[&str]; 3] = [&[], &["--json"], &["--github"]];
    let shown = forms.map(|form| laptop.tunnel(&[&["validate-env"], form].concat()));
    let [human, json, github] = &shown;
    assert!(
        human.out.contains("production has \"info\""),
        "{}",
        human.out
    );
    assert!(json.out.contains("\"production\":\"info\""));
    assert!(
        github
            .out
            .contains("::error title=STRIPE_SECRET_KEY::production's secret is here")
    );
    let annotations = github.out.lines();
    assert!(
        annotations
            .into_iter()
            .all(|line| line.starts_with("::error title="))
    );
    let audit = std::fs::read_to_string(server.path().join("audit.ndjson")).unwrap();
    assert!(
        audit.contains(
            "\"compared\":[\"STRIPE_SECRET_KEY\",\"API_VERSION\",\"LOG_LEVEL\",\"EXTRA\"]"
        ),
        "{audit}"
    );
    for value in [
        "sk_live",
        "2026-09",
        "only-in-production",
        "local-only",
        "debug",
        "c41e07",
    ] {
        for ended in &shown {
            let seen = ended.out.contains(value) || ended.err.contains(value);
            assert!(!seen, "{value} {ended:?}");
        }
        assert!(!audit.contains(value), "{value} {audit}");
    }
}

#[test]
fn rules_and_names_of_the_project_decide_the_exit_code() {
    let (_running, _folder, url) = production(&PRODUCTION, CONFIG);
    let laptop = laptop(&url)
        .set("STRIPE_SECRET_KEY", "sk_test_1")
        .set("API_VERSION", "2026-09");
    write(
        &laptop,
        "render.yaml",
        "services:\n- envVars:\n  - key: STRIPE_SECRET_KEY\n    sync: false\n  - key: PORT\n",
    );
    let config = "[env.variables.API_VERSION]\nrule = 'must-match'\n[env.variables.EXTRA]\nrule = 'optional'\n\
                  [env.variables.PORT]\nrule = 'optional'\n[env.variables.STRIPE_SECRET_KEY]\nhere = '^sk_test_'\n";
    write(&laptop, "tunnel.toml", config);
    laptop.tunnel(&["validate-env"]).expect(
        0,
        &[
            "names from render.yaml, [env] of tunnel.toml",
            "4 variables: no rule is broken",
        ],
    );
    write(
        &laptop,
        "tunnel.toml",
        &config.replace("^sk_test_", "^sk_other_"),
    );
    let broken = laptop.tunnel(&["validate-env", "STRIPE_SECRET_KEY"]);
    broken.expect(1, &["1 variable: 1 not as they should be"]);
    assert!(
        broken
            .out
            .contains("the value here does not match its pattern"),
        "{}",
        broken.out
    );
}

#[test]
fn guesses_that_are_used_up_say_when_there_are_more() {
    let (_running, _folder, url) = production(&PRODUCTION, "[env]\nguesses-per-hour = 2\n");
    let laptop = laptop(&url);
    for _ in 0..2 {
        laptop.tunnel(&["validate-env", "EXTRA"]).expect(1, &[]);
    }
    laptop.tunnel(&["validate-env", "EXTRA"]).expect(
        1,
        &[
            "this key has compared EXTRA as often as it may within an hour",
            "in 60 min",
            "guesses-per-hour",
        ],
    );
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let laptop = laptop("quic://127.0.0.1:9");
    laptop
        .tunnel(&["validate-env"])
        .expect(2, &["no variables are named", ".env.example"]);
    let named = laptop.tunnel(&["validate-env", "SECRET=hunter2"]);
    named.expect(2, &["give the name alone"]);
    laptop
        .tunnel(&["validate-env", "A B"])
        .expect(2, &["no name of a variable"]);
    write(&laptop, ".env.local", "A=1\nB='s3cr3t\n");
    let broken = laptop.tunnel(&["validate-env", "A"]);
    broken.expect(2, &[".env.local, line 2"]);
    assert!(!broken.err.contains("s3cr3t"), "{}", broken.err);
    std::fs::remove_file(laptop.path().join(".env.local")).unwrap();
    write(&laptop, ".env.example", "A=\n\nno name here\n");
    laptop
        .tunnel(&["validate-env"])
        .expect(2, &[".env.example, line 3"]);
    write(&laptop, "tunnel.toml", "[env.variables.A]\nhere = '('\n");
    laptop
        .tunnel(&["validate-env", "A"])
        .expect(2, &["a pattern of the variable \"A\""]);
    write(&laptop, "tunnel.toml", "[env]\nsecret = 1\n");
    laptop
        .tunnel(&["validate-env", "A"])
        .expect(2, &["tunnel.toml makes no sense"]);
}

#[test]
fn a_value_of_a_mebibyte_is_compared_like_any_other() {
    let (_running, server, url) = production(&[], "");
    drop((_running, url));
    let long = "x".repeat(1024 * 1024);
    write(&server, ".env", &format!("LONG={long}\n"));
    let mut running = server.start_server(&["--port", "0"]);
    let laptop = laptop(&running.quic_url());
    write(&laptop, ".env", &format!("LONG={long}\n"));
    let found = laptop.tunnel(&["validate-env", "LONG", "--json"]);
    found.expect(0, &[]);
    assert_eq!(found.json()[0]["status"], "match");
}

#[test]
fn without_a_server_there_is_no_connection() {
    let port = crate::support::free_port();
    let laptop = laptop(&format!("quic://127.0.0.1:{port}"));
    laptop
        .tunnel(&["validate-env", "A"])
        .expect(3, &["cannot connect"]);
}
