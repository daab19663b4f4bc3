//! Requests that no sender makes, and those that are cut.

use prost::Message as _;

use super::answer::{ExportLogsServiceResponse, Status};
use super::message::{AnyValue, KeyValue, Value};
use super::*;
use crate::logs::sources::log;
use crate::logs::{Line, LogsConfig};

/// Takes a request and returns what became of it, and the log.
fn taken(body: &[u8], encoding: Encoding) -> (Outcome, Vec<Line>) {
    let ring = Ring::new(LogsConfig::default());
    let outcome = take(body, encoding, &Origin::service("app"), &ring);
    (outcome, log::lines(&ring))
}

/// The outcome of a request of which all is kept.
fn all(kept: u64) -> Outcome {
    Outcome {
        kept,
        ..Outcome::default()
    }
}

/// A message in a field of the one above it.
fn field(number: u8, message: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    prost::encoding::encode_varint(message.len() as u64, &mut field);
    field.extend_from_slice(message);
    field
}

/// A request with these records.
fn request(records: &[LogRecord]) -> Vec<u8> {
    let records: Vec<u8> = records
        .iter()
        .flat_map(|it| field(2, &it.encode_to_vec()))
        .collect();
    field(1, &field(2, &records))
}

fn text(text: &str) -> Option<AnyValue> {
    let value = Some(Value::Text(text.into()));
    Some(AnyValue { value })
}

fn record(body: &str) -> LogRecord {
    LogRecord {
        severity_number: 9,
        body: text(body),
        ..LogRecord::default()
    }
}

#[test]
fn a_request_that_is_cut_anywhere_keeps_what_is_whole_and_never_panics() {
    let body = request(&[record("one"), record("two")]);
    let (outcome, _) = taken(&body, Encoding::Protobuf);
    assert_eq!(outcome, all(2));
    for end in 1..body.len() {
        let (outcome, _) = taken(&body[..end], Encoding::Protobuf);
        assert!(outcome.is_refusal(), "{end}: {outcome:?}");
    }
    let json = include_bytes!("../recorded/otel-js.json");
    for end in 0..json.len() {
        let (outcome, _) = taken(&json[..end], Encoding::Json);
        assert!(outcome.is_refusal(), "{end}: {outcome:?}");
    }
}

