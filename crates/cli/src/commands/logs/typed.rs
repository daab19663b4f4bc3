//! What a user types while lines go by: changes of the filter, and rulers.

use client::logs::{Compare, FieldTest, Filter, Level, Levels};
use thiserror::Error;

use super::wanted::{FieldTestError, field_test, pattern};

/// A line that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Nothing: to find the place again.
    Ruler,
    /// How all this works.
    Help,
    /// Another filter is wanted.
    Change(Change),
}

/// How a filter is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Everything passes.
    Clear,
    /// These levels pass.
    Levels(Levels),
    /// These services pass; all, if none is named.
    Services(Vec<String>),
    /// These instances pass; all, if none is named.
    Instances(Vec<String>),
    /// Lines pass in which this is found; all, if it is nothing.
    Grep(Option<String>),
    /// Lines in which this is found do not pass; all do, if it is nothing.
    Exclude(Option<String>),
    /// One field more is tested; none, if it is nothing.
    Field(Option<FieldTest>),
}

impl Typed {
    /// Understands a line.
    ///
    /// # Errors
    /// [`TypedError`] if nobody can.
    pub(super) fn parse(line: &str) -> Result<Self, TypedError> {
        let line = line.trim();
        if let Some(text) = line.strip_prefix('/') {
            return Ok(Self::Change(Change::Grep(expression(text)?)));
        }
        let (verb, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        Ok(Self::Change(match verb {
            "" => return Ok(Self::Ruler),
            "?" | "help" => return Ok(Self::Help),
            "clear" => Change::Clear,
            "level" => Change::Levels(match rest {
                "" | "all" => Levels::All,
                named => Levels::AtLeast(level(named)?),
            }),
            "only" => Change::Levels(only(rest)?),
            "service" => Change::Services(names(rest)),
            "instance" => Change::Instances(names(rest)),
            "grep" => Change::Grep(expression(rest)?),
            "exclude" => Change::Exclude(expression(rest)?),
            "field" if rest.is_empty() => Change::Field(None),
            "field" => Change::Field(Some(field_test(rest)?)),
            _ => {
                return Err(TypedError::Unknown {
                    verb: verb.to_owned(),
                });
            }
        }))
    }
}

impl Change {
    /// Returns the filter as it is to be. Its times stay: they say where the lines begin.
    pub(super) fn applied(self, filter: &Filter) -> Filter {
        let mut filter = filter.clone();
        match self {
            Self::Clear => {
                let Filter { since, until, .. } = filter;
                return Filter {
                    since,
                    until,
                    ..Filter::ALL
                };
            }
            Self::Levels(levels) => filter.levels = levels,
            Self::Services(services) => filter.services = services,
            Self::Instances(instances) => filter.instances = instances,
            Self::Grep(pattern) => filter.grep = pattern.into_iter().collect(),
            Self::Exclude(pattern) => filter.exclude = pattern.into_iter().collect(),
            Self::Field(None) => filter.fields.clear(),
            Self::Field(Some(test)) => {
                // Whoever types it again wants to see another value of it.
                filter
                    .fields
                    .retain(|there| (&there.name, there.compare) != (&test.name, test.compare));
                filter.fields.push(test);
            }
        }
        filter
    }
}

/// Says what a filter lets pass.
pub(super) fn described(filter: &Filter) -> String {
    let Filter {
        levels,
        services,
        instances,
        grep,
        exclude,
        fields,
        since: _,
        until: _,
    } = filter;
    let levels = match levels {
        Levels::All => None,
        Levels::AtLeast(level) => Some(format!("level {level}")),
        Levels::Only(levels) => {
            let names: Vec<_> = levels.iter().map(|level| level.name()).collect();
            Some(format!("only {}", names.join(",")))
        }
    };
    let several = |verb: &str, names: &[String]| {
        (!names.is_empty()).then(|| format!("{verb} {}", names.join(" ")))
    };
    let parts = [
        levels,
        several("service", services),
        several("instance", instances),
        several("grep", grep),
        several("exclude", exclude),
    ];
    let tests = fields.iter().map(
        |FieldTest {
             name,
             compare,
             value,
         }| {
            let sign = match compare {
                Compare::Is => "=",
                Compare::IsNot => "!=",
                Compare::Matches => "~=",
                Compare::MatchesNot => "!~=",
            };
            format!("field {name}{sign}{value}")
        },
    );
    let all: Vec<_> = parts.into_iter().flatten().chain(tests).collect();
    match all.is_empty() {
        true => "everything".to_owned(),
        false => all.join(" · "),
    }
}

fn level(word: &str) -> Result<Level, TypedError> {
    word.parse().map_err(TypedError::Level)
}

fn only(text: &str) -> Result<Levels, TypedError> {
    match names(text) {
        names if names.is_empty() => Ok(Levels::All),
        names => names
            .iter()
            .map(|name| level(name))
            .collect::<Result<_, _>>()
            .map(Levels::Only),
    }
}

fn names(text: &str) -> Vec<String> {
    let separators = |c: char| c == ',' || c.is_whitespace();
    text.split(separators)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn expression(text: &str) -> Result<Option<String>, TypedError> {
    match text {
        "" => Ok(None),
        text => Ok(Some(pattern(text)?)),
    }
}

/// A line that means nothing. The user is at fault.
#[derive(Clone, Debug, PartialEq, Error)]
pub(super) enum TypedError {
    /// It begins with no known word.
    #[error("{verb:?} is not known here: ? lists what is")]
    Unknown {
        /// The word.
        verb: String,
    },
    /// There is no such level.
    #[error(transparent)]
    Level(client::logs::UnknownLevel),
    /// The field cannot be tested so.
    #[error(transparent)]
    Field(#[from] FieldTestError),
    /// It is no regular expression.
    #[error(transparent)]
    Pattern(#[from] regex::Error),
}

/// What can be typed.
pub(super) const HELP: &str = "\
what can be typed, each with enter:
  /REGEX          lines in which it is found; / alone: all
  exclude REGEX   lines in which it is not found
  level warn      lines of this level and above; level all
  only error,warn lines of exactly these levels
  service api*    lines of these services; service alone: all
  instance i-1    lines of these instances
  field k=v       lines with this field, too: also k!=v, k~=REGEX, k!~=REGEX; field alone: any
  clear           everything
  an empty line   draws a line, to find the place again";

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(filter: &Filter, lines: &[&str]) -> Filter {
        lines.iter().fold(filter.clone(), |filter, line| {
            match Typed::parse(line).unwrap() {
                Typed::Change(change) => change.applied(&filter),
                other => panic!("{other:?}"),
            }
        })
    }

    #[test]
    fn each_line_changes_its_part_of_the_filter_and_an_empty_one_takes_it_back() {
        let range = Filter {
            since: Some(1),
            until: Some(2),
            ..Filter::ALL
        };
        let changes = [
            "/time.?out",
            "exclude probe",
            "level warn",
            "service api* web",
            "instance i-1",
        ];
        let filter = applied(
            &range,
            &[&changes[..], &["field status=502", "field path~=^/api"]].concat(),
        );
        assert_eq!(filter.grep, ["time.?out"]);
        assert_eq!(filter.exclude, ["probe"]);
        assert_eq!(filter.levels, Levels::AtLeast(Level::WARN));
        assert_eq!(filter.services, ["api*", "web"]);
        assert_eq!(filter.instances, ["i-1"]);
        assert_eq!(filter.fields.len(), 2);
        let described = "level warn · service api* web · instance i-1 · grep time.?out · \
                         exclude probe · field status=502 · field path~=^/api";
        assert_eq!(super::described(&filter), described);
        assert_eq!(super::described(&range), "everything");
        let back = ["/", "exclude", "level all", "service", "instance", "field"];
        assert_eq!(applied(&filter, &back), range);
        assert_eq!(applied(&filter, &["clear"]), range);
    }

    #[test]
    fn a_field_that_is_typed_again_has_another_value() {
        let filter = applied(
            &Filter::ALL,
            &["field status=502", "field status=500", "field status!=1"],
        );
        let tests: Vec<_> = filter
            .fields
            .iter()
            .map(|test| (test.compare, &*test.value))
            .collect();
        assert_eq!(tests, [(Compare::Is, "500"), (Compare::IsNot, "1")]);
    }

    #[test]
    fn levels_can_be_named_one_by_one() {
        let filter = applied(&Filter::ALL, &["only error, warn"]);
        assert_eq!(filter.levels, Levels::Only(vec![Level::ERROR, Level::WARN]));
    }

    #[test]
    fn some_lines_change_nothing() {
        assert_eq!(Typed::parse("  "), Ok(Typed::Ruler));
        assert_eq!(Typed::parse("?"), Ok(Typed::Help));
        for (line, message) in [
            ("jump", "\"jump\" is not known here: ? lists what is"),
            ("level loud", "\"loud\" is no level"),
            ("field status", "use name=value"),
            ("/a(b", "unclosed group"),
        ] {
            let error = Typed::parse(line).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn the_help_names_every_line_that_is_known() {
        for line in HELP.lines().skip(1) {
            let example = line.trim().split("  ").next().unwrap();
            if example != "an empty line" {
                let words: Vec<_> = example.split(' ').take(2).collect();
                assert!(Typed::parse(&words.join(" ")).is_ok(), "{example}");
            }
        }
    }
}
