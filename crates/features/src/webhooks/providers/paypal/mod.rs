//! PayPal.

/// Where a certificate is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::webhooks::providers) struct CertificateUrl;

/// A certificate, and those above it.
pub(in crate::webhooks::providers) struct Chain;
