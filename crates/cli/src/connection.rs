//! How a command connects: to the server that is configured, else to the demo production.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use client::{CarrierChoice, Reconnect, TunnelClient};
use transport::reach::{Pin, ProxySettings, TlsTrust};
use transport::trust::Secret;

use crate::context::Context;
use crate::demo::{Demo, Doors};
use crate::exit::Failure;
use crate::folder::TunnelFolder;
use crate::settings::{self, SecretFile, Server};

/// The options of the commands that connect.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionOptions {
    /// The server, for example https://app.onrender.com [env: RENDER_EXTERNAL_URL]
    #[arg(long, value_name = "URL")]
    server: Option<String>,

    /// Reads the secret from a file, or from standard input with `-` [env: RENDER_TUNNEL_SECRET holds the secret itself]
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,

    /// Which way to take: the best that works, or one alone
    #[arg(long, value_enum, default_value_t, value_name = "CARRIER")]
    carrier: Carrier,

    /// Checks the certificate of an https server by the authorities in a PEM file
    #[arg(long, value_name = "PATH", conflicts_with = "pin")]
    ca: Option<PathBuf>,

    /// Trusts the https server that has this public key: sha256/ and the hash of it
    #[arg(long, value_name = "HASH")]
    pin: Option<Pin>,

    /// What this end calls itself in the server's log [default: development]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
}

/// Which carriers may be used.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Carrier {
    /// UDP where the server offers it and the network lets it through, else WebSocket
    #[default]
    Auto,
    /// UDP alone
    Udp,
    /// WebSocket alone
    Websocket,
}

impl From<Carrier> for CarrierChoice {
    fn from(carrier: Carrier) -> Self {
        match carrier {
            Carrier::Auto => Self::Auto,
            Carrier::Udp => Self::Udp,
            Carrier::Websocket => Self::WebSocket,
        }
    }
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

impl ConnectionOptions {
    /// Returns what will be at the other end.
    ///
    /// # Errors
    /// [`Failure`] if a variable makes no sense.
    pub fn production(&self, context: &Context) -> Result<Production, Failure> {
        Ok(match self.server_text(context)? {
            Some(_) => Production::Configured,
            None => Production::Demo,
        })
    }

    /// Connects to the server, or to the demo production where none is configured.
    ///
    /// # Errors
    /// [`Failure`] if there is no connection within ten seconds.
    pub async fn connect(&self, context: &Context, reconnect: Reconnect) -> Result<Link, Failure> {
        let (server, demo) = match self.server_text(context)? {
            Some(text) => (self.configured(context, text)?, None),
            None => {
                let demo = self.start_demo(context).await?;
                (demo.server()?, Some(demo))
            }
        };
        let lookup = |name: &str| context.environment.text(name).ok().flatten();
        let mut builder = TunnelClient::builder()
            .carrier(self.carrier.into())
            .proxies(ProxySettings::from_lookup(|name| {
                lookup(name).map(str::to_owned)
            }))
            .server(server.address)
            .secret(server.secret)
            .environment(self.own_environment(context))
            .program(concat!("tunnel ", env!("CARGO_PKG_VERSION")))
            .reconnect(reconnect);
        if let Some(trust) = self.trust()? {
            builder = builder.tls(trust);
        }
        let client = context.interrupt.or(builder.connect()).await?;
        Ok(Link { client, demo })
    }

    /// Returns what an https server is to be known by, if the user says so.
    fn trust(&self) -> Result<Option<TlsTrust>, Failure> {
        if let Some(pin) = self.pin {
            let trust = TlsTrust::pin(pin);
            return trust
                .map(Some)
                .map_err(|error| Failure::failed(error.to_string()));
        }
        let Some(path) = &self.ca else {
            return Ok(None);
        };
        let unusable = |why: String| Failure::usage(format!("--ca {}: {why}", path.display()));
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let trust = TlsTrust::authorities(&pem);
        trust.map(Some).map_err(|error| unusable(error.to_string()))
    }

    fn server_text<'a>(&'a self, context: &'a Context) -> Result<Option<&'a str>, Failure> {
        let given = self.server.as_deref();
        let variable = context.environment.text("RENDER_EXTERNAL_URL")?;
        Ok(given.or(variable).or(context.section.server.as_deref()))
    }

    fn own_environment<'a>(&'a self, context: &'a Context) -> &'a str {
        let given = self.environment.as_deref();
        given
            .or(context.section.environment.as_deref())
            .unwrap_or("development")
    }

    fn configured(&self, context: &Context, text: &str) -> Result<Server, Failure> {
        let address = text.parse().map_err(|error| {
            Failure::usage(format!("{error}"))
                .hint("name the server with --server or RENDER_EXTERNAL_URL")
        })?;
        let file = self.secret_file.clone().map(SecretFile::from);
        Ok(Server {
            address,
            secret: settings::secret(file.as_ref(), &context.environment)?,
        })
    }

    async fn start_demo(&self, context: &Context) -> Result<Demo, Failure> {
        if self.secret_file.is_some() {
            return Err(Failure::usage("--secret-file is given, but no server")
                .hint("name the server with --server or RENDER_EXTERNAL_URL"));
        }
        context.screen.note(DEMO);
        let secret = Secret::generate().map_err(|error| Failure::failed(error.to_string()))?;
        let start = async { Demo::start(&TunnelFolder::make()?, secret, Doors::ThisProcess).await };
        context.interrupt.or(start).await
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
