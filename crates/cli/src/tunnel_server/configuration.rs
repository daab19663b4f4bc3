//! What a server is started with: flags, the environment, `tunnel.toml`, put together once.

use std::net::SocketAddr;
use std::path::Path;

use features::parts::Sections;
use server::config::ConfigFile;
use server::{
    DatabaseUrl, DatabaseUrlError, Keys, Scopes, ServerBuilder, ServerError, TunnelServer, Udp,
};
use transport::trust::Secret;

use super::Arguments;
use crate::environment::{Environment, find_upwards};
use crate::exit::Failure;
use crate::settings::{self, SECRET, SecretFile};

/// What a server is started with.
#[derive(Debug)]
pub(super) struct Configuration {
    file: ConfigFile,
    keys: Keys,
    /// The names of the keys, each once.
    key_names: Vec<String>,
    /// The secret that can be read only once, because it came on standard input.
    read_once: Option<Secret>,
    port: u16,
    name: Option<String>,
    commit: Option<String>,
    instance: Option<String>,
    region: Option<String>,
    database: Database,
    pseudonyms: Option<String>,
    cors: Option<String>,
    metrics_key: Option<String>,
}

/// What was read while the server runs.
#[derive(Debug)]
pub(super) struct Reread {
    pub(super) keys: Keys,
    /// The sections that are no longer what the server was started with.
    pub(super) waiting: Vec<String>,
}

/// What `DATABASE_URL` says. It is the app's: what cannot be synced is no reason not to start it.
#[derive(Debug)]
pub(super) enum Database {
    /// Nothing.
    Unset,
    /// A database that can be synced.
    At(Box<DatabaseUrl>),
    /// Another, or none.
    Foreign(DatabaseUrlError),
}

impl Configuration {
    /// Puts it together. `folder` is where `.env` and `tunnel.toml` are looked for.
    pub(super) fn new(
        arguments: &Arguments,
        environment: &Environment,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let text = |name| environment.text(name).map(|value| value.map(str::to_owned));
        let file = config_file(arguments.places.config.as_deref(), folder)?;
        let from_input = given_secret(arguments) == Some(SecretFile::StandardInput);
        let secret = default_secret(arguments, environment, &file)?;
        let keys = keys(secret.as_ref(), environment, &file)?;
        Ok(Self {
            key_names: key_names(secret.as_ref(), &file),
            keys,
            read_once: secret.filter(|_| from_input),
            file,
            port: settings::port(arguments.port, environment)?,
            name: text("RENDER_SERVICE_NAME")?,
            commit: text("RENDER_GIT_COMMIT")?,
            instance: text("RENDER_INSTANCE_ID")?,
            region: text("RENDER_REGION")?,
            database: Database::of(environment)?,
            pseudonyms: text("RENDER_TUNNEL_PSEUDONYM_KEY")?,
            cors: text("RENDER_TUNNEL_CORS_ORIGIN")?,
            metrics_key: text("RENDER_TUNNEL_METRICS_KEY")?,
        })
    }

    /// Returns the port that is served.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Returns which instance of the service this is; empty if nobody says.
    pub(super) fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    /// Returns what the file says.
    pub(super) const fn file(&self) -> &ConfigFile {
        &self.file
    }

    /// Says why a server does not start, and in which file that is to be mended.
    pub(super) fn explain(&self, error: ServerError) -> Failure {
        let written = |section| self.file.sections.has(section);
        match (&error, &self.file.path) {
            (ServerError::Section(wrong), Some(path)) if written(&wrong.section) => {
                Failure::usage(format!("{}: {error}", path.display()))
            }
            _ => error.into(),
        }
    }

