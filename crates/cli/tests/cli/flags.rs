//! `tunnel flags`: what it prints, writes, runs and serves.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::{Running, SECRET, Sandbox, Serving};

/// A server with flags in its environment and in a file, at a port that stays.
fn shop() -> Serving {
    let sandbox = Sandbox::new()
        .set("RENDER_TUNNEL_SECRET", SECRET)
        .set("ENABLE_STRIPE", "true")
        .set("ENABLE_AI_CHAT", "off")
        .set("ENABLE_STRIPE_KEY", "sk_live_s3cr3t");
    let path = |name: &str| sandbox.path().join(name);
    std::fs::write(path("tunnel.toml"), "[flags]\nfile = 'flags.json'\n").unwrap();
    std::fs::write(path("flags.json"), file(10)).unwrap();
    Serving::in_sandbox(sandbox)
}

fn file(limit: u32) -> String {
    let flags = json!({
        "limit": { "variants": { "value": limit }, "defaultVariant": "value" },
        "new-checkout": { "variants": { "on": true, "off": false }, "defaultVariant": "off",
            "targeting": { "if": [{ "ends_with": [{ "var": "email" }, "@shop.test"] }, "on"] } },
    });
    json!({ "flags": flags }).to_string()
}

fn laptop(shop: &Serving) -> Sandbox {
    Sandbox::new()
        .set("RENDER_TUNNEL_SECRET", SECRET)
        .set("RENDER_EXTERNAL_URL", shop.url.clone())
}

#[test]
fn a_rule_that_cannot_be_followed_is_said_beside_its_flag() {
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    let path = |name: &str| sandbox.path().join(name);
    std::fs::write(path("tunnel.toml"), "[flags]\nfile = 'flags.json'\n").unwrap();
    let flags = json!({ "flags": { "beta": {
        "variants": { "on": true, "off": false }, "defaultVariant": "off",
        "targeting": { "shuffle": [1] },
    }}});
    std::fs::write(path("flags.json"), flags.to_string()).unwrap();
    let shop = Serving::in_sandbox(sandbox);
    let shown = laptop(&shop).tunnel(&["flags"]);
    shown.expect(0, &[]);
    let line = shown
        .out
        .lines()
        .find(|line| line.contains("beta"))
        .unwrap();
    assert!(line.starts_with("- DEF"), "{line}");
    assert!(
        line.contains("its rule has an operator that is not known"),
        "{line}"
    );
}

