//! Flags in a file, in the form that its name says.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use features::flags::{Definition, Evaluator, View};
use features::whole_file::{Readers, write_whole};
use serde_json::{Map, Value, json};

use super::names::{Variables, some};
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::number;
use crate::output::text::{is_unsafe, json_in_sight};

/// A file, and its form.
#[derive(Clone, Debug)]
pub(super) struct Export {
    path: PathBuf,
    form: Form,
    /// How names begin that are kept in a `.env`, beside those of flags.
    prefixes: Vec<String>,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// An object of values by their keys.
    Json,
    /// Lines of a `.env`.
    Env,
    /// flagd's.
    Flagd,
}

impl Form {
    const fn readers(self) -> Readers {
        match self {
            Self::Env => Readers::Owner,
            Self::Json | Self::Flagd => Readers::AsUsual,
        }
    }
}

impl Export {
    /// Finds the form by the name.
    pub(super) fn to(path: &Path, prefixes: &[String]) -> Result<Self, Failure> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or_default().to_ascii_lowercase();
        let form = if name.ends_with("flagd.json") {
            Form::Flagd
        } else if name.ends_with(".json") {
            Form::Json
        } else if name.ends_with(".env") || name.starts_with(".env.") {
            Form::Env
        } else {
            let shown = path.display();
            return Err(Failure::usage(format!("the name {shown} says no form"))
                .hint("name it flags.json, flags.env or flags.flagd.json"));
        };
        Ok(Self {
            path: path.to_owned(),
            form,
            prefixes: prefixes.to_owned(),
        })
    }

    /// Writes the file, unless that would replace a `.env` of the user's.
    pub(super) fn write(&self, context: &Context, view: &View) -> Result<(), Failure> {
        let (text, count) = match self.form {
            Form::Json => {
                let values = values(view);
                let count = values.len();
                (pretty(&Value::Object(values)), count)
            }
            Form::Env => {
                let variables = Variables::of(view, &self.prefixes);
                variables.warn(context);
                let lines = Lines::of(&variables);
                lines.warn(context);
                (lines.text, lines.count)
            }
            Form::Flagd => (pretty(&flagd(view)), view.flags.len()),
        };
        let shown = self.path.display();
        if self.form == Form::Env && !is_ours(&self.path) {
            let said = format!("{shown} is there, and this command has not written it");
            return Err(Failure::new(Exit::Refused, said)
                .hint("name another file, such as flags.env, or move that one away"));
        }
        write_whole(&self.path, text.as_bytes(), self.form.readers())
            .map_err(|error| Failure::failed(format!("cannot write {shown}: {error}")))?;
        let flags = number::counted(count as u64, "flag");
        context.screen.note(&format!("wrote {flags} to {shown}"));
        Ok(())
    }
}

/// Whether there is no file, or one that begins as ours do: a `.env` of the user's has what is nowhere else.
fn is_ours(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(found) => {
            let mut beginning = [0; OURS.len()];
            let read = |mut file: fs::File| file.read_exact(&mut beginning);
            found.is_file()
                && fs::File::open(path).and_then(read).is_ok()
                && beginning == *OURS.as_bytes()
        }
    }
}

fn pretty(value: &Value) -> String {
    json_in_sight(&format!("{value:#}\n")).into_owned()
}

fn values(view: &View) -> Map<String, Value> {
    let evaluator = Evaluator::now();
    let values = view.flags.iter();
    // A flag without a value is one whose default is in the app's code.
    let values = values.filter_map(|(key, it)| Some((key.clone(), evaluator.value(it)?.clone())));
    values.collect()
}

fn flagd(view: &View) -> Value {
    let flags = view.flags.iter().map(|(key, viewed)| {
        let overridden = viewed.overridden.clone().map(Definition::constant);
        let definition = overridden.as_ref().unwrap_or(&viewed.entry.definition);
        (key.clone(), json!(definition))
    });
    json!({
        "$schema": "https://flagd.dev/schema/v0/flags.json",
        "flags": flags.collect::<Map<_, _>>(),
    })
}

