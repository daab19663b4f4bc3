//! Which lines are wanted.

use clap::Args;
use client::logs::{Compare, FieldTest, Filter, Level, Levels};
use regex::Regex;
use thiserror::Error;

use crate::exit::Failure;

/// The options that say which lines are wanted.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Which lines (a line is shown if every option lets it pass)")]
pub(super) struct Wanted {
    /// Lines of this level and above: trace, debug, info, warn, error or fatal
    #[arg(long, short = 'l', visible_alias = "level", value_name = "LEVEL")]
    filter: Option<Level>,

    /// Lines of exactly these levels: error,warn
    #[arg(
        long,
        value_name = "LEVELS",
        value_delimiter = ',',
        conflicts_with = "filter"
    )]
    only: Vec<Level>,

    /// Lines of this service, or of one of several; `*` stands for any characters
    #[arg(long, value_name = "NAME")]
    service: Vec<String>,

    /// Lines of this instance, or of one of several; `*` stands for any characters
    #[arg(long, value_name = "NAME")]
    instance: Vec<String>,

    /// Lines in which this regular expression, or one of several, is found: (?i) ignores case
    #[arg(long, short = 'g', value_name = "REGEX", value_parser = pattern)]
    grep: Vec<String>,

    /// Lines in which this regular expression is not found; can be given several times
    #[arg(long, short = 'x', value_name = "REGEX", value_parser = pattern)]
    exclude: Vec<String>,

    /// Lines with such a field: name=value, name!=value, name~=regex or name!~=regex
    ///
    /// Can be given several times, and all must be so. Nested names are joined by a dot:
    /// http.status=502. A line without the field passes where it is not to be something.
    #[arg(long, value_name = "TEST", value_parser = field_test)]
    field: Vec<FieldTest>,
}

impl Wanted {
    /// Returns what the server is asked for.
    ///
    /// # Errors
    /// [`Failure`] if a regular expression would take too much memory.
    pub(super) fn filter(&self) -> Result<Filter, Failure> {
        let filter = Filter {
            levels: match self.filter {
                Some(level) => Levels::AtLeast(level),
                None if self.only.is_empty() => Levels::All,
                None => Levels::Only(self.only.clone()),
            },
            services: self.service.clone(),
            instances: self.instance.clone(),
            grep: self.grep.clone(),
            exclude: self.exclude.clone(),
            fields: self.field.clone(),
            since: None,
            until: None,
        };
        check(&filter)?;
        Ok(filter)
    }
}

/// Holds a filter against what a server takes.
///
/// # Errors
/// [`Failure`] if it is too much.
pub(super) fn check(filter: &Filter) -> Result<(), Failure> {
    let compiled = filter.compile();
    compiled.map_err(|error| Failure::usage(error.to_string()))?;
    let patterns = filter.grep.iter().chain(&filter.exclude);
    let names = filter.services.iter().chain(&filter.instances);
    let tests = filter
        .fields
        .iter()
        .flat_map(|test| [&test.name, &test.value]);
    let length: usize = patterns.chain(names).chain(tests).map(String::len).sum();
    if length > LONGEST {
        let message =
            format!("the filter is {length} bytes long: a server takes {LONGEST} at most");
        return Err(Failure::usage(message));
    }
    Ok(())
}

/// Checks a regular expression here, where its place in the command can be shown.
pub(super) fn pattern(text: &str) -> Result<String, regex::Error> {
    Regex::new(text).map(|_| text.to_owned())
}

/// Reads a test of a field. The first sign of equality ends the name, so that values can hold any.
///
/// # Errors
/// [`FieldTestError`] if it is none.
pub(super) fn field_test(text: &str) -> Result<FieldTest, FieldTestError> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(match text.contains(['<', '>']) {
            true => FieldTestError::Order,
            false => FieldTestError::NoSign,
        });
    };
    if name.ends_with(['<', '>']) {
        return Err(FieldTestError::Order);
    }
    let signs = [
        ("!~", Compare::MatchesNot),
        ("~", Compare::Matches),
        ("!", Compare::IsNot),
        ("", Compare::Is),
    ];
    let mut cut = signs.into_iter();
    let cut = cut.find_map(|(sign, compare)| Some((name.strip_suffix(sign)?, compare)));
    let (name, compare) = cut.unwrap_or((name, Compare::Is));
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() {
        return Err(FieldTestError::NoName);
    }
    if matches!(compare, Compare::Matches | Compare::MatchesNot) {
        pattern(value)?;
    }
    Ok(FieldTest {
        name: name.to_owned(),
        compare,
        value: value.to_owned(),
    })
}

/// A test of a field that is none. The user is at fault.
#[derive(Clone, Debug, PartialEq, Error)]
pub(super) enum FieldTestError {
    /// Nothing is compared.
    #[error("use name=value, name!=value, name~=regex or name!~=regex")]
    NoSign,
    /// It asks which is more.
    #[error(
        "there is no <, >, <= or >=, for fields are texts: use a regular expression, \
         status~=^5 for 500 and above"
    )]
    Order,
    /// No field is named.
    #[error("a field's name comes before the sign: name=value")]
    NoName,
    /// What follows `~=` is no regular expression.
    #[error(transparent)]
    Pattern(#[from] regex::Error),
}

/// A request has 16 KiB, and the rest of it takes less than one.
const LONGEST: usize = 15 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_tested_in_four_ways() {
        for (text, name, compare, value) in [
            ("status=502", "status", Compare::Is, "502"),
            ("status!=502", "status", Compare::IsNot, "502"),
            ("http.path~=^/api", "http.path", Compare::Matches, "^/api"),
            ("path!~=^/health", "path", Compare::MatchesNot, "^/health"),
            ("query=a=b", "query", Compare::Is, "a=b"),
            ("user=", "user", Compare::Is, ""),
            ("query~=a!=b", "query", Compare::Matches, "a!=b"),
            ("query~=a>=b", "query", Compare::Matches, "a>=b"),
            ("a = 7 ", "a", Compare::Is, "7"),
            ("a !~= ^7", "a", Compare::MatchesNot, "^7"),
        ] {
            let test = field_test(text).unwrap();
            assert_eq!(
                (&*test.name, test.compare, &*test.value),
                (name, compare, value)
            );
        }
    }

    #[test]
    fn what_is_no_test_of_a_field_is_refused() {
        assert_eq!(field_test("status"), Err(FieldTestError::NoSign));
        for order in ["status>=500", "status <= 500", "ms>100", "ms < 5"] {
            assert_eq!(field_test(order), Err(FieldTestError::Order), "{order}");
        }
        assert_eq!(field_test("=502"), Err(FieldTestError::NoName));
        assert_eq!(field_test("!~=x"), Err(FieldTestError::NoName));
        let error = field_test("path~=a(b").unwrap_err().to_string();
        assert!(error.contains("unclosed group"), "{error}");
        // Not an expression, so that nothing is wrong with it.
        assert!(field_test("path=a(b").is_ok());
    }

    #[test]
    fn a_filter_that_no_server_would_take_is_refused_here() {
        let long = Filter {
            services: vec!["x".repeat(100); 200],
            ..Filter::ALL
        };
        assert!(
            check(&long)
                .unwrap_err()
                .to_string()
                .contains("20000 bytes")
        );
        let hungry = Filter {
            grep: vec!["((a{100}){100}){10}".to_owned()],
            ..Filter::ALL
        };
        assert!(check(&hungry).unwrap_err().to_string().contains("memory"));
    }
}
