//! Runs the app, again if that is wanted, until it has ended for good.

use std::pin::{Pin, pin};
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use features::logs::{AppEnd, Event, Origin, Ring};
use features::vitals::{Observed, Reading};
use rustix::process::{Pid, Signal};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::group::Group;
use super::launch::{AppPort, Launch, StartError};
use super::output::{Outlets, Outputs};
use super::ready::Readiness;
use super::reaper::{leaves_children, reap};
use super::restart::{Restart, Restarts};
use super::signals::{Heard, Signals};
use super::sockets::handles;
use super::story::Story;

/// How an app is wrapped.
#[derive(Debug)]
pub struct Wrapping {
    /// What is started.
    pub launch: Launch,
    /// What follows its end.
    pub restart: Restart,
    /// How long it may take to end when it is told to.
    pub grace: Duration,
    /// Where its outputs go.
    pub outlets: Outlets,
    /// Whose lines they are in the log.
    pub origin: Origin,
}

/// An app that has been started. It is killed if this is dropped before it has ended.
#[derive(Debug)]
pub struct App {
    wrapping: Wrapping,
    story: Story,
    restarts: Restarts,
    /// When the app was told to stop, it is killed at this moment.
    deadline: Option<Instant>,
    run: Run,
    /// supervisor --the app's process, while it runs--> readiness
    process: watch::Sender<Option<u32>>,
}

/// One run, from its start until the process is gone.
#[derive(Debug)]
struct Run {
    group: Group,
    outputs: Outputs,
    started: Instant,
    /// Until the process has been reaped; then its number is somebody else's.
    alive: bool,
}

/// How an app that ran ended, for good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) end: AppEnd,
    pub(super) by: EndedBy,
}

/// Who ended an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndedBy {
    /// The app.
    Itself,
    /// Whoever asked the server to stop.
    Request,
}

impl App {
    /// Starts the app. Signals must be heard by then; the process must have no other children.
    ///
    /// # Errors
    /// [`StartError`]; then nothing runs.
    pub fn start(wrapping: Wrapping, ring: &Arc<Ring>) -> Result<Self, StartError> {
        let story = Story::new(Arc::clone(ring), wrapping.origin.clone());
        let run = Run::start(&wrapping, &story)?;
        Ok(Self {
            process: watch::Sender::new(Some(run.number())),
            restarts: Restarts::new(wrapping.restart),
            deadline: None,
            wrapping,
            story,
            run,
        })
    }

    /// Returns what waits for the app to listen; `None` if it never will.
    pub(super) fn readiness(&self) -> Option<Readiness> {
        match self.wrapping.launch.port {
            AppPort::At(port) => Some(Readiness {
                port,
                public: self.wrapping.launch.public,
                process: self.process.subscribe(),
            }),
            AppPort::Nowhere => None,
        }
    }

