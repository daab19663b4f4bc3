//! From a stream of lines to the screen: many at once where many come, and each at once where few
//! do. What the user types meanwhile changes the filter.

use std::future::ready;

use client::Logs;
use client::logs::Filter;
use client::logs::client::LogItem;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::hand::Hand;
use super::typed::{HELP, Typed};
use super::{stock, wanted};
use crate::exit::Failure;
use crate::output::Screen;
use crate::output::line::{Look, Page, Renderer};

/// Lines on their way to the screen.
#[derive(Debug)]
pub(super) struct Pour<'s> {
    screen: &'s Screen,
    renderer: Renderer,
    /// The zone of the user's times.
    zone: TimeZone,
    /// What the lines have passed.
    filter: Filter,
    page: Page,
}

/// What happens next.
enum Step {
    Typed(String),
    Came(Option<LogItem>),
    /// Nothing more is ready.
    Idle,
}

impl<'s> Pour<'s> {
    /// Begins with an empty page.
    pub(super) fn new(screen: &'s Screen, look: Look, filter: Filter) -> Self {
        Self {
            screen,
            zone: look.zone.clone(),
            renderer: Renderer::new(look),
            filter,
            page: Page::default(),
        }
    }

    /// Shows lines until they end.
    ///
    /// # Errors
    /// [`Failure`] if they cannot go on, or not be written.
    pub(super) async fn all(&mut self, logs: &mut Logs, hand: &mut Hand) -> Result<(), Failure> {
        loop {
            let step = tokio::select! {
                biased;
                line = hand.line() => Ok(Step::Typed(line)),
                came = logs.next() => came.map(Step::Came),
                // What is there is shown before anything is waited for.
                () = ready(()), if !self.page.is_empty() => Ok(Step::Idle),
            };
            match step {
                Ok(Step::Typed(line)) => self.typed(&line, logs)?,
                Ok(Step::Came(Some(item))) => self.came(&item)?,
                Ok(Step::Idle) => self.page.turn(self.screen)?,
                Ok(Step::Came(None)) => return self.page.turn(self.screen),
                Err(error) => {
                    self.page.turn(self.screen)?;
                    return Err(error.into());
                }
            }
        }
    }

    fn came(&mut self, item: &LogItem) -> Result<(), Failure> {
        self.renderer.render(item, &mut self.page);
        if let LogItem::Opened(stock) = item {
            let now = Timestamp::now().to_zoned_datetime(self.zone.clone());
            for note in stock::notes(stock, &self.filter, &now) {
                self.screen.warn(&note);
            }
        }
        if self.page.is_full() {
            self.page.turn(self.screen)?;
        }
        Ok(())
    }

    /// Does what was typed. The terminal has shown it already, where lines go by.
    fn typed(&mut self, line: &str, logs: &mut Logs) -> Result<(), Failure> {
        self.page.turn(self.screen)?;
        match Typed::parse(line) {
            Ok(Typed::Ruler) => {
                self.renderer.ruler(&mut self.page);
                self.page.turn(self.screen)?;
            }
            Ok(Typed::Help) => self.screen.warn(HELP),
            Ok(Typed::Change(change)) => {
                let filter = change.applied(&self.filter);
                match wanted::check(&filter) {
                    Ok(()) => self.change(filter, logs),
                    Err(failure) => self.screen.warn(&failure.to_string()),
                }
            }
            Err(error) => self.screen.warn(&error.to_string()),
        }
        Ok(())
    }

    fn change(&mut self, filter: Filter, logs: &mut Logs) {
        match logs.set_filter(filter.clone()) {
            Ok(()) => {
                self.screen.note(&format!(
                    "from here on: {}",
                    super::typed::described(&filter)
                ));
                self.filter = filter;
            }
            Err(error) => self.screen.warn(&error.to_string()),
        }
    }
}
