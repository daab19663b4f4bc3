//! How each command is run: a line for each.

/// How a command is run.
pub(super) struct Case {
    /// The command: `webhook list`.
    pub(super) command: &'static str,
    /// What follows it. `ID`, `APP` and `PORT` are a delivery's, a local app's address and port.
    pub(super) arguments: &'static [&'static str],
    pub(super) runs: Runs,
    /// Arguments that make no sense, and the exit code that they get.
    pub(super) wrong: (&'static [&'static str], i32),
}

/// How a run ends, and with which exit code.
#[derive(Clone, Copy)]
pub(super) enum Runs {
    /// By itself.
    Once(i32),
    /// When it is stopped, after the first line of standard output with `--json`.
    UntilStopped(i32),
}

use Runs::{Once, UntilStopped};

const fn case(
    command: &'static str,
    arguments: &'static [&'static str],
    runs: Runs,
    wrong: (&'static [&'static str], i32),
) -> Case {
    Case {
        command,
        arguments,
        runs,
        wrong,
    }
}

/// Every command that does something: one without a line here fails a test. Where `wrong` is empty,
/// it is the lack of arguments that makes no sense.
pub(super) const CASES: &[Case] = &[
    case(
        "connect",
        &[],
        UntilStopped(130),
        (&["--carrier", "pigeon"], 2),
    ),
    case(
        "logs",
        &["--no-follow"],
        Once(0),
        (&["--filter", "loud"], 2),
    ),
    case(
        "sync",
        &["--table", "courses", "--limit", "2", "--output", "c.json"],
        Once(0),
        (&[], 2),
    ),
    case(
        "webhook",
        &["--port", "PORT"],
        UntilStopped(130),
        (&["--port", "x"], 2),
    ),
    case("webhook list", &[], Once(0), (&["--since", "whenever"], 2)),
    case("webhook show", &["ID"], Once(0), (&["x"], 2)),
    case(
        "webhook replay",
        &["ID", "--to", "APP"],
        Once(0),
        (&["x"], 2),
    ),
    case(
        "webhook trigger",
        &["stripe", "invoice.paid", "--to", "APP"],
        Once(0),
        (&["stripe", "no.such.event"], 2),
    ),
    case(
        "webhook verify",
        &["saved.json"],
        Once(1),
        (&["none.json"], 2),
    ),
    case("webhook secret", &["stripe"], Once(0), (&["../stripe"], 2)),
    case("status", &[], Once(3), (&["x"], 2)),
    case("disconnect", &[], Once(3), (&["x"], 2)),
    case("flags", &[], Once(0), (&["--output", "flags.xml"], 2)),
    case(
        "flags set",
        &["ENABLE_STRIPE", "off"],
        Once(0),
        (&["ENABLE_STRIPE", "maybe"], 2),
    ),
    case("flags unset", &["ENABLE_STRIPE"], Once(0), (&[], 2)),
    case(
        "flags run",
        &["--", "printenv", "ENABLE_STRIPE"],
        Once(0),
        (&[], 2),
    ),
    case("validate-env", &["ENABLE_STRIPE"], Once(1), (&["A=B"], 2)),
    case("health", &[], Once(0), (&["--server", "ftp://x"], 2)),
    case("doctor", &[], Once(0), (&["--port", "x"], 2)),
    case("keygen", &[], Once(0), (&["x"], 2)),
    case(
        "demo",
        &["--port", "0"],
        UntilStopped(0),
        (&["--port", "x"], 2),
    ),
    case("init", &[], Once(0), (&["--server", "ftp://x"], 2)),
    case("config show", &[], Once(0), (&["--carrier", "pigeon"], 2)),
    case("config check", &[], Once(0), (&["--server", "ftp://x"], 1)),
    case("completions", &["fish"], Once(0), (&["tcsh"], 2)),
    case("man", &["pages"], Once(0), (&[], 2)),
];
