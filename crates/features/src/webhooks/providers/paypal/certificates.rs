//! Fetches PayPal's certificates, from PayPal's hosts alone, and keeps them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::RootCertStore;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout};
use tracing::warn;
use transport::reach::{ByteStream, ProxySettings, Route, Security, TlsTrust};
use transport::tasks::heavy;

use super::chain::Chain;
use super::fetch::{FetchError, Place, ask};
use crate::parts::Variables;
use crate::webhooks::Refusal;

/// PayPal's certificates.
pub(in crate::webhooks::providers) struct Certificates {
    /// From where they are taken: hosts, with a port unless it is that of https.
    hosts: Vec<String>,
    proxies: ProxySettings,
    /// Read when the first is asked for: it takes some tenths of a second.
    trust: OnceCell<Trust>,
    kept: Mutex<HashMap<String, Kept>>,
    fetching: Semaphore,
    tries: Mutex<Tries>,
    warned: Mutex<Option<Instant>>,
}

/// Whom we trust: as servers, and as signers.
struct Trust {
    tls: Arc<TlsTrust>,
    roots: RootCertStore,
}

/// What was fetched of late, and has not been found good: anybody can name addresses.
#[derive(Debug, Default)]
struct Tries(HashMap<String, Try>);

#[derive(Debug)]
struct Try {
    since: Instant,
    has_failed: bool,
}

impl Tries {
    /// Notes that an address is fetched, unless it failed a moment ago, or too many others did.
    fn begin(&mut self, url: &str) -> Result<(), FetchError> {
        self.0.retain(|_, it| it.since.elapsed() < FAILED_FOR);
        match self.0.get(url) {
            Some(before) if before.has_failed => Err(FetchError::TooOften),
            Some(_) => Ok(()),
            None if self.0.len() >= MOST_FAILED => Err(FetchError::TooOften),
            None => {
                let begun = Try {
                    since: Instant::now(),
                    has_failed: false,
                };
                self.0.insert(url.to_owned(), begun);
                Ok(())
            }
        }
    }

    fn failed(&mut self, url: &str) {
        if let Some(it) = self.0.get_mut(url) {
            it.has_failed = true;
        }
    }

    fn found(&mut self, url: &str) {
        self.0.remove(url);
    }
}

/// A chain, and when it was fetched.
struct Kept {
    chain: Arc<Chain>,
    since: Instant,
}

impl Certificates {
    /// Takes them from PayPal, by the proxies that the environment names.
    pub(in crate::webhooks::providers) fn new(variables: &Variables) -> Self {
        let proxies = ProxySettings::from_lookup(|name| variables.get(name));
        let hosts = HOSTS.map(str::to_owned).to_vec();
        Self::from(hosts, proxies, OnceCell::new())
    }

    fn from(hosts: Vec<String>, proxies: ProxySettings, trust: OnceCell<Trust>) -> Self {
        Self {
            hosts,
            proxies,
            trust,
            kept: Mutex::default(),
            fetching: Semaphore::new(AT_ONCE),
            tries: Mutex::default(),
            warned: Mutex::default(),
        }
    }

    /// Takes them from elsewhere, and trusts others: a test's.
    #[cfg(test)]
    pub(super) fn of_test(host: String, tls: TlsTrust, roots: RootCertStore) -> Self {
        let trust = Trust {
            tls: Arc::new(tls),
            roots,
        };
        let proxies = ProxySettings::from_lookup(|_| None);
        Self::from(vec![host], proxies, OnceCell::new_with(Some(trust)))
    }

    /// Says why a certificate cannot be had.
    #[cfg(test)]
    pub(super) async fn why_not(&self, url: &str) -> Option<String> {
        let trust = self.trust.get().expect("a test's trust");
        let place = self.place(url).expect("a good address");
        let fetched = self.fetch(place, trust).await;
        fetched.err().map(|error| error.to_string())
    }

    /// The same trust, at another place.
    #[cfg(test)]
    pub(super) fn at(mut self, host: &str) -> Self {
        self.hosts = vec![host.to_owned()];
        self
    }

    /// Returns a chain that is PayPal's at this time, in seconds since 1970. Cancel-safe.
    pub(in crate::webhooks::providers) async fn get(
        &self,
        url: &str,
        now: u64,
    ) -> Result<Arc<Chain>, Refusal> {
        let place = self.place(url).ok_or(Refusal::Malformed)?;
        let got = timeout(ANSWER, self.kept_or_fetched(url, place, now))
            .await
            .unwrap_or_else(|_| Err(self.tell(&FetchError::Slow)));
        if got.is_err() {
            lock(&self.tries).failed(url);
        }
        got
    }

