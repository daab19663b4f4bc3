//! Rules, as flagd follows them, and those that nobody should follow to their end.

use serde_json::{Map, Value, json};

use super::operators::murmur3;
use super::{Budget, Evaluation, EvaluationError, Reason};
use crate::flags::Definition;

fn flag(targeting: &Value) -> Definition {
    Definition::take(json!({
        "variants": { "red": "r", "blue": "b", "true": "yes", "false": "no" },
        "defaultVariant": "red",
        "targeting": targeting,
    }))
    .unwrap()
}

/// Evaluates a flag as the only one of its request.
fn evaluate<'a>(
    key: &str,
    flag: &'a Definition,
    about: &Map<String, Value>,
    now: u64,
) -> Result<Evaluation<'a>, EvaluationError> {
    super::evaluate(key, flag, about, now, &Budget::default())
}

fn context(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(context) => context,
        other => panic!("{other} is no context"),
    }
}

/// Whether a condition holds for a context.
#[track_caller]
fn holds(condition: &Value, about: &Value) -> bool {
    let flag = flag(&json!({ "if": [condition, "blue", "red"] }));
    let context = context(about.clone());
    let Evaluation { variant, .. } = evaluate("key", &flag, &context, 1_700_000_000).unwrap();
    variant.as_deref() == Some("blue")
}

#[test]
fn a_flag_without_a_rule_has_its_default() {
    let constant = Definition::constant(json!(10));
    let found = evaluate("key", &constant, &Map::new(), 0).unwrap();
    assert_eq!(
        (found.value, found.reason),
        (Some(&json!(10)), Reason::Static)
    );
    let mut disabled = constant.clone();
    disabled.state = crate::flags::State::Disabled;
    let found = evaluate("key", &disabled, &Map::new(), 0).unwrap();
    assert_eq!((found.value, found.reason), (None, Reason::Disabled));
    let mut open = constant;
    open.default_variant = None;
    assert_eq!(evaluate("key", &open, &Map::new(), 0).unwrap().value, None);
}

#[test]
fn a_rule_names_a_variant_or_leaves_it_at_the_default() {
    let reason = |rule: Value| {
        let flag = flag(&rule);
        let found = evaluate("key", &flag, &Map::new(), 0);
        found.map(|it| (it.value.cloned(), it.reason))
    };
    let (some, target) = (|text: &str| Some(json!(text)), Reason::TargetingMatch);
    assert_eq!(
        reason(json!({"if": [true, "blue"]})),
        Ok((some("b"), target))
    );
    assert_eq!(
        reason(json!({"if": [false, "blue"]})),
        Ok((some("r"), Reason::Default))
    );
    // A condition alone names variants of these names.
    assert_eq!(reason(json!({"==": [1, 1]})), Ok((some("yes"), target)));
    assert_eq!(
        reason(json!({"if": [true, "green"]})),
        Err(EvaluationError::NoVariant)
    );
    assert_eq!(
        reason(json!({"if": [true, 5]})),
        Err(EvaluationError::NoVariant)
    );
    assert_eq!(
        reason(json!({"explode": [1]})),
        Err(EvaluationError::Operator)
    );
}

fn somebody() -> Value {
    json!({
        "email": "ada@example.com", "age": 36, "roles": ["admin", "dev"],
        "plan": { "name": "pro", "seats": [3, 5] }, "empty": "", "targetingKey": "ada",
    })
}

#[test]
fn conditions_are_those_of_jsonlogic() {
    let about = somebody();
    for (condition, expected) in [
        (json!({"==": [{"var": "age"}, "36"]}), true),
        (json!({"===": [{"var": "age"}, "36"]}), false),
        (json!({"===": [{"var": ["age"]}, 36.0]}), true),
        (json!({"!=": [{"var": "nobody"}, 0]}), true),
        (json!({"==": [{"var": "nobody"}, null]}), true),
        (json!({"<": [18, {"var": "age"}, 65]}), true),
        (json!({"<=": [36, {"var": "age"}, 35]}), false),
        (json!({">=": [{"var": "plan.seats.1"}, 5]}), true),
        (json!({">": [{"var": "plan.name"}, "plain"]}), true),
        (json!({">": [{"var": "plan"}, 1]}), false),
        (json!({"in": ["dev", {"var": "roles"}]}), true),
        (json!({"in": ["example", {"var": "email"}]}), true),
        (json!({"in": ["root", {"var": "roles"}]}), false),
        (json!({"and": [true, {"!": [{"var": "empty"}]}]}), true),
        (json!({"or": [false, {"!!": [{"var": "roles"}]}]}), true),
        (json!({"==": [{"var": ["nobody", "else"]}, "else"]}), true),
        (json!({"missing": ["age", "nobody"]}), true),
        (json!({"!": {"missing": ["age"]}}), true),
        (json!({"!": {"missing_some": [1, ["age", "nobody"]]}}), true),
    ] {
        assert_eq!(holds(&condition, &about), expected, "{condition}");
    }
}

