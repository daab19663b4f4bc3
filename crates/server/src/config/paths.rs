//! Relative paths in `tunnel.toml`: they go by the folder that the file is in, wherever the server is
//! started.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Value;

/// Makes the paths of sections those that they are from `folder`.
pub(super) fn resolve(sections: &mut BTreeMap<String, Value>, folder: &Path) {
    for place in PLACES {
        let [section, rest @ ..] = place else {
            continue;
        };
        if let Some(value) = sections.get_mut(*section) {
            resolve_at(value, rest, folder);
        }
    }
}

/// Goes down by names, into each element of an array.
fn resolve_at(value: &mut Value, names: &[&str], folder: &Path) {
    match (value, names) {
        (Value::Array(values), names) => {
            for value in values {
                resolve_at(value, names, folder);
            }
        }
        (Value::Table(table), [name, rest @ ..]) => {
            if let Some(value) = table.get_mut(*name) {
                resolve_at(value, rest, folder);
            }
        }
        // A text is no path where the file is wrong: then it is refused where it is read.
        (Value::String(text), []) if text != STANDARD && !text.is_empty() => {
            // What was text stays text.
            *text = folder.join(&*text).to_string_lossy().into_owned();
        }
        _ => {}
    }
}

/// Where paths are.
const PLACES: [&[&str]; 9] = [
    &["audit", "path"],
    &["flags", "file"],
    &["keys", "secret-file"],
    &["keys", "next-secret-file"],
    &["logs", "path"],
    &["logs", "files"],
    &["logs", "syslog", "certificate"],
    &["logs", "syslog", "key"],
    &["webhooks", "inbox"],
];

/// Standard input or output, which is in no folder.
const STANDARD: &str = "-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_go_by_the_folder_of_the_file() {
        let text = "\
            keys = [{ name = 'a', secret-file = 'a' }, { name = 'b', next-secret-file = '/b' }]\n\
            audit = { path = '-' }\n\
            limits = { path = 'x' }\n\
            logs = { path = 'logs', files = ['../app/*.log', '/c'], syslog = { key = 'k' } }\n";
        let mut sections: BTreeMap<String, Value> = toml::from_str(text).unwrap();
        resolve(&mut sections, Path::new("/etc/tunnel"));
        let expected = "\
            keys = [{ name = 'a', secret-file = '/etc/tunnel/a' }, \
                    { name = 'b', next-secret-file = '/b' }]\n\
            audit = { path = '-' }\n\
            limits = { path = 'x' }\n\
            logs = { path = '/etc/tunnel/logs', files = ['/etc/tunnel/../app/*.log', '/c'], \
                     syslog = { key = '/etc/tunnel/k' } }\n";
        assert_eq!(sections, toml::from_str(expected).unwrap());
    }

    #[test]
    fn a_file_of_the_working_folder_leaves_them_as_they_are() {
        let mut sections: BTreeMap<String, Value> =
            toml::from_str("audit = { path = 'audit.ndjson' }").unwrap();
        let before = sections.clone();
        resolve(&mut sections, Path::new(""));
        assert_eq!(sections, before);
    }
}
