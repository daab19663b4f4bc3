//! Keys that are replaced.

use super::*;
use crate::trust::{Allow, NoSanitize};

const ONE: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";
const OTHER: &str = "6f2b8e0c9a714d36b1e7f08c2d9a6b43";

fn named(name: &str, secret: &str, scopes: Scopes) -> Key {
    Key::derive(name, &secret.parse().unwrap(), scopes).unwrap()
}

fn key(secret: &str) -> Key {
    named("test", secret, Scopes::default())
}

fn tables(names: &[&str]) -> Scopes {
    Scopes {
        tables: Allow::Only(names.iter().map(ToString::to_string).collect()),
        ..Scopes::default()
    }
}

/// What happens to a key of `before` when it becomes one of `after`.
fn change(before: Scopes, after: Scopes) -> Option<Change> {
    let ring = KeyRing::new([named("ci", ONE, before)]).unwrap();
    let changes = ring.replace([named("ci", ONE, after)]).unwrap();
    changes.first().map(|change| change.what)
}

#[test]
fn a_ring_refuses_no_key_and_the_same_key_twice() {
    assert!(matches!(KeyRing::new([]), Err(KeyRingError::Empty)));
    let twice = KeyRing::new([key(ONE), key(ONE)]);
    assert!(matches!(twice, Err(KeyRingError::SameSecret { .. })));
}

#[test]
fn a_replacement_tells_what_it_changes_by_name() {
    let ring = KeyRing::new([named("a", ONE, Scopes::default())]).unwrap();
    let changes = ring
        .replace([named("b", OTHER, Scopes::default())])
        .unwrap();
    let told: Vec<_> = changes.iter().map(|it| (&*it.name, it.what)).collect();
    assert_eq!(told, [("a", Change::Revoked), ("b", Change::Added)]);
    assert_eq!(
        ring.replace([named("b", OTHER, Scopes::default())])
            .unwrap(),
        []
    );
}

#[test]
fn less_is_a_change_and_more_is_none_for_open_sessions() {
    let (one, two) = (|| tables(&["a"]), || tables(&["a", "b"]));
    assert_eq!(change(one(), one()), None);
    assert_eq!(change(two(), one()), Some(Change::Changed));
    assert_eq!(change(one(), two()), Some(Change::Widened));
    assert_eq!(change(one(), tables(&["b"])), Some(Change::Changed));
    assert_eq!(change(one(), Scopes::default()), Some(Change::Widened));
    assert_eq!(change(Scopes::default(), one()), Some(Change::Changed));
    let raw = || Scopes {
        no_sanitize: NoSanitize::Granted,
        ..Scopes::default()
    };
    assert_eq!(change(raw(), Scopes::default()), Some(Change::Changed));
    assert_eq!(change(Scopes::default(), raw()), Some(Change::Widened));
}

#[test]
fn what_cannot_be_used_replaces_nothing() {
    let ring = KeyRing::new([key(ONE)]).unwrap();
    assert!(ring.replace([]).is_err());
    assert!(ring.replace([key(OTHER), key(OTHER)]).is_err());
    assert!(ring.has(key(ONE).id()) && !ring.has(key(OTHER).id()));
}

#[tokio::test]
async fn a_key_lapses_when_it_is_gone_and_not_when_others_are() {
    let ring = KeyRing::new([key(ONE), key(OTHER)]).unwrap();
    let (one, other) = (key(ONE), key(OTHER));
    let mut kept = std::pin::pin!(ring.lapse(&one));
    let mut lapsing = std::pin::pin!(ring.lapse(&other));
    assert!(futures_util::poll!(&mut lapsing).is_pending());
    ring.replace([key(ONE)]).unwrap();
    assert_eq!(lapsing.await, Lapse::Revoked);
    assert!(futures_util::poll!(&mut kept).is_pending());
    ring.replace([named("test", ONE, tables(&["a"]))]).unwrap();
    assert_eq!(kept.await, Lapse::Changed);
}

#[tokio::test]
async fn a_key_that_went_before_anybody_waited_has_lapsed() {
    let ring = KeyRing::new([key(ONE)]).unwrap();
    let old = ring.get_or_decoy(key(ONE).id());
    ring.replace([key(OTHER)]).unwrap();
    assert_eq!(ring.lapse(&old).await, Lapse::Revoked);
    assert_eq!(ring.get_or_decoy(old.id()).name(), "decoy");
}
