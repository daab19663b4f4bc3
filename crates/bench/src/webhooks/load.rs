//! How much is sent, and how fast.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How much is sent, and how fast.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Deliveries a second, of all lanes together; as fast as they are answered if there is none.
    pub(crate) rate: Option<f64>,
    pub(crate) until: Until,
}

/// When sending ends.
#[derive(Clone, Debug)]
pub(crate) enum Until {
    /// After a time.
    After(Duration),
    /// When each lane has sent so many.
    Each(usize),
    /// When somebody says so.
    Told(Arc<AtomicBool>),
}

impl Load {
    pub(crate) const fn paced(rate: f64, lasts: Duration) -> Self {
        Self {
            rate: Some(rate),
            until: Until::After(lasts),
        }
    }

    pub(crate) const fn flat_out(until: Until) -> Self {
        Self { rate: None, until }
    }
}

impl Until {
    /// Whether a lane that began at a moment, and has sent so many since, is at its end.
    pub(super) fn is_over(&self, began: Instant, sent: usize) -> bool {
        match self {
            Self::After(time) => began.elapsed() >= *time,
            Self::Each(most) => sent >= *most,
            Self::Told(told) => told.load(Ordering::Relaxed),
        }
    }
}
