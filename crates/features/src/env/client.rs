//! The client half of the comparison.

use std::fmt;

use thiserror::Error;
use transport::channel::ChannelError;
use transport::session::Session;
use zeroize::Zeroizing;

use super::expectation::Misfit;
use super::oprf::{Blinded, OprfError, digest, input, nobodys};
use super::rules::{Expected, Origin, Problem, Rule, Status};
use super::spread::spread;
use super::wire::{Answer, Asked, Compare, Compared, Evaluated, Present};
use super::{MOST_VARIABLES, PROTOCOL, is_variable_name};

/// A variable that is to be compared.
pub struct Variable {
    /// Its name.
    pub name: String,
    /// The local value; `None` if there is none.
    pub value: Option<Zeroizing<String>>,
    /// What is expected of it.
    pub expected: Expected,
}

/// How a variable is. Never a value, unless the server says that everybody may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name.
    pub name: String,
    /// How the two values should be to each other.
    pub rule: Rule,
    /// How they are.
    pub status: Status,
    /// What is wrong; nothing, if no rule is broken.
    pub problems: Vec<Problem>,
    /// Production's value, where everybody may know it.
    pub public: Option<String>,
}

/// Compares variables with production's, and returns what was found in the same order.
///
/// The server learns the names and nothing of the values, not even which of them there are.
///
/// # Errors
/// [`EnvError`] if a name is none or comes twice, or the server does not answer them.
pub async fn validate(session: &Session, variables: &[Variable]) -> Result<Vec<Finding>, EnvError> {
    check(variables)?;
    let (asked, kept) = ask(session.binding(), variables).await?;
    let answers: Compared = session.call(&PROTOCOL, &asked).await?;
    if answers.variables.len() != variables.len() {
        return Err(EnvError::Answer);
    }
    let read = kept.into_iter().zip(answers.variables);
    let read = spread(read.collect(), read_answer)
        .await
        .ok_or(EnvError::Failed)?;
    let found = variables.iter().zip(read);
    found
        .map(|(variable, theirs)| Ok(judge(variable, &theirs?)))
        .collect()
}

fn check(variables: &[Variable]) -> Result<(), EnvError> {
    if variables.len() > MOST_VARIABLES {
        return Err(EnvError::TooMany);
    }
    let mut names: Vec<_> = variables.iter().map(|it| it.name.as_str()).collect();
    if let Some(name) = names.iter().find(|name| !is_variable_name(name)) {
        return Err(EnvError::Name((*name).to_owned()));
    }
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(EnvError::Twice(pair[0].to_owned())),
        None => Ok(()),
    }
}

/// What is blinded of a variable, before it is.
struct Job {
    binding: [u8; 32],
    name: String,
    value: Option<Zeroizing<String>>,
    rule: Rule,
}

async fn ask(
    binding: [u8; 32],
    variables: &[Variable],
) -> Result<(Compare, Vec<Option<Blinded>>), EnvError> {
    let jobs = variables.iter().map(|variable| Job {
        binding,
        name: variable.name.clone(),
        value: variable.value.clone(),
        rule: variable.expected.rule,
    });
    let blinded = spread(jobs.collect(), |job| blind(&job))
        .await
        .ok_or(EnvError::Failed)?;
    let blinded: Vec<Option<Blinded>> = blinded.into_iter().collect::<Result<_, _>>()?;
    let names = variables.iter().map(|variable| variable.name.clone());
    let asked = names.zip(&blinded).map(|(name, blinded)| Asked {
        name,
        blinded: blinded.as_ref().map(|blinded| blinded.element),
    });
    let asked = Compare {
        variables: asked.collect(),
    };
    Ok((asked, blinded))
}

/// Blinds a value; where there is none, something drawn, so that the server does not see that.
fn blind(job: &Job) -> Result<Option<Blinded>, OprfError> {
    if job.rule == Rule::OnlyProduction {
        return Ok(None);
    }
    let value = job.value.as_deref().filter(|value| !value.is_empty());
    let input = match value {
        Some(value) => input(&job.binding, &job.name, &digest(value)),
        None => nobodys()?,
    };
    Blinded::new(input).map(Some)
}

/// What production's side of a variable is, as far as the server lets it be known.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Theirs {
    Hidden,
    Absent,
    Empty,
    Present {
        same: Option<bool>,
        misfit: Option<Misfit>,
        public: Option<String>,
    },
}

