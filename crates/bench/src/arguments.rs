//! What is asked on the command line.

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};

use crate::link::{LINKS, Link};
use crate::report::Format;
use crate::scenarios::{self, Scenario};
use crate::stage::Size;

/// Measures the tunnel against its targets, and against what one would use instead.
///
/// Without a command it runs. It exits with 0 if every target is met, 1 if one is missed or a
/// scenario fails, 2 if it is asked for something that makes no sense.
#[derive(Debug, Parser)]
#[command(name = "tunnel-bench", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs scenarios and prints a table of what they measured.
    Run(RunArguments),
    /// Lists scenarios and links.
    List,
    /// Writes a line with the time in it every ten milliseconds, until nobody reads.
    #[command(hide = true)]
    WriteLines {
        /// How many a second, in JSON, instead of the one every ten milliseconds.
        rate: Option<u32>,
    },
    /// Writes so many lines, as fast as it can or so many bytes a second.
    #[command(hide = true)]
    WriteFlood {
        /// How many.
        lines: u64,
        /// How many bytes a second.
        rate: Option<u64>,
    },
}

/// What to run, and how to show it.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArguments {
    /// Which to run; all unless named.
    #[arg(value_name = "SCENARIO", value_parser = PossibleValuesParser::new(scenarios::ALL.iter().map(|scenario| scenario.name)))]
    scenarios: Vec<String>,
    /// The link between the ends, instead of each scenario's own. Emulating one needs root.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(LINKS.iter().map(|link| link.name)))]
    link: Option<String>,
    /// Uses fewer rows and rounds.
    #[arg(long)]
    quick: bool,
    /// Prints JSON instead of the table.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Prints a Markdown table instead.
    #[arg(long)]
    markdown: bool,
}

impl Arguments {
    pub(crate) fn command(self) -> Command {
        self.command.unwrap_or(Command::Run(self.run))
    }
}

impl RunArguments {
    /// Returns the scenarios to run, in the list's order.
    pub(crate) fn scenarios(&self) -> impl Iterator<Item = &'static Scenario> {
        let wanted = |scenario: &&Scenario| {
            self.scenarios.is_empty() || self.scenarios.iter().any(|name| name == scenario.name)
        };
        scenarios::ALL.iter().filter(wanted)
    }

    /// Returns the link that is asked for.
    pub(crate) fn link(&self) -> Option<&'static Link> {
        // Clap has refused names that are none.
        Link::named(self.link.as_deref()?)
    }

    pub(crate) const fn size(&self) -> Size {
        if self.quick { Size::Quick } else { Size::Full }
    }

    pub(crate) const fn format(&self) -> Format {
        match (self.json, self.markdown) {
            (true, _) => Format::Json,
            (false, true) => Format::Markdown,
            (false, false) => Format::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> RunArguments {
        let arguments = Arguments::try_parse_from(line.split_whitespace()).unwrap();
        match arguments.command() {
            Command::Run(run) => run,
            other => panic!("{other:?} is not a run"),
        }
    }

    #[test]
    fn without_a_command_everything_runs_on_its_own_links() {
        let run = run("tunnel-bench --quick");
        assert_eq!(run.scenarios().count(), scenarios::ALL.len());
        assert!(run.link().is_none());
        assert_eq!(run.size(), Size::Quick);
    }

    #[test]
    fn scenarios_run_in_the_order_of_the_list_whatever_the_order_asked() {
        let run = run("tunnel-bench run thousand-rows sync-postgres --link mobile --json");
        let names: Vec<_> = run.scenarios().map(|scenario| scenario.name).collect();
        assert_eq!(names, ["sync-postgres", "thousand-rows"]);
        assert_eq!(run.link().unwrap().name, "mobile");
        assert_eq!(run.format(), Format::Json);
    }

    #[test]
    fn a_name_that_is_none_is_a_usage_error() {
        for line in [
            "tunnel-bench run nothing",
            "tunnel-bench run --link wire",
            "tunnel-bench run --json --markdown",
        ] {
            let error = Arguments::try_parse_from(line.split_whitespace()).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
