//! Flags as programs read them.

use features::flags::{Evaluator, Viewed};
use serde::Serialize;
use serde_json::Value;

use super::show::time;

/// A flag.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    key: &'a str,
    r#type: &'static str,
    value: Option<&'a Value>,
    source: &'a str,
    updated: String,
    #[serde(skip_serializing_if = "is_not")]
    overridden: bool,
}

/// A flag that is there no more.
#[derive(Debug, Serialize)]
pub(super) struct Removed<'a> {
    pub(super) key: &'a str,
    pub(super) removed: bool,
}

impl<'a> Shown<'a> {
    pub(super) fn of(viewed: &'a Viewed, evaluator: &Evaluator) -> Self {
        let flag = &viewed.entry.flag;
        Self {
            key: &flag.key,
            r#type: viewed.entry.definition.kind().name(),
            value: evaluator.value(viewed),
            source: &flag.source,
            updated: time(flag.updated),
            overridden: viewed.overridden.is_some(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
const fn is_not(overridden: &bool) -> bool {
    !*overridden
}