fn read_answer((blinded, answer): (Option<Blinded>, Answer)) -> Result<Theirs, EnvError> {
    let Present {
        compared,
        misfit,
        public,
    } = match answer {
        Answer::Hidden => return Ok(Theirs::Hidden),
        Answer::Absent => return Ok(Theirs::Absent),
        Answer::Empty => return Ok(Theirs::Empty),
        Answer::Present(present) => present,
    };
    let same = match (blinded, compared) {
        (Some(blinded), Some(Evaluated { evaluation, tag })) => {
            let same = blinded.matches(&evaluation, &tag);
            Some(same.map_err(|_| EnvError::Answer)?)
        }
        _ => None,
    };
    Ok(Theirs::Present {
        same,
        misfit,
        public,
    })
}

fn judge(variable: &Variable, theirs: &Theirs) -> Finding {
    let Variable {
        name,
        value,
        expected,
    } = variable;
    let ours = value.as_deref().map(String::as_str);
    let status = status(ours, theirs, expected.rule);
    let public = match theirs {
        Theirs::Present { public, .. } => public.clone(),
        Theirs::Hidden | Theirs::Absent | Theirs::Empty => None,
    };
    Finding {
        name: name.clone(),
        rule: expected.rule,
        status,
        problems: problems(ours, theirs, expected, status),
        public,
    }
}

fn status(ours: Option<&str>, theirs: &Theirs, rule: Rule) -> Status {
    match (ours, theirs) {
        (None, _) => Status::MissingHere,
        (_, Theirs::Absent) => Status::MissingInProduction,
        (Some(""), _) | (_, Theirs::Empty) => Status::Empty,
        (_, Theirs::Hidden) => Status::NotCompared,
        (_, Theirs::Present { same, .. }) => match same {
            None => Status::NotCompared,
            Some(false) => Status::Differs,
            Some(true) if rule == Rule::MustDiffer => Status::ProductionSecretHere,
            Some(true) => Status::Match,
        },
    }
}

fn problems(
    ours: Option<&str>,
    theirs: &Theirs,
    expected: &Expected,
    status: Status,
) -> Vec<Problem> {
    let Expected { rule, origin, here } = expected;
    let mut problems = Vec::new();
    let mut add = |is_so: bool, problem| {
        if is_so {
            problems.push(problem);
        }
    };
    let (here_needed, there_needed) = match rule {
        Rule::MustExist | Rule::MustMatch | Rule::MustDiffer => (true, true),
        Rule::OnlyProduction => (false, true),
        Rule::Optional => (false, false),
    };
    add(here_needed && ours.is_none(), Problem::MissingHere);
    add(here_needed && ours == Some(""), Problem::EmptyHere);
    add(
        there_needed && *theirs == Theirs::Absent,
        Problem::MissingInProduction,
    );
    add(
        there_needed && *theirs == Theirs::Empty,
        Problem::EmptyInProduction,
    );
    let is_same = status == Status::ProductionSecretHere;
    add(is_same, Problem::ProductionSecretHere);
    let differs = *rule == Rule::MustMatch && status == Status::Differs;
    add(differs, Problem::Differs);
    // A rule by the name is a guess, and the server's policy is somebody's decision.
    let unchecked = rule.is_of_values() && status == Status::NotCompared;
    add(
        unchecked && *origin == Origin::Written,
        Problem::NotCompared,
    );
    if let Some(misfit) = ours
        .filter(|ours| !ours.is_empty())
        .and_then(|ours| here.misfit(ours))
    {
        problems.push(Problem::Here(misfit));
    }
    if let Theirs::Present {
        misfit: Some(misfit),
        ..
    } = theirs
    {
        problems.push(Problem::Production(*misfit));
    }
    problems
}

/// A comparison that was not made.
#[derive(Debug, Error)]
pub enum EnvError {
    /// What was asked for cannot be the name of a variable. The caller is at fault.
    #[error("{0:?} is no name of a variable")]
    Name(String),
    /// The same was asked for twice. The caller is at fault.
    #[error("the variable {0:?} is named twice")]
    Twice(String),
    /// Too much was asked for. The caller is at fault.
    #[error("more than {MOST_VARIABLES} variables")]
    TooMany,
    /// The server refused, or the session ended.
    #[error(transparent)]
    Server(#[from] ChannelError),
    /// The server's answer is none. The server is at fault.
    #[error("the server's answer does not belong to what was asked")]
    Answer,
    /// The machine draws nothing, or has no thread.
    #[error("the values cannot be blinded on this machine")]
    Failed,
}

impl From<OprfError> for EnvError {
    fn from(_: OprfError) -> Self {
        Self::Failed
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variable")
            .field("name", &self.name)
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}
