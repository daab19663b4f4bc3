//! The demo production's environment: variables to compare one's own with.

use features::parts::Sections;

/// The variables, with values that are nobody's.
pub const VARIABLES: [(&str, &str); 6] = [
    ("NODE_ENV", "production"),
    ("LOG_LEVEL", "info"),
    ("API_VERSION", "2026-09-01"),
    (
        "DATABASE_URL",
        "postgres://school:of-the-demo@db.internal/school",
    ),
    ("SESSION_SECRET", "the secret of the demo"),
    ("SUPPORT_EMAIL", "help@school.test"),
];

/// Returns a variable of the demo.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    let mut all = VARIABLES.iter();
    all.find(|(known, _)| *known == name)
        .map(|(_, value)| (*value).to_owned())
}

/// Adds what may be shown of them.
#[must_use]
pub fn with_environment(sections: Sections) -> Sections {
    let public = toml::Table::from_iter([("public".to_owned(), true.into())]);
    let shown = ["NODE_ENV", "LOG_LEVEL"].map(|name| (name.to_owned(), public.clone().into()));
    let variables = toml::Table::from_iter(shown);
    let section = toml::Table::from_iter([("variables".to_owned(), variables.into())]);
    sections.with("env", section)
}
