//! Which lines a client wants. Applied on the server: what is not wanted does not cross the network.

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::entry::{Line, Record};
use super::level::Level;

/// Which lines a client wants; all by default. A line passes if every part lets it pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// How grave.
    pub levels: Levels,
    /// Of one of these services; of any if none is named. `*` stands for any characters.
    pub services: Vec<String>,
    /// Of one of these instances; of any if none is named. `*` stands for any characters.
    pub instances: Vec<String>,
    /// In which one of these regular expressions is found: in the message, or in the raw line.
    pub grep: Vec<String>,
    /// In which none of these regular expressions is found.
    pub exclude: Vec<String>,
    /// Whose fields are all so.
    pub fields: Vec<FieldTest>,
    /// Not before this time, in nanoseconds since 1970.
    pub since: Option<u64>,
    /// Before this time, in nanoseconds since 1970.
    pub until: Option<u64>,
}

/// How grave lines are to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Levels {
    /// Whatever they are.
    #[default]
    All,
    /// At least this.
    AtLeast(Level),
    /// Named as one of these.
    Only(Vec<Level>),
}

/// What a field is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldTest {
    /// The field's name.
    pub name: String,
    /// How it is compared.
    pub compare: Compare,
    /// With what.
    pub value: String,
}

/// How a field is compared. A line without the field passes only where something is not to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compare {
    /// Is the same text.
    Is,
    /// Is another text, or is not there.
    IsNot,
    /// The regular expression is found in it.
    Matches,
    /// The regular expression is not found in it, or it is not there.
    MatchesNot,
}

/// A filter that is ready to be applied.
#[derive(Clone, Debug)]
pub struct Sieve {
    levels: Levels,
    services: Vec<Glob>,
    instances: Vec<Glob>,
    grep: Option<RegexSet>,
    exclude: Option<RegexSet>,
    fields: Vec<Test>,
    since: u64,
    until: u64,
}

#[derive(Clone, Debug)]
struct Test {
    name: String,
    compare: Compare,
    value: Value,
}

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Pattern(Regex),
}

/// A filter that cannot be applied. The user is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FilterError {
    /// A regular expression makes no sense, or is too large by itself.
    #[error("the regular expression {pattern:?} cannot be used: {reason}")]
    Expression {
        /// The expression.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There are too many names, expressions and fields.
    #[error("the filter has {0} names, expressions and fields: {MOST_PARTS} are the most")]
    TooMany(usize),
    /// The expressions are too large together.
    #[error("the filter's regular expressions would take too much memory together")]
    TooLarge,
}

impl Filter {
    /// Wants everything.
    pub const ALL: Self = Self {
        levels: Levels::All,
        services: Vec::new(),
        instances: Vec::new(),
        grep: Vec::new(),
        exclude: Vec::new(),
        fields: Vec::new(),
        since: None,
        until: None,
    };

    /// Makes the filter ready.
    ///
    /// # Errors
    /// [`FilterError`] if a regular expression makes no sense, if they would take too much memory, or
    /// if there are too many parts. No expression takes more than linear time.
    pub fn compile(&self) -> Result<Sieve, FilterError> {
        self.check()?;
        Ok(Sieve {
            levels: self.levels.clone(),
            services: self.services.iter().map(|text| Glob::new(text)).collect(),
            instances: self.instances.iter().map(|text| Glob::new(text)).collect(),
            grep: set(&self.grep)?,
            exclude: set(&self.exclude)?,
            fields: self
                .fields
                .iter()
                .map(Test::new)
                .collect::<Result<_, _>>()?,
            since: self.since.unwrap_or(0),
            until: self.until.unwrap_or(u64::MAX),
        })
    }

