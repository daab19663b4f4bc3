//! Whom a client believes to be the server: the system's roots, a given CA, or a pin. There is no
//! way to believe everyone.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, Error as TlsError, RootCertStore};
use thiserror::Error;

use super::pin::{Pin, Pinned};

/// What a server's certificate is checked by.
#[derive(Clone)]
pub struct TlsTrust {
    config: Arc<ClientConfig>,
    basis: TrustBasis,
}

/// What a [`TlsTrust`] rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustBasis {
    /// The system's authorities.
    System {
        /// How many they are.
        authorities: usize,
    },
    /// The authorities that were given, and no others.
    Given {
        /// How many they are.
        authorities: usize,
    },
    /// One public key.
    Pin(Pin),
}

impl TlsTrust {
    /// Trusts the authorities that this machine trusts. Reads files, or asks the system's key
    /// store, which takes up to some tenths of a second: make one and keep it.
    ///
    /// As everywhere where OpenSSL is at home, `SSL_CERT_FILE` and `SSL_CERT_DIR` say where
    /// they are.
    ///
    /// # Errors
    /// [`TrustError::NoRoots`] if the system has none.
    pub fn system() -> Result<Self, TrustError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        // Old roots in forms that nobody reads any more are in every store.
        let (_read, _unreadable) = roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err(TrustError::NoRoots(found.errors.into_iter().next()));
        }
        let authorities = roots.len();
        Self::by_roots(roots, TrustBasis::System { authorities })
    }

    /// Trusts the authorities in a PEM file's text, and no others.
    ///
    /// # Errors
    /// [`TrustError`] if there is none in it, or one that cannot be read.
    pub fn authorities(pem: &[u8]) -> Result<Self, TrustError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(TrustError::Pem)?;
            roots.add(certificate).map_err(TrustError::Authority)?;
        }
        if roots.is_empty() {
            return Err(TrustError::NoCertificate);
        }
        let authorities = roots.len();
        Self::by_roots(roots, TrustBasis::Given { authorities })
    }

    /// Trusts whoever holds the pinned key, whatever name and dates the certificate has.
    ///
    /// # Errors
    /// [`TrustError::Setup`] if the crypto library refuses.
    pub fn pin(pin: Pin) -> Result<Self, TrustError> {
        let provider = provider();
        let verifier = Pinned {
            pin,
            provider: Arc::clone(&provider),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TrustError::Setup)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Self::new(config, TrustBasis::Pin(pin)))
    }

    /// Returns what it rests on.
    #[must_use]
    pub const fn basis(&self) -> TrustBasis {
        self.basis
    }

    fn by_roots(roots: RootCertStore, basis: TrustBasis) -> Result<Self, TrustError> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TrustError::Setup)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self::new(config, basis))
    }

    fn new(mut config: ClientConfig, basis: TrustBasis) -> Self {
        // HTTP/2 has an upgrade of its own, which few servers and proxies know.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let config = Arc::new(config);
        Self { config, basis }
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

impl fmt::Debug for TlsTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config: _, basis } = self;
        f.debug_tuple("TlsTrust").field(basis).finish()
    }
}

/// A trust that cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The system has no authorities, as in a container without `ca-certificates`.
    #[error("this system has no certificate authorities")]
    NoRoots(#[source] Option<rustls_native_certs::Error>),
    /// The text is no PEM.
    #[error("the certificate authority's file is no PEM")]
    Pem(#[source] pem::Error),
    /// PEM, and no certificate in it.
    #[error("the certificate authority's file holds no certificate")]
    NoCertificate,
    /// A certificate that cannot be an authority's.
    #[error("a certificate in the authority's file cannot be read")]
    Authority(#[source] TlsError),
    /// The crypto library refused.
    #[error("set up TLS")]
    Setup(#[source] TlsError),
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_readable_authority_is_refused_by_its_cause() {
        let trust = |pem: &str| TlsTrust::authorities(pem.as_bytes()).unwrap_err();
        assert!(matches!(trust(""), TrustError::NoCertificate));
        assert!(matches!(
            trust("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            TrustError::NoCertificate
        ));
        assert!(matches!(
            trust("-----BEGIN CERTIFICATE-----\nAAAA\n"),
            TrustError::Pem(_)
        ));
        assert!(matches!(
            trust("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            TrustError::Authority(_)
        ));
    }
}
