//! Lines as each logger writes them, with its settings as they come.

use super::{Line, read};

/// A line, and what is to be seen of it.
struct Case {
    text: &'static str,
    level: &'static str,
    service: &'static str,
    message: &'static str,
    /// `name=value`, in their order.
    fields: &'static [&'static str],
    /// Seconds since 1970; 0 where the line does not say.
    time: u64,
}

#[track_caller]
fn check(case: &Case) -> Line {
    let line = read(case.text);
    let fields: Vec<String> = line
        .fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let seen = (line.level.name(), &*line.origin.service, &*line.message);
    let expected = (case.level, case.service, case.message);
    assert_eq!(seen, expected, "{}", case.text);
    assert_eq!(fields, case.fields, "{}", case.text);
    let time = line.time / 1_000_000_000;
    assert_eq!(time, case.time, "{}", case.text);
    line
}

const TIME: u64 = 1_767_323_045;

#[test]
fn pino_with_a_request_and_an_error() {
    check(&Case {
        text: r#"{"level":30,"time":1767323045678,"pid":23,"hostname":"srv-1","reqId":"req-1","req":{"method":"GET","url":"/","headers":{"host":"x.io"}},"tags":["a",1],"gone":null,"msg":"incoming request"}"#,
        level: "info",
        service: "api",
        message: "incoming request",
        fields: &[
            "pid=23",
            "hostname=srv-1",
            "reqId=req-1",
            "req.method=GET",
            "req.url=/",
            "req.headers.host=x.io",
            r#"tags=["a",1]"#,
        ],
        time: TIME,
    });
    check(&Case {
        text: r#"{"level":50,"time":1767323045678,"err":{"type":"TypeError","message":"x is no function","stack":"TypeError: x is no function\n    at main (/app/a.js:1:2)"},"msg":"it broke"}"#,
        level: "error",
        service: "api",
        message: "it broke\nTypeError: x is no function\n    at main (/app/a.js:1:2)",
        fields: &["err.type=TypeError", "err.message=x is no function"],
        time: TIME,
    });
}

#[test]
fn bunyan_names_its_service() {
    check(&Case {
        text: r#"{"name":"billing","hostname":"h","pid":7,"level":40,"msg":"slow","time":"2026-01-02T03:04:05.678Z","v":0}"#,
        level: "warn",
        service: "billing",
        message: "slow",
        fields: &["hostname=h", "pid=7", "v=0"],
        time: TIME,
    });
}

#[test]
fn winston_with_the_levels_of_npm() {
    check(&Case {
        text: r#"{"level":"http","message":"GET /","service":"user-service","timestamp":"2026-01-02T03:04:05.678Z"}"#,
        level: "info",
        service: "user-service",
        message: "GET /",
        fields: &[],
        time: TIME,
    });
    check(&Case {
        text: r#"{"level":"silly","message":"deep"}"#,
        level: "trace",
        service: "api",
        message: "deep",
        fields: &[],
        time: 0,
    });
}

#[test]
fn tracing_with_its_spans() {
    check(&Case {
        text: r#"{"timestamp":"2026-01-02T03:04:05.678901Z","level":"WARN","fields":{"message":"slow","took":1.50,"name":"ann"},"target":"shop::db","span":{"id":3,"name":"query"},"spans":[{"name":"request"},{"name":"query"}]}"#,
        level: "warn",
        service: "api",
        message: "slow",
        fields: &[
            "took=1.50",
            "name=ann",
            "target=shop::db",
            "span.id=3",
            "span.name=query",
            r#"spans=[{"name":"request"},{"name":"query"}]"#,
        ],
        time: TIME,
    });
}

