//! Reads a request in protobuf: the upper levels by hand, so that only one record is in memory.

use bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost::{DecodeError, Message};

use super::message::{LogRecord, Resource, Scope};
use super::{Fault, Intake, LONGEST};
use crate::logs::entry::Origin;

/// Reads an `ExportLogsServiceRequest`.
pub(super) fn read(body: &[u8], intake: &mut Intake<'_>) {
    for resource_logs in fields(body, RESOURCE_LOGS) {
        match resource_logs {
            Ok(resource_logs) => read_resource(resource_logs, intake),
            Err(error) => intake.reject(error),
        }
    }
}

/// Reads a `ResourceLogs`: first the resource, wherever it stands, then what it writes.
fn read_resource(resource_logs: &[u8], intake: &mut Intake<'_>) {
    let resource: Resource = intake.described(merged(resource_logs));
    let origin = intake.origin(&resource);
    for scope_logs in fields(resource_logs, SCOPE_LOGS) {
        match scope_logs {
            Ok(scope_logs) => read_scope(scope_logs, &origin, intake),
            Err(error) => intake.reject(error),
        }
    }
}

fn read_scope(scope_logs: &[u8], origin: &Origin, intake: &mut Intake<'_>) {
    let scope: Scope = intake.described(merged(scope_logs));
    for record in fields(scope_logs, LOG_RECORDS) {
        match record.map_err(Fault::from).and_then(decoded) {
            Ok(record) => intake.keep(origin, &scope, &record),
            Err(fault) => intake.reject(fault),
        }
    }
}

fn decoded(record: &[u8]) -> Result<LogRecord, Fault> {
    if record.len() > LONGEST {
        return Err(Fault::Long);
    }
    Ok(LogRecord::decode(record)?)
}

/// Reads the message that describes the others of its level: number 1 in each.
fn merged<M: Message + Default>(level: &[u8]) -> Result<M, DecodeError> {
    let mut message = M::default();
    let mut room = LONGEST;
    for piece in fields(level, DESCRIPTION) {
        let piece = piece?;
        // What is longer describes nothing; the records are read without it.
        if let Some(left) = room.checked_sub(piece.len()) {
            message.merge(piece)?;
            room = left;
        }
    }
    Ok(message)
}

/// Returns the messages of one number in a message, and skips the rest.
fn fields(message: &[u8], number: u32) -> impl Iterator<Item = Result<&[u8], DecodeError>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        while rest.has_remaining() {
            let field = next_field(&mut rest, number);
            if field.is_err() {
                // What follows cannot be told apart.
                rest = &[];
            }
            if let Some(field) = field.transpose() {
                return Some(field);
            }
        }
        None
    })
}

fn next_field<'a>(rest: &mut &'a [u8], number: u32) -> Result<Option<&'a [u8]>, DecodeError> {
    let (found, wire_type) = decode_key(rest)?;
    if found != number || wire_type != WireType::LengthDelimited {
        skip_field(wire_type, found, rest, DecodeContext::default())?;
        return Ok(None);
    }
    let length = usize::try_from(decode_varint(rest)?).unwrap_or(usize::MAX);
    let Some((field, after)) = rest.split_at_checked(length) else {
        // Says that it ends too early, as for every other field.
        return LogRecord::decode(CUT_OFF).map(|_| None);
    };
    *rest = after;
    Ok(Some(field))
}

const RESOURCE_LOGS: u32 = 1;
const DESCRIPTION: u32 = 1;
const SCOPE_LOGS: u32 = 2;
const LOG_RECORDS: u32 = 2;

/// A text of 127 bytes, of which none follows.
const CUT_OFF: &[u8] = &[0x1a, 0x7f];
