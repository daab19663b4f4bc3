//! Webhooks, as the official SDKs of their providers see them.

mod flows;
mod judge;
mod providers;

use features::webhooks::{Header, Origin, Request};

use self::judge::{Judges, SENDGRID, Sdk, TWILIO};

/// Where a provider sends to.
const HOST: &str = "app.example.com";

/// What a provider has, and what its app has.
#[derive(Clone, Debug)]
struct Keys {
    signs: String,
    verifies: String,
}

/// Returns a request of an SDK's provider that is not signed yet.
fn unsigned(sdk: Sdk, path: &str, body: &[u8]) -> Request {
    let kind = match body.first() {
        Some(b'{' | b'[') => "application/json",
        _ => "application/x-www-form-urlencoded",
    };
    Request {
        method: "POST".to_owned(),
        target: path.to_owned(),
        headers: vec![
            Header::new("host", HOST),
            Header::new("content-type", kind),
            Header::new("user-agent", sdk.provider),
        ],
        body: body.to_vec().into(),
        origin: Origin {
            scheme: "https".to_owned(),
            host: HOST.to_owned(),
            client: [192, 0, 2, 7].into(),
        },
    }
}

/// Returns the address that a request was sent to.
fn address(request: &Request) -> String {
    format!("https://{HOST}{}", request.target)
}

/// Returns what an SDK's provider sends: JSON, but Twilio sends forms.
fn body(sdk: Sdk) -> &'static [u8] {
    if sdk == TWILIO {
        b"Body=Hello+world%21&From=%2B15017122661&Empty=&NumMedia=0&Body=%C3%A9"
    } else {
        r#"{"id":"evt_1","type":"it.happened","data":{"text":"é \"/", "n": 1.50}}"#.as_bytes()
    }
}

/// Returns a provider's keys: those of SendGrid are a pair, all others' are one secret of the form that
/// its SDK wants.
fn keys(judges: &mut Judges, sdk: Sdk, seed: u8) -> Keys {
    if sdk == SENDGRID {
        let (signs, verifies) = judges.keys();
        return Keys { signs, verifies };
    }
    let own = features::webhooks::providers::OwnSecrets::new(&[seed; 32]);
    let secret = own.of(sdk.provider, None).expect("a secret");
    Keys {
        signs: secret.clone(),
        verifies: secret,
    }
}
