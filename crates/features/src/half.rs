//! What a server has of a feature: who answers its channels, what the front serves for it, and what
//! runs beside it.

use std::fmt;
use std::sync::Arc;

use transport::router::{Handler, Router};
use transport::session::Protocol;
use transport::tasks::Tasks;

use crate::parts::SectionError;
use crate::served::Served;

/// A feature's server half.
pub struct ServerHalf {
    handler: Arc<dyn Handler>,
    served: Option<Served>,
    helpers: Option<StartHelpers>,
}

/// Starts a feature's tasks, such as readers of its sources, which end when their owner is told to
/// stop.
pub type StartHelpers = Box<dyn FnOnce(&Tasks) -> Result<(), SectionError> + Send>;

/// The server halves of all features.
#[derive(Default)]
pub struct Halves {
    /// Hands each channel to its feature.
    pub router: Router,
    /// What the front serves, feature by feature: each knows its own callers.
    pub served: Vec<Served>,
    helpers: Vec<StartHelpers>,
}

impl ServerHalf {
    /// Makes a half of who answers its channels.
    #[must_use]
    pub fn new(handler: Arc<dyn Handler>) -> Self {
        Self {
            handler,
            served: None,
            helpers: None,
        }
    }

    /// Adds what the front serves, if it serves anything.
    #[must_use]
    pub fn serving(mut self, served: Option<Served>) -> Self {
        self.served = served;
        self
    }

    /// Adds what starts when the server does.
    #[must_use]
    pub fn helped(
        mut self,
        start: impl FnOnce(&Tasks) -> Result<(), SectionError> + Send + 'static,
    ) -> Self {
        self.helpers = Some(Box::new(start));
        self
    }
}

impl Halves {
    pub(crate) fn add(&mut self, protocol: Protocol, half: ServerHalf) {
        self.router.add(protocol, half.handler);
        self.served.extend(half.served);
        self.helpers.extend(half.helpers);
    }

    /// Takes out what runs beside the features, to be started once the server has its ports.
    pub fn take_helpers(&mut self) -> Helpers {
        Helpers(std::mem::take(&mut self.helpers))
    }
}

/// What runs beside all features, before it runs.
#[derive(Default)]
pub struct Helpers(Vec<StartHelpers>);

impl Helpers {
    /// Starts it.
    ///
    /// # Errors
    /// [`SectionError`] if a feature's section of the configuration makes no sense.
    pub fn start(self, tasks: &Tasks) -> Result<(), SectionError> {
        self.0.into_iter().try_for_each(|start| start(tasks))
    }
}

impl fmt::Debug for ServerHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHalf")
            .field("handler", &self.handler)
            .field("served", &self.served)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Halves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Halves")
            .field("router", &self.router)
            .field("served", &self.served)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Helpers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Helpers({})", self.0.len())
    }
}
