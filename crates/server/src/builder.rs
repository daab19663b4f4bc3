//! What a server needs to start.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;

use features::logs::{LogsConfig, Origin, Ring};
use features::parts::{
    About, Identity, Pseudonyms, Sections, ServerParts, SessionCount, Variables,
};
use features::sync::database::DatabaseUrl;
use features::vitals::Vitals;
use features::{Helpers, Served};
use sanitize::PseudonymKey;
use tokio::time::Instant;
use transport::carrier::websocket::Door;
use transport::endpoint::{Listener, Reception};
use transport::router::Router;
use transport::trust::{
    KeyRing, Scopes, Secret, ServerName, ServerTrust, WallClock, random_16, system_clock,
};
use wire::FeatureVersion;

use crate::audit::{Audit, StandardError, Writer};
use crate::error::ServerError;
use crate::front::Behind;
use crate::front::entries::Entries;
use crate::front::health::Probed;
use crate::front::manners::{FrontConfig, Limits, Origins, guarded};
use crate::front::metrics::{self, MetricsConfig, OwnPort};
use crate::keys::{Keys, ServerKeys, parsed};
use crate::oversight::Manners;
use crate::process;
use crate::server::{ClosedFront, FrontPlan, TunnelServer, bind};

/// Collects what a server needs. Made by [`TunnelServer::builder`].
pub struct ServerBuilder {
    quic: Option<SocketAddr>,
    http: Option<SocketAddr>,
    keys: Keys,
    environment: String,
    server_id: String,
    program: String,
    commit: Option<String>,
    instance: Option<String>,
    region: Option<String>,
    variables: Variables,
    secret_variables: BTreeSet<String>,
    database: Option<DatabaseUrl>,
    pseudonyms: Option<String>,
    sections: Sections,
    clock: WallClock,
    udp: Udp,
    upstream: Option<u16>,
    cors: Option<String>,
    metrics_key: Option<String>,
    standard_error: StandardError,
}

/// A server that has all that it needs but its ports.
pub(crate) struct Ready {
    quic: Option<SocketAddr>,
    pub(crate) door: Door,
    /// What the features serve over HTTP.
    pub(crate) routes: axum::Router,
    /// What they take at paths that are not the tunnel's own.
    pub(crate) entries: axum::Router,
    helpers: Helpers,
    pub(crate) parts: ServerParts,
    pub(crate) router: Arc<Router>,
    pub(crate) reception: Arc<Reception>,
    pub(crate) origins: Origins,
    pub(crate) keys: ServerKeys,
    pub(crate) manners: Manners,
    writer: Option<Writer>,
    metrics: MetricsConfig,
    pub(crate) probed: Probed,
}

/// Whether clients hear of the UDP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Udp {
    /// They do, and come that way where they can.
    Offered,
    /// They do not, because the host lets no UDP in, as Render does.
    Hidden,
}

impl Default for ServerBuilder {
    fn default() -> Self {
        let everywhere =
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, transport::address::DEFAULT_PORT));
        Self {
            quic: Some(everywhere),
            http: Some(everywhere),
            keys: Keys::default(),
            environment: "production".to_owned(),
            server_id: "tunnel-server".to_owned(),
            program: concat!("tunnel-server ", env!("CARGO_PKG_VERSION")).to_owned(),
            commit: None,
            instance: None,
            region: None,
            variables: Variables::default(),
            secret_variables: BTreeSet::new(),
            database: None,
            pseudonyms: None,
            sections: Sections::default(),
            clock: system_clock(),
            udp: Udp::Offered,
            upstream: None,
            cors: None,
            metrics_key: None,
            standard_error: StandardError::default(),
        }
    }
}

