//! The server's identity: an Ed25519 key derived from the very key that a client names, so that
//! each client knows its server before it says hello and no certificate is shipped.

use std::fmt;
use std::sync::Arc;

use quinn::Connection;
use quinn::crypto::rustls::{HandshakeData, QuicClientConfig, QuicServerConfig};
use rcgen::{CertificateParams, KeyPair, PublicKeyData};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer,
    UnixTime,
};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, ServerConfig,
    SignatureScheme,
};
use thiserror::Error;
use zeroize::Zeroizing;

use super::key::{Key, KeyId};
use super::key_ring::KeyRing;

/// A certificate that only holders of the key can make and only they accept.
pub(super) struct Identity {
    certified: Arc<CertifiedKey>,
    public: SubjectPublicKeyInfoDer<'static>,
}

impl Identity {
    pub(super) fn from_seed(seed: &[u8; 32]) -> Result<Self, IdentityError> {
        // RFC 8410, section 7: a PKCS #8 wrapping of the 32-byte seed.
        let mut pkcs8 = Zeroizing::new(PKCS8_PREFIX.to_vec());
        pkcs8.extend_from_slice(seed);
        let private = PrivatePkcs8KeyDer::from(pkcs8.to_vec());
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&private, &rcgen::PKCS_ED25519)?;
        let certificate =
            CertificateParams::new(vec!["render-tunnel.invalid".to_owned()])?.self_signed(&pair)?;
        let public = pair.subject_public_key_info().into();
        let signing = provider()
            .key_provider
            .load_private_key(PrivateKeyDer::Pkcs8(private))?;
        let certified = CertifiedKey::new(vec![certificate.into()], signing);
        Ok(Self {
            certified: Arc::new(certified),
            public,
        })
    }
}

/// A certificate that could not be made.
#[derive(Debug, Error)]
#[error("make the server's certificate")]
pub struct IdentityError(#[source] Cause);

#[derive(Debug, Error)]
enum Cause {
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl<E: Into<Cause>> From<E> for IdentityError {
    fn from(cause: E) -> Self {
        Self(cause.into())
    }
}

/// Returns the TLS side of a server that shows, to each client, the identity of the key that the
/// client names in SNI.
pub(crate) fn server_config(keys: Arc<KeyRing>) -> Result<QuicServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByKeyId(keys)));
    config.alpn_protocols = vec![wire::hello::ALPN.to_vec()];
    // No tickets: without early data a resumed handshake saves no round trip, and the ticket
    // would outlive a revoked key.
    config.send_tls13_tickets = 0;
    no_cipher(QuicServerConfig::try_from(config))
}

/// Returns the TLS side of a client that accepts the identity of `key` and no other, and the name
/// to dial with.
pub(crate) fn client_config(key: &Key) -> Result<(QuicClientConfig, String), TlsError> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned(key.identity().public.clone())))
        .with_no_client_auth();
    config.alpn_protocols = vec![wire::hello::ALPN.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    let name = sni(key.id());
    no_cipher(QuicClientConfig::try_from(config)).map(|config| (config, name))
}

/// Returns the key that the client named when it dialled.
pub(super) fn named_key(connection: &Connection) -> Option<KeyId> {
    let data = connection
        .handshake_data()?
        .downcast::<HandshakeData>()
        .ok()?;
    data.server_name.as_deref().and_then(key_id_of)
}

fn no_cipher<C>(
    config: Result<C, quinn::crypto::rustls::NoInitialCipherSuite>,
) -> Result<C, TlsError> {
    config.map_err(|_| TlsError::General("no cipher suite for QUIC's first packets".to_owned()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn sni(id: KeyId) -> String {
    format!("{id}{SNI_SUFFIX}")
}

fn key_id_of(sni: &str) -> Option<KeyId> {
    let digits = sni
        .strip_suffix(SNI_SUFFIX)
        .filter(|digits| digits.len() == 16)?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let id = is_hex.then(|| u64::from_str_radix(digits, 16))?.ok()?;
    Some(KeyId(id.to_be_bytes()))
}

#[derive(Debug)]
struct ByKeyId(Arc<KeyRing>);

impl ResolvesServerCert for ByKeyId {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // No SNI, or one that names no key, gets the decoy: the peer learns nothing from it.
        let id = hello
            .server_name()
            .and_then(key_id_of)
            .unwrap_or(KeyId([0; 8]));
        Some(Arc::clone(&self.0.get_or_decoy(id).identity().certified))
    }
}

/// Accepts one public key. Names and dates of the certificate mean nothing here.
struct Pinned(SubjectPublicKeyInfoDer<'static>);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let shown = ParsedCertificate::try_from(end_entity)?.subject_public_key_info();
        if shown.as_ref() == self.0.as_ref() {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        // QUIC is TLS 1.3 alone (RFC 9001, section 4.2).
        Err(TlsError::General("TLS 1.2 is not spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &provider().signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pinned")
    }
}

const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// `.invalid` is reserved (RFC 2606): the name can never be somebody's.
const SNI_SUFFIX: &str = ".key.render-tunnel.invalid";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_survives_its_sni_and_other_names_name_no_key() {
        let id = KeyId([0, 1, 2, 3, 250, 251, 252, 253]);
        assert_eq!(key_id_of(&sni(id)), Some(id));
        for other in [
            "localhost",
            "+123456789abcdef.key.render-tunnel.invalid",
            SNI_SUFFIX,
        ] {
            assert_eq!(key_id_of(other), None, "{other}");
        }
    }

    #[test]
    fn the_same_seed_shows_the_same_public_key() {
        let public = |seed| Identity::from_seed(&[seed; 32]).unwrap().public;
        assert_eq!(public(1), public(1));
        assert_ne!(public(1), public(2));
    }
}
