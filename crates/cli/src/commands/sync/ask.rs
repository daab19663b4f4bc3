//! The question before rows of the user's own are touched.

use client::sync::table::TableName;
use client::sync::target::Mode;

use super::place::Place;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::number::counted;
use crate::question::{self, Answer};

/// Asks whether to go ahead; without a terminal nobody can be asked.
pub(super) async fn ask(
    context: &Context,
    tables: &[(TableName, u64)],
    mode: Mode,
    place: &Place,
) -> Result<(), Failure> {
    let question = question(tables, mode);
    if !question::can_ask() {
        let message = format!(
            "{} in {place}: nobody is here to be asked",
            statement(tables)
        );
        return Err(Failure::new(Exit::Refused, message).hint(format!(
            "add --yes to {}, or name another database with --to",
            deed(mode)
        )));
    }
    match question::ask(context, &question).await? {
        Answer::Yes => Ok(()),
        Answer::No => Err(Failure::new(
            Exit::Refused,
            "nothing was written, because the answer was no",
        )),
    }
}

fn question(tables: &[(TableName, u64)], mode: Mode) -> String {
    let preposition = match mode {
        Mode::Merge => "merge into",
        Mode::Replace => "replace",
        Mode::Append => "append to",
    };
    let has = match tables {
        [(name, rows)] => format!("{name}, which has {} of yours", counted(*rows, "row")),
        _ => {
            let each = tables
                .iter()
                .map(|(name, rows)| format!("{name} ({})", counted(*rows, "row")));
            format!(
                "{}, which have rows of yours",
                each.collect::<Vec<_>>().join(", ")
            )
        }
    };
    format!("{preposition} {has}? [y/N]")
}

fn statement(tables: &[(TableName, u64)]) -> String {
    let each = tables
        .iter()
        .map(|(name, rows)| format!("{name} has {} that no sync has made", counted(*rows, "row")));
    each.collect::<Vec<_>>().join(", ")
}

const fn deed(mode: Mode) -> &'static str {
    match mode {
        Mode::Merge => "merge into them",
        Mode::Replace => "replace them",
        Mode::Append => "append to them",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, rows: u64) -> (TableName, u64) {
        (
            TableName {
                schema: None,
                name: name.to_owned(),
            },
            rows,
        )
    }

    #[test]
    fn the_question_names_the_deed_the_tables_and_what_is_at_stake() {
        let one = [table("courses", 42)];
        assert_eq!(
            question(&one, Mode::Merge),
            "merge into courses, which has 42 rows of yours? [y/N]"
        );
        let two = [table("courses", 42), table("users", 1)];
        let asked = question(&two, Mode::Replace);
        assert_eq!(
            asked,
            "replace courses (42 rows), users (1 row), which have rows of yours? [y/N]"
        );
        assert_eq!(statement(&one), "courses has 42 rows that no sync has made");
    }
}
