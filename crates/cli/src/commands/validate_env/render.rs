//! The names in a `render.yaml`: what is listed under `envVars`.
//!
//! Blueprints write these lists a line for each key, so that they are read without YAML's whole grammar;
//! a list in braces is not seen.

/// Returns the names of all `envVars`, each as often as it is there.
pub(super) fn names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    // How far the list's head is from the margin.
    let mut inside = None;
    for line in text.lines() {
        let rest = line.trim_start();
        if rest.is_empty() || rest.starts_with('#') {
            continue;
        }
        let indent = line.len() - rest.len();
        // An item may stand as far from the margin as the head of its list.
        let ends = |head| indent < head || (indent == head && !rest.starts_with('-'));
        if inside.is_some_and(ends) {
            inside = None;
        }
        let item = rest.strip_prefix('-').unwrap_or(rest);
        let key = item.trim_start();
        if key.trim_end() == "envVars:" {
            inside = Some(indent + rest.len() - key.len());
        } else if inside.is_some() {
            names.extend(key.strip_prefix("key:").and_then(scalar));
        }
    }
    names
}

/// Returns a plain or quoted value without the comment behind it.
fn scalar(value: &str) -> Option<String> {
    let value = value.trim();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = match quote {
        Some(quote) => value[1..].split(quote).next(),
        None => value.split(" #").next(),
    };
    let value = value?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_service_and_group_are_found() {
        let text = "\
services:
  - type: web
    name: api
    envVars:
      - key: A
        value: 1
      # not this one
      - fromDatabase:
          name: db
          property: connectionString
        key: 'B'
      - fromGroup: shared
    healthCheckPath: /health
  - type: worker
    envVars:
    - key: C # at the margin of its head
      sync: false
    key: NOT
envVarGroups:
  - envVars:
      - key: \"D\"
        generateValue: true
    name: shared
    key: NOT
";
        assert_eq!(names(text), ["A", "B", "C", "D"]);
        assert!(names("envVars: []\nkey: X\n").is_empty());
    }
}
