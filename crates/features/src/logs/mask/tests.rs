//! What is masked, what is not, and what is left of the line.

use serde_json::Value;

use super::*;
use crate::logs::{Fields, Level, Origin};

const GITHUB: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
const STRIPE: &str = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";
const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P";
const CARD: &str = "5555555555554444";

fn masks() -> Masks {
    Masks::new(&LogsConfig::default())
}

fn covered(text: &str) -> String {
    let mut raw = text.as_bytes().to_vec();
    masks().cover(&mut raw, &mut Armour::default());
    String::from_utf8(raw).unwrap()
}

#[test]
fn keys_and_tokens_are_masked_wherever_they_stand() {
    let cases = [
        (format!("key {STRIPE} leaked"), "key <token> leaked"),
        (format!("({GITHUB})"), "(<token>)"),
        (
            format!("\u{1b}[31m{STRIPE}\u{1b}[0m x"),
            "\u{1b}[31m<token>\u{1b}[0m x",
        ),
        (
            format!(r#"{{"msg":"line\n{STRIPE}"}}"#),
            r#"{"msg":"line\n<token>"}"#,
        ),
        (
            format!(r#"{{"m":"{{\"t\":\"{GITHUB}\"}}"}}"#),
            r#"{"m":"{\"t\":\"<token>\"}"}"#,
        ),
        (format!("jwt {JWT}."), "jwt <token>."),
        ("AKIAQ7PLMN2ZX4CVB8KD".into(), "<token>"),
        ("xoxb-2401-88731-aBcDeFgH".into(), "<token>"),
        (
            "Authorization: Bearer abcDEF123.456".into(),
            "Authorization: <token>",
        ),
        (
            "GET / with Bearer abcDEF123ghiJKL456".into(),
            "GET / with Bearer <token>",
        ),
        (
            "authorization=Basic YW5uOmh1bnRlcjI=".into(),
            "authorization=<token>",
        ),
        (
            "postgres://ann:hunter2@db:5432/x".into(),
            "postgres://<token>@db:5432/x",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(covered(&text), expected);
    }
}

#[test]
fn secrets_of_a_known_shape_are_masked_without_a_name() {
    let (word, upper) = ("aBcDe".repeat(8), "Q7X2Z".repeat(12));
    let cases = [
        (format!("key rnd_{word}."), "key <token>."),
        (format!("(hf_{word})"), "(<token>)"),
        (format!("AGE-SECRET-KEY-1{upper} x"), "<token> x"),
        (
            format!("POST https://hooks.slack.com/services/T0AB/B0CD/{word} 200"),
            "POST https://hooks.slack.com/services/<token> 200",
        ),
        (
            format!(r#"{{"u":"https:\/\/hooks.slack.com\/services\/T0\/B0\/{word}"}}"#),
            r#"{"u":"https:\/\/hooks.slack.com\/services\/<token>"}"#,
        ),
        (
            format!("GET /bot123456789:AA{word}/getMe"),
            "GET /bot<token>/getMe",
        ),
        ("paid with 3782 822463 10005.".into(), "paid with <card>."),
        ("3782-822463-10005".into(), "<card>"),
    ];
    for (text, expected) in cases {
        assert_eq!(covered(&text), expected);
    }
    for text in [
        "rnd_seed hf_hub AGE-SECRET-KEY-1 https://hooks.slack.com/services/",
        "12:AAA 3782 822463 10006",
    ] {
        assert_eq!(covered(text), text);
    }
}

#[test]
fn values_under_the_names_of_secrets_are_masked() {
    let cases = [
        ("login password=hunter2 ok", "login password=<token> ok"),
        ("password: hunter2", "password: <token>"),
        ("DB_PASSWORD='a b' x", "DB_PASSWORD='<token>' x"),
        (
            r#"level=info secret="a \" b" msg=x"#,
            r#"level=info secret="<token>" msg=x"#,
        ),
        ("password=a,b;c&d user=x", "password=<token> user=x"),
        ("?password=abc&user=x", "?password=<token>&user=x"),
        ("(password=abc)", "(password=<token>)"),
        ("api_key=abc, user=x", "api_key=<token>, user=x"),
        ("run --token abc --port 1", "run --token <token> --port 1"),
        (
            r#"{:password=>"x", "token" => "y"}"#,
            r#"{:password=>"<token>", "token" => "<token>"}"#,
        ),
        (
            "Authorization: AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=abc",
            "Authorization: <token>",
        ),
        ("DB_PASSWORD2=abc at 12:34", "DB_PASSWORD2=<token> at 12:34"),
        (
            "SharedAccessSignature=sv=2020&sig=a%3D&se=1 x",
            "SharedAccessSignature=<token> x",
        ),
        ("Set-Cookie: sid=1; Path=/", "Set-Cookie: <token>"),
        (
            "\u{1b}[3mpassword\u{1b}[0m\u{1b}[2m=\u{1b}[0mhunter2 x",
            "\u{1b}[3mpassword\u{1b}[0m\u{1b}[2m=\u{1b}[0m<token> x",
        ),
        ("password=\"no end of it", "password=\"<token>"),
    ];
    for (text, expected) in cases {
        assert_eq!(covered(text), expected);
    }
}

#[test]
fn json_stays_json() {
    let cases = [
        (
            r#"{"password":"hunter2","a":1}"#,
            r#"{"password":"<token>","a":1}"#,
        ),
        (
            r#"{"password":"a\"b\\","a":1}"#,
            r#"{"password":"<token>","a":1}"#,
        ),
        (r#"{"cvv": 123, "a":1}"#, r#"{"cvv": "<token>", "a":1}"#),
        (
            r#"{"token":null,"secret":true,"a":""}"#,
            r#"{"token":null,"secret":true,"a":""}"#,
        ),
        (
            r#"{"authorization":["Bearer x","y"],"a":1}"#,
            r#"{"authorization":["<token>","<token>"],"a":1}"#,
        ),
        (r#"{"card":5555555555554444}"#, r#"{"card":"<card>"}"#),
        (
            r#"{"m":"card: 5555555555554444, paid"}"#,
            r#"{"m":"card: <card>, paid"}"#,
        ),
        (
            r#"{"m":"{\"password\":\"a\\\"b\",\"x\":1}"}"#,
            r#"{"m":"{\"password\":\"<token>\",\"x\":1}"}"#,
        ),
        (
            r#"{"m":"{\"cvv\":123}"}"#,
            r#"{"m":"{\"cvv\":\"<token>\"}"}"#,
        ),
        (
            r#"{"m":"password=hunter2\nnext"}"#,
            r#"{"m":"password=<token>\nnext"}"#,
        ),
        (r#"{"m":"password=hunter2"}"#, r#"{"m":"password=<token>"}"#),
        (r#"{"to":"ann\u0040woolf.uk"}"#, r#"{"to":"<email>"}"#),
        (
            r#"{"key":"-----BEGIN PRIVATE KEY-----\nMIIE\nabc=\n-----END PRIVATE KEY-----\n","a":1}"#,
            r#"{"key":"<token>\n","a":1}"#,
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(covered(text), expected);
        let read: Result<Value, _> = serde_json::from_str(expected);
        assert!(read.is_ok(), "{expected}");
    }
}

#[test]
fn every_value_in_an_object_under_the_name_of_a_secret_is_masked() {
    let cases = [
        (
            r#"{"level":50,"msg":"no","errors":{"password":{"message":"too short","value":"hunter2S3cr3t"}}}"#,
            r#"{"level":50,"msg":"no","errors":{"password":{"message":"<token>","value":"<token>"}}}"#,
        ),
        (
            r#"{"credentials":{"a":[1,-2.5e3,{"b" : "c"}],"d":null,"e":true},"level":50}"#,
            r#"{"credentials":{"a":["<token>","<token>",{"b" : "<token>"}],"d":null,"e":true},"level":50}"#,
        ),
        (
            r#"{"tokens":{"x":"a\"}b"},"pwd":[123456],"tokens":5}"#,
            r#"{"tokens":{"x":"<token>"},"pwd":["<token>"],"tokens":5}"#,
        ),
        (
            r#"{"m":"{\"password\":{\"a\":\"b\",\"c\":1}}","level":50}"#,
            r#"{"m":"{\"password\":{\"a\":\"<token>\",\"c\":\"<token>\"}}","level":50}"#,
        ),
        (
            r#"{"m":"{'password': {'a': 'b', 'c': 1}}","level":50}"#,
            r#"{"m":"{'password': {'a': '<token>', 'c': <token>}}","level":50}"#,
        ),
        (
            r#"{"m":"{'password': 1}","level":50}"#,
            r#"{"m":"{'password': <token>}","level":50}"#,
        ),
        // What was cut within the object, or is no object at all.
        (
            r#"{"m":"{\"password\":{\"a\":1,","level":50}"#,
            r#"{"m":"{\"password\":{\"a\":\"<token>\",","level":50}"#,
        ),
        (
            r#"{"m":"password: [","level":50}"#,
            r#"{"m":"password: [","level":50}"#,
        ),
        (
            r#"{"m":"password: {'a","n":"it's","level":50}"#,
            r#"{"m":"password: {'<token>","n":"it's","level":50}"#,
        ),
        (
            r#"{"m":"password='a","n":"it's","level":50}"#,
            r#"{"m":"password='<token>","n":"it's","level":50}"#,
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(covered(text), expected);
        let read: Value = serde_json::from_str(expected).unwrap();
        assert!(read.is_object(), "{expected}");
    }
    assert_eq!(
        covered("{'password': {'a': 'b', 'c': None}} x"),
        "{'password': {'a': '<token>', 'c': None}} x"
    );
    assert_eq!(
        covered(r#"{:password=>{:a=>"b", :c=>1}} x"#),
        r#"{:password=>{:a=>"<token>", :c=>"<token>"}} x"#
    );
}

#[test]
fn cards_and_addresses_are_masked() {
    assert_eq!(
        covered("paid with 5555 5555 5555 4444."),
        "paid with <card>."
    );
    assert_eq!(covered(&format!("pan={CARD}")), "pan=<card>");
    assert_eq!(covered("to <ann.lee@woolf.uk>, bcc"), "to <<email>>, bcc");
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "token_count=5 max_tokens=100",
        "invalid token: jwt expired",
        "PWD=/app OLDPWD=/",
        "5555555555554445 is no card, 1783134245000 a time",
        "e4b0c2f1-7c55-4c39-9d3e-0a7ce1f2b310 is an id",
        "password=",
        "password: ",
        "https://x.io/a?b=c#d",
        "git@github.com:a/b.git",
        "",
    ] {
        assert_eq!(covered(text), text);
    }
}

#[test]
fn a_private_key_over_several_lines_is_masked_in_each() {
    let lines = [
        ("before", "before"),
        ("x -----BEGIN RSA PRIVATE KEY-----", "x <token>"),
        ("Proc-Type: 4,ENCRYPTED", "<token>"),
        (
            "MIIEowIBAAKCAQEA04up8hoqzS1APIB0RBAQs4dWzTqsXXXXabcdefghijklmnop",
            "<token>",
        ),
        ("  Aw==\r", "  <token>\r"),
        ("-----END RSA PRIVATE KEY----- and on", "<token> and on"),
        ("MIIEow", "MIIEow"),
        ("-----BEGIN PRIVATE KEY----- is how it begins", "<token>"),
        (
            "Hello there, this is not one",
            "Hello there, this is not one",
        ),
        ("MIIEow", "MIIEow"),
    ];
    let mut armour = Armour::default();
    for (text, expected) in lines {
        let mut raw = text.as_bytes().to_vec();
        masks().cover(&mut raw, &mut armour);
        assert_eq!(String::from_utf8(raw).unwrap(), expected);
    }
}

#[test]
fn what_is_not_wanted_is_not_masked() {
    let text = format!("{STRIPE} {CARD} ann@woolf.uk");
    for (mask, expected) in [
        (vec![], text.clone()),
        (vec![Mask::Tokens], format!("<token> {CARD} ann@woolf.uk")),
        (vec![Mask::Cards], format!("{STRIPE} <card> ann@woolf.uk")),
        (vec![Mask::Emails], format!("{STRIPE} {CARD} <email>")),
    ] {
        let config = LogsConfig {
            mask,
            ..LogsConfig::default()
        };
        let mut raw = text.clone().into_bytes();
        Masks::new(&config).cover(&mut raw, &mut Armour::default());
        assert_eq!(String::from_utf8(raw).unwrap(), expected);
    }
}

#[test]
fn patterns_of_the_operator_mask_too() {
    let config: LogsConfig = toml::from_str("mask = []\n[[masks]]\npattern = 'ORD-\\d+'").unwrap();
    let mut raw = b"paid ORD-12 and ORD-3 by ann@woolf.uk".to_vec();
    Masks::new(&config).cover(&mut raw, &mut Armour::default());
    assert_eq!(raw, b"paid <masked> and <masked> by ann@woolf.uk");
}

#[test]
fn bytes_that_are_no_text_hide_nothing() {
    let mut raw = b"\xff\xfepassword=hun\xffter2 ann@woolf.uk\x80".to_vec();
    masks().cover(&mut raw, &mut Armour::default());
    assert_eq!(raw, b"\xff\xfepassword=<token> <email>\x80");
}

#[test]
fn every_part_of_a_line_that_somebody_made_is_masked() {
    let mut line = Line {
        time: 0,
        level: Level::INFO,
        origin: Origin::service("api"),
        message: "to ann@woolf.uk".into(),
        fields: Fields::from_iter([("user.password", "hunter2"), ("card", CARD), ("a", "b")]),
        raw: Some(format!("raw {STRIPE}").into_bytes()),
    };
    masks().cover_line(&mut line);
    assert_eq!(line.message, "to <email>");
    let fields: Vec<_> = line.fields.iter().collect();
    assert_eq!(
        fields,
        [("user.password", "<token>"), ("card", "<card>"), ("a", "b")]
    );
    assert_eq!(line.raw(), b"raw <token>");
}

#[test]
fn masking_twice_changes_nothing() {
    for text in [
        format!(r#"{{"password":"x","m":"{STRIPE} {CARD} ann@woolf.uk"}}"#),
        "token=abc Authorization: Bearer abc password: x".to_owned(),
    ] {
        let once = covered(&text);
        assert_eq!(covered(&once), once);
    }
}
