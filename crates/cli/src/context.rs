//! What every command is given: the options, the environment, the screen, ^C, and how to connect.

use std::path::PathBuf;

use clap::Args;
use client::{Reconnect, TunnelClient};
use transport::trust::Secret;

use crate::demo::{Demo, Doors};
use crate::environment::Environment;
use crate::exit::Failure;
use crate::folder::TunnelFolder;
use crate::interrupt::Interrupt;
use crate::output::{Format, Loudness, Screen};
use crate::settings::{self, ClientSection, SecretFile, Server};

/// The options that every command takes.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The server, for example quic://app.example.com:3001 [env: RENDER_EXTERNAL_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = "Connection")]
    server: Option<String>,

    /// Reads the secret from a file, or from standard input with `-` [env: RENDER_TUNNEL_SECRET holds the secret itself]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Connection")]
    secret_file: Option<PathBuf>,

    /// What this end calls itself in the server's log [default: development]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Connection")]
    environment: Option<String>,

    /// Writes JSON to standard output
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,

    /// Says nothing but warnings and errors
    #[arg(long, short, global = true, help_heading = "Output")]
    quiet: bool,
}

/// What a command is given.
#[derive(Debug)]
pub struct Context {
    /// The variables.
    pub environment: Environment,
    /// The streams.
    pub screen: Screen,
    /// ^C.
    pub interrupt: Interrupt,
    options: Options,
    section: ClientSection,
}

/// A connection, and the demo production at its other end if no server is configured.
#[derive(Debug)]
pub struct Link {
    /// The connection.
    pub client: TunnelClient,
    demo: Option<Demo>,
}

/// What is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Production {
    /// The one that the user named.
    Configured,
    /// The built-in one.
    Demo,
}

impl Context {
    /// Collects what a command is given.
    ///
    /// # Errors
    /// [`Failure`] if `.env` or `tunnel.toml` makes no sense.
    pub fn new(options: Options, interrupt: Interrupt) -> Result<Self, Failure> {
        let folder = std::env::current_dir()
            .map_err(|error| Failure::failed(format!("cannot see the working folder: {error}")))?;
        let environment = Environment::read(&folder)?;
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
        let section = ClientSection::find(&folder)?;
        Ok(Self {
            environment,
            screen,
            interrupt,
            options,
            section,
        })
    }

    /// Returns what will be at the other end.
    ///
    /// # Errors
    /// [`Failure`] if a variable makes no sense.
    pub fn production(&self) -> Result<Production, Failure> {
        Ok(match self.server_text()? {
            Some(_) => Production::Configured,
            None => Production::Demo,
        })
    }

    /// Connects to the server, or to the demo production where none is configured.
    ///
    /// # Errors
    /// [`Failure`] if there is no connection within ten seconds.
    pub async fn connect(&self, reconnect: Reconnect) -> Result<Link, Failure> {
        let (server, demo) = match self.server_text()? {
            Some(text) => (self.configured(text)?, None),
            None => {
                let demo = self.start_demo().await?;
                (demo.server()?, Some(demo))
            }
        };
        let builder = TunnelClient::builder()
            .server(server.address.to_string())
            .secret(server.secret.expose())
            .environment(self.own_environment()?)
            .program(concat!("tunnel ", env!("CARGO_PKG_VERSION")))
            .reconnect(reconnect);
        let client = self.interrupt.or(builder.connect()).await?;
        Ok(Link { client, demo })
    }

    fn server_text(&self) -> Result<Option<&str>, Failure> {
        let given = self.options.server.as_deref();
        let variable = self.environment.text("RENDER_EXTERNAL_URL")?;
        Ok(given.or(variable).or(self.section.server.as_deref()))
    }

    fn own_environment(&self) -> Result<&str, Failure> {
        let given = self.options.environment.as_deref();
        Ok(given
            .or(self.section.environment.as_deref())
            .unwrap_or("development"))
    }

    fn configured(&self, text: &str) -> Result<Server, Failure> {
        let address = text.parse().map_err(|error| {
            Failure::usage(format!("{error}"))
                .hint("name the server with --server or RENDER_EXTERNAL_URL")
        })?;
        let file = self.options.secret_file.clone().map(SecretFile::from);
        Ok(Server {
            address,
            secret: settings::secret(file.as_ref(), &self.environment)?,
        })
    }

    async fn start_demo(&self) -> Result<Demo, Failure> {
        if self.options.secret_file.is_some() {
            return Err(Failure::usage("--secret-file is given, but no server")
                .hint("name the server with --server or RENDER_EXTERNAL_URL"));
        }
        self.screen.note(DEMO);
        let secret = Secret::generate().map_err(|error| Failure::failed(error.to_string()))?;
        let start = async { Demo::start(&TunnelFolder::make()?, secret, Doors::ThisProcess).await };
        self.interrupt.or(start).await
    }
}

impl Link {
    /// Ends the connection in order, and the demo with it.
    pub async fn end(self) {
        let Self { client, demo } = self;
        client.disconnect().await;
        if let Some(demo) = demo {
            demo.stop().await;
        }
    }
}

/// The first line where no server is configured.
const DEMO: &str = "This is the built-in demo production, because no server is configured: set \
    RENDER_EXTERNAL_URL and RENDER_TUNNEL_SECRET (in the environment or .env) to reach your own.";
