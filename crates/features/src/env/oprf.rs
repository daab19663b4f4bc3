//! The oblivious comparison of two values: RFC 9497, ristretto255-SHA512, mode OPRF.
//!
//! ```text
//! client                                      server: a key, drawn for this variable and this run
//! blind(input(local)) ──── element ─────────▶
//!                     ◀─── evaluation, tag ── key * element, F(key, input(production))
//! F(key, input(local)) == tag ?
//! ```
//! The plain mode suffices. The verifiable one proves that an evaluation was made with a key which the
//! client knows beforehand; here each key is used once, so that there is none to know, and a server that
//! evaluates with another key than its tag's says "differs", which it can say of any value by lying about
//! its own. A match cannot be claimed so: the tag must be that of the local value, which whoever does not
//! know the value cannot compute.

use rand_core::OsRng;
use ring::digest::{Context, SHA512};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use voprf::{BlindedElement, EvaluationElement, OprfClient, OprfServer, Ristretto255};
use zeroize::Zeroizing;

/// A point of the group, as it is written.
pub(super) type Element = [u8; 32];

/// What a value becomes under a key. Half of the function's output: more than enough to tell two apart.
pub(super) type Tag = [u8; 32];

/// A value, in a form whose length says nothing of the value's.
pub(super) type Digest = Zeroizing<[u8; 64]>;

/// What the function is of: a value, of a variable, in a session.
pub(super) type Input = Zeroizing<[u8; 64]>;

/// A local value on its way, and what is needed to read the answer.
pub(super) struct Blinded {
    client: OprfClient<Ristretto255>,
    input: Input,
    /// What the server gets: as good as drawn, whatever the value is.
    pub(super) element: Element,
}

impl Blinded {
    /// Blinds an input.
    pub(super) fn new(input: Input) -> Result<Self, OprfError> {
        let blinded = OprfClient::blind(&*input, &mut OsRng)?;
        Ok(Self {
            client: blinded.state,
            input,
            element: blinded.message.serialize().into(),
        })
    }

    /// Whether production's value is the one that was blinded. Takes as long whichever it is.
    pub(super) fn matches(&self, evaluation: &Element, tag: &Tag) -> Result<bool, OprfError> {
        let evaluation = EvaluationElement::deserialize(evaluation)?;
        let output = Zeroizing::new(<[u8; 64]>::from(
            self.client.finalize(&*self.input, &evaluation)?,
        ));
        Ok(bool::from(first_half(&output).ct_eq(tag)))
    }
}

/// Evaluates a blinded value and production's own, under a key that is forgotten afterwards.
pub(super) fn evaluate(production: &Input, blinded: &Element) -> Result<(Element, Tag), OprfError> {
    let server = OprfServer::<Ristretto255>::new(&mut OsRng)?;
    let blinded = BlindedElement::deserialize(blinded)?;
    let evaluation = server.blind_evaluate(&blinded).serialize().into();
    let output = Zeroizing::new(<[u8; 64]>::from(server.evaluate(&**production)?));
    Ok((evaluation, first_half(&output)))
}

/// Returns the digest of a value.
pub(super) fn digest(value: &str) -> Digest {
    hash(&[value.as_bytes()])
}

/// Binds a value to its variable and to the session.
pub(super) fn input(binding: &[u8; 32], name: &str, value: &Digest) -> Input {
    let length = (name.len() as u64).to_be_bytes();
    hash(&[DOMAIN, binding, &length, name.as_bytes(), &**value])
}

/// Returns the input of a value that is nobody's: what is sent where there is none to compare.
pub(super) fn nobodys() -> Result<Input, OprfError> {
    let mut drawn = Zeroizing::new([0; 64]);
    rand_core::RngCore::try_fill_bytes(&mut OsRng, &mut *drawn).map_err(|_| OprfError)?;
    Ok(drawn)
}

fn hash(parts: &[&[u8]]) -> Zeroizing<[u8; 64]> {
    let mut context = Context::new(&SHA512);
    for part in parts {
        context.update(part);
    }
    let mut output = Zeroizing::new([0; 64]);
    output.copy_from_slice(context.finish().as_ref());
    output
}

fn first_half(output: &[u8; 64]) -> Tag {
    std::array::from_fn(|place| output[place])
}

/// A comparison that cannot be made: what was sent is no point of the group, or the system draws nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("what was sent is no blinded value")]
pub(super) struct OprfError;

impl From<voprf::Error> for OprfError {
    fn from(_: voprf::Error) -> Self {
        Self
    }
}

/// Tells this use of the function from any other. All that follows has a fixed length but the name, which
/// stands behind its own.
const DOMAIN: &[u8] = b"render-tunnel env v1";

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Input {
        input(&[1; 32], "NAME", &digest(value))
    }

    fn compared(local: &Input, production: &Input) -> bool {
        let blinded = Blinded::new(local.clone()).unwrap();
        let (evaluation, tag) = evaluate(production, &blinded.element).unwrap();
        blinded.matches(&evaluation, &tag).unwrap()
    }

    #[test]
    fn only_the_same_value_matches() {
        assert!(compared(&of("secret"), &of("secret")));
        assert!(!compared(&of("secret"), &of("Secret")));
        assert!(!compared(&nobodys().unwrap(), &of("secret")));
    }

    #[test]
    fn a_value_of_a_mebibyte_is_compared_like_any_other() {
        let long = "x".repeat(1024 * 1024);
        assert!(compared(&of(&long), &of(&long)));
        assert!(!compared(&of(&long), &of(&long[1..])));
    }

    #[test]
    fn another_session_or_another_name_is_another_input() {
        let value = digest("secret");
        let here = input(&[1; 32], "NAME", &value);
        assert!(!compared(&here, &input(&[2; 32], "NAME", &value)));
        assert!(!compared(&here, &input(&[1; 32], "NAMES", &value)));
    }

    #[test]
    fn what_is_sent_differs_each_time() {
        let [one, other] = [(); 2].map(|()| Blinded::new(of("secret")).unwrap());
        assert_ne!(one.element, other.element);
        let [one, other] = [(); 2].map(|()| evaluate(&of("secret"), &one.element).unwrap());
        assert_ne!(one.0, other.0);
        assert_ne!(one.1, other.1);
    }

    #[test]
    fn what_is_no_element_is_refused_by_both_ends() {
        let blinded = Blinded::new(of("secret")).unwrap();
        // The identity, which would tell the key's tag nothing; and bytes that are no element.
        for element in [[0; 32], [0xff; 32]] {
            assert_eq!(evaluate(&of("secret"), &element).err(), Some(OprfError));
            assert_eq!(blinded.matches(&element, &[0; 32]), Err(OprfError));
        }
    }
}
