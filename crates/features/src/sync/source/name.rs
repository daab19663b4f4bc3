//! From what a user typed to the catalog's own name.
//!
//! What was typed is compared with names that the catalog gave, here and not in SQL, so it never
//! becomes part of a statement.

use super::FindError;
use crate::sync::table::TableName;

/// Something with a name in a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) name: TableName,
    pub(super) what: What,
}

/// What a [`Candidate`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A table.
    Table,
    /// A piece of a partitioned table: found by its own name, but not offered.
    Partition,
    /// Something that holds no rows of its own, with its article.
    Other(&'static str),
}

/// Finds the table that a user means: by its exact name, then with its schema, then the only one
/// whose name differs in nothing but case.
pub(super) fn resolve(typed: &str, candidates: &[Candidate]) -> Result<TableName, FindError> {
    let lower = typed.to_lowercase();
    let rules: [&dyn Fn(&TableName) -> bool; 4] = [
        &|name| name.name == typed,
        &|name| qualified(name) == typed,
        // As messages show it.
        &|name| name.to_string() == typed,
        &|name| name.name.to_lowercase() == lower || qualified(name).to_lowercase() == lower,
    ];
    for rule in rules {
        let found: Vec<_> = candidates
            .iter()
            .filter(|candidate| rule(&candidate.name))
            .collect();
        let tables = found
            .iter()
            .filter(|candidate| !matches!(candidate.what, What::Other(_)));
        let names: Vec<_> = tables.map(|candidate| &candidate.name).collect();
        match (names.as_slice(), found.first()) {
            ([name], _) => return Ok((*name).clone()),
            (
                [],
                Some(Candidate {
                    what: What::Other(what),
                    ..
                }),
            ) => {
                return Err(FindError::NotATable {
                    typed: typed.to_owned(),
                    what,
                });
            }
            ([], _) => {}
            (several, _) => return choose(typed, several),
        }
    }
    Err(FindError::Unknown {
        typed: typed.to_owned(),
        near: near(&lower, candidates),
    })
}

/// Of several tables that share a name, takes the one in the schema that users leave out.
fn choose(typed: &str, several: &[&TableName]) -> Result<TableName, FindError> {
    let mut public = several
        .iter()
        .filter(|name| name.schema.as_deref() == Some("public"));
    match (public.next(), public.next()) {
        (Some(name), None) => Ok((*name).clone()),
        _ => Err(FindError::Ambiguous {
            typed: typed.to_owned(),
            candidates: several.iter().map(ToString::to_string).collect(),
        }),
    }
}

fn near(lower: &str, candidates: &[Candidate]) -> Vec<String> {
    let mut scored: Vec<(f64, String)> = candidates
        .iter()
        .filter(|candidate| candidate.what == What::Table)
        .map(|candidate| {
            let bare = likeness(lower, &candidate.name.name);
            (
                bare.max(likeness(lower, &qualified(&candidate.name))),
                candidate.name.to_string(),
            )
        })
        .filter(|(score, _)| *score >= NEAR)
        .collect();
    scored.sort_by(|(a, first), (b, second)| b.total_cmp(a).then_with(|| first.cmp(second)));
    scored
        .into_iter()
        .take(OFFERED)
        .map(|(_, name)| name)
        .collect()
}

fn likeness(lower: &str, name: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(lower, &name.to_lowercase())
}

fn qualified(name: &TableName) -> String {
    match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.clone(),
    }
}

/// Half of the letters in place: `corses` finds `courses`, and `xyz` finds nothing.
const NEAR: f64 = 0.5;
/// As many as one reads at a glance.
const OFFERED: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn table(schema: &str, name: &str) -> Candidate {
        candidate(schema, name, What::Table)
    }

    fn candidate(schema: &str, name: &str, what: What) -> Candidate {
        Candidate {
            name: TableName {
                schema: Some(schema.into()),
                name: name.into(),
            },
            what,
        }
    }

    fn nothing_near(typed: &str) -> String {
        format!(
            "there is no table \"{typed}\", and none with a name near it: the plan of all tables \
             lists them"
        )
    }

    fn resolved(typed: &str, candidates: &[Candidate]) -> String {
        match resolve(typed, candidates) {
            Ok(name) => qualified(&name),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn exact_comes_before_qualified_and_that_before_any_case() {
        let candidates = [
            table("public", "users"),
            table("public", "Users"),
            table("public", "a.b"),
            table("a", "b"),
            table("audit", "Log"),
        ];
        assert_eq!(resolved("users", &candidates), "public.users");
        assert_eq!(resolved("Users", &candidates), "public.Users");
        assert_eq!(resolved("a.b", &candidates), "public.a.b");
        assert_eq!(resolved("AUDIT.log", &candidates), "audit.Log");
        assert_eq!(resolved("LOG", &candidates), "audit.Log");
    }

    #[test]
    fn public_wins_and_otherwise_the_user_chooses() {
        let candidates = [
            table("audit", "users"),
            table("public", "users"),
            table("a", "log"),
            table("b", "log"),
            table("public", "Item"),
            table("public", "ITEM"),
        ];
        assert_eq!(resolved("users", &candidates), "public.users");
        assert_eq!(
            resolved("log", &candidates),
            r#""log" may be "a.log" or "b.log": name one of them in full"#
        );
        assert!(matches!(
            resolve("item", &candidates),
            Err(FindError::Ambiguous { .. })
        ));
    }

    #[test]
    fn at_most_three_near_names_are_offered_the_nearest_first() {
        let names = [
            "course",
            "courses",
            "courses_old",
            "courses_new",
            "payments",
        ];
        let candidates = names.map(|name| table("public", name));
        let Err(FindError::Unknown { near, .. }) = resolve("coruses", &candidates) else {
            panic!("found");
        };
        assert_eq!(near, ["courses", "course", "courses_new"]);
        assert_eq!(resolved("xyz", &candidates), nothing_near("xyz"));
    }

    #[test]
    fn a_partition_is_found_but_not_offered_and_a_view_is_refused() {
        let candidates = [
            candidate("public", "events_2024", What::Partition),
            candidate("public", "report", What::Other("a view")),
        ];
        assert_eq!(resolved("events_2024", &candidates), "public.events_2024");
        assert_eq!(
            resolved("events_2023", &candidates),
            nothing_near("events_2023")
        );
        assert_eq!(
            resolved("Report", &candidates),
            r#""Report" is a view: only tables can be synced"#
        );
    }
}
