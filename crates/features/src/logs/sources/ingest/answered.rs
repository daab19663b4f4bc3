//! Remembers the bodies of which only a part was kept, so that sending one again keeps nothing twice.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ring::digest::{Context, SHA256};
use tokio::time::Instant;

use super::ndjson::{Repeated, Report, Shape};
use crate::logs::entry::Origin;

/// The answers to the latest bodies of which a part was refused.
#[derive(Debug, Default)]
pub(super) struct Answered(
    // Never held across an await.
    Mutex<VecDeque<(Body, Instant, Report)>>,
);

/// Tells one body from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Body([u8; 32]);

impl Body {
    /// The same bytes of another service, or of another kind, are another body.
    pub(super) fn of(bytes: &[u8], shape: Shape, origin: &Origin) -> Self {
        let mut context = Context::new(&SHA256);
        let kind = [shape as u8];
        for part in [
            &kind[..],
            origin.service.as_bytes(),
            origin.instance.as_bytes(),
            bytes,
        ] {
            // Each is bound to its place by its length.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Self(hash)
    }
}

impl Answered {
    /// Returns what was answered to the same body of late.
    pub(super) fn before(&self, body: Body) -> Option<Report> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while answers.front().is_some_and(|(_, at, _)| at.elapsed() > FOR) {
            answers.pop_front();
        }
        let (_, _, report) = answers.iter().find(|(known, ..)| *known == body)?;
        Some(Report {
            repeated: Some(Repeated),
            ..report.clone()
        })
    }

    /// Remembers an answer.
    pub(super) fn note(&self, body: Body, report: Report) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() == MOST {
            answers.pop_front();
        }
        answers.push_back((body, Instant::now(), report));
    }
}

/// Senders try again within seconds. Whoever has the same to say later says it anew.
const FOR: Duration = Duration::from_secs(60);

/// A sender that tries again has a few bodies under way; each answer takes two kilobytes.
const MOST: usize = 64;
