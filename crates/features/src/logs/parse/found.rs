//! What was found in a line.

use std::borrow::Cow;

use super::clean;
use super::names::{Part, part};
use super::{template, time};
use crate::logs::entry::{MAX_FIELDS, MAX_NAME, MAX_VALUE};
use crate::logs::fields::Fields;
use crate::logs::level::Level;

/// What a line says of itself; what it does not say is `None`.
#[derive(Debug, Default)]
pub(super) struct Found<'t> {
    pub(super) time: Option<u64>,
    pub(super) level: Option<Level>,
    pub(super) service: Option<Cow<'t, str>>,
    pub(super) message: Option<Cow<'t, str>>,
    pub(super) fields: Fields,
    pub(super) shape: Shape,
    pub(super) substitute: Option<Cow<'t, str>>,
    pub(super) template: Option<Cow<'t, str>>,
    pub(super) stack: Option<Cow<'t, str>>,
    /// Whether its level is a number, as that of pino and bunyan is.
    pub(super) numbered: bool,
}

/// Whether a line is whole in itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::logs) enum Shape {
    /// It is text, of which more may follow in the next line.
    #[default]
    Text,
    /// It has an end of its own: names and values, or fixed columns.
    Record,
}

impl<'t> Found<'t> {
    /// Makes what is found in a line that is whole in itself.
    pub(super) fn record() -> Self {
        Self {
            shape: Shape::Record,
            ..Self::default()
        }
    }

    /// Takes a value by its name: one of the parts of a line, or a field.
    ///
    /// A part that is there already, or that makes no sense, becomes a field too.
    pub(super) fn take(&mut self, name: &str, value: Cow<'t, str>) {
        match part(name) {
            Part::Time => {
                if !set(&mut self.time, || time::read(&value)) {
                    self.field(name, &value);
                }
            }
            Part::Level => self.take_level(name, &value),
            Part::Severity => {
                if !set(&mut self.level, || severity(&value)) {
                    self.field(name, &value);
                }
            }
            Part::Service if is_service(&value) => {
                let value = clean::whole(value);
                keep(&mut self.service, value);
            }
            Part::Message => {
                if let Some(second) = keep(&mut self.message, value) {
                    self.field(name, &second);
                }
            }
            Part::Substitute => {
                self.field(name, &value);
                keep(&mut self.substitute, value);
            }
            Part::Template => {
                keep(&mut self.template, value);
            }
            Part::Stack if value.contains('\n') => {
                keep(&mut self.stack, value);
            }
            Part::Service | Part::Stack | Part::Wrapper | Part::Field => self.field(name, &value),
        }
    }

    /// Takes a value that stands among values of the program's own, such as the fields of an event
    /// of `tracing`: only its message is a part of the line.
    pub(super) fn take_own(&mut self, name: &str, value: Cow<'t, str>) {
        match part(name) {
            Part::Message | Part::Stack | Part::Level => self.take(name, value),
            _ => self.field(name, &value),
        }
    }

    /// Sets a field, as far as there is room.
    pub(super) fn field(&mut self, name: &str, value: &str) {
        if !name.is_empty() && name.len() <= MAX_NAME && self.fields.len() < MAX_FIELDS {
            let name = clean(name).into_owned();
            self.fields.set(name, short(&clean(value)));
        }
    }

    /// Takes what another form has found in the message.
    pub(super) fn refine(&mut self, inner: Self) {
        self.level = inner.level.or(self.level);
        self.time = self.time.or(inner.time);
        if inner.service.is_some() {
            self.service = inner.service;
        }
        if inner.message.is_some() {
            self.message = inner.message;
        }
        for (name, value) in inner.fields.iter() {
            self.field(name, value);
        }
        self.shape = inner.shape;
    }

    /// Makes up for what was not said, when all has been seen.
    pub(super) fn settle(&mut self) {
        if self.numbered && self.service.is_none() {
            self.service = self.fields.take("name").map(Cow::Owned);
        }
        if let Some(template) = &self.template
            && self.message.is_none()
        {
            self.message = Some(Cow::Owned(template::render(template, &self.fields)));
        }
        if self.message.is_none() {
            self.message = self.substitute.take();
        }
        if let Some(stack) = self.stack.take() {
            self.message = Some(match self.message.take() {
                Some(message) => Cow::Owned(format!("{message}\n{}", stack.trim_end())),
                None => stack,
            });
        }
    }

    fn take_level(&mut self, name: &str, value: &str) {
        let number = value.parse().ok();
        let found = set(&mut self.level, || match number {
            Some(number) => Level::of_number(number),
            None => Level::named(value),
        });
        if found {
            self.numbered = number.is_some();
        } else {
            self.field(name, value);
        }
    }
}

/// Whether a value names a service: the Heroku router has a time under that name.
fn is_service(value: &str) -> bool {
    value.starts_with(|first: char| first.is_alphabetic())
}

fn severity(value: &str) -> Option<Level> {
    let number = value.parse().ok()?;
    (1..=24).contains(&number).then_some(Level(number))
}

/// Sets what is not set yet; whether it did.
fn set<T>(part: &mut Option<T>, value: impl FnOnce() -> Option<T>) -> bool {
    if part.is_some() {
        return false;
    }
    *part = value();
    part.is_some()
}

/// Keeps the first; returns a second one.
fn keep<T>(part: &mut Option<T>, value: T) -> Option<T> {
    if part.is_some() {
        return Some(value);
    }
    *part = Some(value);
    None
}

/// Returns as much of a value as a field holds, and a mark if that is not all.
fn short(value: &str) -> String {
    if value.len() <= MAX_VALUE {
        return value.to_owned();
    }
    let end = value.floor_char_boundary(MAX_VALUE - CUT.len());
    [&value[..end], CUT].concat()
}

/// Stands where a value goes on.
const CUT: &str = "…";
