//! Which lines are one entry.

use super::*;

/// Joins the lines of a text, and returns the entries' levels and messages.
fn joined(text: &str) -> Vec<(&'static str, String)> {
    let origin = Origin::service("api");
    let reading = Reading {
        origin: &origin,
        now: 7,
    };
    let (mut joiner, mut out) = (Joiner::default(), Vec::new());
    for line in text.lines() {
        joiner.take(line.as_bytes().to_vec(), reading, &mut out);
    }
    joiner.release(reading, &mut out);
    let all: Vec<&Line> = out.iter().map(line).collect();
    let raw: Vec<_> = all.iter().map(|line| line.raw()).collect();
    assert_eq!(
        raw.join(&b'\n'),
        text.trim_end_matches('\n').as_bytes(),
        "nothing is lost"
    );
    let seen = all.into_iter();
    seen.map(|line| (line.level.name(), line.message.clone()))
        .collect()
}

fn line(record: &Record) -> &Line {
    match record {
        Record::Line(line) => line,
        Record::Mark(mark) => panic!("{mark:?}"),
    }
}

/// Checks that a trace between two lines is one error.
#[track_caller]
fn check(trace: &str) {
    let entries = joined(&format!("before\n{trace}\nafter"));
    let levels: Vec<_> = entries.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, ["info", "error", "info"], "{entries:#?}");
    let lines = entries[1].1.lines().count();
    assert_eq!(lines, trace.lines().count(), "{entries:#?}");
}

#[test]
fn java() {
    check(
        "Exception in thread \"main\" java.lang.IllegalStateException: no\n\
         \tat com.example.App.main(App.java:5)\n\
         Caused by: java.io.IOException: disk\n\
         \tat com.example.Disk.read(Disk.java:9)\n\
         \t... 1 more",
    );
    check(
        "2026-01-02T03:04:05.678Z ERROR 1 --- [main] c.e.App : it broke\n\
         java.lang.RuntimeException: boom\n\
         \tat com.example.App.main(App.java:5)",
    );
}

#[test]
fn dotnet() {
    check(
        "Unhandled exception. System.InvalidOperationException: no\n \
         ---> System.IO.IOException: disk\n   \
         at App.Disk.Read() in /src/Disk.cs:line 9\n   \
         --- End of inner exception stack trace ---\n   \
         at App.Program.Main() in /src/Program.cs:line 5",
    );
    let entries = joined("info: Microsoft.Hosting.Lifetime[14]\n      Now listening\nnext");
    assert_eq!(
        entries[0],
        (
            "info",
            "Microsoft.Hosting.Lifetime[14]\n      Now listening".into()
        )
    );
    assert_eq!(entries.len(), 2);
}

#[test]
fn node() {
    check(
        "TypeError: x is not a function\n    \
         at main (/app/server.js:10:7)\n    \
         at Object.<anonymous> (/app/server.js:12:1) {\n  \
         code: 'E_X'\n\
         }",
    );
    check(
        "/app/server.js:10\n\
         throw new Error('no');\n      \
         ^\n\
         \n\
         Error: no\n    \
         at Object.<anonymous> (/app/server.js:10:7)\n\
         \n\
         Node.js v20.1.0",
    );
}

#[test]
fn python() {
    check(
        "Traceback (most recent call last):\n  \
         File \"/app/a.py\", line 1, in <module>\n    \
         main()\n\
         KeyError: 'x'\n\
         \n\
         During handling of the above exception, another exception occurred:\n\
         \n\
         Traceback (most recent call last):\n  \
         File \"/app/a.py\", line 5, in <module>\n\
         app.errors.Missing: x",
    );
    check(
        "ERROR:root:it broke\n\
         Traceback (most recent call last):\n  \
         File \"/app/a.py\", line 1, in <module>\n\
         KeyError: 'x'",
    );
}

#[test]
fn go() {
    check(
        "panic: runtime error: index out of range [5] with length 3\n\
         \n\
         goroutine 1 [running]:\n\
         main.main()\n\
         \t/app/main.go:8 +0x1d\n\
         net/http.(*conn).serve(0xc0000b4000)\n\
         \t/usr/local/go/src/net/http/server.go:2009 +0x5d4\n\
         created by net/http.(*Server).Serve in goroutine 1\n\
         \t/usr/local/go/src/net/http/server.go:3086 +0x4cb\n\
         exit status 2",
    );
}

#[test]
fn ruby() {
    check(
        "app.rb:5:in 'Object#run': no (RuntimeError)\n\
         \tfrom app.rb:9:in '<main>'",
    );
    check(
        "E, [2026-01-02T03:04:05.678901 #1] ERROR -- : no (RuntimeError)\n\
         app.rb:5:in `run'\n\
         app.rb:9:in `<main>'",
    );
}

#[test]
fn rust() {
    check(
        "thread 'main' (4242) panicked at src/main.rs:2:5:\n\
         it broke\n\
         stack backtrace:\n   \
         0: rust_begin_unwind\n             \
         at /rustc/1/library/std/src/panicking.rs:689:5\n\
         note: Some details are omitted, run with `RUST_BACKTRACE=full`",
    );
    check(
        "thread 'main' panicked at 'it broke', src/main.rs:2:5\n\
         note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
    );
}

#[test]
fn lines_that_do_not_belong_together_are_not_joined() {
    let cases = [
        "Error in line 5\nand another",
        "TypeError: one\nTypeError: two",
        "ERROR one\nERROR two",
        "Traceback (most recent call last):",
        "hello\n  an indented line",
        "{\"level\":50,\"msg\":\"boom\"}\n  an indented line",
        "panic: no\n\nnext",
        "a time of 03:04:05 in b\n\tindented",
    ];
    for text in cases {
        assert_eq!(joined(text).len(), text.lines().count(), "{text}");
    }
    assert_eq!(joined("TypeError: one\nnext")[0].0, "info");
}

#[test]
fn a_trace_without_an_end_comes_in_parts_of_one_level() {
    let frames = "\n\tat com.example.App.main(App.java:5)".repeat(2000);
    let entries = joined(&format!(
        "Exception in thread \"main\" java.lang.Error: no{frames}\nnext"
    ));
    assert_eq!(entries.len(), 2001_usize.div_ceil(MOST_LINES) + 1);
    assert!(
        entries[..entries.len() - 1]
            .iter()
            .all(|(level, _)| *level == "error")
    );
}
