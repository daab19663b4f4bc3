//! The operators that flagd adds to JSONLogic.

use std::borrow::Cow;

use serde_json::Value;

use super::EvaluationError;
use super::logic::{Call, Found, made};
use super::numbers::number;
use super::version::Version;

/// Follows one of them.
pub(super) fn apply<'a>(operator: &str, call: &Call<'a, '_, '_>) -> Found<'a> {
    match operator {
        "starts_with" => texts(call, |whole, part| whole.starts_with(part)),
        "ends_with" => texts(call, |whole, part| whole.ends_with(part)),
        "sem_ver" => sem_ver(call),
        "fractional" => fractional(call),
        _ => Err(EvaluationError::Operator),
    }
}

fn texts<'a>(call: &Call<'a, '_, '_>, holds: impl Fn(&str, &str) -> bool) -> Found<'a> {
    let (whole, part) = (call.argument(0)?, call.argument(1)?);
    Ok(made(match (whole.as_ref(), part.as_ref()) {
        (Value::String(whole), Value::String(part)) => holds(whole, part),
        _ => false,
    }))
}

fn sem_ver<'a>(call: &Call<'a, '_, '_>) -> Found<'a> {
    let (ours, how, theirs) = (call.argument(0)?, call.argument(1)?, call.argument(2)?);
    let version = |value: &Value| value.as_str().and_then(Version::parse);
    let (Some(ours), Some(theirs)) = (version(&ours), version(&theirs)) else {
        // flagd names no variant for what is no version.
        return Ok(Cow::Owned(Value::Null));
    };
    Ok(match how.as_str() {
        Some("=") => made(ours == theirs),
        Some("!=") => made(ours != theirs),
        Some("<") => made(ours < theirs),
        Some("<=") => made(ours <= theirs),
        Some(">") => made(ours > theirs),
        Some(">=") => made(ours >= theirs),
        Some("^") => made(ours.major == theirs.major),
        Some("~") => made((ours.major, ours.minor) == (theirs.major, theirs.minor)),
        _ => Cow::Owned(Value::Null),
    })
}

/// Puts whoever asks into one of several buckets, always the same.
///
/// The buckets are weighted, and the hash is flagd's: so each user gets here what production gives them.
fn fractional<'a>(call: &Call<'a, '_, '_>) -> Found<'a> {
    let first = call.argument(0)?;
    let (by, from) = match first.as_ref() {
        Value::String(by) => (by.clone(), 1),
        Value::Array(_) => match by_target(call.logic.context) {
            Some(by) => (by, 0),
            None => return Ok(Cow::Owned(Value::Null)),
        },
        // Whoever is not told by what, is put nowhere.
        _ => return Ok(Cow::Owned(Value::Null)),
    };
    let mut buckets = Vec::new();
    for place in from..call.arguments.len() {
        let Some(bucket) = Bucket::of(call.argument(place)?.as_ref()) else {
            return Ok(Cow::Owned(Value::Null));
        };
        buckets.push(bucket);
    }
    call.logic.charge(by.len() / 64)?;
    Ok(Cow::Owned(pick(buckets, murmur3(by.as_bytes()))))
}

/// Returns what a bucket is chosen by unless a rule says: the flag, and who asks.
fn by_target(context: &Value) -> Option<String> {
    let flag = context.get("$flagd")?.get("flagKey")?.as_str()?;
    let target = context.get("targetingKey")?.as_str()?;
    Some(format!("{flag}{target}"))
}

/// A variant, and how many of all get it.
struct Bucket {
    variant: Value,
    weight: f64,
}

impl Bucket {
    /// Takes `["red", 50]`; a weight that is not there is 1.
    fn of(value: &Value) -> Option<Self> {
        let parts = value.as_array()?;
        let weight = match parts.get(1) {
            None => 1.0,
            Some(weight) => number(weight).filter(|weight| *weight >= 0.0)?,
        };
        Some(Self {
            variant: parts.first()?.clone(),
            weight,
        })
    }
}

fn pick(buckets: Vec<Bucket>, hash: u32) -> Value {
    let whole: f64 = buckets.iter().map(|bucket| bucket.weight).sum();
    // The hash is taken for a signed number, and its amount for the share.
    let share = f64::from(hash.cast_signed()).abs() / f64::from(i32::MAX);
    let mut end = 0.0;
    for Bucket { variant, weight } in buckets {
        end += weight * 100.0 / whole;
        if share * 100.0 < end {
            return variant;
        }
    }
    Value::Null
}

/// MurmurHash3 of 32 bits for x86, with the seed 0.
pub(super) fn murmur3(bytes: &[u8]) -> u32 {
    let mix = |block: u32| {
        block
            .wrapping_mul(0xcc9e_2d51)
            .rotate_left(15)
            .wrapping_mul(0x1b87_3593)
    };
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = blocks.iter().fold(0_u32, |hash, block| {
        (hash ^ mix(u32::from_le_bytes(*block)))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64)
    });
    let rest = tail
        .iter()
        .rev()
        .fold(0_u32, |rest, byte| rest << 8 | u32::from(*byte));
    hash ^= mix(rest);
    // A length is hashed as it is modulo 2^32.
    hash ^= bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}
