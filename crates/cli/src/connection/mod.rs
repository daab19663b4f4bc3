//! How a command connects: to the server that is configured, else to the demo production.

mod given;
mod way;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use client::{CarrierChoice, ClientBuilder, Reconnect, TunnelClient};
use transport::address::ServerAddress;
use transport::trust::system_clock;

pub use self::given::Given;
pub use self::way::{CA, CARRIER, CarrierName, PIN, Way, WayOptions};
use crate::context::Context;
use crate::demo::{Demo, Doors};
use crate::exit::Failure;
use crate::folder::TunnelFolder;
use crate::holding::{self, Held};
use crate::memory::WaysFile;
use crate::settings::{self, SECRET, SecretFile, Server};

/// The options of the commands that connect.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionOptions {
    /// The server: https://HOST, http://HOST:PORT or quic://HOST:PORT [env: RENDER_EXTERNAL_URL]
    #[arg(long, value_name = "URL")]
    server: Option<String>,

    /// Reads the secret from a file, or from standard input with `-` [env: RENDER_TUNNEL_SECRET holds the secret itself]
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,

    #[command(flatten)]
    way: WayOptions,

    /// What this end calls itself in the server's log [default: development]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,

    /// Connects by itself, even where `tunnel connect` holds a session with the server
    #[arg(long)]
    own_session: bool,
}

/// A server that is to be connected to, and how.
#[derive(Debug)]
pub struct Wanted {
    /// What is to be told to the library.
    pub builder: ClientBuilder,
    /// The demo production, if it is what is at the other end.
    pub demo: Option<Demo>,
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
        let wanted = self.wanted(context).await?;
        self.shared(context, wanted)
            .connect(context, reconnect)
            .await
    }

    /// Lets a connection run over the session that `tunnel connect` holds, unless the user wants it
    /// otherwise.
    #[must_use]
    pub fn shared(&self, context: &Context, wanted: Wanted) -> Wanted {
        if !self.shares(&wanted) {
            return wanted;
        }
        Wanted {
            builder: wanted.builder.share(holding::sharing(context)),
            demo: None,
        }
    }

    /// Whether a connection may run over the session that `tunnel connect` holds.
    #[must_use]
    pub const fn shares(&self, wanted: &Wanted) -> bool {
        // Whoever insists on a way wants to see that one; nobody else knows the demo of this process.
        !self.own_session && !self.way.is_insisted() && wanted.demo.is_none()
    }

    /// Finds the place where a session with the configured server is held; `None` if there is no
    /// server configured: the demo is each process's own.
    ///
    /// # Errors
    /// [`Failure`] if what is configured makes no sense.
    pub fn held(&self, context: &Context) -> Result<Option<Held>, Failure> {
        let Some(text) = self.server_text(context)? else {
            return Ok(None);
        };
        let Server { address, secret } = self.configured(context, text)?;
        let server = address.to_string();
        let builder = TunnelClient::builder().server(address).secret(secret);
        let place = builder.place(holding::runtime(context)?.as_deref())?;
        Ok(Some(Held { place, server }))
    }

    /// Works out what is to be connected to, and starts the demo production if that is it.
    ///
    /// # Errors
    /// [`Failure`] if what is configured makes no sense, or the demo cannot start.
    pub async fn wanted(&self, context: &Context) -> Result<Wanted, Failure> {
        let Way {
            carrier,
            trust,
            proxies,
        } = self.way.resolve(&context.environment, &context.section)?;
        let (server, demo) = match self.server_text(context)? {
            Some(text) => (self.configured(context, text)?, None),
            None => {
                let demo = self.start_demo(context, carrier).await?;
                (demo.server()?, Some(demo))
            }
        };
        let Server { address, secret } = server;
        let mut builder = TunnelClient::builder()
            .secret(secret)
            .environment(self.own_environment(context))
            .program(concat!("tunnel ", env!("CARGO_PKG_VERSION")))
            .carrier(carrier)
            .proxies(proxies);
        if let Some(trust) = trust {
            builder = builder.tls(trust);
        }
        // The demo is somewhere else each time.
        let memory = WaysFile::of(&address, &context.environment, system_clock());
        if let Some(memory) = memory.filter(|_| demo.is_none()) {
            builder = builder.memory(Arc::new(memory));
        }
        let builder = builder.server(address);
        Ok(Wanted { builder, demo })
    }

    fn server_text<'a>(&'a self, context: &'a Context) -> Result<Option<&'a str>, Failure> {
        let given = self.server.as_deref();
        let variable = context.environment.text("RENDER_EXTERNAL_URL")?;
        let named = given.or(variable).or(context.section.server.as_deref());
        // Whoever has a secret means a server, and would take the demo's rows for its.
        let meant = self.secret_file.as_ref().map(|_| "--secret-file is given");
        let meant = meant.or_else(|| context.environment.has(SECRET).then_some(SECRET_IS_SET));
        match (named, meant) {
            (None, Some(meant)) => Err(Failure::usage(format!("{meant}, but no server is named"))
                .hint("set RENDER_EXTERNAL_URL in the environment or in .env, or use --server")),
            _ => Ok(named),
        }
    }

    /// Returns what stands before the paths of the server's front, as far as this end can tell: an HTTP
    /// address that it was given.
    ///
    /// # Errors
    /// [`Failure`] if a variable makes no sense.
    pub fn front(&self, context: &Context) -> Result<Option<String>, Failure> {
        let text = self.server_text(context)?.map(str::trim);
        let is_http = |text: &&str| text.starts_with("https://") || text.starts_with("http://");
        Ok(text.filter(is_http).map(str::to_owned))
    }

    /// Returns a name for the server, by which files of its own are told from others': `demo`, or what is
    /// plain in its address.
    ///
    /// # Errors
    /// [`Failure`] if a variable makes no sense.
    pub fn file_name(&self, context: &Context) -> Result<String, Failure> {
        let text = self.server_text(context)?.unwrap_or("demo").trim();
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        };
        let name = text
            .rsplit("://")
            .next()
            .unwrap_or(text)
            .to_ascii_lowercase();
        // A file's name has room for 255 bytes.
        Ok(name
            .trim_end_matches('/')
            .chars()
            .take(128)
            .map(plain)
            .collect())
    }

    fn own_environment<'a>(&'a self, context: &'a Context) -> &'a str {
        let given = self.environment.as_deref();
        given
            .or(context.section.environment.as_deref())
            .unwrap_or("development")
    }

    fn configured(&self, context: &Context, text: &str) -> Result<Server, Failure> {
        let address = address(text)?;
        let file = self.secret_file.clone().map(SecretFile::from);
        Ok(Server {
            address,
            secret: settings::secret(file.as_ref(), &context.environment)?,
        })
    }

    async fn start_demo(&self, context: &Context, carrier: CarrierChoice) -> Result<Demo, Failure> {
        // With --quiet as well: nobody is to take the demo's rows for production's.
        context.screen.warn(DEMO);
        let folder = TunnelFolder::make()?;
        let (secret, _) = Demo::secret(&folder)?;
        let start = Demo::start(&folder, secret, Doors::ThisProcess(carrier));
        context.interrupt.or(start).await
    }
}

