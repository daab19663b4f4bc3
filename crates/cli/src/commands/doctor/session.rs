//! What a session tells, or a server that refuses one: whether the secret is right, how the clocks
//! stand, which versions meet.

use std::fmt;
use std::time::Duration;

use client::Chain;
use tokio::time::Instant;
use transport::endpoint::DialError;
use transport::session::Session;
use transport::trust::{HandshakeError, Refusal, WallClock};
use wire::{CloseCode, FeatureVersion, Status, Versions, WelcomeBody};

use super::finding::{Finding, Notes};
use crate::explain::{self, ways};

pub(super) const AUTHENTICATION: &str = "authentication";
pub(super) const CLOCK: &str = "clock";
pub(super) const VERSIONS: &str = "versions";

/// A session, or why there is none.
pub(super) type Outcome = Result<Joined, DialError>;

/// A session, and what came with it.
pub(super) struct Joined {
    session: Session,
    pub(super) welcome: WelcomeBody,
    /// How many seconds this end's clock is ahead of the server's.
    ahead: i64,
    took: Duration,
}

impl Joined {
    pub(super) fn new(
        session: Session,
        welcome: WelcomeBody,
        started: Instant,
        clock: &WallClock,
    ) -> Self {
        let ahead = clock().checked_signed_diff(welcome.time);
        Self {
            session,
            ahead: ahead.unwrap_or(i64::MAX),
            welcome,
            took: started.elapsed(),
        }
    }
}

/// Notes what the first of the outcomes tells, and ends every session.
pub(super) async fn note(outcomes: Vec<Outcome>, notes: &Notes) {
    match outcomes.first() {
        None => {}
        Some(Ok(joined)) => note_session(joined, notes),
        Some(Err(DialError::Handshake(HandshakeError::Refused(refusal)))) => {
            note_refusal(refusal, notes);
        }
        Some(Err(error)) => notes.note(
            Finding::fail(AUTHENTICATION, Chain::of(error).to_string()).remedy(ways::dial(error)),
        ),
    }
    for joined in outcomes.into_iter().flatten() {
        joined.session.close(CloseCode::DONE).await;
    }
}

fn note_session(joined: &Joined, notes: &Notes) {
    let Joined {
        session,
        welcome,
        ahead,
        took,
    } = joined;
    let key = format!(
        "as the key {:?}, over {}",
        welcome.key_name,
        session.carrier()
    );
    notes.note(Finding::pass(AUTHENTICATION, key).took(*took));
    notes.note(clocks(*ahead));
    notes.note(versions(welcome, &ours()));
}

/// Notes a server's no: what it is about is the check that has failed.
fn note_refusal(refusal: &Refusal, notes: &Notes) {
    let refused = &refusal.refused;
    let remedy = ways::refusal(refusal);
    if refusal.is_clock() {
        notes.note(Finding::fail(CLOCK, explain::wrong_clock(refusal)).remedy(remedy));
    } else if refused.status == Status::BAD_REQUEST {
        let Versions { lowest, highest } = refused.versions;
        let seen = format!(
            "{}: the server speaks the protocol from {lowest} to {highest}, this end {}",
            refused.reason,
            Versions::OURS.highest
        );
        notes.note(Finding::fail(VERSIONS, seen).remedy(remedy));
    } else {
        notes.note(Finding::fail(AUTHENTICATION, &*refused.reason).remedy(remedy));
        notes.note(clocks(refusal.clock_ahead));
    }
}

/// Judges a clock by how many seconds it is ahead of the server's.
fn clocks(ahead: i64) -> Finding {
    if ahead.unsigned_abs() <= UNSEEN {
        return Finding::pass(CLOCK, "the same as the server's to a second");
    }
    let seen = format!("this machine's is {} the server's", explain::clocks(ahead));
    match ahead.unsigned_abs() {
        ..=TO_BE_SET => Finding::pass(CLOCK, seen),
        _ => Finding::warn(CLOCK, format!("{seen}; 5 min are too much")).remedy(ways::SET_CLOCK),
    }
}