#[test]
fn a_malformed_record_is_named_and_those_around_it_are_kept() {
    let good = |body| field(2, &record(body).encode_to_vec());
    let bad = field(2, &[0x2a, 0x05, 0x0a]);
    let scope = |records: &[Vec<u8>]| field(2, &records.concat());
    let first = scope(&[good("one"), bad.clone(), good("two")]);
    // A scope of which the end is missing, and one that cannot describe itself.
    let cut = field(2, &[good("three"), vec![0x12, 0x7f]].concat());
    let unnamed = field(2, &[field(1, &[0x0a, 0x7f]), good("four")].concat());
    let body = [
        field(1, &[first, cut, unnamed].concat()),
        field(1, &scope(&[good("five")])),
    ];
    let (outcome, lines) = taken(&body.concat(), Encoding::Protobuf);
    let messages: Vec<_> = lines.iter().map(|line| &*line.message).collect();
    assert_eq!(messages, ["one", "two", "three", "four", "five"]);
    let trouble = outcome.trouble().unwrap();
    assert!(trouble.starts_with("at record 2: "), "{trouble}");
    assert!(
        trouble.ends_with("; 2 are rejected, 5 are kept"),
        "{trouble}"
    );
    let said = ExportLogsServiceResponse::decode(&*answer(Encoding::Protobuf, &outcome)).unwrap();
    let partial = said.partial_success.unwrap();
    assert_eq!(
        (partial.rejected_log_records, partial.error_message),
        (2, trouble)
    );

    let json = br#"{"resourceLogs":[5,{"resource":"secret","scopeLogs":[
        {"logRecords":[{},{"body":"secret"},{}]},{"logRecords":"secret"},{"logRecords":[{}]}]}]}"#;
    let (outcome, lines) = taken(json, Encoding::Json);
    assert_eq!((lines.len(), outcome.kept, outcome.rejected), (3, 3, 3));
    let said = String::from_utf8(answer(Encoding::Json, &outcome)).unwrap();
    assert!(
        said.contains("at record 1: it is JSON, but not the object"),
        "{said}"
    );
    assert!(said.contains(r#""rejectedLogRecords":"3""#), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn a_request_of_which_nothing_can_be_kept_is_refused_with_what_is_wrong() {
    let body = field(1, &field(2, &field(2, &[0x2a, 0x05, 0x0a])));
    let (outcome, _) = taken(&body, Encoding::Protobuf);
    assert!(outcome.is_refusal());
    let status = Status::decode(&*answer(Encoding::Protobuf, &outcome)).unwrap();
    assert_eq!(
        (status.code, status.message),
        (3, outcome.trouble().unwrap())
    );
}

#[test]
fn a_record_that_is_too_long_is_rejected_and_counted() {
    let body = request(&[record(&"x".repeat(LONGEST)), record("short")]);
    let (outcome, lines) = taken(&body, Encoding::Protobuf);
    assert_eq!((outcome.kept, outcome.rejected), (1, 1));
    assert_eq!(lines[0].message, "short");
    let said = ExportLogsServiceResponse::decode(&*answer(Encoding::Protobuf, &outcome)).unwrap();
    assert_eq!(said.partial_success.unwrap().rejected_log_records, 1);
    let said = String::from_utf8(answer(Encoding::Json, &outcome)).unwrap();
    assert!(said.contains(r#""rejectedLogRecords":"1""#), "{said}");
}

#[test]
fn a_body_of_empty_records_takes_no_more_than_the_ring() {
    // Each of them takes two bytes.
    let records = [0x12, 0x00].repeat(100_000);
    let (outcome, _) = taken(&field(1, &field(2, &records)), Encoding::Protobuf);
    assert_eq!(outcome, all(100_000));
}

#[test]
fn every_kind_of_value_is_read_in_json_as_it_may_be_written() {
    let json = br#"{"resourceLogs":[{"scopeLogs":[{"scope":null,"logRecords":[{
        "timeUnixNano": 5, "severityText": "Warning", "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "eee19b7ec3c1b174", "unknown": {"a": []}, "eventName": "paid",
        "attributes": [
            {"key":"int","value":{"intValue":"-7"}}, {"key":"nan","value":{"doubleValue":"NaN"}},
            {"key":"bytes","value":{"bytesValue":"aGk="}}, {"key":"none","value":{}},
            {"key":"null","value":null}, {"key":"new","value":{"newValue":1}}],
        "body": {"stringValue": "m\u001b[31m"}}]}]}]}"#;
    let (outcome, lines) = taken(json, Encoding::Json);
    assert_eq!(outcome, all(1));
    let line = &lines[0];
    assert_eq!(
        (line.time, line.level.name(), &*line.message),
        (5, "warn", "m")
    );
    let fields: Vec<_> = line.fields.iter().collect();
    let expected = [
        ("event", "paid"),
        ("int", "-7"),
        ("nan", "NaN"),
        ("bytes", "aGk="),
        ("traceId", "5b8efff798038103d269b633813fc60c"),
        ("spanId", "eee19b7ec3c1b174"),
    ];
    assert_eq!(fields, expected);
}

#[test]
fn a_line_that_a_collector_only_passes_on_is_read_as_the_apps_own() {
    let mut passed = record("level=error msg=\"disk full\" path=/tmp");
    passed.severity_number = 0;
    passed.time_unix_nano = 5;
    passed.attributes = vec![KeyValue {
        key: "log.file.name".into(),
        value: text("app.log"),
    }];
    let (_, lines) = taken(&request(&[passed]), Encoding::Protobuf);
    let line = &lines[0];
    assert_eq!(
        (line.level.name(), &*line.message, line.time),
        ("error", "disk full", 5)
    );
    assert_eq!(
        (&line.fields["path"], &line.fields["log.file.name"]),
        ("/tmp", "app.log")
    );
}

#[test]
fn what_is_too_much_for_fields_is_in_the_raw_line() {
    let long = "x".repeat(300);
    let mut verbose = record("m");
    verbose.attributes = vec![KeyValue {
        key: "query".into(),
        value: text(&long),
    }];
    let (_, lines) = taken(&request(&[verbose]), Encoding::Protobuf);
    assert!(lines[0].fields.is_empty());
    let raw = String::from_utf8_lossy(lines[0].raw());
    assert_eq!(
        raw,
        format!(r#"{{"body":"m","attributes":{{"query":"{long}"}}}}"#)
    );
}
