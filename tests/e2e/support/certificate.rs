//! Certificates for a test: an authority, and a server's that it has signed.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use transport::reach::TlsTrust;

/// A certificate for this machine's addresses, its key, and what to trust it by.
pub(crate) struct Certificate {
    /// The certificate, as PEM.
    pub(crate) chain: String,
    /// Its key, as PEM.
    pub(crate) key: String,
    /// Trusts the authority that has signed it.
    pub(crate) trust: TlsTrust,
}

impl Certificate {
    pub(crate) fn make() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let names = ["127.0.0.1".to_owned(), "0.0.0.0".to_owned()];
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(names).expect("names");
        let certificate = params.signed_by(&key, &authority).expect("a signature");
        Self {
            chain: certificate.pem(),
            key: key.serialize_pem(),
            trust: TlsTrust::authorities(authority.pem().as_bytes()).expect("an authority"),
        }
    }
}