/// Judges which versions meet.
fn versions(welcome: &WelcomeBody, ours: &[FeatureVersion]) -> Finding {
    let theirs = &welcome.features;
    let mut differing = Vec::new();
    let mut missing = Vec::new();
    for feature in ours {
        match theirs.iter().find(|their| their.name == feature.name) {
            None => missing.push(&*feature.name),
            Some(theirs) if theirs.version != feature.version => differing.push(format!(
                "{} has version {} here and {} there",
                feature.name, feature.version, theirs.version
            )),
            Some(_) => {}
        }
    }
    let mut seen = format!(
        "tunnel {} here, {} there; protocol {}; {}",
        env!("CARGO_PKG_VERSION"),
        welcome.program,
        welcome.version,
        Listed(theirs)
    );
    if !missing.is_empty() {
        // The operator's decision, and no fault: flags are off unless a server has the section.
        let missing = missing.join(", ");
        seen = format!("{seen}; off there, or not for this key: {missing}");
    }
    match differing.is_empty() {
        true => Finding::pass(VERSIONS, seen),
        false => Finding::warn(VERSIONS, format!("{seen}; {}", differing.join("; ")))
            .remedy(ways::UPDATE),
    }
}

fn ours() -> Vec<FeatureVersion> {
    let features = features::ALL.iter();
    features
        .map(|feature| feature.protocol.feature_version())
        .collect()
}

/// Features with their versions: `health 1, logs 1`.
struct Listed<'a>(&'a [FeatureVersion]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, FeatureVersion { name, version }) in self.0.iter().enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            write!(f, "{comma}{name} {version}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            session,
            welcome,
            ahead,
            took,
        } = self;
        f.debug_struct("Joined")
            .field("session", session)
            .field("welcome", welcome)
            .field("ahead", ahead)
            .field("took", took)
            .finish()
    }
}

/// Both clocks count whole seconds, and the answer has travelled.
const UNSEEN: u64 = 1;

/// A clock that is set by the network is never a minute off.
const TO_BE_SET: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::Status as Verdict;

    fn welcome(features: &[(&str, u16)]) -> WelcomeBody {
        let features = features.iter().map(|&(name, version)| FeatureVersion {
            name: name.to_owned(),
            version,
        });
        WelcomeBody {
            version: 1,
            server_id: "app".to_owned(),
            instance: [0; 16],
            environment: "production".to_owned(),
            program: "tunnel-server 9.0.0".to_owned(),
            time: 0,
            nonce: [0; 16],
            features: features.collect(),
            key_name: "default".to_owned(),
            udp_port: None,
        }
    }

    #[test]
    fn a_clock_is_judged_before_it_keeps_the_ends_apart() {
        for (ahead, verdict, words) in [
            (0, Verdict::Pass, "the same"),
            (-1, Verdict::Pass, "the same"),
            (20, Verdict::Pass, "20.0 s ahead of"),
            (-120, Verdict::Warn, "2 min behind"),
        ] {
            let finding = clocks(ahead);
            assert_eq!(finding.status, verdict, "{finding:?}");
            assert!(finding.seen.contains(words), "{finding:?}");
        }
    }

    #[test]
    fn versions_that_do_not_meet_are_named() {
        let ours = welcome(&[("logs", 1), ("sync", 2)]).features;
        let same = versions(&welcome(&[("logs", 1), ("sync", 2)]), &ours);
        assert_eq!(same.status, Verdict::Pass);
        assert!(
            same.seen.ends_with("protocol 1; logs 1, sync 2"),
            "{same:?}"
        );
        let fewer = versions(&welcome(&[("sync", 2)]), &ours);
        assert_eq!(fewer.status, Verdict::Pass);
        assert!(fewer.seen.ends_with("not for this key: logs"), "{fewer:?}");
        let other = versions(&welcome(&[("sync", 3)]), &ours);
        assert_eq!(other.status, Verdict::Warn);
        for words in ["not for this key: logs", "version 2 here and 3 there"] {
            assert!(other.seen.contains(words), "{other:?}");
        }
    }
}
