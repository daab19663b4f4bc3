//! A `.env`, read a variable at a time, so that one that makes no sense is known by its line.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::EnvironmentError;
use super::growth::Growth;

/// What a `.env` says.
#[derive(Clone, Default)]
pub(super) struct EnvFile {
    pub(super) variables: BTreeMap<String, String>,
    /// The line in which each of them begins; the first is 1.
    pub(super) lines: BTreeMap<String, usize>,
    /// The lines that say nothing that can be read.
    unread: Vec<Unread>,
}

/// A line that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unread {
    /// Its number; the first is 1.
    line: usize,
    owner: Owner,
}

/// Whose variable a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Tunnel,
    App,
}

/// The lines of a `.env` that were skipped. `Display` names them by their numbers alone: what is in
/// them may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedLines {
    path: PathBuf,
    numbers: Vec<usize>,
}

impl EnvFile {
    pub(super) fn read(path: &Path) -> Result<Self, EnvironmentError> {
        let bytes = std::fs::read(path).map_err(|error| EnvironmentError::Unreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self::parse(&bytes))
    }

    fn parse(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let lines: Vec<_> = bytes.split(|&byte| byte == b'\n').collect();
        let (mut good, mut unread) = (String::new(), Vec::new());
        let mut begins = BTreeMap::new();
        let mut growth = Growth::default();
        let mut next = 0;
        while let Some(rest @ [first, ..]) = lines.get(next..) {
            match assignment(rest, &growth) {
                Some((text, taken)) => {
                    let most = growth.of(&text).unwrap_or_default();
                    for (name, _) in dotenvy::from_read_iter(text.as_bytes()).flatten() {
                        growth.add(&name, most);
                        begins.insert(name, next + 1);
                    }
                    good.push_str(&text);
                    next += taken;
                }
                None => {
                    next += 1;
                    unread.push(Unread {
                        line: next,
                        owner: Owner::of(first),
                    });
                }
            }
        }
        // All together: a value may be made of those before it.
        let variables = dotenvy::from_read_iter(good.as_bytes());
        Self {
            variables: variables.filter_map(Result::ok).collect(),
            lines: begins,
            unread,
        }
    }

    /// Refuses every line that cannot be read.
    pub(super) fn strict(self, path: &Path) -> Result<Self, EnvironmentError> {
        self.refuse(path, |_| true)
    }

    /// Skips the lines that cannot be read, but for those of the tunnel's own variables.
    pub(super) fn lenient(
        self,
        path: &Path,
    ) -> Result<(Self, Option<SkippedLines>), EnvironmentError> {
        let file = self.refuse(path, |unread| unread.owner == Owner::Tunnel)?;
        let numbers: Vec<_> = file.unread.iter().map(|unread| unread.line).collect();
        let skipped = (!numbers.is_empty()).then(|| SkippedLines {
            path: path.to_owned(),
            numbers,
        });
        Ok((file, skipped))
    }

    fn refuse(
        self,
        path: &Path,
        wrong: impl Fn(&Unread) -> bool,
    ) -> Result<Self, EnvironmentError> {
        match self.unread.iter().find(|&unread| wrong(unread)) {
            Some(&Unread { line, .. }) => Err(EnvironmentError::Line {
                path: path.to_owned(),
                line,
            }),
            None => Ok(self),
        }
    }
}

impl Owner {
    fn of(line: &[u8]) -> Self {
        let line = line.trim_ascii_start();
        let line = line.strip_prefix(b"export ").unwrap_or(line);
        if line.trim_ascii_start().starts_with(OURS) {
            Self::Tunnel
        } else {
            Self::App
        }
    }
}

impl fmt::Display for SkippedLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, numbers } = self;
        let shown: Vec<_> = numbers.iter().take(SHOWN).map(usize::to_string).collect();
        let lines = if numbers.len() == 1 { "line" } else { "lines" };
        write!(f, "{}: {lines} {}", path.display(), shown.join(", "))?;
        if numbers.len() > SHOWN {
            write!(f, " and {} more", numbers.len() - SHOWN)?;
        }
        f.write_str(" cannot be read as NAME=value, and nothing there is used")
    }
}

/// Returns the text of the variable that begins here, and how many lines it has; a line without a
/// variable is one as well.
fn assignment(lines: &[&[u8]], growth: &Growth) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut quotes = Quotes::default();
    for (position, line) in lines.iter().take(LONGEST).enumerate() {
        let line = str::from_utf8(line).ok()?;
        text.push_str(line);
        text.push('\n');
        let value = match position {
            0 => line.split_once('=').map(|(_, value)| value.trim_start()),
            _ => Some(line),
        };
        let goes_on = value.is_some_and(|value| quotes.stay_open(value));
        // Only a value in quotes goes on: an apostrophe elsewhere would swallow what follows.
        if goes_on && text_begins_quoted(&text) {
            continue;
        }
        growth.of(&text)?;
        let is_read = dotenvy::from_read_iter(text.as_bytes()).all(|read| read.is_ok());
        return is_read.then_some((text, position + 1));
    }
    None
}

