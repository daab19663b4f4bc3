//! The tunnel on an app's port: inside an axum app, or before any app.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use client::{CarrierChoice, Reconnect, TunnelClient};
use server::TunnelServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::harness::{ANY, SECRET, Story, production};

async fn embedded() -> TunnelServer {
    let server = production("sqlite:///nowhere.db").embedded().start().await;
    server.expect("a server")
}

fn app() -> Router {
    Router::new().route("/", get(async || "the app's own"))
}

async fn visitor(address: SocketAddr) -> TunnelClient {
    TunnelClient::builder()
        .server(format!("http://{address}").parse().expect("an address"))
        .secret(SECRET.parse().expect("a good secret"))
        .reconnect(Reconnect::Off)
        .carrier(CarrierChoice::WebSocket)
        .connect()
        .await
        .expect("a session")
}

async fn asked(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.expect("taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("text");
    answer
}

#[tokio::test]
async fn an_app_serves_the_tunnel_on_its_own_port_and_stops_it_with_itself() {
    let server = embedded().await;
    assert!(server.quic_address().is_err() && server.http_address().is_none());
    let listener = TcpListener::bind(ANY).await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (stop, stopped) = oneshot::channel::<()>();
    let routes = app().merge(server.router());
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, routes).with_graceful_shutdown(async {
        stopped.await.ok();
    });
    let visiting = async {
        let client = visitor(address).await;
        let mut story = Story::begin(&server, &client).await;
        story.tell(100);
        story.heard().await;
        assert!(asked(address).await.ends_with("the app's own"));
        drop(stop);
        // The session goes on while the app finishes.
        story.tell(100);
        story.heard().await;
        drop(story);
        client.disconnect().await;
    };
    let (served, ()) = tokio::join!(serving, visiting);
    served.expect("an orderly end");
    assert!(server.stop().await.is_empty());
}

#[tokio::test]
async fn an_app_that_does_not_tell_who_asks_serves_the_tunnel_all_the_same() {
    let server = embedded().await;
    let listener = TcpListener::bind(ANY).await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let serving = axum::serve(listener, app().merge(server.router())).into_future();
    let visiting = async {
        let client = visitor(address).await;
        client.disconnect().await;
    };
    tokio::select! {
        served = serving => panic!("{served:?}"),
        () = visiting => {}
    }
}

#[tokio::test]
async fn an_app_behind_the_front_shares_its_port_with_sessions() {
    let listener = TcpListener::bind(ANY).await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let builder = production("sqlite:///nowhere.db").http_address(Some(ANY));
    let server = builder.upstream(port).start().await.expect("a server");
    let address = server.http_address().expect("a front");
    let serving = axum::serve(listener, app()).into_future();
    let visiting = async {
        let client = visitor(address).await;
        let mut story = Story::begin(&server, &client).await;
        for _ in 0..10 {
            story.tell(10);
            assert!(asked(address).await.ends_with("the app's own"));
            story.heard().await;
        }
        drop(story);
        client.disconnect().await;
    };
    tokio::select! {
        served = serving => panic!("{served:?}"),
        () = visiting => {}
    }
    assert!(server.stop().await.is_empty());
}
