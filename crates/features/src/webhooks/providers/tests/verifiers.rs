//! Where the server's secrets come from, and what they are good for.

use std::collections::BTreeMap;

use super::super::secrets::Secret;
use super::super::{Verifiers, is_concealed};
use super::{NOW, Play, at};
use crate::parts::{SectionError, Variables};
use crate::webhooks::{Refusal, Verification, WebhooksConfig};

fn made(config: &str, variables: &[(&str, &str)]) -> Result<Verifiers, SectionError> {
    let config: WebhooksConfig = toml::from_str(config).expect("a section");
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: BTreeMap<_, _> = variables.iter().map(own).collect();
    let variables = Variables::new(move |name| variables.get(name).cloned());
    Verifiers::new(&config, &variables)
}

async fn verified(verifiers: &Verifiers, name: &str, play: &Play) -> Verification {
    verifiers.verify(name, &play.signed(), at(NOW)).await
}

#[tokio::test]
async fn secrets_are_in_the_variable_of_their_provider_and_several_are_good() {
    let play = Play::new("github");
    let both = format!(" another-one , {},", play.secret);
    let verifiers = made("", &[("GITHUB_WEBHOOK_SECRET", &both)]).unwrap();
    assert!(verifiers.has_secret("github") && !verifiers.has_secret("stripe"));
    assert_eq!(
        verified(&verifiers, "github", &play).await,
        Verification::Verified
    );
    let stripe = Play::new("stripe");
    assert_eq!(
        verified(&verifiers, "stripe", &stripe).await,
        Verification::NoSecret
    );
    let wrong = Verification::Refused(Refusal::Wrong);
    let mut forged = play.clone();
    forged.secret = "guess".into();
    assert_eq!(verified(&verifiers, "github", &forged).await, wrong);
    let revealed: Vec<_> = verifiers.secrets().map(Secret::reveal).collect();
    assert_eq!(revealed, ["another-one", &play.secret]);
    assert!(!format!("{verifiers:?}").contains("another"));
}

#[tokio::test]
async fn another_spelling_is_no_way_around_a_secret() {
    let play = Play::new("lemonsqueezy");
    let verifiers = made("", &[("LEMON_SQUEEZY_WEBHOOK_SECRET", &play.secret)]).unwrap();
    for name in ["lemonsqueezy", "lemon-squeezy"] {
        assert_eq!(
            verified(&verifiers, name, &play).await,
            Verification::Verified
        );
    }
    let other = made(
        "",
        &[
            ("WHATSAPP_WEBHOOK_SECRET", "its"),
            ("META_WEBHOOK_SECRET", "x"),
        ],
    );
    let mut play = Play::new("meta");
    play.secret = "its".into();
    let other = other.unwrap();
    assert_eq!(
        verified(&other, "whatsapp", &play).await,
        Verification::Verified
    );
    assert_ne!(
        verified(&other, "facebook", &play).await,
        Verification::Verified
    );
}

#[tokio::test]
async fn what_is_configured_for_one_spelling_holds_for_all() {
    let config = "[providers.meta]\nsecret-env = \"APP\"\n[providers.forgejo]\nsecret-env = \"APP\"\n\
                  [providers.lemon-squeezy]\nsecret-env = \"APP\"";
    let rows: [(&str, &[&str]); 3] = [
        (
            "meta",
            &["meta", "facebook", "instagram", "messenger", "whatsapp"],
        ),
        ("gitea", &["gitea", "forgejo"]),
        ("lemonsqueezy", &["lemonsqueezy", "lemon-squeezy"]),
    ];
    for (row, names) in rows {
        let play = Play::new(row);
        let verifiers = made(config, &[("APP", &play.secret)]).unwrap();
        for name in names {
            let signed = verified(&verifiers, name, &play).await;
            assert_eq!(signed, Verification::Verified, "{name}");
            let unsigned = verifiers.verify(name, &play.request, at(NOW)).await;
            let missing = Verification::Refused(Refusal::Missing);
            assert_eq!(unsigned, missing, "{name}");
        }
    }
}

#[tokio::test]
async fn whoever_signs_the_address_is_not_believed_where_the_platform_knows_it() {
    let square = {
        let mut play = Play::new("square");
        play.address_counts = true;
        play
    };
    let twilio = Play::twilio("application/json", "/hooks?bodySHA256=00", b"{}");
    for play in [square, twilio] {
        let secret = (
            format!("{}_WEBHOOK_SECRET", play.provider.to_uppercase()),
            &*play.secret,
        );
        let elsewhere = [
            (&*secret.0, secret.1),
            ("RENDER_EXTERNAL_URL", "https://it.example"),
        ];
        let verifiers = made("", &elsewhere).unwrap();
        let wrong = Verification::Refused(Refusal::Wrong);
        assert_eq!(verified(&verifiers, play.provider, &play).await, wrong);
        let here = [
            elsewhere[0],
            ("RENDER_EXTERNAL_URL", "https://app.example.com"),
        ];
        let verifiers = made("", &here).unwrap();
        let mut forwarded = play.signed();
        forwarded.origin.host = "evil.example".into();
        let verification = verifiers.verify(play.provider, &forwarded, at(NOW)).await;
        assert_eq!(verification, Verification::Verified);
    }
}

