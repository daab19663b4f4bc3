//! What every command is given: the environment, `tunnel.toml`, the screen, ^C.

use std::path::PathBuf;

use clap::Args;

use crate::environment::Environment;
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::output::{Format, Loudness, Screen};
use crate::settings::ClientSection;

/// The options that every command takes.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// Writes JSON to standard output
    #[arg(long, global = true)]
    json: bool,

    /// Says nothing but warnings and errors
    #[arg(long, short, global = true)]
    quiet: bool,
}

/// What a command is given.
#[derive(Debug)]
pub struct Context {
    /// The variables.
    pub environment: Environment,
    /// What `tunnel.toml` says to clients.
    pub section: ClientSection,
    /// The working folder.
    pub folder: PathBuf,
    /// The streams.
    pub screen: Screen,
    /// ^C.
    pub interrupt: Interrupt,
    /// The command's name, for whoever holds its session.
    pub command: String,
}

impl Context {
    /// Collects what a command is given.
    ///
    /// # Errors
    /// [`Failure`] if `.env` or `tunnel.toml` makes no sense.
    pub fn new(options: OutputOptions, interrupt: Interrupt) -> Result<Self, Failure> {
        let folder = working_folder()?;
        let environment = Environment::read(&folder)?;
        let section = ClientSection::find(&folder)?;
        let context = Self::of(options, interrupt, environment, section);
        Ok(Self { folder, ..context })
    }

    /// Says which command it is.
    #[must_use]
    pub fn named(mut self, command: String) -> Self {
        self.command = command;
        self
    }

    /// Collects what there is without `.env` and `tunnel.toml`, for who finds out why they make no
    /// sense.
    #[must_use]
    pub fn without_files(options: OutputOptions, interrupt: Interrupt) -> Self {
        let section = ClientSection::default();
        Self::of(options, interrupt, Environment::of_process(), section)
    }

    fn of(
        options: OutputOptions,
        interrupt: Interrupt,
        environment: Environment,
        section: ClientSection,
    ) -> Self {
        let format = if options.json {
            Format::Json
        } else {
            Format::Human
        };
        let loudness = if options.quiet {
            Loudness::Quiet
        } else {
            Loudness::Normal
        };
        let screen = Screen::new(format, loudness, &environment);
        Self {
            environment,
            section,
            folder: PathBuf::new(),
            screen,
            interrupt,
            command: String::new(),
        }
    }
}

/// Returns the working folder, whole: what is looked for upwards is looked for in its name.
///
/// # Errors
/// [`Failure`] if it is gone, or nobody may see it.
pub fn working_folder() -> Result<PathBuf, Failure> {
    std::env::current_dir()
        .map_err(|error| Failure::failed(format!("cannot see the working folder: {error}")))
}