/// Reads a server's address.
fn address(text: &str) -> Result<ServerAddress, Failure> {
    text.parse().map_err(|error| {
        Failure::usage(format!("{error}"))
            .hint("name the server with --server or RENDER_EXTERNAL_URL")
    })
}

impl Wanted {
    /// Connects.
    ///
    /// # Errors
    /// [`Failure`] if there is no connection within ten seconds.
    pub async fn connect(self, context: &Context, reconnect: Reconnect) -> Result<Link, Failure> {
        let Self { builder, demo } = self;
        let connecting = builder.reconnect(reconnect).connect();
        let client = context.interrupt.or(connecting).await?;
        Ok(Link { client, demo })
    }

    /// Finds the place where sessions with the server are held; `None` for the demo, which is each
    /// process's own.
    ///
    /// # Errors
    /// [`Failure`] if a variable makes no sense.
    pub fn held(&self, context: &Context) -> Result<Option<Held>, Failure> {
        if self.demo.is_some() {
            return Ok(None);
        }
        let place = self.builder.place(holding::runtime(context)?.as_deref())?;
        let server = self.builder.address();
        let server = server.map_or_else(String::new, ToString::to_string);
        Ok(Some(Held { place, server }))
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

const SECRET_IS_SET: &str = "RENDER_TUNNEL_SECRET is set";

/// The first line where no server is configured.
const DEMO: &str = "This is the built-in demo production, because no server is configured: set \
    RENDER_EXTERNAL_URL and RENDER_TUNNEL_SECRET (in the environment or .env) to reach your own.";
