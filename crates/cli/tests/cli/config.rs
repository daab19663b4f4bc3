//! `tunnel config`: where each setting comes from, and what makes no sense.

use serde_json::Value;

use crate::support::{SECRET, Sandbox};

fn setting(shown: &Value, name: &str) -> Value {
    let settings = shown["settings"].as_array().unwrap();
    let found = settings.iter().find(|setting| setting["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {shown}")).clone()
}

/// A folder where every place says something.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_CARRIER", "websocket");
    let write = |name: &str, text: &str| std::fs::write(sandbox.path().join(name), text).unwrap();
    write(
        ".env",
        &format!("# ours\nRENDER_EXTERNAL_URL=https://a.example\nRENDER_TUNNEL_SECRET={SECRET}\n"),
    );
    write(
        "tunnel.toml",
        "[client]\nserver = 'https://b.example'\nenvironment = 'ada'\ncarrier = 'udp'\n\
         [connect]\nlogs = true\n[flags]\napi-key = 'k3y'\n",
    );
    sandbox
}

#[test]
fn each_setting_is_shown_with_the_place_that_it_comes_from() {
    let sandbox = sandbox();
    let shown = sandbox.tunnel(&["config", "show", "--json", "--pin", &"a".repeat(64)]);
    shown.expect(0, &[]);
    let shown = shown.json();
    let of = |name: &str| {
        let setting = setting(&shown, name);
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        (text(&setting["value"]), text(&setting["origin"]["from"]))
    };
    let pair = |value: &str, from: &str| (value.to_owned(), from.to_owned());
    assert_eq!(of("server"), pair("https://a.example:443", "env_file"));
    assert_eq!(setting(&shown, "server")["origin"]["line"], 2);
    assert_eq!(of("secret"), pair("-", "env_file"));
    assert_eq!(of("carrier"), pair("websocket", "environment"));
    assert_eq!(of("environment"), pair("ada", "tunnel_toml"));
    assert_eq!(of("pin").1, "flag");
    assert_eq!(of("port"), pair("3001", "default"));
    assert_eq!(shown["sections"][0]["key"], "connect.logs");
}

#[test]
fn no_secret_is_shown_wherever_it_stands() {
    let sandbox = sandbox()
        .set("DATABASE_URL", "postgres://me:passw0rd@localhost/app")
        .set("HTTPS_PROXY", "http://me:passw0rd@proxy:1");
    for arguments in [&["config", "show"][..], &["config", "show", "--json"]] {
        let shown = sandbox.tunnel(arguments);
        shown.expect(0, &[]);
        for secret in [SECRET, "passw0rd", "k3y"] {
            assert!(!shown.out.contains(secret) && !shown.err.contains(secret));
        }
    }
    let wrong = Sandbox::new().set("RENDER_EXTERNAL_URL", "postgres://me:passw0rd@x/y");
    let shown = wrong.tunnel(&["config", "show"]);
    assert!(!shown.out.contains("passw0rd"), "{shown:?}");
}

#[test]
fn a_check_names_what_makes_no_sense_and_what_to_do() {
    sandbox().tunnel(&["config", "check"]).expect(0, &[]);
    for (name, value, piece) in [
        ("RENDER_TUNNEL_SECRET", "weak", "RENDER_TUNNEL_SECRET"),
        (
            "RENDER_TUNNEL_CARRIER",
            "pigeon",
            "use auto, udp or websocket",
        ),
        ("RENDER_EXTERNAL_URL", "ftp://x", "ftp"),
        ("RENDER_TUNNEL_CA", "/nowhere.pem", "/nowhere.pem"),
    ] {
        let sandbox = sandbox().set(name, value);
        let checked = sandbox.tunnel(&["config", "check"]);
        checked.expect(1, &[]);
        assert!(checked.out.contains(piece), "{checked:?}");
        let json = sandbox.tunnel(&["config", "check", "--json"]).json();
        assert_eq!(json.as_array().unwrap().len(), 1, "{json}");
    }
    let wrong = sandbox().set("RENDER_EXTERNAL_URL", "ftp://x");
    let checked = wrong.tunnel(&["config", "check"]);
    assert!(checked.out.contains("name the server with"), "{checked:?}");
    for (section, piece) in [
        ("[connect]\nlogs = 3\n", "line 2: `logs` is true, false"),
        ("[connect]\nlogs = { grep = ['('] }\n", "("),
        ("[env.variables.X]\nrule = 'optinal'\n", "optinal"),
        ("[env.variables.X]\nhere = '('\n", "X"),
        ("[snyc]\ntables = []\n", "[snyc] is no section"),
    ] {
        let sandbox = sandbox();
        std::fs::write(sandbox.path().join("tunnel.toml"), section).unwrap();
        let checked = sandbox.tunnel(&["config", "check"]);
        checked.expect(1, &[]);
        assert!(checked.out.contains(piece), "{checked:?}");
        let shown = sandbox.tunnel(&["config", "show"]);
        shown.expect(0, &["problem: ", piece]);
        // The file may be above.
        let below = sandbox.path().join("below");
        std::fs::create_dir(&below).unwrap();
        let mut check = sandbox.command(env!("CARGO_BIN_EXE_tunnel"), &["config", "check"]);
        let checked = check.current_dir(&below).output().unwrap();
        let said = String::from_utf8(checked.stdout).unwrap();
        assert!(said.contains(piece), "{said}");
    }
}