    /// Reads the keys again, from `tunnel.toml`, `.env` and files of secrets.
    pub(super) fn read_again(
        &self,
        arguments: &Arguments,
        environment: &Environment,
        folder: &Path,
    ) -> Result<Reread, Failure> {
        let file = config_file(arguments.places.config.as_deref(), folder)?;
        let secret = match &self.read_once {
            Some(secret) => Some(secret.clone()),
            None => default_secret(arguments, environment, &file)?,
        };
        Ok(Reread {
            keys: keys(secret.as_ref(), environment, &file)?,
            waiting: self
                .file
                .sections
                .differing(&file.sections)
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Returns the names of the keys.
    pub(super) fn key_names(&self) -> &[String] {
        &self.key_names
    }

    /// Whether pseudonyms are the same after the next start.
    pub(super) const fn pseudonyms_last(&self) -> bool {
        self.pseudonyms.is_some()
    }

    /// Returns production's database.
    pub(super) const fn database(&self) -> &Database {
        &self.database
    }

    /// Tells the library.
    pub(super) fn builder(
        &self,
        arguments: &Arguments,
        environment: &Environment,
        sections: Sections,
    ) -> ServerBuilder {
        let variables = environment.clone();
        let names: Vec<_> = environment.names().map(str::to_owned).collect();
        let mut builder = TunnelServer::builder()
            .port(self.port)
            .environment(&arguments.environment)
            .commit(self.commit.clone())
            .instance(self.instance.clone())
            .region(self.region.clone())
            .database(self.database.known())
            .pseudonym_key(self.pseudonyms.clone())
            .sections(sections)
            .secret_variables(self.file.variables.clone())
            .variables(move |name| variables.as_written(name).map(str::to_owned))
            .variable_names(names)
            .cors_origins(self.cors.clone())
            .metrics_key(self.metrics_key.clone())
            .keys(self.keys.clone());
        if let Some(host) = arguments.host {
            let address = SocketAddr::from((host, self.port));
            builder = builder.quic_address(address).http_address(Some(address));
        }
        if environment.has("RENDER") {
            // Render's edge lets no UDP in, whatever listens behind it.
            builder = builder.udp(Udp::Hidden);
        }
        if let Some(name) = &self.name {
            builder = builder.server_id(name);
        }
        builder
    }
}

impl Database {
    fn of(environment: &Environment) -> Result<Self, Failure> {
        Ok(match environment.text("DATABASE_URL")?.map(str::parse) {
            None => Self::Unset,
            Some(Ok(url)) => Self::At(Box::new(url)),
            Some(Err(error)) => Self::Foreign(error),
        })
    }

    fn known(&self) -> Option<DatabaseUrl> {
        match self {
            Self::At(url) => Some((**url).clone()),
            Self::Unset | Self::Foreign(_) => None,
        }
    }
}

/// Reads the file that is named, or the one that is found.
pub(super) fn config_file(given: Option<&Path>, folder: &Path) -> Result<ConfigFile, Failure> {
    let found = given
        .map(Path::to_owned)
        .or_else(|| find_upwards(folder, "tunnel.toml"));
    match found {
        Some(path) => Ok(ConfigFile::read(&path)?),
        None => Ok(ConfigFile::default()),
    }
}

/// Collects the keys: the one named `default`, with the secret that takes its place if there is one,
/// and those of the file.
fn keys(
    secret: Option<&Secret>,
    environment: &Environment,
    file: &ConfigFile,
) -> Result<Keys, Failure> {
    let mut keys = Keys::default();
    if let Some(secret) = secret {
        keys = keys.with(DEFAULT, secret.expose(), Scopes::default());
        if let Some(next) = environment.text(NEXT_SECRET)? {
            keys = keys.with(DEFAULT, next, Scopes::default());
        }
    }
    let lookup = |name: &str| environment.text(name).ok().flatten().map(str::to_owned);
    Ok(keys.configured(&file.keys, lookup)?)
}

fn key_names(secret: Option<&Secret>, file: &ConfigFile) -> Vec<String> {
    let named = file.keys.iter().map(|key| key.name.clone());
    secret
        .map(|_| DEFAULT.to_owned())
        .into_iter()
        .chain(named)
        .collect()
}

fn given_secret(arguments: &Arguments) -> Option<SecretFile> {
    arguments.places.secret_file.clone().map(SecretFile::from)
}

/// Reads the secret of the key named `default`. A file with keys of its own needs no other.
fn default_secret(
    arguments: &Arguments,
    environment: &Environment,
    file: &ConfigFile,
) -> Result<Option<Secret>, Failure> {
    let place = given_secret(arguments);
    if place.is_none() && !environment.has(SECRET) && !file.keys.is_empty() {
        return Ok(None);
    }
    settings::secret(place.as_ref(), environment).map(Some)
}

/// The key that needs no configuration file.
pub(super) const DEFAULT: &str = "default";

/// The variable that holds the secret which takes the place of `RENDER_TUNNEL_SECRET`.
pub(super) const NEXT_SECRET: &str = "RENDER_TUNNEL_SECRET_NEXT";