#[test]
fn zap_and_slog_of_go() {
    check(&Case {
        text: r#"{"level":"error","ts":1767323045.678,"logger":"db","caller":"db/pool.go:42","msg":"no connection","stacktrace":"main.main\n\t/app/main.go:9"}"#,
        level: "error",
        service: "api",
        message: "no connection\nmain.main\n\t/app/main.go:9",
        fields: &["logger=db", "caller=db/pool.go:42"],
        time: TIME,
    });
    check(&Case {
        text: r#"{"time":"2026-01-02T03:04:05.678Z","level":"ERROR","msg":"boom","user":{"id":7}}"#,
        level: "error",
        service: "api",
        message: "boom",
        fields: &["user.id=7"],
        time: TIME,
    });
    check(&Case {
        text: r#"time=2026-01-02T03:04:05.678Z level=WARN msg="disk \"a\" is full" user.id=7 took=1.5ms"#,
        level: "warn",
        service: "api",
        message: r#"disk "a" is full"#,
        fields: &["user.id=7", "took=1.5ms"],
        time: TIME,
    });
}

#[test]
fn steps_of_slog_are_steps_of_opentelemetry() {
    let level = |text| read(text).level.0;
    assert_eq!(level(r#"{"level":"INFO+2","msg":"notice"}"#), 11);
    assert_eq!(level("level=DEBUG-2 msg=deep"), 3);
    assert_eq!(level(r#"{"severityNumber":18,"body":"otel"}"#), 18);
}

#[test]
fn the_router_of_heroku() {
    check(&Case {
        text: r#"at=error code=H12 desc="Request timeout" method=GET path="/slow" host=x.herokuapp.com request_id=8f2 fwd="203.0.113.9" dyno=web.1 connect=1ms service=30001ms status=503 bytes=0 protocol=https"#,
        level: "error",
        service: "api",
        message: r#"at=error code=H12 desc="Request timeout" method=GET path="/slow" host=x.herokuapp.com request_id=8f2 fwd="203.0.113.9" dyno=web.1 connect=1ms service=30001ms status=503 bytes=0 protocol=https"#,
        fields: &[
            "at=error",
            "code=H12",
            "desc=Request timeout",
            "method=GET",
            "path=/slow",
            "host=x.herokuapp.com",
            "request_id=8f2",
            "fwd=203.0.113.9",
            "dyno=web.1",
            "connect=1ms",
            "service=30001ms",
            "status=503",
            "bytes=0",
            "protocol=https",
        ],
        time: 0,
    });
}

#[test]
fn syslog_of_both_kinds() {
    check(&Case {
        text: r#"<165>1 2026-01-02T03:04:05.678Z host.example evntslog 42 ID47 [exampleSDID@32473 iut="3" eventSource="App \"x\""][b@1] An entry"#,
        level: "info",
        service: "evntslog",
        message: "An entry",
        fields: &[
            "host=host.example",
            "pid=42",
            "id=ID47",
            "iut=3",
            r#"eventSource=App "x""#,
        ],
        time: TIME,
    });
    check(&Case {
        text: "<34>1 2026-01-02T03:04:05Z - su - - - 'su root' failed",
        level: "fatal",
        service: "su",
        message: "'su root' failed",
        fields: &[],
        time: TIME,
    });
    check(&Case {
        text: r#"<14>1 2026-01-02T03:04:05Z shop web-1 - web-1 - {"level":"error","msg":"boom","a":1}"#,
        level: "error",
        service: "web-1",
        message: "boom",
        fields: &["host=shop", "id=web-1", "a=1"],
        time: TIME,
    });
    let old = read("<11>Jan  1 00:00:00 mymachine sshd[123]: refused");
    assert_eq!((old.level.name(), &*old.message), ("error", "refused"));
    assert_eq!((&*old.origin.service, &old.fields["pid"]), ("sshd", "123"));
}

#[test]
fn journald_as_journalctl_gives_it() {
    check(&Case {
        text: r#"{"__REALTIME_TIMESTAMP":"1767323045678901","PRIORITY":"3","SYSLOG_IDENTIFIER":"sshd","_PID":"12","MESSAGE":"refused"}"#,
        level: "error",
        service: "sshd",
        message: "refused",
        fields: &["_PID=12"],
        time: TIME,
    });
}

#[test]
fn requests_have_the_level_of_their_status() {
    check(&Case {
        text: r#"203.0.113.9 - ann [02/Jan/2026:03:04:05 +0000] "GET /a?b=1 HTTP/1.1" 503 12 "https://x.io/" "curl/8.5 (x)""#,
        level: "error",
        service: "api",
        message: "GET /a?b=1 503",
        fields: &[
            "client=203.0.113.9",
            "user=ann",
            "method=GET",
            "path=/a?b=1",
            "status=503",
            "bytes=12",
            "referer=https://x.io/",
            "agent=curl/8.5 (x)",
        ],
        time: TIME,
    });
    check(&Case {
        text: r#"::1 - - [02/Jan/2026:04:04:05 +0100] "POST /login HTTP/2.0" 401 -"#,
        level: "warn",
        service: "api",
        message: "POST /login 401",
        fields: &["client=::1", "method=POST", "path=/login", "status=401"],
        time: TIME,
    });
    check(&Case {
        text: r#"[02/Jan/2026 03:04:05] "GET /admin/ HTTP/1.1" 200 2048"#,
        level: "info",
        service: "api",
        message: "GET /admin/ 200",
        fields: &["method=GET", "path=/admin/", "status=200", "bytes=2048"],
        time: TIME,
    });
    check(&Case {
        text: r#"INFO:     203.0.113.9:5000 - "GET /items HTTP/1.1" 500 Internal Server Error"#,
        level: "info",
        service: "api",
        message: "GET /items 500",
        fields: &[
            "method=GET",
            "path=/items",
            "status=500",
            "client=203.0.113.9:5000",
        ],
        time: 0,
    });
}

#[test]
fn gcp_and_ecs() {
    check(&Case {
        text: r#"{"severity":"WARNING","timestamp":"2026-01-02T03:04:05.678Z","jsonPayload":{"message":"low","left":3},"labels":{"zone":"b"}}"#,
        level: "warn",
        service: "api",
        message: "low",
        fields: &["left=3", "labels.zone=b"],
        time: TIME,
    });
    check(&Case {
        text: r#"{"severity":"DEFAULT","textPayload":"plain"}"#,
        level: "info",
        service: "api",
        message: "plain",
        fields: &[],
        time: 0,
    });
    for text in [
        r#"{"@timestamp":"2026-01-02T03:04:05.678Z","log.level":"ERROR","message":"m","service.name":"shop","ecs.version":"1.2.0"}"#,
        r#"{"@timestamp":"2026-01-02T03:04:05.678Z","log":{"level":"ERROR"},"message":"m","service":{"name":"shop"},"ecs":{"version":"1.2.0"}}"#,
    ] {
        check(&Case {
            text,
            level: "error",
            service: "shop",
            message: "m",
            fields: &["ecs.version=1.2.0"],
            time: TIME,
        });
    }
}

#[test]
fn serilog_with_its_template() {
    check(&Case {
        text: r#"{"@t":"2026-01-02T03:04:05.6780000Z","@mt":"{User} has {Count:00} of {{all}} {@Cart} {Gone}","@l":"Warning","User":"ann","Count":5,"Cart":{"id":1}}"#,
        level: "warn",
        service: "api",
        message: "ann has 5 of {all} {@Cart} {Gone}",
        fields: &["User=ann", "Count=5", "Cart.id=1"],
        time: TIME,
    });
    check(&Case {
        text: r#"{"@t":"2026-01-02T03:04:05Z","@m":"rendered","@i":"a1","@x":"System.Exception: no\n   at A.B()"}"#,
        level: "info",
        service: "api",
        message: "rendered\nSystem.Exception: no\n   at A.B()",
        fields: &["@i=a1"],
        time: TIME,
    });
}

#[test]
fn python() {
    check(&Case {
        text: "WARNING:app.db:pool is: low",
        level: "warn",
        service: "api",
        message: "pool is: low",
        fields: &["logger=app.db"],
        time: 0,
    });
    check(&Case {
        text: "2026-01-02 03:04:05,678 - app.db - CRITICAL - gone - for good",
        level: "fatal",
        service: "api",
        message: "gone - for good",
        fields: &["logger=app.db"],
        time: TIME,
    });
    check(&Case {
        text: "[2026-01-02 03:04:05 +0000] [7] [INFO] Booting worker with pid: 7",
        level: "info",
        service: "api",
        message: "Booting worker with pid: 7",
        fields: &["pid=7"],
        time: TIME,
    });
    check(&Case {
        text: "INFO:     Application startup complete.",
        level: "info",
        service: "api",
        message: "Application startup complete.",
        fields: &[],
        time: 0,
    });
    check(&Case {
        text: r#"{"event":"paid","level":"info","timestamp":"2026-01-02T03:04:05Z","amount":5}"#,
        level: "info",
        service: "api",
        message: "paid",
        fields: &["event=paid", "amount=5"],
        time: TIME,
    });
}

#[test]
fn ruby() {
    check(&Case {
        text: r#"I, [2026-01-02T03:04:05.678901 #1234]  INFO -- : [8f2e] Started GET "/" for 127.0.0.1"#,
        level: "info",
        service: "api",
        message: r#"[8f2e] Started GET "/" for 127.0.0.1"#,
        fields: &["pid=1234"],
        time: TIME,
    });
    check(&Case {
        text: "E, [2026-01-02T03:04:05.678901 #1234] ERROR -- sidekiq: job failed",
        level: "error",
        service: "api",
        message: "job failed",
        fields: &["pid=1234", "logger=sidekiq"],
        time: TIME,
    });
}

#[test]
fn java_rust_postgres_nginx_and_klog() {
    check(&Case {
        text: "2026-01-02T03:04:05.678Z  INFO 4242 --- [shop] [main] c.e.ShopApplication   : Started in 2.1 seconds",
        level: "info",
        service: "api",
        message: "Started in 2.1 seconds",
        fields: &["pid=4242", "thread=main", "logger=c.e.ShopApplication"],
        time: TIME,
    });
    check(&Case {
        text: "03:04:05.678 [main] ERROR com.example.App - no",
        level: "error",
        service: "api",
        message: "com.example.App - no",
        fields: &["thread=main"],
        time: 0,
    });
    check(&Case {
        text: "[2026-01-02T03:04:05Z WARN  shop::db] slow",
        level: "warn",
        service: "api",
        message: "slow",
        fields: &["logger=shop::db"],
        time: TIME,
    });
    check(&Case {
        text: "2026-01-02 03:04:05.678 UTC [42] LOG:  checkpoint complete",
        level: "info",
        service: "api",
        message: "checkpoint complete",
        fields: &["pid=42"],
        time: TIME,
    });
    check(&Case {
        text: "2026/01/02 03:04:05 [error] 7#7: *1 open() failed",
        level: "error",
        service: "api",
        message: "7#7: *1 open() failed",
        fields: &[],
        time: TIME,
    });
    let klog = read("E0101 00:00:00.678901    1234 pool.go:42] no node");
    assert_eq!((klog.level.name(), &*klog.message), ("error", "no node"));
    assert_eq!(&klog.fields["caller"], "pool.go:42");
}

#[test]
fn nested_fields_are_bounded_in_depth_number_and_length() {
    let deep = read(r#"{"msg":"m","a":{"b":{"c":{"d":{"e":{"f":1}}}}}}"#);
    assert_eq!(&deep.fields["a.b.c.d.e"], r#"{"f":1}"#);
    let long = read(&format!(r#"{{"msg":"m","url":"{}"}}"#, "ü".repeat(200)));
    assert!(long.fields["url"].len() <= 256 && long.fields["url"].ends_with("ü…"));
    let members: Vec<_> = (0..100).map(|n| format!(r#""f{n}":{n}"#)).collect();
    let wide = read(&format!("{{{}}}", members.join(",")));
    assert_eq!(wide.fields.len(), 64);
    let brackets = "[".repeat(100_000);
    let open = read(&format!(r#"{{"msg":"m","a":{brackets}"#));
    assert!(open.fields.is_empty());
    let objects = r#"{"a":"#.repeat(100_000);
    assert_eq!(read(&objects).message, objects);
}
