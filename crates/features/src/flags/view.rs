//! What a laptop shows and serves: the mirror, with the overrides in place of what they override.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::client::{Entry, Freshness, Mirrored};
use super::definition::Kind;
use super::eval::{Budget, Evaluation, EvaluationError, Reason, evaluate};
use super::overrides::Overrides;
use super::wire::SourceState;
use crate::wall_clock;

/// All flags, as local apps are to see them.
#[derive(Clone, Debug)]
pub struct View {
    /// The flags by their keys.
    pub flags: BTreeMap<String, Viewed>,
    /// How the server's sources are.
    pub sources: Vec<SourceState>,
    /// How old what is from production is.
    pub freshness: Freshness,
    /// Overrides that are not applied.
    pub misfits: Vec<Misfit>,
    /// Another for another set of values.
    pub tag: u64,
}

/// A flag, and what it is overridden with.
#[derive(Clone, Debug)]
pub struct Viewed {
    /// What it is in production.
    pub entry: Arc<Entry>,
    /// What the developer wants instead.
    pub overridden: Option<Value>,
}

/// An override that is not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Production has no such flag any more.
    Unknown(String),
    /// The flag is of another kind now.
    Kind(String, Kind),
}

impl View {
    /// Puts overrides over a mirror.
    #[must_use]
    pub fn of(mirrored: &Mirrored, overrides: &Overrides) -> Self {
        let mut misfits = Vec::new();
        for (key, value) in overrides.iter() {
            match mirrored.flags.get(key).map(|it| it.definition.kind()) {
                None => misfits.push(Misfit::Unknown(key.to_owned())),
                Some(kind) if Kind::of(value) != Some(kind) => {
                    misfits.push(Misfit::Kind(key.to_owned(), kind));
                }
                Some(_) => {}
            }
        }
        let viewed = mirrored.flags.iter().map(|(key, entry)| {
            let value = overrides.get(key);
            let fits = |value: &&Value| Kind::of(value) == Some(entry.definition.kind());
            let viewed = Viewed {
                entry: Arc::clone(entry),
                overridden: value.filter(fits).cloned(),
            };
            (key.clone(), viewed)
        });
        let flags: BTreeMap<_, _> = viewed.collect();
        Self {
            tag: tag(&flags),
            flags,
            sources: mirrored.sources.clone(),
            freshness: mirrored.freshness,
            misfits,
        }
    }
}

fn tag(flags: &BTreeMap<String, Viewed>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (key, Viewed { entry, overridden }) in flags {
        key.hash(&mut hasher);
        entry.flag.definition.hash(&mut hasher);
        overridden.as_ref().map(Value::to_string).hash(&mut hasher);
    }
    hasher.finish()
}

impl Viewed {
    /// Evaluates the flag, within the budget of a request. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`EvaluationError`] if its rule cannot be followed.
    pub fn evaluate(
        &self,
        context: &Map<String, Value>,
        now: u64,
        budget: &Budget,
    ) -> Result<Evaluation<'_>, EvaluationError> {
        match &self.overridden {
            Some(value) => Ok(Evaluation {
                value: Some(value),
                variant: Some(OVERRIDE.into()),
                reason: Reason::Static,
            }),
            None => {
                let Entry { flag, definition } = &*self.entry;
                evaluate(&flag.key, definition, context, now, budget)
            }
        }
    }
}

/// Evaluates flags for nobody in particular, all of them together within the budget of a request.
#[derive(Debug)]
pub struct Evaluator {
    now: u64,
    budget: Budget,
}

impl Evaluator {
    /// Makes one for the time by the system's clock.
    #[must_use]
    pub fn now() -> Self {
        Self::at(wall_clock::millis())
    }

    /// Makes one for a time in milliseconds since 1970.
    #[must_use]
    pub fn at(now: u64) -> Self {
        Self {
            now: now / 1000,
            budget: Budget::default(),
        }
    }

    /// Returns a flag's value; `None` for the default in the app's code.
    ///
    /// # Errors
    /// [`EvaluationError`] if its rule cannot be followed: that is the default in the app's code as well.
    pub fn evaluate<'v>(&self, viewed: &'v Viewed) -> Result<Option<&'v Value>, EvaluationError> {
        let evaluated = viewed.evaluate(&Map::new(), self.now, &self.budget);
        Ok(evaluated?.value)
    }

    /// Returns the same, whatever keeps the app from another value than its own.
    #[must_use]
    pub fn value<'v>(&self, viewed: &'v Viewed) -> Option<&'v Value> {
        self.evaluate(viewed).ok().flatten()
    }
}

/// The variant of a flag that is overridden.
const OVERRIDE: &str = "override";
