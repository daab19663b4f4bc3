//! Standard Webhooks, and Svix, which it came of: `webhook-id`, `webhook-timestamp` and
//! `webhook-signature: v1,… v1a,…`, or the same after `svix-`.
//!
//! `v1` is an HMAC with a secret `whsec_…`, `v1a` is ed25519 with a public key `whpk_…`.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, PAD, STANDARD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use ring::signature::{ED25519, UnparsedPublicKey};
use zeroize::Zeroizing;

use super::fields::{MOST_SIGNATURES, has, hex, hmac, same, seconds, set, text};
use super::scheme::{CannotSign, Material, Pen, Scheme};
use crate::webhooks::{HmacAlgorithm, Refusal, Request};

/// Standard Webhooks. Either family of headers is taken; the one that is named is written where a
/// request has none.
pub(super) struct Standard(&'static Family);

impl Standard {
    pub(super) const WEBHOOK: Self = Self(&WEBHOOK);
    pub(super) const SVIX: Self = Self(&SVIX);
}

/// The names of the three headers.
struct Family {
    id: &'static str,
    timestamp: &'static str,
    signature: &'static str,
}

static WEBHOOK: Family = Family {
    id: "webhook-id",
    timestamp: "webhook-timestamp",
    signature: "webhook-signature",
};

static SVIX: Family = Family {
    id: "svix-id",
    timestamp: "svix-timestamp",
    signature: "svix-signature",
};

/// The values of the three headers.
#[derive(PartialEq, Eq)]
struct Values<'r> {
    id: &'r str,
    timestamp: &'r str,
    signature: &'r str,
}

impl Family {
    fn is_in(&self, request: &Request) -> bool {
        has(request, self.signature)
    }

    fn values<'r>(&self, request: &'r Request) -> Result<Values<'r>, Refusal> {
        Ok(Values {
            signature: text(request, self.signature)?,
            id: text(request, self.id)?,
            timestamp: text(request, self.timestamp)?,
        })
    }
}

/// Returns the values. Where both families are there they have to agree: the app may look at either.
fn values(request: &Request) -> Result<Values<'_>, Refusal> {
    match (SVIX.is_in(request), WEBHOOK.is_in(request)) {
        (true, false) => SVIX.values(request),
        (false, _) => WEBHOOK.values(request),
        (true, true) => {
            let values = SVIX.values(request)?;
            if values == WEBHOOK.values(request)? {
                Ok(values)
            } else {
                Err(Refusal::Malformed)
            }
        }
    }
}

impl Scheme for Standard {
    fn check(&self, request: &Request, with: &Material<'_>) -> Result<(), Refusal> {
        let Values {
            id,
            timestamp,
            signature,
        } = values(request)?;
        seconds(timestamp)?;
        let given = Given::read(signature)?;
        let head = format!("{id}.{timestamp}.");
        let signed = |secret: &&str| match Key::read(secret) {
            Some(Key::Shared(key)) => given.has_hmac(&key, &head, &request.body),
            Some(Key::Public(key)) => given.has_ed25519(&key, &head, &request.body),
            None => false,
        };
        if with.secrets.iter().any(signed) {
            Ok(())
        } else {
            Err(Refusal::Wrong)
        }
    }

    fn sign(&self, request: &mut Request, pen: &Pen<'_>) -> Result<(), CannotSign> {
        let key = match Key::read(pen.secret) {
            Some(Key::Shared(key)) => key,
            Some(Key::Public(_)) => return Err(CannotSign::PublicKey),
            None => return Err(CannotSign::Secret),
        };
        let mut families = vec![&SVIX, &WEBHOOK];
        families.retain(|family| family.is_in(request));
        if families.is_empty() {
            families.push(self.0);
        }
        let timestamp = pen.now.to_string();
        for family in families {
            if !has(request, family.id) {
                set(request, family.id, name_of(request, &key));
            }
            let id = text(request, family.id).map_err(|_| CannotSign::Incomplete)?;
            let head = format!("{id}.{timestamp}.");
            let parts = [head.as_bytes(), &request.body];
            let tag = hmac(HmacAlgorithm::Sha256, &key, &parts);
            let signature = format!("v1,{}", STANDARD.encode(tag));
            set(request, family.timestamp, &*timestamp);
            set(request, family.signature, signature);
        }
        Ok(())
    }