#[tokio::test]
async fn a_token_stays_on_the_server_and_the_laptop_shows_its_own() {
    let play = Play::new("gitlab");
    let verifiers = made("", &[("GITLAB_WEBHOOK_SECRET", &play.secret)]).unwrap();
    let mut request = play.signed();
    assert!(!is_concealed(&play.signing(NOW), &request));
    verifiers.conceal("gitlab", &mut request);
    let shown = format!("{:?}", request.headers.last().map(|it| &it.value));
    assert!(!shown.contains(&play.secret) && is_concealed(&play.signing(NOW), &request));
    let again = verifiers.verify("gitlab", &request, at(NOW)).await;
    assert_eq!(again, Verification::Refused(Refusal::Wrong));
    play.sign(&mut request, NOW).unwrap();
    assert_eq!(play.check(&request, NOW), Ok(()));
    let mut other = Play::new("github").signed();
    let before = other.clone();
    verifiers.conceal("github", &mut other);
    assert_eq!(other, before);
}

#[tokio::test]
async fn the_configuration_names_another_variable_and_another_tolerance() {
    let config =
        "[providers.slack]\nsecret-env = \"SIGNING\"\ntolerance = \"10m\"\nurl = \"https://x\"";
    let play = Play::new("slack");
    let variables = [("SIGNING", &*play.secret), ("SLACK_WEBHOOK_SECRET", "no")];
    let verifiers = made(config, &variables).unwrap();
    let verify_at = async |now| verifiers.verify("slack", &play.signed(), at(now)).await;
    assert_eq!(verify_at(NOW + 600).await, Verification::Verified);
    let stale = Verification::Refused(Refusal::Stale(601));
    assert_eq!(verify_at(NOW + 601).await, stale);
}

#[tokio::test]
async fn what_is_described_is_verified() {
    let config = r#"
        paths = { "/hooks/payments" = "billing" }
        [providers.billing]
        url = "https://app.example.com"
        [providers.billing.hmac]
        header = "X-Billing-Signature"
        prefix = "sha512="
        algorithm = "sha512"
        encoding = "base64"
        signed = "{method} {url} {timestamp}.{body}"
        timestamp-header = "X-Billing-Time"
    "#;
    let play = Play::described();
    let verifiers = made(config, &[("BILLING_WEBHOOK_SECRET", &play.secret)]).unwrap();
    assert_eq!(
        verified(&verifiers, "billing", &play).await,
        Verification::Verified
    );
}

#[tokio::test]
async fn nobody_puts_another_body_under_a_signature_that_does_not_cover_it() {
    let play = Play::mailgun();
    let verifiers = made("", &[("MAILGUN_WEBHOOK_SECRET", &play.secret)]).unwrap();
    let first = play.signed();
    let text = String::from_utf8(first.body.to_vec()).unwrap();
    let mut other = first.clone();
    other.body = text.replace("{}", "{\"id\":1}").into_bytes().into();
    let verify = async |request| verifiers.verify("mailgun", request, at(NOW)).await;
    for _ in 0..2 {
        assert_eq!(verify(&first).await, Verification::Verified);
        let wrong = Verification::Refused(Refusal::Wrong);
        assert_eq!(verify(&other).await, wrong);
    }
    let late = verifiers.verify("mailgun", &first, at(NOW + 40_000)).await;
    assert_eq!(late, Verification::Refused(Refusal::Stale(40_000)));
}

#[test]
fn what_could_never_be_right_is_said_at_the_start_without_the_secret() {
    let nine: &str = &"!hunter2,".repeat(9);
    for (config, variables, reason) in [
        (
            "[providers.slack]\nsecret-env = \"NONE\"".to_owned(),
            &[][..],
            "NONE",
        ),
        (
            "[providers.square]\nurl = \"app.example.com\"".to_owned(),
            &[],
            "https://",
        ),
        (
            String::new(),
            &[("CLERK_WEBHOOK_SECRET", "!hunter2")][..],
            "form",
        ),
        (
            String::new(),
            &[("SENDGRID_WEBHOOK_SECRET", "!hunter2")],
            "form",
        ),
        (
            String::new(),
            &[("PAYPAL_WEBHOOK_SECRET", "!hunter2")],
            "form",
        ),
        (
            String::new(),
            &[("STRIPE_WEBHOOK_SECRET", nine)],
            "at most 8",
        ),
        (
            String::new(),
            &[("GITHUB_WEBHOOK_SECRET", "!hunter2,!hunter2-and-more,;")],
            "GITHUB_WEBHOOK_SECRET",
        ),
        (
            "[providers.own]".to_owned(),
            &[("OWN_WEBHOOK_SECRET", "!hunter2")],
            "no hmac",
        ),
    ] {
        refused_at_the_start(&config, variables, reason);
    }
}

#[test]
fn an_hmac_that_could_not_be_checked_is_refused_at_the_start() {
    let hmac = |lines: &str| format!("[providers.billing.hmac]\nheader = \"x-sign\"\n{lines}");
    for (config, reason) in [
        (
            hmac("signed = \"{timestamp}{body}\"\ntimestamp-header = \"x-time\""),
            "between",
        ),
        (hmac("signed = \"{method}.{url}{body}\""), "between"),
        (hmac("signed = \"{timestamp}\""), "{body}"),
        (hmac("signed = \"{timestamp}.{body}\""), "timestamp-header"),
        (hmac("timestamp-header = \"x-time\""), "timestamp-header"),
        (hmac("signed = \"{id}.{body}\""), "id-header"),
        (hmac("signed = \"{body}{what}\""), "{method}"),
        (hmac("signed = \"{body\""), "{method}"),
        (hmac("").replace("billing", "github"), "built in"),
    ] {
        refused_at_the_start(&config, &[], reason);
    }
    let no_header = toml::from_str::<WebhooksConfig>("[providers.x.hmac]\nheader = \"a b\"");
    assert!(no_header.is_err());
}

fn refused_at_the_start(config: &str, variables: &[(&str, &str)], reason: &str) {
    let error = made(config, variables).unwrap_err();
    assert!(error.section.starts_with("webhooks.providers."), "{error}");
    assert!(error.reason.contains(reason), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