impl ServerBuilder {
    /// Listens on this port of every address: HTTP on TCP, QUIC on UDP. 3001 unless set.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        self.quic = Some(everywhere);
        self.http = Some(everywhere);
        self
    }

    /// Listens for QUIC on this UDP address; port 0 lets the system choose.
    #[must_use]
    pub const fn quic_address(mut self, address: SocketAddr) -> Self {
        self.quic = Some(address);
        self
    }

    /// Sets whether clients that came over WebSocket hear of the UDP port; they do unless set.
    #[must_use]
    pub const fn udp(mut self, udp: Udp) -> Self {
        self.udp = udp;
        self
    }

    /// Listens for HTTP on this TCP address, or not at all.
    #[must_use]
    pub const fn http_address(mut self, address: Option<SocketAddr>) -> Self {
        self.http = address;
        self
    }

    /// Stands before an app on this machine: HTTP that is not the tunnel's own passes to this port of
    /// it, streaming both ways, and back.
    ///
    /// The tunnel's own are `/render-tunnel` and what is below `/_tunnel/`; `/health` is the app's, and
    /// so are webhooks, of which the tunnel gets a copy unless their provider is in `proxy`.
    #[must_use]
    pub const fn upstream(mut self, port: u16) -> Self {
        self.upstream = Some(port);
        self
    }

    /// Listens on no port at all: clients come through [`TunnelServer::router`], which an app of the
    /// caller's serves.
    #[must_use]
    pub const fn embedded(mut self) -> Self {
        self.quic = None;
        self.http = None;
        self
    }

    /// Accepts this secret as the key named `default`: every feature, sanitised.
    #[must_use]
    pub fn secret(self, secret: impl Into<String>) -> Self {
        self.key("default", secret, Scopes::default())
    }

    /// Accepts another key.
    #[must_use]
    pub fn key(
        mut self,
        name: impl Into<String>,
        secret: impl Into<String>,
        scopes: Scopes,
    ) -> Self {
        self.keys = self.keys.with(name, secret, scopes);
        self
    }

    /// Accepts these keys, beside those that were named before.
    #[must_use]
    pub fn keys(mut self, keys: Keys) -> Self {
        self.keys = self.keys.and(keys);
        self
    }

    /// Sets what the server calls itself; `production` unless set.
    #[must_use]
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = environment.into();
        self
    }

    /// Sets the name that all instances of the service share.
    #[must_use]
    pub fn server_id(mut self, server_id: impl Into<String>) -> Self {
        self.server_id = server_id.into();
        self
    }

    /// Sets the commit that runs.
    #[must_use]
    pub fn commit(mut self, commit: Option<String>) -> Self {
        self.commit = commit;
        self
    }

    /// Sets which instance of the service this is.
    #[must_use]
    pub fn instance(mut self, instance: Option<String>) -> Self {
        self.instance = instance;
        self
    }

    /// Sets where the service runs.
    #[must_use]
    pub fn region(mut self, region: Option<String>) -> Self {
        self.region = region;
        self
    }

    /// Sets where features look up the variables that their sections name.
    #[must_use]
    pub fn variables(
        mut self,
        lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.variables = Variables::new(lookup);
        self
    }

    /// Says which variables hold secrets of the tunnel's, beside those that the sections name: nothing is said
    /// of them to anybody.
    #[must_use]
    pub fn secret_variables(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.secret_variables = names.into_iter().collect();
        self
    }

    /// Says which variables there are, for features that look among their names. Call it behind
    /// [`ServerBuilder::variables`].
    #[must_use]
    pub fn variable_names(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.variables = self.variables.named(names);
        self
    }

    /// Sets production's database.
    #[must_use]
    pub fn database(mut self, database: Option<DatabaseUrl>) -> Self {
        self.database = database;
        self
    }

    /// Sets the secret that pseudonyms are made with. Without it one is drawn, and pseudonyms hold
    /// until the next start.
    #[must_use]
    pub fn pseudonym_key(mut self, secret: Option<String>) -> Self {
        self.pseudonyms = secret;
        self
    }

    /// Lets pages of these origins read what the tunnel's own paths answer: several separated by
    /// commas, or `*` for all, without credentials.
    #[must_use]
    pub fn cors_origins(mut self, origins: Option<String>) -> Self {
        self.cors = origins;
        self
    }

    /// Shows metrics at `/_tunnel/metrics` to whoever has this key; without one they are not there.
    #[must_use]
    pub fn metrics_key(mut self, key: Option<String>) -> Self {
        self.metrics_key = key;
        self
    }

    /// Sets what an audit log named `-` is written to, a line a write; the process's standard error
    /// unless set. For a server that shares that with an app: [`OwnLog`](crate::app::OwnLog).
    #[must_use]
    pub fn standard_error(mut self, output: impl io::Write + Send + 'static) -> Self {
        self.standard_error = StandardError::new(output);
        self
    }

    /// Sets the sections of the configuration: the features' (`[logs]` has the retention), and
    /// `[audit]`, `[limits]`, `[front]` and `[metrics]`.
    #[must_use]
    pub fn sections(mut self, sections: Sections) -> Self {
        self.sections = sections;
        self
    }

    /// Sets the clock that hellos are held against. For tests.
    #[must_use]
    pub fn clock(mut self, clock: WallClock) -> Self {
        self.clock = clock;
        self
    }

    /// Starts the server: first everything is read and bound, then it runs.
    ///
    /// # Errors
    /// [`ServerError`]; then nothing runs.
    pub async fn start(self) -> Result<TunnelServer, ServerError> {
        let (ready, plan) = self.ready()?;
        let front = match plan {
            Some(plan) => Some(plan.bind().await?),
            None => None,
        };
        let mut server = ready.listen().await?;
        if let Some(front) = front {
            server.open(front);
        }
        Ok(server)
    }

    /// Starts the server with its front closed, which does not have its port until it is opened:
    /// when the app behind it is ready.
    ///
    /// # Errors
    /// [`ServerError`]; then nothing runs.
    pub async fn start_closed(self) -> Result<(TunnelServer, Option<ClosedFront>), ServerError> {
        let (ready, plan) = self.ready()?;
        let server = ready.listen().await?;
        let front = plan.map(|plan| server.closed(plan));
        Ok((server, front))
    }

    /// Reads everything; nothing is bound yet.
    fn ready(&self) -> Result<(Ready, Option<FrontPlan>), ServerError> {
        let keys = Arc::new(KeyRing::new(self.keys.derive()?)?);
        let instance = random_16().map_err(|_| ServerError::NoRandomness)?;
        let parts = self.parts()?;
        let (audit, writer) = Audit::open(self.sections.get("audit")?, &self.standard_error)?;
        let limits = Limits::new(self.sections.get("limits")?);
        let manners = Manners::new(limits, audit.clone(), &parts);
        let mut halves = features::halves(&parts)?;
        process::register(&parts.vitals);
        let probed = self.probed(&parts)?;
        let helpers = halves.take_helpers();
        let router = Arc::new(halves.router);
        let trust = self.trust(&keys, instance, router.features());
        let reception = Arc::new(Reception::new(trust));
        let (counts, log) = (Arc::clone(&manners.metrics), Arc::clone(&parts.ring));
        let entries = Entries::new(halves.served.iter().filter_map(|it| it.entry.clone()));
        let ready = Ready {
            quic: self.quic,
            door: Door::new(Arc::clone(&reception))?,
            routes: self.routes(halves.served, &manners)?,
            entries: metrics::counted(entries.routes(), "entry", Arc::clone(&counts)),
            helpers,
            origins: self.origins()?,
            parts,
            router,
            reception,
            keys: ServerKeys::new(keys, audit, log),
            manners,
            writer,
            metrics: self.sections.get("metrics")?,
            probed: probed.clone(),
        };
        let plan = self.http.map(|address| FrontPlan {
            address,
            behind: Behind {
                upstream: self.upstream,
                entries,
                metrics: counts,
                probed,
            },
        });
        Ok((ready, plan))
    }

    /// Makes what the front serves beside its own paths: the features' routes, guarded, and metrics.
    fn routes(&self, served: Vec<Served>, manners: &Manners) -> Result<axum::Router, ServerError> {
        let key = self.metrics_secret()?;
        let features = served
            .into_iter()
            .fold(axum::Router::new(), |routes, served| {
                routes.merge(guarded(served, Arc::clone(&manners.limits)))
            });
        let shown = metrics::routes(Arc::clone(&manners.metrics), key);
        let count = |routes, name| metrics::counted(routes, name, Arc::clone(&manners.metrics));
        Ok(count(features, "feature").merge(count(shown, "metrics")))
    }

    fn metrics_secret(&self) -> Result<Option<Secret>, ServerError> {
        let key = self.metrics_key.as_deref();
        key.map(|text| parsed("metrics", text)).transpose()
    }

    /// Returns what probes are told: all of it to whoever may see the metrics.
    fn probed(&self, parts: &ServerParts) -> Result<Probed, ServerError> {
        Ok(Probed {
            about: Arc::clone(&parts.about),
            vitals: parts.vitals.clone(),
            key: self.metrics_secret()?.map(Arc::new),
        })
    }

    /// Returns the origins whose pages may read what the tunnel's own paths answer.
    fn origins(&self) -> Result<Origins, ServerError> {
        let front: FrontConfig = self.sections.get("front")?;
        let named = front.cors_origins.iter().map(String::as_str);
        Ok(Origins::parse(named.chain(self.cors.as_deref()))?)
    }

    fn parts(&self) -> Result<ServerParts, ServerError> {
        let logs: LogsConfig = self.sections.get("logs")?;
        let key = match &self.pseudonyms {
            Some(text) => PseudonymKey::from_secret(parsed("pseudonyms", text)?.expose()),
            None => PseudonymKey::generate().map_err(|_| ServerError::NoRandomness)?,
        };
        let mut secret_variables = self.sections.secret_variables();
        secret_variables.extend(self.secret_variables.iter().cloned());
        Ok(ServerParts {
            about: Arc::new(About {
                identity: Identity {
                    server_id: self.server_id.clone(),
                    environment: self.environment.clone(),
                    program: self.program.clone(),
                    commit: self.commit.clone(),
                    instance: self.instance.clone().unwrap_or_default(),
                    region: self.region.clone(),
                },
                started: Instant::now(),
            }),
            database: self.database.clone(),
            pseudonyms: Pseudonyms {
                key: Arc::new(key),
                lasting: self.pseudonyms.is_some(),
            },
            ring: Arc::new(self.ring(logs)?),
            sessions: SessionCount::default(),
            sections: self.sections.clone(),
            variables: self.variables.clone(),
            secret_variables: Arc::new(secret_variables),
            vitals: Vitals::default(),
        })
    }

    /// Makes the ring; it hides the server's own secrets, should a line ever hold one.
    fn ring(&self, config: LogsConfig) -> Result<Ring, ServerError> {
        let origin = Origin::new(
            &self.server_id,
            self.instance.as_deref().unwrap_or_default(),
        );
        let named = config.secrets(&self.variables);
        if named
            .iter()
            .any(|it| self.keys.secrets().any(|key| key == it.trim()))
        {
            return Err(ServerError::SharedSecret);
        }
        let ring = Ring::open(config, &origin, self.commit.clone())?;
        let secrets = self
            .keys
            .secrets()
            .chain(self.pseudonyms.as_deref().map(str::trim))
            .chain(named.iter().map(String::as_str));
        Ok(secrets.fold(ring, Ring::hiding))
    }

    fn trust(
        &self,
        keys: &Arc<KeyRing>,
        instance: [u8; 16],
        features: Vec<FeatureVersion>,
    ) -> ServerTrust {
        let port = self.quic.map_or(0, |address| address.port());
        ServerTrust {
            keys: Arc::clone(keys),
            name: ServerName {
                server_id: self.server_id.clone(),
                instance,
                environment: self.environment.clone(),
                program: self.program.clone(),
                features,
                // A port that the system chooses is not one to remember.
                udp_port: (port != 0 && self.udp == Udp::Offered).then_some(port),
            },
            clock: Arc::clone(&self.clock),
        }
    }
}

impl Ready {
    /// Takes the UDP port, and runs.
    async fn listen(mut self) -> Result<TunnelServer, ServerError> {
        let listener = match self.quic {
            Some(address) => {
                let bound = bind(address, |it| {
                    std::future::ready(Listener::bind(it, Arc::clone(&self.reception)))
                });
                Some(bound.await?)
            }
            None => None,
        };
        let metrics = OwnPort::bind(self.metrics).await?;
        let (helpers, writer) = (std::mem::take(&mut self.helpers), self.writer.take());
        let mut server = TunnelServer::run(listener, self);
        helpers.start(server.helpers())?;
        server.audit(writer);
        server.show_metrics(metrics);
        Ok(server)
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("quic", &self.quic)
            .field("http", &self.http)
            .field("keys", &self.keys)
            .field("environment", &self.environment)
            .field("server_id", &self.server_id)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}
