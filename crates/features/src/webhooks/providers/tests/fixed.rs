//! Signatures that others have published, and what can be read in two ways.

use super::super::{CannotSign, Signing, check, sign};
use super::{NOW, Play, at, post};
use crate::webhooks::{Header, Refusal, Request};

/// A request with these headers alone.
fn request(headers: &[(&str, &str)], body: &str) -> Request {
    let mut request = post(body.as_bytes());
    let headers = headers.iter();
    request.headers = headers
        .map(|(name, value)| Header::new(*name, *value))
        .collect();
    request
}

fn checked(provider: &str, secret: &str, request: &Request, now: u64) -> Result<(), Refusal> {
    let signing = Signing {
        provider,
        hmac: None,
        url: None,
        now: at(now),
    };
    check(&signing, request, &[secret], None)
}

#[test]
fn githubs_example_is_right() {
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let request = request(&[("x-hub-signature-256", signature)], "Hello, World!");
    let secret = "It's a Secret to Everybody";
    assert_eq!(checked("github", secret, &request, NOW), Ok(()));
}

#[test]
fn slacks_example_is_right() {
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
        &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
        &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands\
        %2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
        &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let headers = [
        ("x-slack-request-timestamp", "1531420618"),
        (
            "x-slack-signature",
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        ),
    ];
    let request = request(&headers, body);
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    assert_eq!(checked("slack", secret, &request, 1_531_420_618), Ok(()));
}

