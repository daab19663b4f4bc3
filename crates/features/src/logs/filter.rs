//! Which lines a client wants. Applied on the server: what is not wanted does not cross the network.

use serde::{Deserialize, Serialize};

use super::entry::Line;
use super::level::Threshold;

/// Which lines a client wants; all by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Of at least this level.
    pub level: Option<Threshold>,
    /// Of one of these services; of any if none is named.
    pub services: Vec<String>,
}

impl Filter {
    /// Whether a line is wanted.
    #[must_use]
    pub fn wants(&self, line: &Line) -> bool {
        let Self { level, services } = self;
        level.is_none_or(|threshold| threshold.passes(line.level))
            && (services.is_empty() || services.contains(&line.service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::Level;

    fn line(service: &str, level: Level) -> Line {
        Line {
            time: 0,
            level,
            service: service.into(),
            message: String::new(),
            fields: [].into(),
            raw: None,
        }
    }

    #[test]
    fn an_empty_filter_wants_everything() {
        assert!(Filter::default().wants(&line("api", Level::TRACE)));
    }

    #[test]
    fn a_line_must_have_the_level_and_one_of_the_services() {
        let filter = Filter {
            level: Some(Threshold(Level::WARN)),
            services: vec!["api".into(), "worker".into()],
        };
        assert!(filter.wants(&line("api", Level::WARN)));
        assert!(filter.wants(&line("worker", Level::FATAL)));
        assert!(!filter.wants(&line("api", Level::INFO)));
        assert!(!filter.wants(&line("web", Level::ERROR)));
    }
}