/// Asks a server on loopback, and returns its status and its body.
fn http(url: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let authority = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    let length = body.len();
    let host = if headers.contains("host:") {
        String::new()
    } else {
        format!("host: {authority}\r\n")
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{host}{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

fn evaluate(url: &str, key: &str, body: &str) -> Value {
    let path = format!("/ofrep/v1/evaluate/flags/{key}");
    serde_json::from_str(&http(url, "POST", &path, "", body).1).unwrap()
}

fn serving(laptop: &Sandbox) -> (Running, String) {
    let mut running = laptop.start_tunnel(&["flags", "--serve", "--port", "0"]);
    let line = running.wrote("serving");
    let url = line.trim().rsplit(' ').next().unwrap().to_owned();
    (running, url)
}

#[test]
fn flags_are_shown_line_by_line_and_a_secret_stays_where_it_is() {
    let shop = shop();
    let laptop = laptop(&shop).set("ENABLE_STRIPE", "false");
    let shown = laptop.tunnel(&["flags"]);
    shown.expect(0, &[]);
    let line = |piece: &str| {
        shown
            .out
            .lines()
            .find(|line| line.contains(piece))
            .unwrap()
            .to_owned()
    };
    assert!(
        line("STRIPE").starts_with("✓ ON  ENABLE_STRIPE "),
        "{}",
        shown.out
    );
    assert!(
        line("STRIPE").ends_with("differs here: false"),
        "{}",
        shown.out
    );
    assert!(
        line("CHAT").starts_with("✗ OFF  ENABLE_AI_CHAT "),
        "{}",
        shown.out
    );
    assert!(
        line("limit").contains("number") && line("limit").contains("file"),
        "{}",
        shown.out
    );
    assert!(line("checkout").ends_with("by its rule"), "{}", shown.out);
    assert!(!shown.out.contains("STRIPE_KEY") && !shown.out.contains("s3cr3t"));

    let mut list = laptop.tunnel(&["flags", "--json"]).json();
    for flag in list.as_array_mut().unwrap() {
        let updated = flag["updated"].take();
        assert!(updated.as_str().unwrap().ends_with('Z'), "{updated}");
    }
    let flag = |key: &str, kind: &str, value: Value, source: &str| json!({ "key": key, "type": kind, "value": value, "source": source, "updated": null });
    let expected = json!([
        flag("ENABLE_AI_CHAT", "boolean", json!(false), "environment"),
        flag("ENABLE_STRIPE", "boolean", json!(true), "environment"),
        flag("limit", "number", json!(10), "file"),
        flag("new-checkout", "boolean", json!(false), "file"),
    ]);
    assert_eq!(list, expected);
}

#[test]
fn files_have_the_form_that_their_name_says() {
    let shop = shop();
    let laptop = laptop(&shop);
    let write = |name: &str| {
        laptop
            .tunnel(&["flags", "--output", name])
            .expect(0, &["wrote 4 flags"]);
        std::fs::read_to_string(laptop.path().join(name)).unwrap()
    };
    let values: Value = serde_json::from_str(&write("flags.json")).unwrap();
    let expected = json!({
        "ENABLE_AI_CHAT": false, "ENABLE_STRIPE": true, "limit": 10, "new-checkout": false,
    });
    assert_eq!(values, expected);
    let lines = "# written by tunnel flags\nENABLE_AI_CHAT=false\nENABLE_STRIPE=true\nFLAG_LIMIT=10\nFLAG_NEW_CHECKOUT=false\n";
    assert_eq!(write("shop.env"), lines);
    let flagd: Value = serde_json::from_str(&write("shop.flagd.json")).unwrap();
    assert_eq!(flagd["flags"]["new-checkout"]["targeting"]["if"][1], "on");
    assert_eq!(flagd["flags"]["limit"]["variants"], json!({ "value": 10 }));
    std::fs::write(laptop.path().join(".env.local"), "OWN=1\n").unwrap();
    laptop
        .tunnel(&["flags", "--output", ".env.local"])
        .expect(5, &[".env.local", "flags.env"]);
    laptop
        .tunnel(&["flags", "--output", "flags.yaml"])
        .expect(2, &["flags.yaml", "flags.env"]);
}

/// A server whose flags are those of a file with these texts.
fn texts(flags: &[(&str, &str)]) -> Serving {
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    let path = |name: &str| sandbox.path().join(name);
    std::fs::write(path("tunnel.toml"), "[flags]\nfile = 'flags.json'\n").unwrap();
    let flags = flags.iter().map(|(key, text)| {
        let flag = json!({ "variants": { "value": text }, "defaultVariant": "value" });
        ((*key).to_owned(), flag)
    });
    let flags: serde_json::Map<_, _> = flags.collect();
    std::fs::write(path("flags.json"), json!({ "flags": flags }).to_string()).unwrap();
    Serving::in_sandbox(sandbox)
}

#[test]
fn what_a_flag_of_the_servers_choice_is_called_here_is_not_printed() {
    let shop = texts(&[("GREETING", "hello"), ("RENDER_TUNNEL_SECRET", "x")]);
    let shown = laptop(&shop)
        .set("GREETING", "own words")
        .tunnel(&["flags"]);
    shown.expect(0, &[]);
    assert_eq!(shown.out.matches("differs here\n").count(), 2, "{shown:?}");
    assert!(!shown.out.contains("own words") && !shown.out.contains(&SECRET[..8]));
}

#[test]
fn of_two_flags_with_one_name_as_a_variable_one_counts_and_that_is_said() {
    let shop = texts(&[
        ("new-checkout", "one"),
        ("FLAG_NEW_CHECKOUT", "own"),
        ("a.b", "x"),
    ]);
    let laptop = laptop(&shop);
    laptop
        .tunnel(&["flags", "--output", "shop.env"])
        .expect(0, &["several flags", "FLAG_NEW_CHECKOUT", "wrote 2 flags"]);
    let written = std::fs::read_to_string(laptop.path().join("shop.env")).unwrap();
    assert_eq!(
        written,
        "# written by tunnel flags\nFLAG_A_B=x\nFLAG_NEW_CHECKOUT=own\n"
    );
}

#[test]
fn no_flag_can_be_a_variable_that_programs_go_by() {
    let shop = texts(&[("MAKEFLAGS", "$(shell touch pwned)"), ("SHOP_BETA", "on")]);
    let laptop = laptop(&shop);
    let script = "echo ${MAKEFLAGS-none} ${FLAG_SHOP_BETA-none} ${SHOP_BETA-none}";
    for (more, expected) in [
        (&[][..], "none on none\n"),
        (&["--prefix", "SHOP_"], "none none on\n"),
    ] {
        let run = [&["flags", "run"], more, &["--", "sh", "-c", script]].concat();
        let ran = laptop.tunnel(&run);
        ran.expect(0, &[]);
        assert_eq!(ran.out, expected);
    }
}

#[test]
fn what_a_reader_could_take_for_another_variable_is_in_no_file() {
    let shop = texts(&[
        ("FLAG_A", "x'\\"),
        ("FLAG_B", "#'\u{2028}EVIL_VAR=pwned\u{2028}"),
        ("FLAG_C", "\u{9b}31m fine"),
    ]);
    let laptop = laptop(&shop);
    let written = |name: &str| {
        let wrote = laptop.tunnel(&["flags", "--output", name]);
        wrote.expect(0, &[]);
        let text = std::fs::read_to_string(laptop.path().join(name)).unwrap();
        assert!(!text.contains(['\u{9b}', '\u{2028}']), "{text:?}");
        (text, wrote.err)
    };
    let (text, said) = written("shop.env");
    assert_eq!(text, "# written by tunnel flags\n");
    assert!(
        said.contains("FLAG_A, FLAG_B, FLAG_C") && said.contains("wrote 0 flags"),
        "{said}"
    );
    written("shop.json");
    written("shop.flagd.json");
}

#[test]
fn a_program_is_run_with_them_and_ends_as_it_ends() {
    let shop = shop();
    let laptop = laptop(&shop);
    let script = "echo $ENABLE_STRIPE $ENABLE_AI_CHAT $FLAG_NEW_CHECKOUT $FLAG_LIMIT; exit 7";
    let ran = laptop.tunnel(&["flags", "run", "--", "sh", "-c", script]);
    ran.expect(7, &[]);
    assert_eq!(ran.out, "true false false 10\n");
    laptop
        .tunnel(&["flags", "run", "--", "no-such-program"])
        .expect(127, &["no-such-program"]);
    laptop.tunnel(&["flags", "run"]).expect(2, &["PROGRAM"]);
    let mut running = laptop.start_tunnel(&[
        "flags",
        "run",
        "--",
        "sh",
        "-c",
        "echo ready; exec sleep 60",
    ]);
    running.wrote("ready");
    running.signal("-TERM");
    assert_eq!(
        running.end().code,
        None,
        "the signal ends the program itself"
    );
}

#[test]
fn an_override_is_of_the_flags_kind_and_outlives_its_program() {
    let shop = shop();
    let laptop = laptop(&shop);
    laptop
        .tunnel(&["flags", "set", "ENABLE_STRIPE", "no"])
        .expect(0, &["ENABLE_STRIPE is false here now"]);
    let list = laptop.tunnel(&["flags", "--json"]).json();
    let stripe = list
        .as_array()
        .unwrap()
        .iter()
        .find(|flag| flag["key"] == "ENABLE_STRIPE")
        .unwrap();
    assert_eq!(
        (&stripe["value"], &stripe["overridden"]),
        (&json!(false), &json!(true))
    );
    let shown = laptop.tunnel(&["flags"]).out;
    assert!(shown.contains("overridden (production: true)"), "{shown}");

    laptop
        .tunnel(&["flags", "set", "limit", "ten"])
        .expect(2, &["limit is a number"]);
    laptop
        .tunnel(&["flags", "set", "enable_stripe", "no"])
        .expect(2, &["no flag", "perhaps ENABLE_STRIPE"]);
    let set = laptop
        .tunnel(&["flags", "set", "limit", "-5", "--json"])
        .json();
    assert_eq!(
        set,
        json!({ "key": "limit", "value": -5, "overridden": true })
    );
    laptop
        .tunnel(&["flags", "unset", "ENABLE_STRIPE"])
        .expect(0, &["production's again"]);
    laptop
        .tunnel(&["flags", "unset", "ENABLE_STRIPE"])
        .expect(0, &["was not overridden"]);

    std::fs::write(laptop.path().join(".tunnel/flags-overrides.json"), "{\n,").unwrap();
    laptop
        .tunnel(&["flags"])
        .expect(1, &["flags-overrides.json", "line 2"]);
}

#[test]
fn a_local_app_reads_them_and_sees_changes_and_overrides_at_once() {
    let shop = shop();
    let laptop = laptop(&shop);
    let (running, url) = serving(&laptop);
    assert_eq!(evaluate(&url, "limit", "{}")["value"], 10);
    let about = |email: &str| json!({ "context": { "email": email } }).to_string();
    let checkout = |email| evaluate(&url, "new-checkout", &about(email))["value"].clone();
    assert_eq!(
        (checkout("a@shop.test"), checkout("a@b.test")),
        (json!(true), json!(false))
    );

    let authority = url.strip_prefix("http://").unwrap();
    let mut events = Events::listen(authority);
    shop.write("flags.json", &file(20));
    events.wait();
    assert_eq!(evaluate(&url, "limit", "")["value"], 20);
    laptop
        .tunnel(&["flags", "set", "limit", "3"])
        .expect(0, &[]);
    events.wait();
    let limit = evaluate(&url, "limit", "");
    assert_eq!(
        (&limit["value"], &limit["metadata"]["overridden"]),
        (&json!(3), &json!(true))
    );
    laptop.tunnel(&["flags", "unset", "limit"]).expect(0, &[]);
    events.wait();
    assert_eq!(evaluate(&url, "limit", "")["value"], 20);

    for headers in ["host: example.com\r\n", "origin: https://example.com\r\n"] {
        assert_eq!(http(&url, "GET", "/flags", headers, "").0, 403, "{headers}");
    }
    running.signal("-INT");
    running.end().expect(130, &[]);
}

#[test]
fn without_production_the_last_flags_are_served_with_their_age() {
    let shop = shop();
    let laptop = laptop(&shop);
    laptop.tunnel(&["flags"]).expect(0, &[]);
    drop(shop);
    let shown = laptop.tunnel(&["flags"]);
    shown.expect(0, &["these are the flags of", "ago"]);
    assert!(shown.out.contains("✓ ON  ENABLE_STRIPE"), "{}", shown.out);
    let (_running, url) = serving(&laptop);
    assert_eq!(evaluate(&url, "limit", "")["value"], 10);
    let all: Value = serde_json::from_str(&http(&url, "GET", "/flags", "", "").1).unwrap();
    assert_eq!(all["metadata"]["live"], false);
    assert!(all["metadata"]["heardAt"].is_string(), "{all}");
    let other = Sandbox::new()
        .set("RENDER_TUNNEL_SECRET", SECRET)
        .set("RENDER_EXTERNAL_URL", "quic://127.0.0.1:9");
    other.tunnel(&["flags"]).expect(3, &[]);
}

#[test]
fn a_malformed_file_leaves_the_last_good_one_and_is_told_of() {
    let shop = shop();
    let laptop = laptop(&shop);
    let mut watching = laptop.start_tunnel(&["flags", "--watch", "--json"]);
    watching.wrote("\"limit\"");
    shop.write("flags.json", "{\"flags\": s3cr3t");
    let said = watching.said("not well");
    assert!(
        said.contains("file") && said.contains("line 1") && !said.contains("s3cr3t"),
        "{said}"
    );
    assert!(laptop.tunnel(&["flags"]).out.contains("limit"));
    shop.write("flags.json", &file(30));
    assert!(watching.wrote("\"limit\"").contains("\"value\":30"));
    shop.write("flags.json", "{\"flags\": {}}");
    assert_eq!(
        watching.wrote("removed"),
        "{\"key\":\"limit\",\"removed\":true}\n"
    );
}

#[test]
fn a_server_without_flags_says_so() {
    let bare = Serving::start(None);
    let laptop = laptop(&bare);
    let words = ["this server has no flags", "`[flags]`"];
    laptop.tunnel(&["flags"]).expect(1, &words);
}

#[test]
fn the_demo_has_flags_to_show() {
    let shown = Sandbox::new().tunnel(&["flags"]);
    shown.expect(0, &["demo"]);
    for piece in [
        "✓ ON  ENABLE_STRIPE",
        "✗ OFF  ENABLE_AI_CHAT",
        "new-checkout",
        "upload-limits",
    ] {
        assert!(shown.out.contains(piece), "{piece}: {}", shown.out);
    }
}

#[test]
fn a_port_that_is_taken_is_told_of() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let refused = Sandbox::new().tunnel(&["flags", "--serve", "--port", &port]);
    refused.expect(1, &[&port, "--port"]);
}

/// A stream of events.
struct Events(std::io::BufReader<TcpStream>);

impl Events {
    /// Listens, and returns when the stream stands.
    fn listen(authority: &str) -> Self {
        let mut stream = TcpStream::connect(authority).unwrap();
        let request = format!("GET /ofrep/v1/events HTTP/1.1\r\nhost: {authority}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut events = Self(std::io::BufReader::new(stream));
        events.line(": flags");
        events
    }

    /// Waits for the next event.
    fn wait(&mut self) {
        let data = self.line("data:");
        assert!(data.contains("refetchEvaluation"), "{data}");
    }

    fn line(&mut self, piece: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(
                std::io::BufRead::read_line(&mut self.0, &mut line).unwrap(),
                0,
                "the stream ended"
            );
            if line.contains(piece) {
                return line;
            }
        }
    }
}
