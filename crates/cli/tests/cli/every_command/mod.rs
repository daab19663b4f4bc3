//! Every command: its help, what it prints, its JSON, and what bad input gets.

mod table;

use clap::{Command, CommandFactory as _};
use serde_json::Value;

use self::table::{CASES, Case, Runs};
use crate::local_app::LocalApp;
use crate::snapshot::{assert_snapshot, lasting, shape};
use crate::support::{Ended, SECRET, Sandbox, Serving, demo_database};
use crate::webhook::send;

/// A production with a delivery, and a laptop with an app.
struct Stage {
    laptop: Sandbox,
    app: LocalApp,
    id: String,
    _production: Serving,
    _database: Sandbox,
}

impl Stage {
    fn set() -> Self {
        let database = Sandbox::new();
        let server = Sandbox::new().set("ENABLE_STRIPE", "true");
        std::fs::write(server.path().join("tunnel.toml"), "[flags]\n").unwrap();
        let url = format!("sqlite://{}", demo_database(&database));
        let production = Serving::lasting_in(server, &url);
        assert!((200..300).contains(&send(&production, r#"{"id":"evt_1"}"#)));
        let laptop = Sandbox::new()
            .set("RENDER_TUNNEL_SECRET", SECRET)
            .set("RENDER_EXTERNAL_URL", production.url.clone())
            .set("STRIPE_WEBHOOK_SECRET", "whsec_c2VjcmV0");
        let listed = laptop.tunnel(&["webhook", "list", "--json"]).json();
        let id = listed["deliveries"][0]["id"].as_str().unwrap().to_owned();
        let saved = laptop.tunnel(&["webhook", "show", &id, "--save", "saved.json"]);
        saved.expect(0, &[]);
        Self {
            laptop,
            app: LocalApp::answering("200 OK", "thanks"),
            id,
            _production: production,
            _database: database,
        }
    }

    fn run(&self, case: &Case, more: &[&str]) -> Ended {
        let (app, id) = (self.app.to(), self.id.as_str());
        let filled = case.arguments.iter().map(|&argument| match argument {
            "ID" => id,
            "APP" | "PORT" => &*app,
            other => other,
        });
        let arguments: Vec<_> = case
            .command
            .split(' ')
            .chain(filled)
            .chain(more.iter().copied())
            .collect();
        match case.runs {
            Runs::Once(_) => self.laptop.tunnel(&arguments),
            Runs::UntilStopped(_) => {
                let mut running = self.laptop.start_tunnel(&arguments);
                // What it says first, where there is no data without JSON.
                let first = match more.contains(&"--json") {
                    true => running.wrote("{"),
                    false => running.said("\n"),
                };
                running.signal("-INT");
                let mut ended = running.end();
                match more.contains(&"--json") {
                    true => ended.out.insert_str(0, &first),
                    // How far it came until then is another each time.
                    false => ended.out = String::new(),
                }
                ended
            }
        }
    }

    fn lasting(&self, text: &str) -> String {
        let lines: String = text
            .lines()
            .take(SHOWN)
            .map(|line| format!("{line}\n"))
            .collect();
        lasting(&lines, self.laptop.path())
    }
}

#[test]
fn every_command_has_a_line_in_the_table() {
    let mut names = Vec::new();
    each_command(
        &cli::tunnel::Arguments::command(),
        "",
        &mut |name, command| {
            if !command.is_subcommand_required_set() {
                names.push(name.to_owned());
            }
        },
    );
    let table = |name: &String| CASES.iter().any(|case| case.command == name);
    names.retain(|name| !table(name));
    assert_eq!(names, [""; 0], "they need lines in every_command/table.rs");
}

#[test]
fn every_command_explains_itself_with_examples() {
    let sandbox = Sandbox::new();
    each_command(&cli::tunnel::Arguments::command(), "", &mut |name, _| {
        let arguments: Vec<_> = name.split(' ').chain(["--help"]).collect();
        let help = sandbox.tunnel(&arguments);
        help.expect(0, &[]);
        assert!(help.out.contains("Examples:"), "{}", help.out);
        assert_snapshot(&format!("tunnel-{}.txt", name.replace(' ', "-")), &help.out);
    });
}

#[test]
fn every_command_prints_what_it_did_and_refuses_what_makes_no_sense() {
    let stage = Stage::set();
    for case in CASES {
        let name = case.command;
        let did = stage.run(case, &[]);
        let (Runs::Once(code) | Runs::UntilStopped(code)) = case.runs;
        assert_eq!(did.code, Some(code), "{name}: {did:?}");
        let words: Vec<_> = name
            .split(' ')
            .chain(case.wrong.0.iter().copied())
            .collect();
        let refused = stage.laptop.tunnel(&words);
        let (wanted, code) = (case.wrong.1, refused.code);
        assert_eq!(code, Some(wanted), "{name}: {refused:?}");
        assert!(!refused.err.is_empty() || !refused.out.is_empty(), "{name}");
        let text = format!(
            "$ tunnel {name} {}\n{}[{}]\n\n$ tunnel {}\n{}{}[{wanted}]\n",
            case.arguments.join(" "),
            stage.lasting(&steady(name, &did.out)),
            did.code.unwrap_or_default(),
            words.join(" "),
            stage.lasting(&refused.out),
            stage.lasting(&refused.err),
        );
        assert_snapshot(&format!("runs/{}.txt", name.replace(' ', "-")), &text);
    }
}

#[test]
fn every_line_of_every_commands_json_is_json_and_all_else_is_on_standard_error() {
    let stage = Stage::set();
    for case in CASES {
        let name = case.command;
        let did = stage.run(case, &["--json"]);
        let parsed = did.out.lines().map(|line| {
            serde_json::from_str::<Value>(line)
                .unwrap_or_else(|error| panic!("{name}: {error}: {line:?}"))
        });
        let values: Vec<_> = parsed.collect();
        // Without a line there is nothing to show, and without a session nothing to say.
        assert!(
            !values.is_empty() || name == "logs" || did.code == Some(3),
            "{name}: {did:?}"
        );
        let shapes = match case.runs {
            Runs::Once(_) => values.iter().take(SHOWN).map(shape).collect(),
            // How many come until it is stopped is another each time.
            Runs::UntilStopped(_) => values.first().map(shape).into_iter().collect::<Vec<_>>(),
        };
        let shown = shapes
            .iter()
            .map(|shape| serde_json::to_string_pretty(shape).unwrap() + "\n");
        let text = shown.collect::<String>();
        assert_snapshot(&format!("runs/{}.json", name.replace(' ', "-")), &text);
    }
}

/// Returns what a command prints however the machine is: what health measures may be well or not.
fn steady(name: &str, out: &str) -> String {
    if name != "health" {
        return out.to_owned();
    }
    let checks = out
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1));
    checks.map(|check| format!("{check}\n")).collect()
}

/// Calls with each command that is shown, and its whole name.
fn each_command(command: &Command, above: &str, call: &mut impl FnMut(&str, &Command)) {
    let shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    for command in command.get_subcommands().filter(shown) {
        let name = format!("{above} {}", command.get_name());
        call(name.trim(), command);
        each_command(command, name.trim(), call);
    }
}

/// Lines that are kept of an output: enough to know it by.
const SHOWN: usize = 12;
