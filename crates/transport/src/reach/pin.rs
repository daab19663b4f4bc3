//! A pin: the hash of the one public key that a server may have.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, OtherError, SignatureScheme,
};
use thiserror::Error;

/// The SHA-256 of the public key (`SubjectPublicKeyInfo`) in a certificate.
///
/// Written `sha256/BASE64`, as browsers' pins are, or as 64 hexadecimal digits. It is public, and
/// outlives the certificate if the next one is made for the same key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// Returns the pin of the key in a certificate.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Result<Self, TlsError> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        let mut pin = [0; 32];
        pin.copy_from_slice(digest(&SHA256, &key).as_ref());
        Ok(Self(pin))
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let text = text.trim();
        let bytes = match text.strip_prefix("sha256/") {
            // curl writes two slashes.
            Some(hash) => STANDARD.decode(hash.strip_prefix('/').unwrap_or(hash)).ok(),
            None => from_hex(text),
        };
        let pin = bytes.and_then(|bytes| bytes.try_into().ok());
        pin.map(Self).ok_or(PinError)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256/{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({self})")
    }
}

/// A text that is no pin. The user is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a pin is the SHA-256 of a public key: sha256/ and base64, or 64 hexadecimal digits")]
pub struct PinError;

/// Accepts whoever holds the pinned key. Names, dates and issuers of the certificate mean nothing
/// here: the pin says all.
#[derive(Debug)]
pub(super) struct Pinned {
    pub(super) pin: Pin,
    pub(super) provider: Arc<CryptoProvider>,
}

/// What [`Pinned`] tells of another key than its own; rustls carries it to the error.
#[derive(Debug, Error)]
#[error("the key is {seen}")]
pub(super) struct PinDiffers {
    pub(super) seen: Pin,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let seen = Pin::of(end_entity)?;
        if seen == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        let differs = OtherError(Arc::new(PinDiffers { seen }));
        Err(CertificateError::Other(differs).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
        .collect();
    let (pairs, rest) = digits.as_ref()?.as_chunks::<2>();
    let bytes = || pairs.iter().map(|[high, low]| high << 4 | low).collect();
    rest.is_empty().then(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_in_each_of_its_forms_and_shown_in_one() {
        let shown = format!("sha256/{}", STANDARD.encode([0xab; 32]));
        for text in [
            shown.clone(),
            shown.replace('/', "//"),
            "ab".repeat(32),
            format!(" {}\n", "AB".repeat(32)),
        ] {
            let pin: Pin = text.parse().unwrap();
            assert_eq!(pin.to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_pin_is_refused() {
        for text in [
            "",
            "sha256/",
            "sha256/q83vEjRWeJA=",
            "sha1/2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
            "abc",
            &"ab".repeat(31),
            &"ab".repeat(33),
            &format!("{}é", "ab".repeat(31)),
        ] {
            assert_eq!(text.parse::<Pin>(), Err(PinError), "{text}");
        }
    }
}