    /// Sees to it that all parts are bounded together.
    fn check(&self) -> Result<(), FilterError> {
        let lists = [&self.services, &self.instances, &self.grep, &self.exclude];
        let parts = lists.iter().map(|list| list.len()).sum::<usize>() + self.fields.len();
        if parts > MOST_PARTS {
            return Err(FilterError::TooMany(parts));
        }
        let tests = self.fields.iter().filter(|test| test.compare.is_pattern());
        let tests = tests.map(|test| &test.value);
        let patterns: Vec<_> = self.grep.iter().chain(&self.exclude).chain(tests).collect();
        // One by one first, so that the message names the one that is wrong.
        for text in &patterns {
            pattern(text)?;
        }
        // Nothing tells how large one is: together they are as large as a set of them.
        let all = RegexSetBuilder::new(&patterns)
            .size_limit(MOST_MEMORY)
            .build();
        all.map(drop).map_err(|_| FilterError::TooLarge)
    }
}

impl Compare {
    const fn is_pattern(self) -> bool {
        matches!(self, Self::Matches | Self::MatchesNot)
    }
}

impl Levels {
    fn want(&self, level: Level) -> bool {
        match self {
            Self::All => true,
            Self::AtLeast(least) => level >= *least,
            Self::Only(named) => named.iter().any(|one| one.name() == level.name()),
        }
    }
}

impl Sieve {
    /// Returns the time before which no line is wanted.
    pub(super) const fn since(&self) -> u64 {
        self.since
    }

    /// Whether an entry is wanted. Marks of the time always are: they say what the lines cannot.
    #[must_use]
    pub fn wants(&self, record: &Record) -> bool {
        match record {
            Record::Line(line) => self.wants_line(line),
            Record::Mark(mark) => self.is_of_the_time(mark.time),
        }
    }

    fn is_of_the_time(&self, time: u64) -> bool {
        (self.since..self.until).contains(&time)
    }

    /// Whether a line is wanted. The cheapest question comes first.
    #[must_use]
    pub fn wants_line(&self, line: &Line) -> bool {
        self.levels.want(line.level)
            && self.is_of_the_time(line.time)
            && any(&self.services, &line.origin.service)
            && any(&self.instances, &line.origin.instance)
            && self.fields.iter().all(|test| test.passes(line))
            && self.grep.as_ref().is_none_or(|set| found(set, line))
            && !self.exclude.as_ref().is_some_and(|set| found(set, line))
    }
}

fn any(globs: &[Glob], name: &str) -> bool {
    globs.is_empty() || globs.iter().any(|glob| glob.matches(name))
}

/// Whether one of the expressions is found in what is shown, or in what was written.
fn found(set: &RegexSet, line: &Line) -> bool {
    set.is_match(&line.message)
        || line
            .raw
            .as_ref()
            .is_some_and(|raw| set.is_match(&String::from_utf8_lossy(raw)))
}

impl Test {
    fn new(test: &FieldTest) -> Result<Self, FilterError> {
        let FieldTest {
            name,
            compare,
            value,
        } = test.clone();
        let value = if compare.is_pattern() {
            Value::Pattern(pattern(&value)?)
        } else {
            Value::Text(value)
        };
        Ok(Self {
            name,
            compare,
            value,
        })
    }

    fn passes(&self, line: &Line) -> bool {
        let holds = line
            .fields
            .get(&self.name)
            .is_some_and(|found| match &self.value {
                Value::Text(text) => found == text,
                Value::Pattern(pattern) => pattern.is_match(found),
            });
        match self.compare {
            Compare::Is | Compare::Matches => holds,
            Compare::IsNot | Compare::MatchesNot => !holds,
        }
    }
}

fn set(patterns: &[String]) -> Result<Option<RegexSet>, FilterError> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let set = RegexSetBuilder::new(patterns)
        .size_limit(MOST_MEMORY)
        .dfa_size_limit(MOST_CACHE)
        .build();
    set.map(Some).map_err(|_| FilterError::TooLarge)
}

fn pattern(text: &str) -> Result<Regex, FilterError> {
    RegexBuilder::new(text)
        .size_limit(MOST_MEMORY)
        .dfa_size_limit(MOST_CACHE)
        .build()
        .map_err(|error| FilterError::expression(text, &error))
}

