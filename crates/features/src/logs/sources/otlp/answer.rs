//! What OTLP answers: how many records were rejected, or why the request was.

use prost::Message;
use serde_json::json;

use super::{Encoding, Outcome};

/// Writes the answer to a request.
pub(in crate::logs::sources) fn answer(encoding: Encoding, outcome: &Outcome) -> Vec<u8> {
    match (outcome.trouble(), encoding) {
        // A message without fields has no bytes.
        (None, Encoding::Protobuf) => Vec::new(),
        (None, Encoding::Json) => b"{}".to_vec(),
        (Some(trouble), _) if outcome.is_refusal() => status(encoding, &trouble),
        (Some(trouble), _) => partial(encoding, outcome.rejected, trouble),
    }
}

fn partial(encoding: Encoding, rejected: u64, error_message: String) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => ExportLogsServiceResponse {
            partial_success: Some(PartialSuccess {
                rejected_log_records: i64::try_from(rejected).unwrap_or(i64::MAX),
                error_message,
            }),
        }
        .encode_to_vec(),
        Encoding::Json => json!({
            "partialSuccess": {
                "rejectedLogRecords": rejected.to_string(),
                "errorMessage": error_message,
            }
        })
        .to_string()
        .into_bytes(),
    }
}

/// Writes the answer to a request that was refused.
pub(in crate::logs::sources) fn status(encoding: Encoding, message: &str) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => Status {
            code: INVALID_ARGUMENT,
            message: message.to_owned(),
        }
        .encode_to_vec(),
        Encoding::Json => json!({ "code": INVALID_ARGUMENT, "message": message })
            .to_string()
            .into_bytes(),
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExportLogsServiceResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(super) rejected_log_records: i64,
    #[prost(string, tag = "2")]
    pub(super) error_message: String,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Status {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

/// Of gRPC's codes the one for a request that its sender has to change.
const INVALID_ARGUMENT: i32 = 3;