    fn signed_at(&self, request: &Request) -> Result<Option<u64>, Refusal> {
        seconds(values(request)?.timestamp).map(Some)
    }

    fn takes(&self, secret: &str) -> bool {
        Key::read(secret).is_some()
    }

    fn own_secret(&self, bytes: &[u8; 32]) -> Result<String, CannotSign> {
        Ok(format!("{SHARED}{}", STANDARD.encode(bytes)))
    }
}

/// Names a delivery that has no name: the same for the same body.
fn name_of(request: &Request, key: &[u8]) -> String {
    let tag = hmac(HmacAlgorithm::Sha256, key, &[b"id", &request.body]);
    format!("msg_{}", hex(&tag.as_ref()[..16]))
}

/// What a secret is.
enum Key {
    Shared(Zeroizing<Vec<u8>>),
    Public(Vec<u8>),
}

impl Key {
    fn read(secret: &str) -> Option<Self> {
        if let Some(public) = secret.strip_prefix(PUBLIC) {
            let key = LENIENT.decode(public).ok()?;
            return (key.len() == ED25519_KEY).then_some(Self::Public(key));
        }
        let shared = secret.strip_prefix(SHARED).unwrap_or(secret);
        let key = Zeroizing::new(LENIENT.decode(shared).ok()?);
        (key.len() >= SHORTEST_KEY).then_some(Self::Shared(key))
    }
}

/// The signatures in a header, by their kind.
#[derive(Default)]
struct Given {
    hmac: Vec<Vec<u8>>,
    ed25519: Vec<Vec<u8>>,
}

impl Given {
    /// Reads signatures, with a space between two. Those of kinds that are not known yet are left out.
    fn read(header: &str) -> Result<Self, Refusal> {
        let mut given = Self::default();
        if header.split(' ').count() > MOST_SIGNATURES {
            return Err(Refusal::Malformed);
        }
        for each in header.split(' ') {
            let (kind, signature) = each.split_once(',').ok_or(Refusal::Malformed)?;
            let list = match kind {
                "v1" => &mut given.hmac,
                "v1a" => &mut given.ed25519,
                _ => continue,
            };
            list.push(STANDARD.decode(signature).map_err(|_| Refusal::Malformed)?);
        }
        Ok(given)
    }

    fn has_hmac(&self, key: &[u8], head: &str, body: &[u8]) -> bool {
        if self.hmac.is_empty() {
            return false;
        }
        let tag = hmac(HmacAlgorithm::Sha256, key, &[head.as_bytes(), body]);
        self.hmac.iter().any(|given| same(tag.as_ref(), given))
    }

    fn has_ed25519(&self, key: &[u8], head: &str, body: &[u8]) -> bool {
        if self.ed25519.is_empty() {
            return false;
        }
        let key = UnparsedPublicKey::new(&ED25519, key);
        let message = [head.as_bytes(), body].concat();
        // Each costs another hash of the body, unlike with an HMAC.
        let mut given = self.ed25519.iter().take(MOST_ED25519);
        given.any(|given| key.verify(&message, given).is_ok())
    }
}

const SHARED: &str = "whsec_";
const PUBLIC: &str = "whpk_";

/// Secrets are copied by hand, at times without the padding at their end.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENTLY);
const LENIENTLY: GeneralPurposeConfig =
    PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// In bytes.
const ED25519_KEY: usize = 32;

/// The standard says 24 bytes; what is shorter than 16 was thought up, or is no base64 at all.
const SHORTEST_KEY: usize = 16;

/// The old and the new while a key is rotated, and two to spare.
const MOST_ED25519: usize = 4;
