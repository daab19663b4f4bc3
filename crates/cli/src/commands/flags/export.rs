//! Flags in a file, in the form that its name says.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use features::flags::{Definition, Evaluator, View};
use features::whole_file::{Readers, write_whole};
use serde_json::{Map, Value, json};

use super::names::Variables;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::number;

/// A file, and its form.
#[derive(Clone, Debug)]
pub(super) struct Export {
    path: PathBuf,
    form: Form,
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
    pub(super) fn to(path: &Path) -> Result<Self, Failure> {
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
                let variables = Variables::of(view, |_| false);
                variables.warn(context);
                (lines(&variables), variables.named.len())
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
    format!("{value:#}\n")
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

fn lines(variables: &Variables) -> String {
    let line = |(name, value): (&String, &String)| format!("{name}={}\n", quoted(value));
    let lines: String = variables.named.iter().map(line).collect();
    format!("{OURS}{lines}")
}

/// Quotes a value where a `.env` needs it.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    if !value.contains(['\'', '\n', '\r', '\\']) {
        return format!("'{value}'");
    }
    let mut quoted = String::from('"');
    for character in value.chars() {
        match character {
            '"' | '\\' | '$' | '`' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// What a `.env` that this command has written begins with.
const OURS: &str = "# written by tunnel flags\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_the_form() {
        let form = |name: &str| Export::to(Path::new(name)).map(|export| export.form);
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
            "it's $HOME\n\"\\n\"",
            "#no comment",
            "é",
        ] {
            let text = format!("NAME={}\n", quoted(value));
            let read = dotenvy::from_read_iter(text.as_bytes())
                .next()
                .unwrap()
                .unwrap();
            assert_eq!(read.1, value, "{text}");
        }
    }
}
