//! Flags, as OpenFeature's official SDKs read them from a laptop's mirror.

mod laptop;

use serde_json::{Value, json};

use self::laptop::Laptop;
use crate::support::judge::Judge;

/// Apps on a laptop, in the languages that have an official provider of OFREP.
struct Apps([(&'static str, Judge); 2]);

impl Apps {
    /// Starts them.
    fn at(url: &str) -> Self {
        Self([
            ("Node", Judge::node("flags.mjs", &[url])),
            ("Python", Judge::python("flags.py", &[url])),
        ])
    }

    /// Checks what a flag is in each of them.
    fn read(&mut self, (key, default, context): (&str, Value, Value), expected: &Value) {
        let question = json!({ "key": key, "default": default, "context": context });
        for (language, app) in &mut self.0 {
            assert_eq!(app.ask(&question), *expected, "{key} in {language}");
        }
    }

    /// Asks each of them for a flag without a context.
    fn ask(&mut self, key: &str, default: &Value) -> [Value; 2] {
        let question = json!({ "key": key, "default": default, "context": {} });
        self.0.each_mut().map(|(_, app)| app.ask(&question))
    }
}

/// What an app is told of a flag in production.
fn told(value: impl Into<Value>, variant: &str, reason: &str) -> Value {
    let value = value.into();
    json!({ "value": value, "variant": variant, "reason": reason, "overridden": false, "error": null })
}

/// The file of flags in production, with another limit each time.
fn file(limit: u32) -> Value {
    json!({ "flags": {
        "banner": { "variants": { "sale": "All must go", "none": "" }, "defaultVariant": "sale" },
        "limit": { "variants": { "usual": limit, "none": 0 }, "defaultVariant": "usual" },
        "new-checkout": {
            "variants": { "on": true, "off": false }, "defaultVariant": "off",
            "targeting": { "if": [{ "ends_with": [{ "var": "email" }, "@shop.test"] }, "on"] },
        },
        "search": { "variants": { "on": true, "off": false }, "defaultVariant": "on" },
        "upload": { "variants": { "wide": { "types": ["png", "gif"], "mb": 20 } }, "defaultVariant": "wide" },
        "withdrawn": { "state": "DISABLED", "variants": { "on": true }, "defaultVariant": "on" },
        "undecided": { "variants": { "some": 3 }, "defaultVariant": null },
    } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn openfeatures_own_providers_read_every_kind_of_flag() {
    let laptop = Laptop::mirroring(&file(10)).await;
    let mut apps = Apps::at(&laptop.url);
    let nobody = || json!({});
    let wide = json!({ "types": ["png", "gif"], "mb": 20 });
    apps.read(
        ("search", json!(false), nobody()),
        &told(true, "on", "STATIC"),
    );
    apps.read(("limit", json!(1), nobody()), &told(10, "usual", "STATIC"));
    let sale = told("All must go", "sale", "STATIC");
    apps.read(("banner", json!("none"), nobody()), &sale);
    apps.read(
        ("upload", json!({ "mb": 1 }), nobody()),
        &told(wide, "wide", "STATIC"),
    );

    let about = |email: &str| ("new-checkout", json!(false), json!({ "email": email }));
    apps.read(about("ann@shop.test"), &told(true, "on", "TARGETING_MATCH"));
    apps.read(about("ann@example.com"), &told(false, "off", "DEFAULT"));
    laptop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn openfeatures_own_providers_see_a_change_and_an_override() {
    let mut laptop = Laptop::mirroring(&file(10)).await;
    let mut apps = Apps::at(&laptop.url);
    let limit = || ("limit", json!(1), json!({}));
    apps.read(limit(), &told(10, "usual", "STATIC"));

    laptop.production(&file(20)).await;
    apps.read(limit(), &told(20, "usual", "STATIC"));

    laptop.set("limit", "3").await;
    let mut mine = told(3, "override", "STATIC");
    mine["overridden"] = true.into();
    apps.read(limit(), &mine);

    // What production does meanwhile is not seen, until the flag is its own again.
    laptop.production(&file(30)).await;
    apps.read(limit(), &mine);
    laptop.unset("limit").await;
    apps.read(limit(), &told(30, "usual", "STATIC"));
    laptop.close().await;
}

/// The specification says so with an answer without a value. Node's provider of this version does not know
/// that yet: the app has its default all the same, and is told of an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_flag_without_a_value_is_the_default_in_the_apps_code() {
    let laptop = Laptop::mirroring(&file(10)).await;
    let mut apps = Apps::at(&laptop.url);
    let flags = [
        ("withdrawn", json!(true), "DISABLED"),
        ("withdrawn", json!(false), "DISABLED"),
        ("undecided", json!(7), "STATIC"),
    ];
    for (key, default, reason) in flags {
        let [node, python] = apps.ask(key, &default);
        assert_eq!(python, told(default.clone(), "", reason), "{key} in Python");
        let errs = (&node["value"], &node["error"]);
        assert_eq!(errs, (&default, &json!("GENERAL")), "{key} in Node");
    }
    laptop.close().await;
}
