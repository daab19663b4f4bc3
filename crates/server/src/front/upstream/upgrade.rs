//! Connections that leave HTTP, for a WebSocket or whatever both sides agree on: bytes, both ways.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::http::{Method, StatusCode, header};
use hyper::upgrade::{OnUpgrade, on};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tracing::debug;

use super::connection::AppConnection;
use crate::front::passage::Stay;

/// Returns the client's side of an upgrade, if it asks for one.
pub(super) fn wanted(request: &mut Request<Incoming>) -> Option<OnUpgrade> {
    let asks =
        request.headers().contains_key(header::UPGRADE) || request.method() == Method::CONNECT;
    asks.then(|| on(request))
}

/// Whether the app leaves HTTP with this answer.
pub(super) fn is_granted<B>(method: &Method, response: &Response<B>) -> bool {
    let status = response.status();
    status == StatusCode::SWITCHING_PROTOCOLS || method == Method::CONNECT && status.is_success()
}

/// Passes bytes both ways as soon as the answer has been sent, until both sides have ended or the front
/// is told to stop: an app that is to say goodbye first is told before the front is.
pub(super) fn join(
    client: OnUpgrade,
    response: &mut Response<Incoming>,
    connection: AppConnection,
    stay: &Stay,
) {
    let app = on(response);
    let (place, stopping) = (Arc::clone(&stay.place), stay.tasks.clone());
    stay.tasks.spawn("upgraded connection", async move {
        let _place = place;
        let passing = async {
            // The connection hands its stream over when it has ended.
            connection.finish().await;
            pass(client, app).await;
        };
        tokio::select! {
            () = passing => {}
            () = stopping.stopping() => {}
        }
    });
}

async fn pass(client: OnUpgrade, app: OnUpgrade) {
    let (client, app) = match tokio::try_join!(client, app) {
        Ok(both) => both,
        Err(error) => return debug!("an upgrade was not finished: {error}"),
    };
    let (mut client, mut app) = (TokioIo::new(client), TokioIo::new(app));
    match copy_bidirectional(&mut client, &mut app).await {
        Ok((sent, received)) => debug!(sent, received, "an upgraded connection ended"),
        Err(error) => debug!("an upgraded connection was cut: {error}"),
    }
}