impl FilterError {
    fn expression(pattern: &str, error: &regex::Error) -> Self {
        let reason = match error {
            regex::Error::CompiledTooBig(_) => "it would take too much memory".to_owned(),
            // The last line of several says what; the others draw where.
            other => other
                .to_string()
                .lines()
                .last()
                .unwrap_or("it makes no sense")
                .trim_start_matches("error: ")
                .to_owned(),
        };
        Self::Expression {
            pattern: pattern.to_owned(),
            reason,
        }
    }
}

/// A name in which `*` stands for any characters.
#[derive(Clone, Debug)]
struct Glob(Vec<String>);

impl Glob {
    fn new(text: &str) -> Self {
        Self(text.split('*').map(str::to_owned).collect())
    }

    /// Takes each piece where it is first found: what is left over is the most that can be.
    fn matches(&self, name: &str) -> bool {
        let [first, middle @ .., last] = &*self.0 else {
            return self.0.first().is_some_and(|whole| whole == name);
        };
        let Some(mut rest) = name.strip_prefix(&**first) else {
            return false;
        };
        for piece in middle {
            let Some(at) = rest.find(&**piece) else {
                return false;
            };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(&**last)
    }
}

/// For all expressions that people type into a filter: the default of the engine is ten times as much
/// for each.
const MOST_MEMORY: usize = 1024 * 1024;

/// What each expression may remember of what it has seen, to be faster: the engine's default is eight
/// times as much, and there may be [`MOST_PARTS`] of them.
const MOST_CACHE: usize = 256 * 1024;

/// More than anybody types; each takes its time with every line.
const MOST_PARTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::entry::Origin;
    use crate::logs::fields::Fields;
    use crate::logs::mark::{Event, Mark};

    fn line(service: &str, level: Level, message: &str) -> Line {
        Line {
            time: 100,
            level,
            origin: Origin::new(service, "i-1"),
            message: message.into(),
            fields: Fields::from_iter([("status", "502"), ("path", "/api")]),
            raw: None,
        }
    }

    #[track_caller]
    fn check(filter: &Filter, line: &Line, wanted: bool) {
        assert_eq!(
            filter.compile().unwrap().wants_line(line),
            wanted,
            "{filter:?}"
        );
    }

    #[test]
    fn an_empty_filter_wants_everything() {
        check(&Filter::default(), &line("api", Level::TRACE, ""), true);
    }

    #[test]
    fn a_threshold_takes_what_is_graver_and_a_set_only_what_it_names() {
        let at_least = |level| Filter {
            levels: Levels::AtLeast(level),
            ..Filter::default()
        };
        let only = |levels| Filter {
            levels: Levels::Only(levels),
            ..Filter::default()
        };
        let warned = line("api", Level(14), "");
        check(&at_least(Level::WARN), &warned, true);
        check(&at_least(Level::ERROR), &warned, false);
        check(&only(vec![Level::ERROR, Level::WARN]), &warned, true);
        check(&only(vec![Level::ERROR]), &warned, false);
        check(&only(vec![Level::INFO]), &warned, false);
    }

    #[test]
    fn names_may_have_stars() {
        let wants = |glob: &str| {
            Filter {
                services: vec![glob.into()],
                ..Filter::default()
            }
            .compile()
            .unwrap()
            .wants_line(&line("api-worker-7", Level::INFO, ""))
        };
        for glob in ["api-worker-7", "api*", "*7", "*", "a*worker*7", "*-*-*"] {
            assert!(wants(glob), "{glob}");
        }
        for glob in [
            "api",
            "",
            "api*8",
            "b*",
            "a*worker*worker*7",
            "api-worker-7*7",
        ] {
            assert!(!wants(glob), "{glob}");
        }
    }

