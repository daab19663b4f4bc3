//! Who runs over a held session, and which sessions they mean.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::wire::AttachedCommand;
use crate::session::Session;

/// What a holder knows of those who are attached. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Attached(Arc<Mutex<Lists>>);

#[derive(Debug, Default)]
struct Lists {
    next: u64,
    commands: BTreeMap<u64, Command>,
    /// The sessions that a command was attached to and that have not ended.
    sessions: BTreeMap<u64, Session>,
}

#[derive(Debug)]
struct Command {
    name: String,
    process: Option<u32>,
    since: Instant,
}

/// A command that is attached; dropping it says that it is no longer.
#[derive(Debug)]
pub(super) struct Entry {
    attached: Attached,
    number: u64,
}

impl Attached {
    /// Notes a command.
    pub(super) fn enter(&self, name: &str, process: Option<u32>) -> Entry {
        let mut lists = self.lists();
        let number = lists.number();
        let command = Command {
            name: name.chars().take(LONGEST_NAME).collect(),
            process,
            since: Instant::now(),
        };
        lists.commands.insert(number, command);
        Entry {
            attached: self.clone(),
            number,
        }
    }

    /// Returns the number by which commands name a session.
    pub(super) fn number(&self, session: &Session) -> u64 {
        let mut lists = self.lists();
        // A keeper retires what it has replaced, so that there are never many.
        lists
            .sessions
            .retain(|_, known| known.close_reason().is_none());
        let known = lists.sessions.iter().find(|(_, known)| known.is(session));
        if let Some((&number, _)) = known {
            return number;
        }
        let number = lists.number();
        lists.sessions.insert(number, session.clone());
        number
    }

    /// Returns the session of a number.
    pub(super) fn session(&self, number: u64) -> Option<Session> {
        self.lists().sessions.get(&number).cloned()
    }

    /// Returns the commands, the first to come first.
    pub(super) fn commands(&self) -> Vec<AttachedCommand> {
        let command = |command: &Command| AttachedCommand {
            command: command.name.clone(),
            process: command.process,
            attached: command.since.elapsed(),
        };
        self.lists().commands.values().map(command).collect()
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        // The lists are whole after every statement: a panic elsewhere has not broken them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lists {
    const fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.attached.lists().commands.remove(&self.number);
    }
}

/// The names of commands are words; what is longer is somebody else's.
const LONGEST_NAME: usize = 64;
