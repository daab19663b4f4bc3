//! How stack traces begin, and how they go on: Java, .NET, Node, Python, Go, Ruby, Rust.

use crate::logs::entry::Line;
use crate::logs::level::Level;

/// A line that may go on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) trace: Trace,
    pub(super) rise: Rise,
}

/// When a line that does not say how grave it is becomes an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rise {
    /// It says.
    Never,
    /// As soon as another goes on with it: `TypeError: no` alone may be said of one that was.
    WhenJoined,
    /// By its own words.
    Now,
}

/// What goes on, and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trace {
    /// Something grave: its exception is yet to come, if there is any.
    Grave,
    /// The frames of an exception.
    Frames,
    /// `Traceback (most recent call last):` and its frames.
    Python,
    /// The exception that ends it; before others, maybe, that came of it.
    PythonEnd,
    /// A panic, and the stacks of goroutines.
    Go,
    /// A panic whose message is yet to come.
    RustHead,
    /// A place in a file, the line there, an empty one, and an exception.
    Node,
    /// The line there is yet to come.
    NodeHead,
}

/// Whether a line goes on with those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    /// It does.
    Yes,
    /// It does if the next does.
    Maybe,
    /// It is another.
    No,
}

impl Head {
    /// Returns what a line is the head of; `graded` if it says how grave it is.
    pub(super) fn of(line: &Line, graded: bool) -> Option<Self> {
        let text = first_line(&line.message);
        let (trace, rise) = by_words(text).or_else(|| {
            let grave = graded && (line.level >= Level::ERROR || is_category(text));
            grave.then_some((Trace::Grave, Rise::Never))
        })?;
        let rise = if graded { Rise::Never } else { rise };
        Some(Self { trace, rise })
    }
}

impl Trace {
    /// Says whether a text goes on with what came before, and moves on with it.
    pub(super) fn follow(&mut self, text: &str) -> Follow {
        if text.trim_end().is_empty() {
            return match self {
                Self::Go | Self::Node | Self::PythonEnd => Follow::Maybe,
                _ => Follow::No,
            };
        }
        match self.next(text) {
            Some(next) => {
                *self = next;
                Follow::Yes
            }
            None => Follow::No,
        }
    }

    fn next(self, text: &str) -> Option<Self> {
        if text.starts_with(PYTHON_HEAD) {
            return Some(Self::Python);
        }
        let goes_on = is_frame(text);
        match self {
            Self::Grave if is_exception(text) => Some(Self::Frames),
            Self::Grave | Self::Frames => goes_on.then_some(self),
            Self::Python if text.starts_with([' ', '\t']) => Some(Self::Python),
            Self::Python => Some(Self::PythonEnd),
            Self::PythonEnd => {
                let chained = PYTHON_CHAINS.iter().any(|chain| text.starts_with(chain));
                (chained || text.starts_with([' ', '\t'])).then_some(self)
            }
            Self::Go => (goes_on || is_of_go(text)).then_some(self),
            Self::RustHead => Some(Self::Frames),
            Self::NodeHead => Some(Self::Node),
            Self::Node => {
                let on = goes_on || is_exception(text) || text.starts_with("Node.js v");
                on.then_some(self)
            }
        }
    }
}

/// Returns what a line begins by its words alone. Most lines are told by their first letters.
fn by_words(text: &str) -> Option<(Trace, Rise)> {
    if text.starts_with(PYTHON_HEAD) {
        return Some((Trace::Python, Rise::Now));
    }
    let go = ["panic: ", "fatal error: "];
    if go.iter().any(|words| text.starts_with(words)) || text.starts_with("http: panic serving") {
        return Some((Trace::Go, Rise::Now));
    }
    if text.starts_with("thread '") && text.contains(" panicked at ") {
        // Since 1.73 the message stands in a line of its own.
        let trace = match text.ends_with(':') {
            true => Trace::RustHead,
            false => Trace::Frames,
        };
        return Some((trace, Rise::Now));
    }
    if let Some(rest) = UNCAUGHT.iter().find_map(|words| text.strip_prefix(words)) {
        return is_exception(rest).then_some((Trace::Frames, Rise::Now));
    }
    if is_exception(text) || is_of_ruby(text) {
        return Some((Trace::Frames, Rise::WhenJoined));
    }
    is_place(text).then_some((Trace::NodeHead, Rise::WhenJoined))
}

