//! Which variables are compared: those that are named, else all that the project's files name.

use std::path::Path;

use client::env::is_variable_name;
use client::env::rules::Rules;

use super::render;
use crate::environment::find_upwards;
use crate::exit::Failure;

/// The names, and the files that they are from.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Each once, in the order in which they were found.
    pub(super) names: Vec<String>,
    /// Where they were found; nowhere, if they were given.
    pub(super) files: Vec<&'static str>,
}

impl Names {
    /// Takes the names that were given.
    pub(super) fn given(names: &[String]) -> Self {
        let mut taken = Self::default();
        taken.add(names.iter().cloned());
        taken
    }

    /// Collects the names of `.env.example`, `render.yaml` and `[env]`, each the nearest to the folder,
    /// upwards. The tunnel's own variables are not the app's.
    pub(super) fn of_project(folder: &Path, rules: &Rules) -> Result<Self, Failure> {
        let mut found = Self::default();
        if let Some(text) = read(folder, EXAMPLE)? {
            found.find(EXAMPLE, example(&text)?);
        }
        if let Some(text) = read(folder, RENDER)? {
            found.find(RENDER, render::names(&text));
        }
        found.find(CONFIG, rules.names().map(str::to_owned).collect());
        Ok(found)
    }

    fn find(&mut self, file: &'static str, mut names: Vec<String>) {
        names.retain(|name| !name.starts_with(OWN) && is_variable_name(name));
        if !names.is_empty() {
            self.files.push(file);
        }
        self.add(names);
    }

    pub(super) fn add(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }
}

/// Reads one of the project's files, if it is there.
fn read(folder: &Path, name: &str) -> Result<Option<String>, Failure> {
    let Some(path) = find_upwards(folder, name) else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(&path);
    let text =
        text.map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    Ok(Some(text))
}

/// Returns the names that an example of a `.env` has. What stands behind them is for people to read, and
/// need not be a value.
fn example(text: &str) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let assignment = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = assignment.split_once('=').unwrap_or((assignment, ""));
        let name = name.trim();
        if !is_variable_name(name) {
            let line = number + 1;
            return Err(Failure::usage(format!(
                "{EXAMPLE}, line {line}: it is no name of a variable"
            ))
            .hint("write NAME= for each variable, and # before whatever is no name"));
        }
        names.push(name.to_owned());
        if let Some(quote) = open_quote(value) {
            // A value of several lines, whose others have no names.
            lines.by_ref().find(|(_, line)| line.contains(quote));
        }
    }
    Ok(names)
}

/// Returns the quote that a value begins with and does not end with on its line.
fn open_quote(value: &str) -> Option<char> {
    let value = value.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    (!value[1..].contains(quote)).then_some(quote)
}

const EXAMPLE: &str = ".env.example";
const RENDER: &str = "render.yaml";
const CONFIG: &str = "[env] of tunnel.toml";

/// How the names of the tunnel's own variables begin.
const OWN: &str = "RENDER_TUNNEL_";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn an_example_names_variables_and_need_have_no_values() {
        let text = "# the app\nA=\nexport B=say something here\nC\nD='two\nlines'\nE=1\n";
        assert_eq!(example(text).unwrap(), ["A", "B", "C", "D", "E"]);
        let failure = example("A=1\n\nnot a name\n").unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(failure.message().unwrap().contains("line 3"));
    }

    #[test]
    fn the_projects_files_are_read_together_without_the_tunnels_own() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(".env.example", "A=\nB=\nRENDER_TUNNEL_SECRET=\n");
        write(
            "render.yaml",
            "services:\n  - envVars:\n      - key: B\n      - key: C\n",
        );
        let rules = toml::from_str("[variables.D]\n[variables.A]\n").unwrap();
        let rules = Rules::new(rules).unwrap();
        let names = Names::of_project(folder.path(), &rules).unwrap();
        assert_eq!(names.names, ["A", "B", "C", "D"]);
        assert_eq!(names.files, [".env.example", "render.yaml", CONFIG]);
    }

    #[test]
    fn no_text_makes_reading_fail_but_by_its_line() {
        // Whatever pieces a file is made of: it ends, and no name is none.
        let pieces = [
            "A", "=", "\n", "'", "\"", "#", " ", "export ", "\u{e9}", "\r", "key: ",
        ];
        for seed in 0..4096_usize {
            let picked = (0..6).map(|place| pieces[(seed >> (place * 2)) * 7 % pieces.len()]);
            let text: String = picked.collect();
            for name in example(&text).unwrap_or_default() {
                assert!(is_variable_name(&name), "{text:?}");
            }
            render::names(&text);
        }
    }
}
