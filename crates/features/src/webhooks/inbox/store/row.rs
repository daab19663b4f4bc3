//! Rows as both stores read them, and what they stand for.

use std::sync::Arc;

use bytes::Bytes;
use transport::trust::KeyId;

use super::super::super::delivery::{Delivery, DeliveryId, Request, State, Verification};
use super::super::super::wire::{Line, List, Missing, Tried};
use super::super::error::InboxError;
use super::super::ledger::Share;
use super::super::types::Item;
use super::super::work::{StoredHead, state_of};
use crate::webhooks::pattern;

/// A row without what it holds.
#[derive(Debug)]
pub(super) struct LineRow {
    pub(super) sequence: i64,
    pub(super) provider: String,
    pub(super) received: i64,
    pub(super) id: Vec<u8>,
    pub(super) event: Option<Vec<u8>>,
    pub(super) verification: Vec<u8>,
    pub(super) answered: Option<i64>,
    pub(super) length: i64,
    pub(super) repeats: i64,
    pub(super) state: i64,
    pub(super) attempts: i64,
    pub(super) status: Option<i64>,
}

impl LineRow {
    /// Makes it a line of a list, if it is asked for.
    pub(super) fn line(self, floor: u64, query: &List) -> Result<Option<Line>, InboxError> {
        let sequence = nat(self.sequence);
        let state = match state_of(self.state) {
            State::Delivered => State::Delivered,
            _ if sequence <= floor => State::Gone,
            state => state,
        };
        let event = text(self.event)?;
        let wanted = query.state.is_none_or(|wanted| wanted == state)
            && pattern::any(&query.events, event.as_deref());
        if !wanted {
            return Ok(None);
        }
        Ok(Some(Line {
            id: id(&self.id)?,
            sequence,
            received: nat(self.received),
            provider: self.provider,
            event,
            verification: decode(&self.verification)?,
            answered: status(self.answered),
            repeats: count(self.repeats),
            length: nat(self.length),
            state,
            attempts: count(self.attempts),
            status: status(self.status),
        }))
    }

    /// Makes it a delivery, with what it holds.
    pub(super) fn delivery(self, head: &[u8], body: Bytes) -> Result<Arc<Delivery>, InboxError> {
        let head: StoredHead = decode(head)?;
        let verification: Verification = decode(&self.verification)?;
        Ok(Arc::new(Delivery {
            id: id(&self.id)?,
            sequence: nat(self.sequence),
            received: nat(self.received),
            provider: self.provider,
            event: text(self.event)?,
            event_id: head.event_id,
            verification,
            answered: status(self.answered),
            repeats: count(self.repeats),
            request: Request {
                method: head.method,
                target: head.target,
                headers: head.headers,
                body,
                origin: head.origin,
            },
        }))
    }
}

/// A gap.
pub(super) fn gap(sequence: i64, missing: i64) -> Item {
    Item::Missed {
        count: nat(missing),
        why: Missing::NotKept,
        sequence: nat(sequence),
    }
}

/// A try, of its owner's bytes and the receipt's.
pub(super) fn tried(owner: &[u8], receipt: &[u8]) -> Result<Tried, InboxError> {
    let name = owner.get(size_of::<KeyId>()..).ok_or_else(damaged)?;
    Ok(Tried {
        follower: text(Some(name.to_vec()))?.unwrap_or_default(),
        receipt: decode(receipt)?,
    })
}

/// Of whose share a row is. Nothing that cannot be read is less than verified; a gap has no bytes.
pub(super) fn share(verification: Option<&[u8]>) -> Share {
    let verification = verification.and_then(|bytes| decode(bytes).ok());
    verification.map_or(Share::Verified, Share::of)
}

/// Bytes as they are written to a column.
pub(super) fn encoded<T: serde::Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode(value, &mut bytes);
    bytes
}

pub(super) fn decode<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, InboxError> {
    wire::decode(bytes).map_err(|_| damaged())
}

/// What is in a store was written by us: another text in it is damage.
pub(super) fn damaged() -> InboxError {
    InboxError::Unavailable("a row of it is damaged".to_owned())
}

pub(super) fn id(bytes: &[u8]) -> Result<DeliveryId, InboxError> {
    let bytes = bytes.try_into().map_err(|_| damaged())?;
    Ok(DeliveryId::from_bytes(bytes))
}

fn text(bytes: Option<Vec<u8>>) -> Result<Option<String>, InboxError> {
    let text = bytes.map(String::from_utf8).transpose();
    text.map_err(|_| damaged())
}

/// SQL has no unsigned numbers. None of ours comes near the end of the signed ones.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn nat(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

pub(super) fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(if number < 0 { 0 } else { u32::MAX })
}

fn status(number: Option<i64>) -> Option<u16> {
    number.and_then(|number| u16::try_from(number).ok())
}