    /// Returns what tells whether the app runs.
    pub(super) fn condition(&self) -> impl Fn() -> Reading + Send + Sync + 'static {
        let process = self.process.subscribe();
        move || match *process.borrow() {
            Some(_) => Reading::pass().seen(Observed::State("runs".to_owned())),
            None => Reading::fail("it has ended").seen(Observed::State("ended".to_owned())),
        }
    }

    /// Runs the app until it has ended for good and its last lines are in the log. `leaving` is
    /// called when it is told to stop: by a signal, or because `failed` is ready.
    pub(super) async fn run(
        mut self,
        signals: &mut Signals,
        mut failed: Pin<&mut impl Future<Output = ()>>,
        leaving: impl Fn(),
    ) -> Ended {
        loop {
            let end = self.watch(signals, failed.as_mut(), &leaving).await;
            self.process.send_replace(None);
            self.clear_up(signals, end, &leaving).await;
            self.story.mark(Event::AppEnded { end });
            let by = match self.deadline {
                Some(_) => EndedBy::Request,
                None => EndedBy::Itself,
            };
            let lasted = self.run.started.elapsed();
            let again = match by {
                EndedBy::Itself => self.restarts.after(end, lasted),
                EndedBy::Request => None,
            };
            let Some(wait) = again else {
                return Ended { end, by };
            };
            if !self.start_again(wait, signals).await {
                let by = EndedBy::Request;
                return Ended { end, by };
            }
        }
    }

    /// Waits until the process has ended.
    async fn watch(
        &mut self,
        signals: &mut Signals,
        mut failed: Pin<&mut impl Future<Output = ()>>,
        leaving: &impl Fn(),
    ) -> AppEnd {
        loop {
            let late = async {
                match self.deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                heard = signals.next() => match heard {
                    Heard::Stop(signal) => self.ask(signal, leaving),
                    Heard::Tell(signal) => self.tell(signal),
                    Heard::Child => if let Some(end) = self.run.reaped() {
                        return end;
                    },
                },
                () = failed.as_mut(), if self.deadline.is_none() => self.ask(Signal::TERM, leaving),
                () = late => return self.kill(signals).await,
            }
        }
    }

    /// Tells the app to stop; the first time, the others hear of it as well.
    fn ask(&mut self, signal: Signal, leaving: &impl Fn()) {
        self.run.group.tell(signal);
        if self.deadline.is_none() {
            info!("stopping: the app has {:?}", self.wrapping.grace);
            self.leave(leaving);
        }
    }

    /// From now on the app is not started again.
    fn leave(&mut self, leaving: &impl Fn()) {
        self.deadline = Some(Instant::now() + self.wrapping.grace);
        leaving();
    }

    fn tell(&self, signal: Signal) {
        let unwanted =
            signal == Signal::HUP && handles(self.run.number(), Signal::HUP.as_raw()) != Some(true);
        if !unwanted {
            self.run.group.tell(signal);
        }
    }

    async fn kill(&mut self, signals: &mut Signals) -> AppEnd {
        let grace = self.wrapping.grace;
        warn!("the app has not ended within {grace:?} and is killed");
        self.run.group.kill();
        let gone = async {
            loop {
                if let Some(end) = self.run.reaped() {
                    return end;
                }
                signals.next().await;
            }
        };
        let gone = tokio::time::timeout(KILLED, gone).await;
        // A process that waits for a disk that is gone cannot even be killed.
        gone.unwrap_or(AppEnd::Signal(SIGKILL))
    }

    /// Ends what the app has left behind, and waits for its last lines.
    async fn clear_up(&mut self, signals: &mut Signals, end: AppEnd, leaving: &impl Fn()) {
        self.sweep(signals, leaving).await;
        match (end, self.deadline) {
            (AppEnd::Code(code @ 1..), None) => warn!("the app ended with code {code}"),
            (AppEnd::Code(code), _) => info!("the app ended with code {code}"),
            (AppEnd::Signal(signal), None) => warn!("the app was ended by signal {signal}"),
            // It was asked to end, and this is how most do.
            (AppEnd::Signal(signal), Some(_)) => info!("the app was ended by signal {signal}"),
        }
        if leaves_children() {
            warn!(
                "the app has left processes running that are no longer of its group: start it \
                   in the foreground, not as a daemon"
            );
        }
        self.last_lines(signals, leaving).await;
    }

    /// Ends what the app has left behind. A stop that is heard meanwhile stays heard.
    async fn sweep(&mut self, signals: &mut Signals, leaving: &impl Fn()) {
        let group = self.run.group;
        let deadline = self
            .deadline
            .unwrap_or_else(|| Instant::now() + LEFT_BEHIND);
        let reap = || {
            reap(group.app);
        };
        let mut sweeping = pin!(group.sweep(deadline, reap));
        // A second stop is for whoever ends the server.
        if self.deadline.is_none() {
            tokio::select! {
                biased;
                () = signals.stop() => self.leave_without_app(leaving),
                () = &mut sweeping => return,
            }
        }
        sweeping.await;
    }

    /// Waits for the app's last lines: without us, whoever reads our output would take as long as it
    /// likes, until the platform stops both. A stop that is heard meanwhile stays heard.
    async fn last_lines(&mut self, signals: &mut Signals, leaving: &impl Fn()) {
        if self.deadline.is_none() {
            tokio::select! {
                biased;
                () = signals.stop() => self.leave_without_app(leaving),
                () = self.run.outputs.end() => return,
            }
        }
        let ending = tokio::time::timeout(LAST_LINES, self.run.outputs.end());
        if ending.await.is_err() {
            let late = self.run.outputs.late();
            warn!(
                "nobody has read the app's last output: these threads are late and left: {late:?}"
            );
        }
    }

    fn leave_without_app(&mut self, leaving: &impl Fn()) {
        info!("stopping: the app has ended already");
        self.leave(leaving);
    }

    /// Starts the app once more; false if the server was asked to stop meanwhile.
    async fn start_again(&mut self, mut wait: Duration, signals: &mut Signals) -> bool {
        loop {
            info!("the app is started again in {} ms", wait.as_millis());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = signals.stop() => return false,
            }
            match Run::start(&self.wrapping, &self.story) {
                Ok(run) => {
                    self.process.send_replace(Some(run.number()));
                    self.run = run;
                    return true;
                }
                Err(failed) => {
                    error!("{failed}");
                    wait = self.restarts.again();
                }
            }
        }
    }
}

impl Run {
    fn start(wrapping: &Wrapping, story: &Story) -> Result<Self, StartError> {
        let (mut child, grouping) = wrapping.launch.spawn()?;
        let group = Group::new(Pid::from_child(&child), grouping);
        // In its place: before the first line.
        let pid = child.id();
        story.mark(Event::AppStarted { pid });
        info!(
            "the app runs: {}, process {pid}",
            wrapping.launch.name().display()
        );
        let outputs = begin(&mut child, group, wrapping, story)?;
        Ok(Self {
            group,
            outputs,
            started: Instant::now(),
            alive: true,
        })
    }

    fn number(&self) -> u32 {
        self.group.app.as_raw_nonzero().get().unsigned_abs()
    }

    fn reaped(&mut self) -> Option<AppEnd> {
        let end = reap(self.group.app);
        self.alive &= end.is_none();
        end
    }
}

fn begin(
    child: &mut Child,
    group: Group,
    wrapping: &Wrapping,
    story: &Story,
) -> Result<Outputs, StartError> {
    let outputs = Outputs::begin(child, &wrapping.outlets, story);
    outputs.map_err(|error| {
        group.kill();
        StartError::Outputs(error)
    })
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.alive {
            self.group.kill();
        }
    }
}

/// Returns what a shell says of a program that ended so.
#[must_use]
pub const fn exit_code(end: AppEnd) -> u8 {
    match end {
        AppEnd::Code(code) => code,
        AppEnd::Signal(signal) => signal.saturating_add(128),
    }
}

const SIGKILL: u8 = 9;

/// The kernel takes a process away at once, if it can at all.
const KILLED: Duration = Duration::from_secs(1);

/// What an app that ended by itself leaves behind was not told anything yet.
const LEFT_BEHIND: Duration = Duration::from_secs(2);

/// A reader that reads takes milliseconds for what the pipe held, and the feed a second.
const LAST_LINES: Duration = Duration::from_secs(2);