/// The lines of a `.env`.
struct Lines {
    text: String,
    count: usize,
    /// The variables whose values cannot be written.
    left_out: BTreeSet<String>,
}

impl Lines {
    fn of(variables: &Variables) -> Self {
        let mut lines = Self {
            text: OURS.to_owned(),
            count: 0,
            left_out: BTreeSet::new(),
        };
        for (name, value) in &variables.named {
            if let Some(value) = quoted(value) {
                lines.text.push_str(&format!("{name}={value}\n"));
                lines.count += 1;
            } else {
                lines.left_out.insert(name.clone());
            }
        }
        lines
    }

    fn warn(&self, context: &Context) {
        if !self.left_out.is_empty() {
            let said = format!(
                "left out, for not every reader of a .env reads what they are alike: {}",
                some(&self.left_out)
            );
            context.screen.warn(&said);
        }
    }
}

/// Quotes a value where a `.env` needs it. `None` if the readers of such files (npm's dotenv, dotenvy, a
/// shell) would not all read it as it is: some know of no quote within quotes, some end a line where others
/// do not, and what is after it would be another variable.
fn quoted(value: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return Some(value.to_owned());
    }
    let is_strange =
        |c: char| is_unsafe(c) && !matches!(c, '\n' | '\t') || matches!(c, '\u{2028}' | '\u{2029}');
    if value.contains(is_strange) {
        return None;
    }
    if !value.contains(['\'', '\n']) && !value.ends_with('\\') {
        return Some(format!("'{value}'"));
    }
    let is_literal = !value.contains(['"', '\\', '$', '`']);
    is_literal.then(|| format!("\"{}\"", value.replace('\n', "\\n")))
}

/// What a `.env` that this command has written begins with.
const OURS: &str = "# written by tunnel flags\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_the_form() {
        let form = |name: &str| Export::to(Path::new(name), &[]).map(|export| export.form);
        for (name, expected) in [
            ("flags.json", Form::Json),
            ("a/b.flagd.json", Form::Flagd),
            ("flagd.json", Form::Flagd),
            (".env", Form::Env),
            (".env.local", Form::Env),
            ("flags.env", Form::Env),
        ] {
            assert_eq!(form(name), Ok(expected), "{name}");
        }
        for name in ["flags", "flags.yaml", "", "env"] {
            form(name).unwrap_err();
        }
    }

    #[test]
    fn a_file_is_replaced_only_if_it_begins_as_ours_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        assert!(is_ours(&path));
        for (text, expected) in [
            ("", false),
            ("KEY=1\n", false),
            ("# written by tunnel flags\nA=1\n", true),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(is_ours(&path), expected, "{text}");
        }
    }

    #[test]
    fn what_programs_run_with_is_for_its_owner_alone() {
        assert_eq!(Form::Env.readers(), Readers::Owner);
    }

    #[test]
    fn what_readers_would_read_otherwise_is_not_written() {
        for value in [
            "x'\\",
            "#'\u{2028}EVIL_VAR=pwned\u{2028}",
            "it's $HOME",
            "it's \"\"",
            "a\rb",
            "\u{1b}]0;owned\u{7}",
            "\u{202e}",
            "ends in \\",
        ] {
            assert_eq!(quoted(value), None, "{value:?}");
        }
    }

    #[test]
    fn what_is_quoted_is_read_as_it_was() {
        for value in [
            "",
            "plain",
            "two words",
            "it's",
            "\"quoted\"",
            "{\"a\": 1}",
            "a\nb",
            "$HOME",
            "`id`",
            "back\\slash",
            "two\nlines, and it's one value",
            "a\tb",
            "#no comment",
            "é",
        ] {
            let text = format!("NAME={}\n", quoted(value).unwrap());
            let read = dotenvy::from_read_iter(text.as_bytes())
                .next()
                .unwrap()
                .unwrap();
            assert_eq!(read.1, value, "{text}");
        }
    }
}
