//! `tunnel validate-env`: whether this machine's environment is like production's, without either seeing
//! the other's values.

mod names;
mod render;
mod show;

use std::path::Path;

use clap::Args;
use client::env::client::{Finding, Variable};
use client::env::rules::Rules;
use client::env::{EnvConfig, is_variable_name};
use client::{Reconnect, TunnelError};
use wire::Status;
use zeroize::Zeroizing;

use self::names::Names;
use crate::connection::{ConnectionOptions, Production};
use crate::context::Context;
use crate::environment::LayeredEnvironment;
use crate::exit::{Exit, Failure};
use crate::output::Format;
use crate::settings::tunnel_toml;

/// Compares this environment with production's, and shows neither the other's values
///
/// Variables that are not named are those of .env.example, render.yaml and [env] in tunnel.toml. Local
/// values come from the process, then .env.development.local, .env.local, .env.development and .env.
/// Production's secrets must not be here: names such as *_SECRET and *_KEY, and addresses with a password,
/// must differ. Each comparison is a guess, of which a key has twelve an hour at each variable unless the
/// server says otherwise.
///
/// Ends with 0 if all is as it should be and with 1 if a rule is broken.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel validate-env
  tunnel validate-env DATABASE_URL STRIPE_SECRET_KEY
  tunnel validate-env --json | jq -r '.[] | select(.problems) | .name'
  tunnel validate-env --github

With --json the output is a list of objects with name, rule and status, which is one of match,
differs, missing-here, missing-in-production, empty, production-secret-here and not-compared.
Rules are written in tunnel.toml:

  [env.variables.STRIPE_SECRET_KEY]
  rule = \"must-differ\"    # or must-exist, must-match, optional, only-production
  here = \"^sk_test_\"      # what the local value must match")]
pub struct Arguments {
    /// The variables, by their names alone
    #[arg(value_name = "NAME", value_parser = name)]
    names: Vec<String>,

    /// Writes what is wrong as annotations of GitHub Actions
    #[arg(long, conflicts_with = "json")]
    github: bool,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// Compares, shows, and judges.
///
/// # Errors
/// [`Failure`] if there is nothing to compare or no comparison; a silent one if a rule is broken.
pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let variables = wanted(context, arguments, &context.folder)?;
    let link = arguments
        .connection
        .connect(context, Reconnect::Off)
        .await?;
    let comparing = async { link.client.validate_env(variables).await.map_err(spent) };
    let found = context.interrupt.or(comparing).await;
    link.end().await;
    let found = found?;
    match (context.screen.format(), arguments.github) {
        (Format::Json, _) => {
            let shown: Vec<_> = found.iter().map(show::Shown::new).collect();
            context.screen.json(&shown)?;
        }
        (Format::Human, true) => context.screen.data(&show::annotations(&found))?,
        (Format::Human, false) => {
            let table = show::table(&found, context.screen.out());
            context.screen.data(&table)?;
        }
    }
    context.screen.note(&show::summary(&found));
    verdict(&found)
}

/// Collects the variables with their local values and what is expected of them.
fn wanted(
    context: &Context,
    arguments: &Arguments,
    folder: &Path,
) -> Result<Vec<Variable>, Failure> {
    let rules = rules(folder)?;
    let environment = LayeredEnvironment::read(folder)?;
    let mut names = match arguments.names.is_empty() {
        true => Names::of_project(folder, &rules)?,
        false => Names::given(&arguments.names),
    };
    let is_demo = arguments.connection.production(context)? == Production::Demo;
    if names.names.is_empty() && is_demo {
        names.add(server::demo::VARIABLES.map(|(name, _)| name.to_owned()));
    }
    if names.names.is_empty() {
        return Err(Failure::usage("no variables are named").hint(
            "name them, or write .env.example, envVars in render.yaml or [env.variables.NAME] in tunnel.toml",
        ));
    }
    tell(context, &names, &environment);
    let variable = |name: String| {
        let value = environment.value(&name)?;
        Ok(Variable {
            expected: rules.of(&name, value),
            value: value.map(|value| Zeroizing::new(value.to_owned())),
            name,
        })
    };
    names.names.into_iter().map(variable).collect()
}

/// Says where names and values are from.
fn tell(context: &Context, names: &Names, environment: &LayeredEnvironment) {
    let mut values = vec!["the process".to_owned()];
    let files = environment.files().filter_map(Path::file_name);
    values.extend(files.map(|name| name.to_string_lossy().into_owned()));
    let values = values.join(", ");
    context.screen.note(&match names.files.is_empty() {
        true => format!("values from {values}"),
        false => format!(
            "names from {}; values from {values}",
            names.files.join(", ")
        ),
    });
}

/// Reads the rules in the section `[env]` of the nearest `tunnel.toml`, upwards.
///
/// # Errors
/// [`Failure`] if they make no sense.
pub(super) fn rules(folder: &Path) -> Result<Rules, Failure> {
    #[derive(serde::Deserialize)]
    struct File {
        #[serde(default)]
        env: EnvConfig,
    }
    let Some((path, file)) = tunnel_toml::<File>(folder)? else {
        return Ok(Rules::default());
    };
    let shown = path.display();
    Rules::new(file.env).map_err(|error| Failure::usage(format!("{shown}: {error}")))
}

/// Adds what to do about guesses that are used up.
fn spent(error: TunnelError) -> Failure {
    let is_spent = error
        .fault()
        .is_some_and(|it| it.status == Status::TOO_MANY);
    let failure = Failure::from(error);
    if is_spent {
        failure.hint("wait, or compare fewer variables by their names; the server's [env] has guesses-per-hour")
    } else {
        failure
    }
}

fn verdict(found: &[Finding]) -> Result<(), Failure> {
    match found.iter().all(|finding| finding.problems.is_empty()) {
        true => Ok(()),
        false => Err(Failure::silent(Exit::Failed)),
    }
}

/// Reads a name. Whoever writes a value behind it has shown it to everybody on the machine.
fn name(text: &str) -> Result<String, &'static str> {
    if text.contains('=') {
        return Err("give the name alone: other users of this machine can see the arguments");
    }
    match is_variable_name(text) {
        true => Ok(text.to_owned()),
        false => Err("it is no name of a variable"),
    }
}
