//! What a provider is answered that does not wait for the laptop.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::webhooks::DeliveryId;
use crate::webhooks::providers::Challenge;

/// Says that a delivery is kept, and as which.
pub(super) fn kept(status: StatusCode, delivery: DeliveryId) -> Response {
    let text = format!("{{\"id\":\"{delivery}\"}}");
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, json, text).into_response()
}

/// Gives back what a provider has asked for.
pub(super) fn challenged(challenge: Challenge) -> Response {
    let headers = [
        (header::CONTENT_TYPE, challenge.content_type),
        // Anybody may have written it.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, challenge.body).into_response()
}
