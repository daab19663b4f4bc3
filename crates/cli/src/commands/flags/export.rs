//! Flags in a file, in the form that its name says.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use features::flags::{Definition, View, wall_clock};
use serde_json::{Map, Value, json};

use super::names;
use crate::context::Context;
use crate::exit::Failure;
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

    /// Writes the file aside, and puts it in its place.
    pub(super) fn write(&self, context: &Context, view: &View) -> Result<(), Failure> {
        let text = match self.form {
            Form::Json => pretty(&values(view)),
            Form::Env => lines(view),
            Form::Flagd => pretty(&flagd(view)),
        };
        let shown = self.path.display();
        put(&self.path, text.as_bytes())
            .map_err(|error| Failure::failed(format!("cannot write {shown}: {error}")))?;
        let flags = number::counted(view.flags.len() as u64, "flag");
        context.screen.note(&format!("wrote {flags} to {shown}"));
        Ok(())
    }
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = folder
        .unwrap_or_else(|| Path::new("."))
        .join(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::File::create(&aside).and_then(|mut file| file.write_all(bytes));
    written
        .and_then(|()| fs::rename(&aside, path))
        .inspect_err(|_| drop(fs::remove_file(&aside)))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn values(view: &View) -> Value {
    let now = wall_clock() / 1000;
    let values = view.flags.iter();
    // A flag without a value is one whose default is in the app's code.
    let values = values.filter_map(|(key, it)| Some((key.clone(), it.value(now)?.clone())));
    Value::Object(values.collect::<Map<_, _>>())
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

fn lines(view: &View) -> String {
    let variables = names::variables(view, wall_clock() / 1000);
    let line = |(name, value): (&String, &String)| format!("{name}={}\n", quoted(value));
    variables.iter().map(line).collect()
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