    #[test]
    fn a_line_must_have_one_of_what_is_looked_for_and_none_of_what_is_not() {
        let filter = Filter {
            grep: vec!["time.?out".into(), "refused".into()],
            exclude: vec!["(?i)PROBE".into()],
            ..Filter::default()
        };
        check(&filter, &line("api", Level::INFO, "a timeout"), true);
        check(&filter, &line("api", Level::INFO, "refused"), true);
        check(&filter, &line("api", Level::INFO, "refused a probe"), false);
        check(&filter, &line("api", Level::INFO, "fine"), false);
        let mut raw = line("api", Level::INFO, "fine");
        raw.raw = Some(b"{\"msg\":\"fine\",\"why\":\"refused\"}".to_vec());
        check(&filter, &raw, true);
    }

    #[test]
    fn fields_are_compared_as_text_or_by_expression() {
        let test = |name: &str, compare, value: &str| Filter {
            fields: vec![FieldTest {
                name: name.into(),
                compare,
                value: value.into(),
            }],
            ..Filter::default()
        };
        let line = line("api", Level::INFO, "");
        for (name, compare, value, wanted) in [
            ("status", Compare::Is, "502", true),
            ("status", Compare::Is, "50", false),
            ("status", Compare::IsNot, "502", false),
            ("status", Compare::Matches, "^5", true),
            ("status", Compare::MatchesNot, "^5", false),
            ("unknown", Compare::Is, "", false),
            ("unknown", Compare::Matches, "", false),
            ("unknown", Compare::IsNot, "x", true),
            ("unknown", Compare::MatchesNot, "x", true),
        ] {
            check(&test(name, compare, value), &line, wanted);
        }
    }

    #[test]
    fn a_time_is_from_the_first_moment_to_before_the_last() {
        let between = |since, until| Filter {
            since,
            until,
            ..Filter::default()
        };
        let line = line("api", Level::INFO, "");
        check(&between(Some(100), Some(101)), &line, true);
        check(&between(Some(101), None), &line, false);
        check(&between(None, Some(100)), &line, false);
    }

    #[test]
    fn a_mark_passes_everything_but_the_time() {
        let mark = Record::Mark(Mark {
            time: 100,
            origin: Origin::service("other"),
            event: Event::AppStarted { pid: 7 },
        });
        let wants = |filter: Filter| filter.compile().unwrap().wants(&mark);
        assert!(wants(Filter {
            levels: Levels::AtLeast(Level::FATAL),
            services: vec!["api".into()],
            grep: vec!["x".into()],
            since: Some(100),
            ..Filter::ALL
        }));
        let past = Filter {
            until: Some(100),
            ..Filter::ALL
        };
        assert!(!wants(past));
    }

    #[test]
    fn an_expression_that_makes_no_sense_or_takes_too_much_is_refused_with_its_text() {
        let compile = |text: &str| {
            Filter {
                grep: vec![text.into()],
                ..Filter::default()
            }
            .compile()
            .unwrap_err()
            .to_string()
        };
        assert!(compile("a(b").contains("\"a(b\" cannot be used: unclosed group"));
        assert!(compile("((a{100}){100}){100}").contains("too much memory"));
    }

    #[test]
    fn parts_are_bounded_in_number_and_expressions_in_size_together() {
        let compile = |count, compare, value: &str| {
            let test = FieldTest {
                name: "path".into(),
                compare,
                value: value.into(),
            };
            let filter = Filter {
                fields: vec![test; count],
                grep: vec!["x".into()],
                ..Filter::default()
            };
            filter.compile().map(drop)
        };
        assert_eq!(compile(MOST_PARTS - 1, Compare::Is, "a"), Ok(()));
        let many = compile(MOST_PARTS, Compare::Is, "a");
        assert_eq!(many, Err(FilterError::TooMany(MOST_PARTS + 1)));
        let large = "(a{100}){50}";
        assert_eq!(compile(1, Compare::Matches, large), Ok(()));
        for compare in [Compare::Matches, Compare::MatchesNot] {
            assert_eq!(compile(32, compare, large), Err(FilterError::TooLarge));
        }
        assert_eq!(compile(32, Compare::Is, large), Ok(()));
    }
}