fn text_begins_quoted(text: &str) -> bool {
    let value = text.split_once('=').map(|(_, value)| value.trim_start());
    value.is_some_and(|value| value.starts_with(['"', '\'']))
}

/// Which quote is open where a line ends.
#[derive(Debug, Default)]
struct Quotes(Option<char>);

impl Quotes {
    /// Goes along a line, and returns whether a quote is open at its end.
    fn stay_open(&mut self, line: &str) -> bool {
        let mut before = ' ';
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            match (self.0, character) {
                (None | Some('"'), '\\') => drop(characters.next()),
                (None, '#') if before.is_whitespace() => break,
                (None, '"' | '\'') => self.0 = Some(character),
                (Some(open), _) if open == character => self.0 = None,
                _ => {}
            }
            before = character;
        }
        self.0.is_some()
    }
}

/// What some editors put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How the names of the tunnel's variables begin.
const OURS: &[u8] = b"RENDER_TUNNEL_";

/// Lines of one value: a chain of certificates has about a hundred.
const LONGEST: usize = 400;

/// Lines that are named: enough to find the place.
const SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(text: &str) -> (EnvFile, String) {
        let file = EnvFile::parse(text.as_bytes());
        let (file, skipped) = file.lenient(Path::new(".env")).unwrap();
        (file, skipped.map(|it| it.to_string()).unwrap_or_default())
    }

    #[test]
    fn what_makes_no_sense_is_skipped_by_its_number_and_the_rest_is_read() {
        let text = "A=1\nF=a b c\nD=it's\nB=${A}2\nKEY=-----BEGIN KEY-----\n\u{fffd}\nC='two\nlines'\nE=5 ";
        let (file, said) = skipped(text);
        let read: Vec<_> = file.variables.iter().collect();
        let text = |name: &str| file.variables.get(name).map(String::as_str);
        assert_eq!(read.len(), 4, "{read:?}");
        assert_eq!((text("A"), text("B")), (Some("1"), Some("12")));
        assert_eq!((text("C"), text("E")), (Some("two\nlines"), Some("5")));
        let lines = ["A", "B", "C", "E"].map(|name| file.lines[name]);
        assert_eq!(lines, [1, 4, 7, 9]);
        assert!(said.starts_with(".env: lines 2, 3, 5, 6 cannot"), "{said}");
    }

    #[test]
    fn a_quote_that_does_not_end_takes_nothing_with_it() {
        let (file, said) = skipped("A=\"open\nB=2\n");
        assert_eq!(file.variables["B"], "2");
        assert!(said.starts_with(".env: line 1 cannot"), "{said}");
    }

    #[test]
    fn lines_that_double_each_other_are_not_made() {
        let mut text = format!("A0={}\n", "x".repeat(64));
        for number in 1..60 {
            let before = number - 1;
            text.push_str(&format!("A{number}=${{A{before}}}${{A{before}}}\n"));
        }
        let (file, said) = skipped(&text);
        let bytes: usize = file.variables.values().map(String::len).sum();
        assert!(bytes < 8 * 1024 * 1024, "{bytes}");
        assert_eq!(file.variables["A10"].len(), 64 << 10);
        assert!(said.starts_with(".env: lines 17, "), "{said}");
    }

    #[test]
    fn a_value_goes_on_until_its_quote_is_closed_and_no_line_further() {
        let text = "A=\"one\ntwo # no comment\nit's \\\" three\" # it's\nB='1'\nC=\"x y\" z\nD=\"a\"'b\nc'\n";
        let (file, said) = skipped(text);
        let value = |name: &str| file.variables.get(name).map(String::as_str);
        assert_eq!(value("A"), Some("one\ntwo # no comment\nit's \" three"));
        assert_eq!((value("B"), value("C")), (Some("1"), None));
        assert_eq!(value("D"), Some("ab\nc"));
        assert!(said.starts_with(".env: line 5 cannot"), "{said}");
    }

    #[test]
    fn a_file_without_a_fault_skips_nothing() {
        let (file, said) = skipped("\u{feff}# it's\n\nexport A=1 # it's\r\nB=\nC=\"x#y\"\r\n");
        assert_eq!(file.variables.len(), 3);
        assert_eq!(file.variables["C"], "x#y");
        assert_eq!(said, "");
    }

    #[test]
    fn many_lines_are_counted() {
        let (_, said) = skipped(&"no\n".repeat(9));
        assert!(said.contains("lines 1, 2, 3, 4, 5 and 4 more"), "{said}");
    }

    #[test]
    fn a_variable_of_our_own_must_be_readable() {
        for line in ["RENDER_TUNNEL_SECRET=a b", " export RENDER_TUNNEL_X='a"] {
            let file = EnvFile::parse(format!("A=1\nB=a b\n{line}\n").as_bytes());
            let error = file.clone().lenient(Path::new(".env")).err().unwrap();
            assert!(matches!(error, EnvironmentError::Line { line: 3, .. }));
            let error = file.strict(Path::new(".env")).err().unwrap();
            assert!(matches!(error, EnvironmentError::Line { line: 2, .. }));
        }
    }
}
