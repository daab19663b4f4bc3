//! The services of a stream: their colours, their column, and whether they have several instances.

use std::collections::HashMap;

use client::logs::Origin;

use super::brush::{Brush, Colour};
use super::safe;

/// Who has written so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashMap<Box<str>, Service>,
    /// Whether a service has several instances: then each line says whose it is.
    several: bool,
    /// How wide the column is: as the widest so far.
    width: usize,
}

#[derive(Debug)]
struct Service {
    shown: Box<str>,
    colour: Colour,
    /// The instance that was seen first.
    instance: Box<str>,
}

impl Names {
    /// Writes who writes, as wide as those before, in a colour of its own.
    pub(super) fn write(&mut self, origin: &Origin, brush: Brush, out: &mut Vec<u8>) {
        let written = self.write_short(origin, brush, out);
        self.width = self.width.max(written.min(WIDEST));
        out.extend(std::iter::repeat_n(
            b' ',
            self.width.saturating_sub(written),
        ));
    }

    /// Writes who writes, and returns how many characters that took.
    pub(super) fn write_short(
        &mut self,
        origin: &Origin,
        brush: Brush,
        out: &mut Vec<u8>,
    ) -> usize {
        if !self.known.contains_key(&*origin.service) {
            self.learn(origin);
        }
        let Some(service) = self.known.get(&*origin.service) else {
            return 0;
        };
        self.several |= *service.instance != *origin.instance;
        let instance = match self.several {
            true => short(&origin.instance),
            false => "",
        };
        brush.paint(service.colour, out, |out| {
            out.extend_from_slice(service.shown.as_bytes());
            if !instance.is_empty() {
                out.push(b'/');
                safe::write(instance, out);
            }
        });
        let slash = usize::from(!instance.is_empty());
        service.shown.chars().count() + slash + instance.chars().count()
    }

    fn learn(&mut self, origin: &Origin) {
        if self.known.len() == MOST {
            self.known.clear();
        }
        let mut shown = Vec::new();
        safe::write(&origin.service, &mut shown);
        let service = Service {
            shown: String::from_utf8_lossy(&shown).into(),
            colour: Colour::of_name(&origin.service),
            instance: (*origin.instance).into(),
        };
        self.known.insert((*origin.service).into(), service);
    }
}

/// Returns what tells an instance from its siblings: Render's begin with the service's id and the
/// deploy's.
fn short(instance: &str) -> &str {
    match instance.rsplit_once('-') {
        Some((_, last)) if instance.len() > LONG && !last.is_empty() => last,
        _ => instance,
    }
}

/// A name that is longer stands out of its column, which leaves room for the messages.
const WIDEST: usize = 24;

/// An instance's name that is longer is shown by its last part.
const LONG: usize = 12;

/// Services that are remembered. There are some; more are names made up by a fault, which must
/// not fill the memory.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Style;

    fn write(names: &mut Names, service: &str, instance: &str) -> String {
        let mut out = Vec::new();
        names.write(
            &Origin::new(service, instance),
            Brush(Style::Plain),
            &mut out,
        );
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_column_is_as_wide_as_the_widest_name_so_far() {
        let mut names = Names::default();
        assert_eq!(write(&mut names, "api", ""), "api");
        assert_eq!(write(&mut names, "worker", ""), "worker");
        assert_eq!(write(&mut names, "api", ""), "api   ");
        let long = "x".repeat(40);
        assert_eq!(write(&mut names, &long, ""), long);
        assert_eq!(write(&mut names, "api", "").len(), WIDEST);
    }

    #[test]
    fn an_instance_is_named_once_there_is_another() {
        let mut names = Names::default();
        assert_eq!(write(&mut names, "api", "srv-abc123-7d8f9-x2x4z"), "api");
        assert_eq!(
            write(&mut names, "api", "srv-abc123-7d8f9-k8k2p"),
            "api/k8k2p"
        );
        assert_eq!(
            write(&mut names, "api", "srv-abc123-7d8f9-x2x4z"),
            "api/x2x4z"
        );
        assert_eq!(write(&mut names, "web", "web-1"), "web/web-1");
    }

    #[test]
    fn names_without_end_are_not_remembered_without_end() {
        let mut names = Names::default();
        for number in 0..3 * MOST {
            write(&mut names, &number.to_string(), "");
        }
        assert!(names.known.len() <= MOST);
    }
}
