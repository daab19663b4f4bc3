//! How many requests may be under way at once, together and of each provider.
//!
//! In `proxy` a place is held as long as the laptop takes, and anybody may send a body by halves: what is
//! held for one provider is not held from the others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places that there are.
#[derive(Debug, Default)]
pub(super) struct Places(Arc<Mutex<Taken>>);

/// How many are taken: of providers with a secret by their names, of the rest by the empty one.
#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_provider: BTreeMap<String, usize>,
}

/// Whose place it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose<'a> {
    /// A provider's that has a secret: there are few of them.
    Provider(&'a str),
    /// Whatever is asked for beside those.
    Anybody,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Mutex<Taken>>,
    name: String,
}

impl Places {
    /// Takes a place, if there is one for such a request.
    pub(super) fn take(&self, whose: Whose<'_>) -> Option<Place> {
        let (name, most) = match whose {
            Whose::Provider(name) => (name, OF_ONE),
            Whose::Anybody => ("", OF_ANYBODY),
        };
        let mut taken = lock(&self.0);
        let held = taken.by_provider.get(name).copied().unwrap_or_default();
        if taken.all >= MOST_UNDER_WAY || held >= most {
            return None;
        }
        taken.all += 1;
        taken.by_provider.insert(name.to_owned(), held + 1);
        Some(Place {
            places: Arc::clone(&self.0),
            name: name.to_owned(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.places);
        taken.all -= 1;
        match taken.by_provider.get_mut(&self.name) {
            Some(held) if *held > 1 => *held -= 1,
            _ => {
                taken.by_provider.remove(&self.name);
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    // Whole between two that hold it.
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Three quarters of the connections of a front without an app: the rest is for probes, and for clients
/// on their way to a session. In `proxy` each waits as long as its provider does.
const MOST_UNDER_WAY: usize = 384;

/// A quarter: a local app that hangs, or a stranger at one provider's path, leaves the rest to others.
const OF_ONE: usize = 96;

/// Half, for all names without a secret together: the other half is for those that have one.
const OF_ANYBODY: usize = 192;

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(places: &Places, whose: Whose<'_>) -> Vec<Place> {
        std::iter::from_fn(|| places.take(whose)).collect()
    }

    #[test]
    fn who_holds_all_that_one_may_leaves_the_rest_to_others() {
        let places = Places::default();
        let strangers = fill(&places, Whose::Anybody);
        assert_eq!(strangers.len(), OF_ANYBODY);
        let one = fill(&places, Whose::Provider("stripe"));
        assert_eq!(one.len(), OF_ONE);
        let other = fill(&places, Whose::Provider("github"));
        assert_eq!(other.len(), OF_ONE);
        assert!(
            places.take(Whose::Provider("slack")).is_none(),
            "all are taken"
        );
        drop(one);
        assert!(places.take(Whose::Provider("slack")).is_some());
        assert_eq!(fill(&places, Whose::Provider("stripe")).len(), OF_ONE);
        drop((strangers, other));
        assert_eq!(lock(&places.0).all, 0);
    }
}
