//! The server's side of WebSocket, without the rest of a front: one connection, one upgrade.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use transport::carrier::websocket::{Door, Permit, accept_key};
use transport::endpoint::Arrival;
use transport::tasks::Tasks;

/// Takes clients in at a door; hands each that arrives to `receive`.
pub(super) async fn serve<F>(
    door: Arc<Door>,
    tasks: Tasks,
    receive: impl Fn(Arrival) -> F + Clone + Send + Sync + 'static,
) -> Result<SocketAddr>
where
    F: Future<Output = ()> + Send,
{
    // Whoever comes has come through the edge.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let owner = tasks.clone();
    tasks.spawn("upgrades", async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (door, tasks, receive) = (Arc::clone(&door), owner.clone(), receive.clone());
            owner.spawn("upgrade", async move {
                let entered = upgrade(stream, door, tasks).await;
                if let Ok(Some(arrival)) = entered {
                    receive(arrival).await;
                }
            });
        }
    });
    Ok(address)
}

/// Serves one request, and returns who has come with it.
async fn upgrade(stream: TcpStream, door: Arc<Door>, tasks: Tasks) -> Result<Option<Arrival>> {
    transport::reach::tune(&stream);
    let (granted, mut grants) = mpsc::channel(1);
    let answer = service_fn(|request| {
        let (door, granted) = (Arc::clone(&door), granted.clone());
        async move { answer(request, &door, &granted).await }
    });
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades()
        .await?;
    let (permit, upgraded) = grants.try_recv()?;
    Ok(permit.enter(TokioIo::new(upgraded.await?), &tasks).await)
}

/// Answers a request, and hands on what it has a right to.
async fn answer(
    mut request: Request<Incoming>,
    door: &Arc<Door>,
    granted: &mpsc::Sender<(Permit, OnUpgrade)>,
) -> Result<Response<Empty<Bytes>>> {
    let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let permit = door.check(request.headers(), from).await?;
    let key = request.headers().get(SEC_WEBSOCKET_KEY);
    let accept = accept_key(key.context("no WebSocket")?.as_bytes());
    granted.try_send((permit, hyper::upgrade::on(&mut request)))?;
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response.body(Empty::new())?)
}
