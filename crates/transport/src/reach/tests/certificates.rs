//! Certificates of every kind, good and bad.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
};

use crate::reach::{Pin, TlsTrust};

/// Who signs.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A server's certificate and the key that it shows it with.
pub(super) struct Leaf {
    pub(super) certificate: Certificate,
    pub(super) key: KeyPair,
}

/// When a certificate is valid.
#[derive(Clone, Copy)]
pub(super) enum Validity {
    Over,
    Now,
    ToCome,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(super) fn trust(&self) -> TlsTrust {
        TlsTrust::authorities(self.0.pem().as_bytes()).unwrap()
    }

    pub(super) fn leaf(&self, name: &str) -> Leaf {
        self.leaf_valid(name, Validity::Now)
    }

    pub(super) fn leaf_valid(&self, name: &str, validity: Validity) -> Leaf {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        let now = SystemTime::now();
        let (begin, end) = match validity {
            Validity::Over => (now - 2 * DAY, now - DAY),
            Validity::Now => (now - DAY, now + DAY),
            Validity::ToCome => (now + DAY, now + 2 * DAY),
        };
        params.not_before = begin.into();
        params.not_after = end.into();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Leaf { certificate, key }
    }
}

impl Leaf {
    pub(super) fn pin(&self) -> Pin {
        Pin::of(self.certificate.der()).unwrap()
    }

    /// Shows the same certificate without having its key.
    pub(super) fn stolen(&self) -> Self {
        Self {
            certificate: self.certificate.clone(),
            key: KeyPair::generate().unwrap(),
        }
    }
}

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