/// Whether a line is one that other lines are explained by: it is indented, or begins with words
/// that nothing else begins with.
fn is_frame(text: &str) -> bool {
    if text.starts_with([' ', '\t']) {
        return true;
    }
    let closes = text.trim_end_matches([',', ';']);
    FRAMES.iter().any(|words| text.starts_with(words))
        || matches!(closes, "}" | "]" | "})" | "])" | ")")
        || is_of_ruby(text)
}

/// Whether a text begins with the name of an exception: `java.lang.RuntimeException: no`,
/// `TypeError: no`, `Error [ERR_X]: no`, `ActiveRecord::RecordNotFound (no)`.
fn is_exception(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$');
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let look = bytes.iter().take(LONGEST_NAME);
    let length = look.take_while(|&&byte| fits(byte)).count();
    let named = bytes[..length].ends_with(b"Error") || bytes[..length].ends_with(b"Exception");
    named && matches!(&bytes[length..], [] | [b':', ..] | [b' ', b'[', ..])
}

/// `app.rb:5:in 'run': message (RuntimeError)`, and each of its frames.
fn is_of_ruby(text: &str) -> bool {
    let place = text
        .split(' ')
        .next()
        .and_then(|word| word.strip_suffix(":in"));
    place.is_some_and(is_place)
}

/// Whether a text is a place in a file, `/app/server.js:10`, and nothing else.
fn is_place(text: &str) -> bool {
    if !text.ends_with(|last: char| last.is_ascii_digit()) {
        return false;
    }
    let Some((path, line)) = text.rsplit_once(':') else {
        return false;
    };
    let numbered = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
    numbered && !path.contains(' ') && (path.contains('/') || path.contains('.')) && {
        let extension = path.rsplit('.').next().unwrap_or_default();
        path.starts_with("node:") || extension.bytes().any(|byte| byte.is_ascii_alphabetic())
    }
}

/// What Go writes after a panic: a goroutine, or a call in it.
fn is_of_go(text: &str) -> bool {
    let call = text.ends_with(')')
        && text
            .split('(')
            .next()
            .is_some_and(|name| name.contains('.') && !name.contains(' '));
    call || GO.iter().any(|words| text.starts_with(words))
}

/// The first line of .NET's console, `Category[14]`, whose message is in the next.
fn is_category(text: &str) -> bool {
    let category = text
        .strip_suffix(']')
        .and_then(|text| text.rsplit_once('['));
    category.is_some_and(|(name, number)| {
        name.contains('.') && !name.contains(' ') && number.bytes().all(|b| b.is_ascii_digit())
    })
}

fn first_line(text: &str) -> &str {
    text.split('\n').next().unwrap_or(text)
}

const PYTHON_HEAD: &str = "Traceback (most recent call last):";

/// What stands between two exceptions of Python, of which one came of the other.
const PYTHON_CHAINS: &[&str] = &[
    "During handling of the above exception",
    "The above exception was the direct cause",
];

/// What stands before an exception that nobody caught.
const UNCAUGHT: &[&str] = &[
    "Uncaught ",
    "Unhandled exception. ",
    "Unhandled Exception: ",
    "Exception in thread \"main\" ",
];

/// What lines of traces begin with that are not indented.
const FRAMES: &[&str] = &[
    "Caused by: ",
    "Suppressed: ",
    "at ",
    "... ",
    "goroutine ",
    "stack backtrace:",
    "note: run with `RUST_BACKTRACE",
    "note: Some details are omitted",
    "--- End of",
];

/// What lines of Go's begin with.
const GO: &[&str] = &[
    "[signal ",
    "created by ",
    "exit status ",
    "panic: ",
    "runtime stack:",
];

/// Longer than exceptions are called, with their packages.
const LONGEST_NAME: usize = 160;
