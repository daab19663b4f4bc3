//! Lets other commands run over the session of `tunnel connect`.

use std::time::Duration;

use client::{Snapshot, TunnelClient};
use indicatif::{ProgressBar, ProgressStyle};
use transport::held::{About, AskError, Claim, Holder, PlaceError, Status, status};
use transport::tasks::Tasks;

use crate::connection::{ConnectionOptions, Wanted};
use crate::context::Context;
use crate::exit::Failure;
use crate::holding::{Held, VERSION};
use crate::output::number;
use crate::output::text::printable;

/// What becomes of the session, for other commands.
#[derive(Debug)]
pub(super) enum Part {
    /// They run over it.
    Holds(Claim, Held),
    /// Another process holds one already, and this one runs over that as well.
    Attaches,
    /// It is this process's alone.
    Alone,
}

/// A session that is held, until [`Holding::end`].
#[derive(Debug)]
pub(super) struct Holding {
    holder: Holder,
    tasks: Tasks,
    server: String,
}

impl Part {
    /// Takes the place of the holder, if it is free.
    ///
    /// # Errors
    /// [`Failure`] if a variable makes no sense.
    pub(super) async fn take(
        context: &Context,
        options: &ConnectionOptions,
        wanted: &Wanted,
    ) -> Result<Self, Failure> {
        let Some(held) = wanted.held(context)? else {
            return Ok(Self::Alone);
        };
        match held.place.claim() {
            Ok(claim) => Ok(Self::Holds(claim, held)),
            Err(PlaceError::Taken) => {
                let part = match options.shares(wanted) {
                    true => Self::Attaches,
                    false => Self::Alone,
                };
                let holder = status(&held.place, VERSION).await;
                let line = taken(&held.server, &holder, &part);
                context.screen.note(&printable(&line));
                Ok(part)
            }
            Err(error) => {
                refuse(context, &error);
                Ok(Self::Alone)
            }
        }
    }

    /// Begins to serve other commands, if that is the part.
    pub(super) fn hold(
        self,
        context: &Context,
        client: &TunnelClient,
        runs: Vec<String>,
    ) -> Option<Holding> {
        let Self::Holds(claim, Held { server, .. }) = self else {
            return None;
        };
        let bound = match claim.listen() {
            Ok(bound) => bound,
            Err(error) => {
                refuse(context, &error);
                return None;
            }
        };
        let about = About {
            version: VERSION.to_owned(),
            server: server.clone(),
            runs,
        };
        let tasks = Tasks::new();
        let holder = client.hold(bound, about, &tasks);
        Some(Holding {
            holder,
            tasks,
            server,
        })
    }
}

impl Holding {
    /// Waits until somebody asks with `tunnel disconnect`. Cancel-safe.
    pub(super) async fn asked_to_stop(&self) {
        self.holder.asked_to_stop().await;
    }

    /// Shows on a terminal what is held, without end.
    pub(super) async fn show(&self, context: &Context, client: &TunnelClient) -> Failure {
        let line = context.screen.bars().add(ProgressBar::new_spinner());
        // indicatif leaves out what it does not know, so a mistake here would be seen at once.
        let style = ProgressStyle::with_template("{msg}");
        line.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        loop {
            let now = client.connection();
            let line_now = status_line(&self.server, now.as_ref(), self.holder.attached());
            line.set_message(printable(&line_now).into_owned());
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Ends it, once the session has: who is attached goes on alone.
    pub(super) async fn end(self) {
        self.tasks.shutdown(GRACE).await;
    }
}

/// Says who holds, and what becomes of this process's session.
fn taken(server: &str, holder: &Result<Option<Status>, AskError>, part: &Part) -> String {
    let ours = match part {
        Part::Attaches => "runs over it",
        Part::Holds(..) | Part::Alone => "has one of its own",
    };
    match holder {
        Ok(Some(status)) => format!(
            "process {} holds a session with {server} already, for {}: this one {ours} \
             (`tunnel disconnect` ends it)",
            status.process,
            number::since(status.held)
        ),
        Ok(None) => format!("another `tunnel connect` is about to hold a session with {server}"),
        Err(error) => {
            format!("another `tunnel connect` holds a session with {server} already: {error}")
        }
    }
}

/// Says why no other command will find the session.
fn refuse(context: &Context, error: &PlaceError) {
    let line = format!("{error}: other commands will connect by themselves");
    context.screen.warn(&printable(&line));
}

fn status_line(server: &str, now: Option<&Snapshot>, attached: usize) -> String {
    let Some(now) = now else {
        return format!("{server}: no session at the moment");
    };
    let others = match attached {
        0 => "other commands run over this session".to_owned(),
        some => format!("{} over it", number::counted(some as u64, "command")),
    };
    format!(
        "{server}: {}, {} away, held for {}; {others}",
        now.carrier,
        number::time(now.path.round_trip),
        number::since(now.connected),
    )
}

/// How often a person looks at it.
const EVERY: Duration = Duration::from_secs(1);

/// Who is attached has heard that the session ended; what remains are idle connections.
const GRACE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use client::{Carrier, Path, Record};
    use transport::held::TalkError;

    use super::*;

    #[test]
    fn a_holder_that_cannot_be_asked_is_told_from_one_that_is_not_there_yet() {
        let line = |holder| taken("quic://app:3001", &holder, &Part::Attaches);
        let slow = line(Err(TalkError::Slow.into()));
        assert!(slow.contains("holds a session with quic://app:3001 already"));
        assert!(slow.contains("does not answer"), "{slow}");
        assert!(line(Ok(None)).contains("is about to hold"));
    }

    #[test]
    fn the_status_line_says_how_the_session_is_and_who_runs_over_it() {
        let now = Snapshot {
            carrier: Carrier::Udp,
            connected: Duration::from_secs(90),
            path: Path {
                round_trip: Duration::from_millis(12),
                ..Path::default()
            },
            record: Record::default(),
        };
        assert_eq!(
            status_line("quic://app:3001", Some(&now), 2),
            "quic://app:3001: udp, 12.0 ms away, held for 1 min 30 s; 2 commands over it"
        );
        assert_eq!(
            status_line("quic://app:3001", None, 0),
            "quic://app:3001: no session at the moment"
        );
    }
}
