//! How keys are listed.

use super::*;

const ONE: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";
const OTHER: &str = "6f2b8e0c9a714d36b1e7f08c2d9a6b43";

fn listing(toml: &str, environment: &[(&str, &str)]) -> Listing {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tunnel.toml");
    std::fs::write(&path, toml).unwrap();
    let file = ConfigFile::read(&path).unwrap();
    Listing::of(
        &Places::default(),
        &Environment::of(environment, &[]),
        &file,
    )
    .unwrap()
}

fn ids(row: &Row) -> Vec<&str> {
    let ids = row.secrets.iter().map(|secret| secret.id.as_deref());
    ids.flatten().collect()
}

#[test]
fn a_key_is_shown_with_its_scopes_and_the_ids_of_its_secrets() {
    let toml = "[[keys]]\nname = 'ci'\nsecret-env = 'CI'\nfeatures = ['sync']\n\
                tables = ['courses', 'users']\nno-sanitize = true\n";
    let listing = listing(toml, &[(SECRET, ONE), ("CI", OTHER)]);
    let [default, ci] = &listing.rows[..] else {
        panic!("{listing:?}")
    };
    assert_eq!((&*default.name, &default.features), ("default", &None));
    assert_eq!(ids(default).len(), 1);
    assert_ne!(ids(default), ids(ci));
    let shown = human(&listing.rows);
    let second = shown.lines().nth(2).unwrap();
    let words: Vec<_> = second
        .split("  ")
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect();
    let expected = [
        "ci",
        "sync",
        "courses, users",
        "yes",
        "the variable CI",
        "good",
    ];
    assert_eq!(words[..6], expected, "{shown}");
    assert!(listing.keys.check().is_ok());
}

#[test]
fn a_key_that_is_rotated_has_two_lines() {
    let listing = listing("", &[(SECRET, ONE), (NEXT_SECRET, OTHER)]);
    assert_eq!(ids(&listing.rows[0]).len(), 2);
    assert_eq!(human(&listing.rows).lines().count(), 3);
}

#[test]
fn what_cannot_be_used_is_named_and_no_secret_is_shown() {
    let toml = "[[keys]]\nname = 'weak'\nsecret-env = 'WEAK'\n\
                [[keys]]\nname = 'none'\nsecret-file = '/nowhere/secret'\n\
                [[keys]]\nname = 'unsaid'\n";
    let listing = listing(toml, &[(SECRET, ONE), ("WEAK", "hunter2-hunter2")]);
    let states = listing.rows.iter().map(|row| row.secrets[0].state);
    let expected = [State::Good, State::Weak, State::Missing, State::Missing];
    assert!(states.eq(expected));
    let human = human(&listing.rows);
    let json = serde_json::to_string(&listing.rows).unwrap();
    for shown in [human, json] {
        assert!(
            shown.contains("/nowhere/secret") && shown.contains("15 bytes"),
            "{shown}"
        );
        assert!(
            !shown.contains(ONE) && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}

#[test]
fn secrets_that_are_good_and_the_same_cannot_be_used_together() {
    let toml = "[[keys]]\nname = 'ci'\nsecret-env = 'CI'\n";
    let listing = listing(toml, &[(SECRET, ONE), ("CI", ONE)]);
    let error = listing.keys.check().unwrap_err().to_string();
    assert!(error.contains("same secret"), "{error}");
}