#[test]
fn numbers_texts_and_lists_are_those_of_jsonlogic() {
    let about = somebody();
    for (condition, expected) in [
        (json!({"==": [{"+": [1, "2", 3.5]}, 6.5]}), true),
        (json!({"==": [{"%": [7, 4]}, 3]}), true),
        (json!({"==": [{"-": [5]}, -5]}), true),
        (json!({"==": [{"max": [1, 9, 3]}, 9]}), true),
        (json!({"==": [{"/": [1, 0]}, 1]}), false),
        (
            json!({"==": [{"cat": [{"var": "plan.name"}, "-", 1]}, "pro-1"]}),
            true,
        ),
        (json!({"==": [{"substr": ["jsonlogic", 4]}, "logic"]}), true),
        (
            json!({"==": [{"substr": ["jsonlogic", -5, -2]}, "log"]}),
            true,
        ),
        (json!({"==": [{"substr": ["é", 9, 9]}, ""]}), true),
        (
            json!({"all": [{"var": "plan.seats"}, {">": [{"var": ""}, 2]}]}),
            true,
        ),
        (
            json!({"some": [{"var": "plan.seats"}, {">": [{"var": ""}, 4]}]}),
            true,
        ),
        (
            json!({"none": [{"var": "plan.seats"}, {">": [{"var": ""}, 9]}]}),
            true,
        ),
        (
            json!({"==": [{"reduce": [{"var": "plan.seats"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]}, 8]}),
            true,
        ),
        (
            json!({"in": [10, {"map": [{"var": "plan.seats"}, {"*": [{"var": ""}, 2]}]}]}),
            true,
        ),
        (json!({"in": [9, {"merge": [[1], 9]}]}), true),
        (json!({"starts_with": [{"var": "email"}, "ada"]}), true),
        (
            json!({"ends_with": [{"var": "email"}, "@example.com"]}),
            true,
        ),
        (json!({"ends_with": [{"var": "age"}, "6"]}), false),
        (json!({"==": [{"var": "$flagd.flagKey"}, "key"]}), true),
        (
            json!({">": [{"var": "$flagd.timestamp"}, 1_600_000_000]}),
            true,
        ),
    ] {
        assert_eq!(holds(&condition, &about), expected, "{condition}");
    }
}

#[test]
fn versions_are_compared_as_such() {
    for (ours, how, theirs, expected) in [
        ("1.10.0", ">", "1.9.9", true),
        ("v1.2", "=", "1.2.0", true),
        ("1.2.0-rc.2", "<", "1.2.0", true),
        ("1.2.0-rc.10", ">", "1.2.0-rc.2", true),
        ("1.2.0-1", "<", "1.2.0-a", true),
        ("1.2.3+build", ">=", "1.2.3", true),
        ("1.9.0", "^", "1.2.0", true),
        ("1.9.0", "~", "1.2.0", false),
        ("2.0.0", "!=", "1.2.0", true),
        ("two", "=", "two", false),
        ("1.2.3.4", "=", "1.2.3.4", false),
        ("1.2.3", "about", "1.2.3", false),
    ] {
        let condition = json!({ "sem_ver": [ours, how, theirs] });
        assert_eq!(holds(&condition, &json!({})), expected, "{condition}");
    }
}

#[test]
fn the_hash_is_the_one_that_everybody_has() {
    for (text, hash) in [
        ("", 0),
        ("a", 0x3c25_69b2),
        ("hello", 0x248b_fa47),
        ("hello, world", 0x149b_bb7f),
        ("The quick brown fox jumps over the lazy dog", 0x2e4f_f723),
    ] {
        assert_eq!(murmur3(text.as_bytes()), hash, "{text}");
    }
}

#[test]
fn users_are_spread_by_weight_and_each_stays_where_they_are() {
    let flag = flag(&json!({
        "fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "email"}]}, ["red", 25], ["blue", 75]]
    }));
    let pick = |number: u32| {
        let about = context(json!({ "email": format!("user{number}@example.com") }));
        let found = evaluate("key", &flag, &about, 0).unwrap();
        found.variant.unwrap().into_owned()
    };
    let red = (0..4000).filter(|number| pick(*number) == "red").count();
    assert!((900..1100).contains(&red), "{red} of 4000");
    assert_eq!(pick(7), pick(7));
}

#[test]
fn without_a_word_by_what_it_is_by_flag_and_target() {
    let short = flag(&json!({ "fractional": [["red"], ["blue"]] }));
    let by = json!({"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]});
    let long = flag(&json!({ "fractional": [by, ["red", 1], ["blue", 1]] }));
    for number in 0..50 {
        let about = context(json!({ "targetingKey": number.to_string() }));
        let variant = |flag| evaluate("key", flag, &about, 0).unwrap().variant;
        assert_eq!(variant(&short), variant(&long));
    }
    let nobody = evaluate("key", &short, &Map::new(), 0).unwrap();
    assert_eq!(nobody.reason, Reason::Default);
}

#[test]
fn a_rule_without_end_is_not_followed() {
    let mut deep = json!("red");
    for _ in 0..200 {
        deep = json!({ "if": [true, deep] });
    }
    let error = |rule: &Value, about: Value| {
        let flag = flag(rule);
        evaluate("key", &flag, &context(about), 0).unwrap_err()
    };
    assert_eq!(error(&deep, json!({})), EvaluationError::Depth);
    let list: Vec<_> = (0..1000).collect();
    let about = json!({ "list": list });
    let squared = json!({"all": [{"var": "list"}, {"all": [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        {">=": [{"var": ""}, 0]}]}]});
    assert_eq!(error(&squared, about.clone()), EvaluationError::Steps);
    // Each turn doubles a text.
    let doubling = json!({"reduce": [{"var": "list"},
        {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "0123456789abcdef"]});
    assert_eq!(error(&doubling, about), EvaluationError::Steps);
}

#[test]
fn long_texts_are_charged_wherever_they_come_from() {
    let list: Vec<_> = (0..2000).collect();
    let long = format!("1-a{}", ".a".repeat(30_000));
    let digits = "1".repeat(60_000);
    for looked_at in [
        json!({"sem_ver": [long, "=", long]}),
        json!({"==": [digits, 1]}),
        json!({"<": [digits, digits]}),
        json!({"!": {"var": ["nobody", digits]}}),
        json!({"!": {"missing": [digits]}}),
        json!({"==": [{digits.clone(): 1, "b": 2}, {digits.clone(): 1, "b": 2}]}),
        json!({"starts_with": [long, long]}),
    ] {
        let flag = flag(&json!({"map": [list, looked_at]}));
        let found = evaluate("key", &flag, &Map::new(), 0);
        let operator = looked_at.as_object().unwrap().keys().next();
        assert_eq!(found, Err(EvaluationError::Steps), "{operator:?}");
    }
}

#[test]
fn what_is_longer_than_any_version_or_number_is_none() {
    let version = |length: usize| format!("1.0.0-{}", "a".repeat(length - 6));
    for (length, expected) in [(256, true), (257, false)] {
        let same = version(length);
        let condition = json!({"sem_ver": [same, "=", same]});
        assert_eq!(holds(&condition, &json!({})), expected, "{length}");
    }
    for (zeros, expected) in [(63, true), (64, false)] {
        let condition = json!({"==": [format!("{}7", "0".repeat(zeros)), 7]});
        assert_eq!(holds(&condition, &json!({})), expected, "{zeros}");
    }
}

#[test]
fn the_flags_of_one_request_share_its_budget() {
    let list: Vec<_> = (0..2000).collect();
    let flag = flag(&json!({"if": [{"all": [list, true]}, "blue"]}));
    let budget = Budget::default();
    let taken = |_: &_| super::evaluate("key", &flag, &Map::new(), 0, &budget).is_ok();
    let count = (0..1000).take_while(taken).count();
    assert!((50..500).contains(&count), "{count}");
    assert!(evaluate("key", &flag, &Map::new(), 0).is_ok());
}
