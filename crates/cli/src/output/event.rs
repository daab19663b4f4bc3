//! What happens on a connection, on the screen.

use std::convert::Infallible;
use std::future::pending;

use client::{Events, TunnelClient, TunnelEvent};
use serde::Serialize;

use super::number;
use super::screen::Screen;
use super::text::printable;
use crate::exit::Failure;

/// Says who is at the other end.
pub fn greet(client: &TunnelClient, screen: &Screen) {
    if let Some(server) = client.server() {
        screen.note(&connected(&server.server_id, &server.environment));
    }
}

/// Tells a person of events as they come, without end.
pub async fn tell_all(mut events: Events, screen: &Screen) -> Infallible {
    while let Some(event) = events.next().await {
        tell(&event, screen);
    }
    pending().await
}

/// Tells a person of an event, unless it is told otherwise: lines, progress and health have their
/// own place.
pub fn tell(event: &TunnelEvent, screen: &Screen) {
    match event {
        TunnelEvent::Authenticated {
            server_id,
            environment,
            ..
        } => screen.note(&connected(server_id, environment)),
        TunnelEvent::Leaving => screen.note("the server is leaving: looking for another instance"),
        TunnelEvent::Disconnected { reason } => {
            screen.warn(&format!("disconnected: {}", printable(reason)));
        }
        TunnelEvent::Reconnecting { attempt, delay } => {
            let delay = number::time(*delay);
            screen.note(&format!("reconnecting in {delay} (try {attempt})"));
        }
        TunnelEvent::Error { reason } => {
            screen.warn(&format!("not connected: {}", printable(reason)));
        }
        _ => {}
    }
}

/// Writes an event for a script.
///
/// # Errors
/// [`Failure`] if it cannot be written.
pub fn write(event: &TunnelEvent, screen: &Screen) -> Result<(), Failure> {
    let shown = match event {
        TunnelEvent::Authenticated {
            server_id,
            environment,
            carrier,
        } => Shown::Authenticated {
            server_id,
            environment,
            carrier: carrier.to_string(),
        },
        TunnelEvent::Leaving => Shown::Leaving,
        TunnelEvent::Disconnected { reason } => Shown::Disconnected { reason },
        TunnelEvent::Reconnecting { attempt, delay } => Shown::Reconnecting {
            attempt: *attempt,
            delay_seconds: delay.as_secs_f64(),
        },
        TunnelEvent::Error { reason } => Shown::Error { reason },
        _ => return Ok(()),
    };
    screen.json(&shown)
}

/// Returns the event with which a connection begins.
#[must_use]
pub fn first(client: &TunnelClient) -> Option<TunnelEvent> {
    let server = client.server()?;
    let (server_id, environment) = (server.server_id.clone(), server.environment.clone());
    let carrier = client.connection()?.carrier;
    Some(TunnelEvent::Authenticated {
        server_id,
        environment,
        carrier,
    })
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Shown<'a> {
    Authenticated {
        server_id: &'a str,
        environment: &'a str,
        carrier: String,
    },
    Leaving,
    Disconnected {
        reason: &'a str,
    },
    Reconnecting {
        attempt: u32,
        delay_seconds: f64,
    },
    Error {
        reason: &'a str,
    },
}

fn connected(server_id: &str, environment: &str) -> String {
    let (server_id, environment) = (printable(server_id), printable(environment));
    format!("connected to {server_id} ({environment})")
}
