//! The section `[logs.syslog]`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use thiserror::Error;

use crate::logs::sources::key::{IngestKey, IngestKeyError};
use crate::parts::Variables;

/// The section `[logs.syslog]`: messages of syslog over TLS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SyslogConfig {
    /// Where to listen; syslog over TLS has the port 6514.
    #[serde(default = "everywhere")]
    pub listen: SocketAddr,
    /// The file with the certificate and those that lead to its authority, as PEM.
    pub certificate: PathBuf,
    /// The file with its key, as PEM.
    pub key: PathBuf,
    /// The variable that holds what each message has to show. Without it anyone's are taken.
    pub token_env: Option<String>,
}

impl SyslogConfig {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// [`SyslogConfigError`].
    pub(super) fn tls(&self) -> Result<ServerConfig, SyslogConfigError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| SyslogConfigError::Pem { path, source }
        };
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(&self.certificate).and_then(Iterator::collect);
        let chain = chain.map_err(unreadable(&self.certificate))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(unreadable(&self.key))?;
        ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(SyslogConfigError::Tls)
    }

    /// Looks up what messages have to show.
    ///
    /// # Errors
    /// [`SyslogConfigError`] if it is to be asked for and is not there, or is weak.
    pub(super) fn token(
        &self,
        variables: &Variables,
    ) -> Result<Option<IngestKey>, SyslogConfigError> {
        let Some(name) = &self.token_env else {
            return Ok(None);
        };
        let token = variables.get(name);
        let token = token.ok_or_else(|| SyslogConfigError::NoToken(name.clone()))?;
        let refused = |source| SyslogConfigError::Token {
            name: name.clone(),
            source,
        };
        IngestKey::new(&token).map(Some).map_err(refused)
    }
}

fn everywhere() -> SocketAddr {
    (std::net::Ipv6Addr::UNSPECIFIED, 6514).into()
}

/// A section that makes no sense. The operator is at fault.
#[derive(Debug, Error)]
pub(super) enum SyslogConfigError {
    #[error("{}: {source}", path.display())]
    Pem { path: PathBuf, source: pem::Error },
    #[error("certificate and key cannot be used: {0}")]
    Tls(#[source] rustls::Error),
    #[error("{0} is not set, which token-env names")]
    NoToken(String),
    #[error("the token in {name} is refused: {source}")]
    Token {
        name: String,
        source: IngestKeyError,
    },
}
