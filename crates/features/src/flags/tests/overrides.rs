//! Overrides: of the flag's own kind, kept, and seen by whoever looks.

use serde_json::json;

use crate::flags::client::{KeptFlags, Mirrored};
use crate::flags::{
    Definition, Evaluator, Misfit, OverrideError, OverrideFile, Overrides, OverridesError, View,
};

fn mirrored() -> Mirrored {
    let flags = [
        ("ENABLE_STRIPE", json!(true)),
        ("limit", json!(10)),
        ("theme", json!("dark")),
        ("plan", json!({"seats": 3})),
    ];
    let flags = flags.map(|(key, value)| (key.to_owned(), Definition::constant(value).text()));
    of(&flags)
}

/// Mirrors flags of these keys and definitions.
fn of(flags: &[(String, String)]) -> Mirrored {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.json");
    let flag = |(key, definition): &(String, String)| json!({"key": key, "definition": definition, "source": "file", "updated": 1});
    let flags: Vec<_> = flags.iter().map(flag).collect();
    let text = json!({"heard": 5, "version": null, "flags": flags, "sources": []}).to_string();
    std::fs::write(&path, text).unwrap();
    KeptFlags::at(path).load().unwrap()
}

#[test]
fn a_value_has_to_be_of_the_flags_kind() {
    let flags = mirrored();
    let mut overrides = Overrides::default();
    for (key, typed, value) in [
        ("ENABLE_STRIPE", "off", json!(false)),
        ("limit", "1", json!(1)),
        ("limit", "2.5", json!(2.5)),
        ("theme", "true", json!("true")),
        ("plan", "{\"seats\": 1}", json!({"seats": 1})),
    ] {
        assert_eq!(
            overrides.set(key, typed, &flags),
            Ok(value),
            "{key}={typed}"
        );
    }
    for (key, typed) in [
        ("ENABLE_STRIPE", "maybe"),
        ("limit", "ten"),
        ("limit", "true"),
        ("plan", "3"),
    ] {
        let error = overrides.set(key, typed, &flags).unwrap_err();
        assert!(
            matches!(error, OverrideError::Kind { .. }),
            "{key}={typed}: {error}"
        );
    }
    let long = "x".repeat(1024 * 1024);
    assert_eq!(
        overrides.set("theme", &long, &flags),
        Err(OverrideError::TooLong)
    );
    let unknown = overrides.set("enable_stripe", "1", &flags).unwrap_err();
    let near = vec!["ENABLE_STRIPE".to_owned()];
    assert_eq!(
        unknown,
        OverrideError::Unknown {
            key: "enable_stripe".into(),
            near
        }
    );
}

#[test]
fn what_no_longer_fits_is_not_applied() {
    let mut flags = mirrored();
    let mut overrides = Overrides::default();
    overrides.set("ENABLE_STRIPE", "false", &flags).unwrap();
    overrides.set("limit", "3", &flags).unwrap();
    overrides.set("theme", "light", &flags).unwrap();
    flags.flags.remove("limit");
    let theme = std::sync::Arc::make_mut(flags.flags.get_mut("theme").unwrap());
    theme.definition = Definition::constant(json!(1));
    let view = View::of(&flags, &overrides);
    assert_eq!(
        Evaluator::at(0).value(&view.flags["ENABLE_STRIPE"]),
        Some(&json!(false))
    );
    assert_eq!(
        Evaluator::at(0).value(&view.flags["theme"]),
        Some(&json!(1))
    );
    let number = Misfit::Kind("theme".into(), crate::flags::Kind::Number);
    assert_eq!(view.misfits, [Misfit::Unknown("limit".into()), number]);
    assert_ne!(view.tag, View::of(&flags, &Overrides::default()).tag);
}

#[test]
fn the_file_is_changed_whole_and_tells_its_states_apart() {
    let folder = tempfile::tempdir().unwrap();
    let file = OverrideFile::at(folder.path().join("overrides.json"));
    assert_eq!(file.read().unwrap(), Overrides::default());
    let flags = mirrored();
    let before = file.stamp();
    let set = |key: &str, typed: &str| {
        file.change(|overrides| {
            let set = overrides.set(key, typed, &flags);
            set.map_err(|_| OverridesError::TooMuch)
        })
    };
    set("limit", "3").unwrap();
    assert_ne!(file.stamp(), before);
    assert_eq!(file.read().unwrap().get("limit"), Some(&json!(3)));
    let before = file.stamp();
    set("limit", "three").unwrap_err();
    assert_eq!(file.stamp(), before, "what is refused changes nothing");
    std::thread::scope(|scope| {
        for (key, typed) in [("theme", "light"), ("ENABLE_STRIPE", "no"), ("limit", "4")] {
            scope.spawn(move || set(key, typed).unwrap());
        }
    });
    assert_eq!(file.read().unwrap().iter().count(), 3);
    std::fs::write(file.path(), "{\"overrides\":\n [}").unwrap();
    assert!(matches!(
        file.read(),
        Err(OverridesError::Form { line: 2, .. })
    ));
    // A file that somebody broke is not written over.
    set("limit", "3").unwrap_err();
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_the_lock_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    std::fs::write(&other, "kept").unwrap();
    std::os::unix::fs::symlink(&other, folder.path().join("overrides.lock")).unwrap();
    let file = OverrideFile::at(folder.path().join("overrides.json"));
    let changed = file.change(|overrides| Ok::<_, OverridesError>(overrides.unset("a")));
    assert!(matches!(changed, Err(OverridesError::File(_))));
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "kept");
}

#[test]
fn all_flags_that_are_shown_together_have_the_budget_of_one_request() {
    let list: Vec<_> = (0..1000).collect();
    let rule = json!({"if": [{"all": [list, {">=": [{"var": ""}, 0]}]}, "on"]});
    let definition = json!({
        "state": "ENABLED",
        "variants": { "on": true, "off": false },
        "defaultVariant": "off",
        "targeting": rule,
    });
    let flags: Vec<_> = (0..1000)
        .map(|number| (format!("flag-{number:04}"), definition.to_string()))
        .collect();
    let view = View::of(&of(&flags), &Overrides::default());
    let evaluator = Evaluator::at(0);
    let mut values = view.flags.values().map(|flag| evaluator.value(flag));
    let followed = values.by_ref().take_while(Option::is_some).count();
    assert!((100..900).contains(&followed), "{followed}");
    assert!(values.all(|value| value.is_none()));
}
