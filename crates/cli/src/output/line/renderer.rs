//! From what comes of a stream to bytes.

use client::logs::client::LogItem;
use client::logs::{Entry, Record};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::super::clock::Clock;
use super::super::style::Style;
use super::brush::Brush;
use super::fields::Layout;
use super::names::Names;
use super::page::Page;
use super::template::Template;
use super::{json, pretty, raw};

/// How lines look.
#[derive(Clone, Debug)]
pub struct Look {
    /// In which shape they are.
    pub shape: Shape,
    /// Whether they are coloured.
    pub style: Style,
    /// In which zone their times are.
    pub zone: TimeZone,
    /// Which of their fields are shown.
    pub fields: Layout,
    /// The day that need not be said before the first line.
    pub today: Option<Date>,
}

/// The shape of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// For people.
    Pretty,
    /// For scripts: an object a line.
    Json,
    /// As they were written, byte for byte.
    Raw,
    /// As the user wants them.
    Template(Template),
}

/// Turns what comes from a stream into bytes. It remembers what the next line depends on: the day
/// and the services.
#[derive(Debug)]
pub struct Renderer {
    shape: Shape,
    scribe: Scribe,
}

/// What the shapes write with.
#[derive(Debug)]
pub(super) struct Scribe {
    pub(super) brush: Brush,
    pub(super) clock: Clock,
    pub(super) names: Names,
    pub(super) fields: Layout,
    /// The day that need not be said first.
    pub(super) today: Option<Date>,
    /// The latest day of a line.
    pub(super) day: Option<Date>,
}

impl Look {
    /// Is for people: in UTC, with every field.
    #[must_use]
    pub fn pretty(style: Style) -> Self {
        Self {
            shape: Shape::Pretty,
            style,
            zone: TimeZone::UTC,
            fields: Layout::default(),
            today: None,
        }
    }
}

impl Renderer {
    /// Makes a renderer that has seen nothing yet.
    #[must_use]
    pub fn new(look: Look) -> Self {
        let Look {
            shape,
            style,
            zone,
            fields,
            today,
        } = look;
        Self {
            shape,
            scribe: Scribe {
                brush: Brush(style),
                clock: Clock::new(zone),
                names: Names::default(),
                fields,
                today,
                day: None,
            },
        }
    }

    /// Adds an item to a page.
    pub fn render(&mut self, item: &LogItem, page: &mut Page) {
        let Self { shape, scribe } = self;
        match (&*shape, item) {
            (_, LogItem::Entry(entry)) => self.entry(entry, page),
            (Shape::Json, LogItem::Missed(missed)) => json::gap(*missed, page),
            (Shape::Json, LogItem::Reconnected { away }) => json::reconnected(*away, page),
            (Shape::Json, LogItem::Opened(stock)) => json::opened(stock, page),
            (Shape::Pretty, LogItem::Missed(missed)) => pretty::gap(*missed, scribe, page),
            (Shape::Pretty, LogItem::Reconnected { away }) => {
                pretty::reconnected(*away, scribe.brush, page);
            }
            (_, LogItem::Missed(missed)) => raw::gap(*missed, &mut scribe.clock, page),
            (_, LogItem::Reconnected { away }) => raw::reconnected(*away, page),
            // People are told where it is not what they asked for.
            (_, LogItem::Opened(_)) => {}
        }
    }

    /// Adds a line that the user draws, to find the place again; not where a program may read.
    pub fn ruler(&self, page: &mut Page) {
        if self.shape == Shape::Pretty {
            pretty::ruler(self.scribe.brush, page);
        }
    }

    fn entry(&mut self, entry: &Entry, page: &mut Page) {
        match (&self.shape, &entry.record) {
            (Shape::Json, _) => json::entry(entry, page),
            (Shape::Pretty, Record::Line(line)) => pretty::line(line, &mut self.scribe, page),
            (Shape::Pretty, Record::Mark(mark)) => pretty::mark(mark, &mut self.scribe, page),
            (Shape::Raw, Record::Line(line)) => raw::line(line, page),
            (Shape::Template(template), Record::Line(line)) => {
                template.line(line, entry.sequence, &mut self.scribe, page);
            }
            (Shape::Raw | Shape::Template(_), Record::Mark(mark)) => {
                raw::mark(mark, &mut self.scribe.clock, page);
            }
        }
    }
}
