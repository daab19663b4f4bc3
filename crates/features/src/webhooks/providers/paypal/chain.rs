//! A certificate of PayPal's and those above it, as PayPal serves them: PEM, one behind the other.

use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::ring::RSA_PKCS1_2048_8192_SHA256;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage};

use crate::webhooks::Refusal;

/// A certificate that signs, and those above it.
pub(in crate::webhooks::providers) struct Chain {
    leaf: CertificateDer<'static>,
    above: Vec<CertificateDer<'static>>,
}

impl Chain {
    /// Reads certificates, the one that signs before those above it.
    pub(super) fn read(pem: &[u8]) -> Result<Self, Refusal> {
        let each = CertificateDer::pem_slice_iter(pem).take(MOST + 1);
        let all: Result<Vec<_>, _> = each.collect();
        let mut all = all.map_err(|_| Refusal::Malformed)?.into_iter();
        let leaf = all.next().ok_or(Refusal::Malformed)?;
        let above: Vec<_> = all.collect();
        if above.len() >= MOST {
            return Err(Refusal::Malformed);
        }
        Ok(Self { leaf, above })
    }

    /// Whether it is PayPal's for signing, and leads to one of the roots, at this time.
    pub(super) fn judge(&self, roots: &[TrustAnchor<'_>], now: u64) -> Result<(), Refusal> {
        let leaf = EndEntityCert::try_from(&self.leaf).map_err(|_| Refusal::Malformed)?;
        let named = |name: &&str| {
            let name = ServerName::try_from(*name);
            name.is_ok_and(|name| leaf.verify_is_valid_for_subject_name(&name).is_ok())
        };
        if !NAMES.iter().any(named) {
            return Err(Refusal::Wrong);
        }
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        // Such certificates are a server's or a client's, by the authority's custom of the year.
        let mut uses = [KeyUsage::server_auth(), KeyUsage::client_auth()].into_iter();
        let trusted = uses.any(|usage| {
            let algorithms = ALL_VERIFICATION_ALGS;
            leaf.verify_for_usage(algorithms, roots, &self.above, now, usage, None, None)
                .is_ok()
        });
        if trusted { Ok(()) } else { Err(Refusal::Wrong) }
    }

    /// Whether it has signed a message.
    pub(super) fn has_signed(&self, message: &str, signature: &[u8]) -> bool {
        EndEntityCert::try_from(&self.leaf).is_ok_and(|leaf| {
            leaf.verify_signature(RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), signature)
                .is_ok()
        })
    }
}

/// Whom the certificates are made out to that sign webhooks: PayPal's, and its sandbox's.
const NAMES: [&str; 2] = [
    "messageverificationcerts.paypal.com",
    "messageverificationcerts.sandbox.paypal.com",
];

/// Three or four are usual.
const MOST: usize = 8;