    /// Returns host and path of an address, if it is one of PayPal's. Nothing in it is read kindly.
    fn place<'u>(&self, url: &'u str) -> Option<Place<'u>> {
        let rest = url.strip_prefix("https://")?;
        let (host, _) = rest.split_once('/')?;
        let path = &rest[host.len()..];
        let name = path.strip_prefix(FOLDER)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_good = !name.is_empty()
            && url.len() <= LONGEST_URL
            && name.bytes().all(plain)
            && self.hosts.iter().any(|it| it == host);
        is_good.then_some(Place { host, path })
    }

    async fn kept_or_fetched(
        &self,
        url: &str,
        place: Place<'_>,
        now: u64,
    ) -> Result<Arc<Chain>, Refusal> {
        let told = |error| self.tell(&error);
        let trust = self.trust.get_or_try_init(async || heavy(Trust::system));
        let trust = trust.await.map_err(told)?;
        let judged = |chain: Arc<Chain>| {
            let judged = chain.judge(&trust.roots.roots, now);
            judged.map(|()| chain)
        };
        if let Some(chain) = self.find(url) {
            return judged(chain);
        }
        let turn = self.fetching.acquire().await;
        let _turn = turn.map_err(|_| Refusal::Unavailable)?;
        // While it waited for its turn another may have fetched it.
        if let Some(chain) = self.find(url) {
            return judged(chain);
        }
        lock(&self.tries).begin(url).map_err(told)?;
        let chain = self.fetch(place, trust).await.map_err(told)?;
        let chain = judged(Arc::new(chain))?;
        lock(&self.tries).found(url);
        // Kept only now: nobody fills the house with what is not PayPal's.
        self.keep(url, &chain);
        Ok(chain)
    }

    async fn fetch(&self, place: Place<'_>, trust: &Trust) -> Result<Chain, FetchError> {
        let stream = self.connect(place.host, Arc::clone(&trust.tls)).await?;
        let pem = ask(stream, place).await?;
        Chain::read(&pem).map_err(|_| FetchError::NoCertificate)
    }

    async fn connect(&self, host: &str, tls: Arc<TlsTrust>) -> Result<ByteStream, FetchError> {
        let (host, port) = match host.split_once(':') {
            Some((host, port)) => (host, port.parse().unwrap_or(HTTPS)),
            None => (host, HTTPS),
        };
        let security = Security::Tls(tls);
        let proxy = self.proxies.for_server(&security, host, port)?;
        let route = Route {
            host: host.to_owned(),
            port,
            security,
            proxy,
        };
        Ok(route.connect().await.map_err(Box::new)?)
    }

    fn find(&self, url: &str) -> Option<Arc<Chain>> {
        let mut kept = lock(&self.kept);
        kept.retain(|_, kept| kept.since.elapsed() < KEPT_FOR);
        kept.get(url).map(|kept| Arc::clone(&kept.chain))
    }

    fn keep(&self, url: &str, chain: &Arc<Chain>) {
        let mut kept = lock(&self.kept);
        if kept.contains_key(url) {
            return;
        }
        if kept.len() >= MOST_KEPT {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.since);
            if let Some(oldest) = oldest.map(|(url, _)| url.clone()) {
                kept.remove(&oldest);
            }
        }
        let kept_now = Kept {
            chain: Arc::clone(chain),
            since: Instant::now(),
        };
        kept.insert(url.to_owned(), kept_now);
    }

    /// Says what went wrong, and not again for every request that it befalls.
    fn tell(&self, error: &FetchError) -> Refusal {
        let mut warned = lock(&self.warned);
        if warned.is_none_or(|last| last.elapsed() > TELL_EVERY) {
            *warned = Some(Instant::now());
            warn!("PayPal's certificate cannot be had: {error}");
        }
        Refusal::Unavailable
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates")
            .field("kept", &lock(&self.kept).len())
            .finish_non_exhaustive()
    }
}

impl Trust {
    fn system() -> Result<Self, FetchError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        // Old roots in forms that nobody reads any more are in every store.
        let (_read, _unreadable) = roots.add_parsable_certificates(found.certs);
        Ok(Self {
            tls: Arc::new(TlsTrust::system()?),
            roots,
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is in them is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where PayPal's API is, and its sandbox's: the certificates are served there.
const HOSTS: [&str; 4] = [
    "api.paypal.com",
    "api-m.paypal.com",
    "api.sandbox.paypal.com",
    "api-m.sandbox.paypal.com",
];

/// Where certificates are on them.
const FOLDER: &str = "/v1/notifications/certs/";

const HTTPS: u16 = 443;

/// They are about a hundred characters.
const LONGEST_URL: usize = 300;

/// Dialling, TLS and a slow answer, while PayPal waits for ours.
const ANSWER: Duration = Duration::from_secs(8);

/// PayPal has one or two in use. Whoever makes up addresses fills no more than this many connections.
const AT_ONCE: usize = 4;

/// How long an address that has failed is not asked for again. PayPal sends again later than that.
const FAILED_FOR: Duration = Duration::from_secs(60);

/// How many may fail in that time: if each takes as long as it may, those who wait behind them still
/// have some of every minute.
const MOST_FAILED: usize = 6;

/// As many as there are in a year of monthly rotation, for PayPal and its sandbox.
const MOST_KEPT: usize = 24;

/// A day: one that PayPal takes back is not used for longer.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

const TELL_EVERY: Duration = Duration::from_secs(60);
