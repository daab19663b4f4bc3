//! What a server is started with: flags, the environment, `tunnel.toml`, put together once.

use std::path::Path;

use server::config::ConfigFile;
use server::{DatabaseUrl, ServerBuilder, TunnelServer, Udp};
use transport::trust::Secret;

use super::Arguments;
use crate::environment::{Environment, find_upwards};
use crate::exit::Failure;
use crate::settings::{self, SECRET, SecretFile};

/// What a server is started with.
#[derive(Debug)]
pub(super) struct Configuration {
    file: ConfigFile,
    /// The key named `default`, if there is one.
    secret: Option<Secret>,
    port: u16,
    name: Option<String>,
    commit: Option<String>,
    database: Option<DatabaseUrl>,
    pseudonyms: Option<String>,
}

impl Configuration {
    /// Puts it together. `folder` is where `.env` and `tunnel.toml` are looked for.
    pub(super) fn new(
        arguments: &Arguments,
        environment: &Environment,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let text = |name| environment.text(name).map(|value| value.map(str::to_owned));
        let file = config_file(arguments.config.as_deref(), folder)?;
        let database = text("DATABASE_URL")?.map(|url| url.parse()).transpose();
        Ok(Self {
            secret: default_key(arguments, environment, &file)?,
            file,
            port: settings::port(arguments.port, environment)?,
            name: text("RENDER_SERVICE_NAME")?,
            commit: text("RENDER_GIT_COMMIT")?,
            database: database.map_err(|error| Failure::usage(format!("DATABASE_URL: {error}")))?,
            pseudonyms: text("RENDER_TUNNEL_PSEUDONYM_KEY")?,
        })
    }

    /// Returns the names of the keys.
    pub(super) fn key_names(&self) -> Vec<&str> {
        let default = self.secret.as_ref().map(|_| "default");
        let named = self.file.keys.iter().map(|key| &*key.name);
        default.into_iter().chain(named).collect()
    }

    /// Whether pseudonyms are the same after the next start.
    pub(super) const fn pseudonyms_last(&self) -> bool {
        self.pseudonyms.is_some()
    }

    /// Returns production's database.
    pub(super) const fn database(&self) -> Option<&DatabaseUrl> {
        self.database.as_ref()
    }

    /// Tells the library.
    pub(super) fn builder(
        &self,
        arguments: &Arguments,
        environment: &Environment,
    ) -> Result<ServerBuilder, Failure> {
        let lookup = |name: &str| environment.text(name).ok().flatten().map(str::to_owned);
        let variables = environment.clone();
        let mut builder = TunnelServer::builder()
            .port(self.port)
            .environment(&arguments.environment)
            .commit(self.commit.clone())
            .database(self.database.clone())
            .pseudonym_key(self.pseudonyms.clone())
            .sections(self.file.sections.clone())
            .variables(move |name| variables.text(name).ok().flatten().map(str::to_owned))
            .keys(&self.file.keys, lookup)?;
        if environment.has("RENDER") {
            // Render's edge lets no UDP in, whatever listens behind it.
            builder = builder.udp(Udp::Hidden);
        }
        if let Some(name) = &self.name {
            builder = builder.server_id(name);
        }
        if let Some(secret) = &self.secret {
            builder = builder.secret(secret.expose());
        }
        Ok(builder)
    }
}

fn config_file(given: Option<&Path>, folder: &Path) -> Result<ConfigFile, Failure> {
    let found = given
        .map(Path::to_owned)
        .or_else(|| find_upwards(folder, "tunnel.toml"));
    match found {
        Some(path) => Ok(ConfigFile::read(&path)?),
        None => Ok(ConfigFile::default()),
    }
}

/// Reads the secret of the key named `default`. A file with keys of its own needs no other.
fn default_key(
    arguments: &Arguments,
    environment: &Environment,
    file: &ConfigFile,
) -> Result<Option<Secret>, Failure> {
    let place = arguments.secret_file.clone().map(SecretFile::from);
    if arguments.stdin_logs && place == Some(SecretFile::StandardInput) {
        return Err(
            Failure::usage("standard input cannot be both the secret and the log")
                .hint("keep the secret in a file, or in RENDER_TUNNEL_SECRET"),
        );
    }
    if place.is_none() && !environment.has(SECRET) && !file.keys.is_empty() {
        return Ok(None);
    }
    settings::secret(place.as_ref(), environment).map(Some)
}
