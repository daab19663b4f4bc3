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
    if let Some(event) = first(client) {
        Narrator::new(screen).tell(&event);
    }
}

/// Tells a person of events as they come, without end.
pub async fn tell_all(mut events: Events, screen: &Screen) -> Infallible {
    let mut narrator = Narrator::new(screen);
    while let Some(event) = events.next().await {
        narrator.tell(&event);
    }
    pending().await
}

/// Tells a person of events, unless they are told otherwise: lines, progress and health have their
/// own place.
#[derive(Debug)]
pub struct Narrator<'s> {
    screen: &'s Screen,
    /// The server said that it leaves, and the session is still with it.
    leaving: bool,
}

impl<'s> Narrator<'s> {
    /// Makes a narrator who has seen nothing yet.
    #[must_use]
    pub const fn new(screen: &'s Screen) -> Self {
        Self {
            screen,
            leaving: false,
        }
    }

    /// Tells of an event.
    pub fn tell(&mut self, event: &TunnelEvent) {
        match event {
            TunnelEvent::Disconnected { reason } => {
                self.screen
                    .warn(&format!("disconnected: {}", printable(reason)));
            }
            TunnelEvent::Error { reason } => {
                self.screen
                    .warn(&format!("not connected: {}", printable(reason)));
            }
            _ => {
                if let Some(line) = self.line(event) {
                    self.screen.note(&line);
                }
            }
        }
        self.leaving = match event {
            TunnelEvent::Leaving => true,
            TunnelEvent::Authenticated { .. } | TunnelEvent::Disconnected { .. } => false,
            _ => self.leaving,
        };
    }

    /// Returns what is said of an event that nobody need know of.
    fn line(&self, event: &TunnelEvent) -> Option<String> {
        Some(match event {
            TunnelEvent::Authenticated {
                server_id,
                environment,
                carrier,
            } => {
                let (server_id, environment) = (printable(server_id), printable(environment));
                let deed = if self.leaving { "moved" } else { "connected" };
                format!("{deed} to {server_id} ({environment}) over {carrier}")
            }
            TunnelEvent::CarrierLost => {
                "the WebSocket is lost: opening another under the session".to_owned()
            }
            TunnelEvent::CarrierBack => "the session goes on over a new WebSocket".to_owned(),
            TunnelEvent::Leaving => {
                "the server is leaving: looking for another instance".to_owned()
            }
            TunnelEvent::Reconnecting { attempt, delay } => {
                format!("reconnecting in {} (try {attempt})", number::time(*delay))
            }
            _ => return None,
        })
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
        TunnelEvent::Missed { count } => Shown::EventsMissed { count: *count },
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
#[serde(tag = "type", rename_all = "snake_case")]
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
    EventsMissed {
        count: u64,
    },
}

#[cfg(test)]
mod tests {
    use client::Carrier;

    use super::*;
    use crate::environment::Environment;
    use crate::output::{Format, Loudness};

    #[test]
    fn a_session_that_moves_is_told_from_one_that_begins() {
        let screen = Screen::new(Format::Human, Loudness::Quiet, &Environment::default());
        let mut narrator = Narrator::new(&screen);
        let authenticated = TunnelEvent::Authenticated {
            server_id: "app".to_owned(),
            environment: "production".to_owned(),
            carrier: Carrier::WebSocket,
        };
        let mut line = |event: &TunnelEvent| {
            let line = narrator.line(event).unwrap_or_default();
            narrator.tell(event);
            line
        };
        let begins = "connected to app (production) over websocket";
        assert_eq!(line(&authenticated), begins);
        line(&TunnelEvent::Leaving);
        line(&TunnelEvent::CarrierLost);
        line(&TunnelEvent::CarrierBack);
        let moved = "moved to app (production) over websocket";
        assert_eq!(line(&authenticated), moved);
        assert_eq!(line(&authenticated), begins);
    }
}
