//! The server's side of WebSocket, without the rest of a front: one connection, one upgrade.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
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
    let (granted, grants) = tokio::sync::oneshot::channel();
    let granted = std::sync::Mutex::new(Some(granted));
    let answer = service_fn(|mut request: Request<Incoming>| {
        let (door, granted) = (Arc::clone(&door), &granted);
        async move {
            let key = request.headers().get(SEC_WEBSOCKET_KEY).cloned();
            let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
            let mut response = Response::new(Empty::<Bytes>::new());
            match (door.check(request.headers(), from).await, key) {
                (Ok(permit), Some(key)) => {
                    let upgraded = hyper::upgrade::on(&mut request);
                    let granted = granted.lock().ok().and_then(|mut granted| granted.take());
                    if let Some(granted) = granted {
                        // Fails if the connection is gone.
                        granted.send((permit, upgraded)).ok();
                    }
                    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                    let headers = response.headers_mut();
                    headers.insert(CONNECTION, "upgrade".parse()?);
                    headers.insert(UPGRADE, "websocket".parse()?);
                    let accept = accept_key(key.as_bytes()).parse()?;
                    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
                }
                _ => *response.status_mut() = StatusCode::CONFLICT,
            }
            anyhow::Ok(response)
        }
    });
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades()
        .await?;
    let (permit, upgraded): (Permit, OnUpgrade) = grants.await?;
    Ok(permit.enter(TokioIo::new(upgraded.await?), &tasks).await)
}