#[test]
fn the_example_of_standard_webhooks_is_right_in_both_families() {
    for family in ["webhook", "svix"] {
        let names = ["id", "timestamp", "signature"].map(|it| format!("{family}-{it}"));
        let headers = [
            (&*names[0], "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            (&*names[1], "1614265330"),
            (
                &*names[2],
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
        ];
        let request = request(&headers, r#"{"test": 2432232314}"#);
        for secret in [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            for provider in ["standard", "clerk"] {
                assert_eq!(checked(provider, secret, &request, 1_614_265_330), Ok(()));
            }
        }
    }
}

#[test]
fn twilios_example_is_right_with_and_without_a_port() {
    let body = "Digits=1234&To=%2B18005551212&From=%2B14158675309&Caller=%2B14158675309&CallSid=CA1234567890ABCDE";
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    ];
    let mut request = request(&headers, body);
    request.target = "/myapp.php?foo=1&bar=2".into();
    for host in ["mycompany.com", "mycompany.com:443", "mycompany.com:8443"] {
        request.origin.host = host.into();
        assert_eq!(checked("twilio", "12345", &request, NOW), Ok(()), "{host}");
    }
}

#[test]
fn sendgrids_example_is_right() {
    let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3G\
        Rqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
    let headers = [
        (
            "x-twilio-email-event-webhook-signature",
            "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
        ),
        ("x-twilio-email-event-webhook-timestamp", "1600112502"),
    ];
    let body = "[{\"email\":\"hello@world.com\",\"event\":\"dropped\",\"reason\":\"Bounced Address\",\
        \"sg_event_id\":\"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA\",\
        \"sg_message_id\":\"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0\",\
        \"smtp-id\":\"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>\",\"timestamp\":1600112492}]\r\n";
    let request = request(&headers, body);
    assert_eq!(checked("sendgrid", key, &request, 1_600_112_502), Ok(()));
}

#[test]
fn two_times_in_one_header_are_two_readings() {
    for (provider, header, time) in [
        ("stripe", "stripe-signature", "t=1795000000,"),
        ("paddle", "paddle-signature", "ts=1795000000;"),
    ] {
        let play = Play::new(provider);
        let mut signed = play.signed();
        let place = signed.headers.iter().position(|it| it.name == header);
        let value = &mut signed.headers[place.unwrap()].value;
        let twice = [time.as_bytes(), value.as_slice()].concat();
        *value = serde_bytes::ByteBuf::from(twice);
        assert_eq!(play.check(&signed, NOW), Err(Refusal::Malformed));
    }
}

#[test]
fn a_time_is_digits_and_nothing_else() {
    for time in [
        "+1795000000",
        " 1795000000",
        "1795000000.0",
        "",
        "17950000001795",
        "x",
    ] {
        let header = format!("t={time},v1=00");
        let request = request(&[("stripe-signature", &header)], "{}");
        let refused = checked("stripe", "whsec_x", &request, NOW);
        assert_eq!(refused, Err(Refusal::Malformed), "{time:?}");
    }
}

#[test]
fn both_families_of_headers_have_to_agree() {
    let play = Play::new("standard");
    let mut signed = play.signed();
    for index in play.added(&signed) {
        let Header { name, value } = signed.headers[index].clone();
        let svix = name.replace("webhook-", "svix-");
        signed.headers.push(Header::new(svix, value.into_vec()));
    }
    assert_eq!(play.check(&signed, NOW), Ok(()));
    play.sign(&mut signed, NOW + 5).unwrap();
    assert_eq!(play.check(&signed, NOW), Ok(()), "both are signed anew");
    let last = signed.headers.len() - 1;
    for index in [1, 2, 3, last] {
        let mut other = signed.clone();
        other.headers[index].value[0] ^= 1;
        assert!(play.check(&other, NOW).is_err());
    }
}

#[test]
fn mailguns_signature_stands_in_the_body_once() {
    let play = Play::mailgun();
    let twice = [
        r#"{"signature":{},"signature":{"token":"a","timestamp":"1","signature":"00"}}"#,
        r#"{"signature":{"token":"a","token":"b","timestamp":"1","signature":"00"}}"#,
        r#"{"signature":{"token":"a","timestamp":"1","signature":"00"}} {}"#,
        r#"{"signature":{"token":1,"timestamp":"1","signature":"00"}}"#,
        r#"{"signature":{"token":"a","timestamp":"-1","signature":"00"}}"#,
    ];
    for body in twice {
        assert!(play.check(&post(body.as_bytes()), NOW).is_err(), "{body}");
        let unsigned = play.sign(&mut post(b"{}"), NOW);
        assert_eq!(unsigned, Err(CannotSign::Body));
    }
    let padded = format!("{}{}", " ".repeat(2 << 20), "{}");
    let refused = play.check(&post(padded.as_bytes()), NOW);
    assert_eq!(refused, Err(Refusal::Malformed), "it is not read at all");
    let mut numbers = post(br#"{"signature":{"timestamp":1,"token":"","signature":""},"x":1}"#);
    play.sign(&mut numbers, NOW).unwrap();
    assert!(
        numbers
            .body
            .starts_with(br#"{"signature":{"timestamp":1795000000,"token":""#)
    );
    assert!(numbers.body.ends_with(br#""},"x":1}"#));
    assert_eq!(play.check(&numbers, NOW), Ok(()));
}

#[test]
fn twilio_covers_every_body_or_it_is_refused() {
    let empty = Play::twilio("text/plain", "/hooks", b"");
    assert_eq!(empty.check(&empty.signed(), NOW), Ok(()));
    let mut filled = empty.signed();
    filled.body = b"{}".to_vec().into();
    assert_eq!(empty.check(&filled, NOW), Err(Refusal::Wrong));
    let form = Play::all().remove(0);
    for body in ["a&".repeat(1001), "a".repeat(300 * 1024)] {
        let mut long = form.signed();
        long.body = body.into_bytes().into();
        assert_eq!(form.check(&long, NOW), Err(Refusal::Malformed));
    }
    let mut renamed = form.signed();
    renamed.headers[0] = Header::new("content-type", "application/json");
    assert_eq!(form.check(&renamed, NOW), Err(Refusal::Wrong));
}

#[test]
fn an_edited_body_has_its_hash_in_the_address_signed_anew() {
    let play = Play::twilio("application/json", "/hooks?x=1&bodySHA256=00", b"{}");
    let mut request = play.signed();
    request.body = b"{\"edited\":true}".to_vec().into();
    let url = "http://localhost:3000/sms";
    let mut signing = play.signing(NOW);
    signing.url = Some(url);
    sign(&signing, &mut request, &play.secret).unwrap();
    assert_eq!(check(&signing, &request, &[&play.secret], None), Ok(()));
    assert!(request.target.starts_with("/hooks?x=1&bodySHA256="));
}
