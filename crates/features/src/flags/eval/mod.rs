//! Evaluates a flag for a context, as flagd does.
//!
//! ```text
//! Definition ── state ─▶ rule ── logic (JSONLogic, operators of flagd's) ──▶ a variant's name ─▶ its value
//! ```

mod logic;
mod numbers;
mod operators;
#[cfg(test)]
mod tests;
mod version;

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use thiserror::Error;

pub use self::logic::Budget;

use self::logic::Logic;
use super::definition::{Definition, State};

/// What a flag is for a context.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation<'a> {
    /// Its value; `None` for the default in the app's code.
    pub value: Option<&'a Value>,
    /// The name of that value.
    pub variant: Option<Cow<'a, str>>,
    /// Why it is that one.
    pub reason: Reason,
}

/// Why a flag has its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has no rule.
    Static,
    /// Its rule has named a variant.
    TargetingMatch,
    /// Its rule has named none.
    Default,
    /// It is not evaluated.
    Disabled,
}

impl Reason {
    /// Returns its name in OpenFeature.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Default => "DEFAULT",
            Self::Disabled => "DISABLED",
        }
    }
}

/// Evaluates a flag. `now` is in seconds since 1970, for rules that ask for the time; the budget is that of
/// the request for which it is.
///
/// # Errors
/// [`EvaluationError`] if its rule cannot be followed.
pub fn evaluate<'a>(
    key: &str,
    definition: &'a Definition,
    context: &Map<String, Value>,
    now: u64,
    budget: &Budget,
) -> Result<Evaluation<'a>, EvaluationError> {
    if definition.state == State::Disabled {
        return Ok(Evaluation {
            value: None,
            variant: None,
            reason: Reason::Disabled,
        });
    }
    let Some(rule) = definition.rule() else {
        return Ok(by_default(definition, Reason::Static));
    };
    budget.take_copy(context)?;
    let mut context = context.clone();
    context.insert(
        "$flagd".to_owned(),
        json!({ "flagKey": key, "timestamp": now }),
    );
    let context = Value::Object(context);
    let named = Logic::new(&context, budget).apply(rule, &context)?;
    let name = match named.as_ref() {
        Value::Null => return Ok(by_default(definition, Reason::Default)),
        Value::String(name) => name.as_str(),
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        _ => return Err(EvaluationError::NoVariant),
    };
    let found = definition.variants.get_key_value(name);
    let (name, value) = found.ok_or(EvaluationError::NoVariant)?;
    Ok(Evaluation {
        value: Some(value),
        variant: Some(Cow::Borrowed(name)),
        reason: Reason::TargetingMatch,
    })
}

fn by_default(definition: &Definition, reason: Reason) -> Evaluation<'_> {
    let name = definition.default_variant.as_deref();
    Evaluation {
        value: name.and_then(|name| definition.variant(name)),
        variant: name.map(Cow::Borrowed),
        reason,
    }
}

/// A rule that cannot be followed. No value is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EvaluationError {
    /// It names something that is no variant.
    #[error("its rule names something that is no variant of it")]
    NoVariant,
    /// It has an operator that nobody knows.
    #[error("its rule has an operator that is not known")]
    Operator,
    /// It goes deeper than any that somebody writes.
    #[error("its rule is too deep")]
    Depth,
    /// It computes more than any that somebody needs.
    #[error("its rule takes too many steps")]
    Steps,
}
