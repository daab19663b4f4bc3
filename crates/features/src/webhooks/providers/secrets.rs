//! Secrets: production's, out of its variables, and the laptop's own, out of a seed.

use std::fmt;

use ring::hmac;
use zeroize::Zeroizing;

use super::manner::Manner;
use super::scheme::CannotSign;
use super::table::find;
use crate::parts::Variables;
use crate::webhooks::HmacConfig;

/// A secret of a provider's, wiped from memory when it is dropped.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    /// Returns the secret itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(<redacted>)")
    }
}

/// Reads the secrets in a variable, which are separated by commas; none if it is not set or empty.
///
/// # Errors
/// A sentence without any of them, if one of several is so short that it may be a piece of one that
/// has a comma in it: everybody could guess that.
pub(super) fn in_variable(name: &str, variables: &Variables) -> Result<Vec<Secret>, String> {
    let Some(value) = variables.get(name).map(Zeroizing::new) else {
        return Ok(Vec::new());
    };
    let each = value.split(',').map(str::trim);
    let each: Vec<_> = each.filter(|secret| !secret.is_empty()).collect();
    // One without a comma is as its provider has it: Lemon Squeezy takes six characters.
    let is_list = value.contains(',');
    if is_list && each.iter().any(|it| it.chars().count() < SHORTEST) {
        return Err(format!(
            "in the variable {name} commas separate secrets, and one there is shorter than {SHORTEST} \
             characters: a secret cannot have a comma in it"
        ));
    }
    Ok(each.into_iter().map(Secret::new).collect())
}

/// Returns how a provider's name may be written: as it is here first, and then as others write it.
/// What one spelling has holds for all: whoever forges does not get by with another.
pub(super) fn spellings(name: &str) -> impl Iterator<Item = &str> {
    let known = find(name).map_or(&[][..], |known| known.names);
    let others = known.iter().copied().filter(move |it| *it != name);
    std::iter::once(name).chain(others)
}

/// Returns the name of a provider's variable: `LEMON_SQUEEZY_WEBHOOK_SECRET`.
pub(super) fn variable(provider: &str, what: &str) -> String {
    format!("{}_{what}", provider.to_ascii_uppercase().replace('-', "_"))
}

/// The secrets of this laptop's own, one for each provider, with which deliveries are signed anew.
///
/// They are made of a seed: the laptop keeps nothing else.
pub struct OwnSecrets(hmac::Key);

impl OwnSecrets {
    /// Makes them of a seed, which is drawn once for each laptop.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, seed))
    }

    /// Returns the secret for a provider, written as the provider's SDK wants it.
    ///
    /// # Errors
    /// [`CannotSign`] if its signatures are made with a private key, or nobody knows how.
    pub fn of(&self, provider: &str, hmac: Option<&HmacConfig>) -> Result<String, CannotSign> {
        let manner = Manner::of(provider, hmac).ok_or(CannotSign::Unknown)?;
        let mut context = hmac::Context::with_key(&self.0);
        // The words keep these apart from whatever else may be made of the seed one day.
        context.update(b"render-tunnel webhook secret: ");
        context.update(provider.as_bytes());
        let tag = context.sign();
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(tag.as_ref());
        manner.scheme().own_secret(&bytes)
    }
}

impl fmt::Debug for OwnSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnSecrets(<redacted>)")
    }
}

/// What is drawn has sixteen characters and more; half of that is still no word that is guessed.
const SHORTEST: usize = 8;
