//! The server half of the comparison.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use transport::channel::{Channel, ChannelError};
use transport::oversight::{Fact, Report};
use transport::router::{Handler, ServeError, Visit};
use wire::{Fault, Status};

use super::budget::{Budget, UsedUp};
use super::config::EnvConfig;
use super::oprf::{Element, Input, OprfError, Tag, evaluate, input};
use super::policy::{Known, Openness, Policy};
use super::spread::spread;
use super::wire::{Answer, Asked, Compare, Compared, Evaluated, Present};
use super::{MOST_VARIABLES, is_variable_name};
use crate::ServerHalf;
use crate::parts::{SectionError, ServerParts};
use crate::withheld::Withheld;

/// Makes the server half; every server has an environment.
pub(super) fn half(parts: &ServerParts) -> Result<Option<ServerHalf>, SectionError> {
    let config: EnvConfig = parts.sections.get("env")?;
    if config.guesses_per_hour > MOST_GUESSES {
        return Err(SectionError {
            section: "env".to_owned(),
            reason: format!("guesses-per-hour is more than {MOST_GUESSES}"),
        });
    }
    let budget = Budget::new(config.guesses_per_hour);
    let policy = Policy::new(config, Withheld::of(parts)?, parts.variables.clone())?;
    Ok(Some(ServerHalf::new(Arc::new(Env {
        policy,
        budget,
        turn: Semaphore::new(1),
    }))))
}

#[derive(Debug)]
struct Env {
    policy: Policy,
    budget: Budget,
    /// One run after the other: each may take all the processors that it is allowed to.
    turn: Semaphore,
}

impl Handler for Env {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            let asked: Compare = channel
                .receive()
                .await?
                .ok_or(ChannelError::Missing("the names"))?;
            check(&asked)?;
            let answer = self.compare(&asked, visit).await?;
            channel.send(&answer).await?;
            Ok(channel.finish().await?)
        })
    }
}

impl Env {
    async fn compare(&self, asked: &Compare, visit: &Visit) -> Result<Compared, Fault> {
        let found: Vec<Found<'_>> = asked.variables.iter().map(|it| self.find(it)).collect();
        let guessed: Vec<_> = found.iter().filter_map(Found::guessed).collect();
        let taken = self.budget.take(visit.guest.key.name(), &guessed);
        visit.overseer.reported(report(&found, taken.is_ok()));
        taken.map_err(used_up)?;
        let binding = visit.session.binding();
        let jobs: Vec<_> = found.iter().filter_map(|it| it.job(&binding)).collect();
        let evaluated = self.evaluate(jobs).await?;
        let mut evaluated = evaluated.into_iter();
        let answers = found.iter().map(|it| it.answer(&mut evaluated));
        Ok(Compared {
            variables: answers.collect(),
        })
    }

    fn find<'a>(&self, Asked { name, blinded }: &'a Asked) -> Found<'a> {
        let openness = self.policy.openness(name);
        let known = match openness {
            Openness::Hidden => None,
            Openness::Presence | Openness::Compared => self.policy.known(name),
        };
        Found {
            name,
            openness,
            known,
            blinded: blinded.filter(|_| openness == Openness::Compared),
        }
    }

    async fn evaluate(&self, jobs: Vec<Job>) -> Result<Vec<(Element, Tag)>, Fault> {
        // It is never closed.
        let _turn = self.turn.acquire().await.map_err(|_| failed())?;
        let work = |job: Job| evaluate(&job.production, &job.blinded);
        let evaluated = spread(jobs, work).await.ok_or_else(failed)?;
        let evaluated: Result<Vec<_>, OprfError> = evaluated.into_iter().collect();
        evaluated.map_err(|error| Fault::new(Status::BAD_REQUEST, error.to_string()))
    }
}

/// What there is to a variable that was asked for.
struct Found<'a> {
    name: &'a str,
    openness: Openness,
    known: Option<Arc<Known>>,
    blinded: Option<Element>,
}

