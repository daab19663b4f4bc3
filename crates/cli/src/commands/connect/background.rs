//! `tunnel connect --background`: starts the same command on its own, and waits until it holds.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::sleep;
use transport::held::{PlaceError, Status, status};

use super::{Arguments, DETACHED};
use crate::commands::status::{nobody, unasked};
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::holding::{Held, VERSION};
use crate::output::number;

/// Starts a holder in the background, unless there is one.
///
/// # Errors
/// [`Failure`] if it does not come to hold, or would have to read its secret where nobody types.
pub(super) async fn start(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    if arguments.connection.given().secret_file == Some(Path::new("-")) {
        return Err(no_input());
    }
    let Some(held) = arguments.connection.held(context)? else {
        return Err(nobody(None));
    };
    if let Some(there) = status(&held.place, VERSION)
        .await
        .map_err(|error| unasked(&error))?
    {
        context.screen.note(&format!(
            "process {} holds a session with {} already",
            there.process, held.server
        ));
        return Ok(());
    }
    held.place.prepare().map_err(|error| no_place(&error))?;
    let log = held.place.log();
    let mut child = spawn(&log).map_err(|error| {
        Failure::failed(format!("cannot start `tunnel` in the background: {error}"))
    })?;
    let began = context.interrupt.or(until_held(&mut child, &held)).await;
    if began.is_err() {
        // Whoever stops the wait does not want what it was for. It fails if the program has just ended.
        child.kill().await.ok();
    }
    match began? {
        Began::Holds(status) => {
            context.screen.note(&said(&held, &status, &log));
            Ok(())
        }
        Began::Ended(ended) => Err(ended_early(ended, &log)),
    }
}

/// Leaves the terminal's session, so that its end is not this program's.
pub(super) fn detach() {
    // Fails only for a leader of a group of processes, which whoever started this one made it.
    rustix::process::setsid().ok();
}

/// What became of the program that was started.
enum Began {
    Holds(Box<Status>),
    Ended(ExitStatus),
}

fn spawn(log: &Path) -> io::Result<Child> {
    let options = || {
        let mut options = OpenOptions::new();
        options.create(true).mode(0o600);
        options
    };
    let said = options().write(true).truncate(true).open(log)?;
    let given = std::env::args_os().skip(1);
    let given = given.filter(|argument| argument != "--background");
    Command::new(std::env::current_exe()?)
        .args(given)
        .arg(format!("--{DETACHED}"))
        .stdin(Stdio::null())
        // Nobody takes the data, and it would have no end: the folder may be memory.
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
}

/// Waits until the program holds, or has ended.
async fn until_held(child: &mut Child, held: &Held) -> Result<Began, Failure> {
    loop {
        if let Ok(Some(status)) = status(&held.place, VERSION).await
            && status.welcome.is_some()
        {
            return Ok(Began::Holds(Box::new(status)));
        }
        tokio::select! {
            // It ends by itself if it cannot connect within ten seconds.
            ended = child.wait() => {
                let ended = ended.map_err(|error| Failure::failed(error.to_string()))?;
                return Ok(Began::Ended(ended));
            }
            () = sleep(AGAIN) => {}
        }
    }
}

fn said(held: &Held, status: &Status, log: &Path) -> String {
    let round_trip = status.snapshot.map(|now| now.path.round_trip);
    format!(
        "process {} holds a session with {}, {} away; what it says is in {}",
        status.process,
        held.server,
        number::time(round_trip.unwrap_or_default()),
        log.display()
    )
}

/// Says why the program has ended: with its own last words, and its own code.
fn ended_early(ended: ExitStatus, log: &Path) -> Failure {
    let mut words = String::new();
    let read = File::open(log).and_then(|file| file.take(LONGEST).read_to_string(&mut words));
    let words = match read {
        Ok(_) if !words.trim().is_empty() => words.trim().to_owned(),
        _ => format!("it ended at once, {ended}"),
    };
    let exits = [
        Exit::Usage,
        Exit::NoConnection,
        Exit::NotAuthorised,
        Exit::Refused,
    ];
    let exit = exits
        .into_iter()
        .find(|&exit| ended.code() == Some(exit as i32));
    let words = words.strip_prefix("error: ").unwrap_or(&words);
    Failure::new(exit.unwrap_or(Exit::Failed), words)
}

fn no_input() -> Failure {
    Failure::usage("with --background nobody gives the secret on standard input")
        .hint("name its file with --secret-file, or set RENDER_TUNNEL_SECRET")
}

fn no_place(error: &PlaceError) -> Failure {
    Failure::failed(error.to_string())
        .hint("without --background the session can be held for nobody but this program")
}

/// A fraction of what a person notices.
const AGAIN: Duration = Duration::from_millis(20);

/// Some lines.
const LONGEST: u64 = 8 * 1024;