/// One evaluation.
struct Job {
    production: Input,
    blinded: Element,
}

impl<'a> Found<'a> {
    /// Returns the name, if the answer is a guess at the value.
    fn guessed(&self) -> Option<&'a str> {
        let known = self.known.as_ref()?;
        let is_guess = known.digest.is_some() && self.blinded.is_some();
        is_guess.then_some(self.name)
    }

    fn job(&self, binding: &[u8; 32]) -> Option<Job> {
        let digest = self.known.as_ref()?.digest.as_ref()?;
        Some(Job {
            production: input(binding, self.name, digest),
            blinded: self.blinded?,
        })
    }

    /// Takes the next evaluation, if one was made for this variable.
    fn answer(&self, evaluated: &mut impl Iterator<Item = (Element, Tag)>) -> Answer {
        let known = match (self.openness, &self.known) {
            (Openness::Hidden, _) => return Answer::Hidden,
            (_, None) => return Answer::Absent,
            (_, Some(known)) if known.digest.is_none() => return Answer::Empty,
            (_, Some(known)) => known,
        };
        let evaluated = self.blinded.and_then(|_| evaluated.next());
        Answer::Present(Present {
            compared: evaluated.map(|(evaluation, tag)| Evaluated { evaluation, tag }),
            misfit: known.misfit,
            public: known.public.clone(),
        })
    }
}

/// Refuses what no client of ours asks.
fn check(Compare { variables }: &Compare) -> Result<(), Fault> {
    if variables.len() > MOST_VARIABLES {
        let reason = format!("more than {MOST_VARIABLES} variables were asked for at once");
        return Err(Fault::new(Status::BAD_REQUEST, reason));
    }
    let mut seen = BTreeSet::new();
    for Asked { name, .. } in variables {
        if !is_variable_name(name) {
            let reason = "a name that was asked for is none: it is empty, too long, or has a `=`, a \
                          space or what cannot be seen in it";
            return Err(Fault::new(Status::BAD_REQUEST, reason));
        }
        // Twice in a run would be two guesses for one.
        if !seen.insert(name) {
            let reason = format!("the variable {name:?} was asked for twice");
            return Err(Fault::new(Status::BAD_REQUEST, reason));
        }
    }
    Ok(())
}

/// What there is to say of a run. What came of it, only the client knows; names that are nobody's here are
/// counted, since whoever asks may write in them what he likes.
fn report(found: &[Found<'_>], within_budget: bool) -> Report {
    let guessed = found.iter().filter_map(Found::guessed).map(str::to_owned);
    let absent = found.iter().filter(|it| it.known.is_none()).count();
    Report {
        what: "env",
        facts: vec![
            ("compared", Fact::Names(guessed.collect())),
            ("asked", Fact::Count(found.len() as u64)),
            ("absent_or_hidden", Fact::Count(absent as u64)),
            ("within_budget", Fact::Is(within_budget)),
        ],
    }
}

fn used_up(used_up: UsedUp) -> Fault {
    let UsedUp {
        variables,
        refilled_in,
    } = used_up;
    let minutes = refilled_in.as_secs().div_ceil(60).max(1);
    let shown = variables.iter().take(SHOWN).map(String::as_str);
    let mut names = shown.collect::<Vec<_>>().join(", ");
    if variables.len() > SHOWN {
        names.push_str(&format!(" and {} more", variables.len() - SHOWN));
    }
    let of = match variables.is_empty() {
        true => "the server remembers as many comparisons as it can".to_owned(),
        false => format!("this key has compared {names} as often as it may within an hour"),
    };
    let reason = format!("{of}: there is a next one in {minutes} min");
    Fault::new(Status::TOO_MANY, reason)
}

fn failed() -> Fault {
    Fault::new(Status::INTERNAL, "the comparison failed")
}

/// Enough for whoever tests, and too few to try a dictionary of any use within a day.
const MOST_GUESSES: u16 = 1000;

/// Names that fit into a sentence.
const SHOWN: usize = 3;
