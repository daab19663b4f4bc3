//! What a client hears of its own doings, from a real server over loopback.
#![cfg(test)]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use client::logs::wire::{Follow, Open as LogsRequest, Start};
use client::logs::{Filter, client::LogItem};
use client::sync::client::{Progress, Summary, SyncRequest, Theirs};
use client::sync::target::{Destination, Mode, OutputFile};
use client::sync::wire::{Open, Sanitising, Selection};
use client::{Reconnect, Secret, TunnelClient, TunnelError, TunnelEvent};
use server::logs::{Feed, Origin};
use server::{DatabaseUrl, TunnelServer};
use tokio::sync::mpsc;

/// A server with the demo's database in `folder`, and a client of it.
async fn together(folder: &Path) -> (TunnelServer, TunnelClient) {
    let database = folder.join("production.db");
    server::demo::database(&database).await.unwrap();
    let secret = Secret::generate().unwrap();
    let server = TunnelServer::builder()
        .quic_address(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .http_address(None)
        .secret(secret.expose())
        .database(Some(DatabaseUrl::Sqlite(database)))
        .start()
        .await
        .unwrap();
    let address = format!("quic://{}", server.quic_address().unwrap());
    let client = TunnelClient::builder()
        .server(address.parse().unwrap())
        .secret(secret)
        .reconnect(Reconnect::Off)
        .connect()
        .await
        .unwrap();
    (server, client)
}

fn ten_courses(file: &Path) -> SyncRequest {
    SyncRequest {
        open: Open {
            tables: Selection::Named(vec!["courses".to_owned()]),
            limit: Some(10),
            sanitising: Sanitising::On,
        },
        destination: Destination::File(OutputFile::new(file).unwrap()),
        mode: Mode::Merge,
        theirs: Theirs::Ask,
    }
}

#[tokio::test]
async fn lines_progress_and_health_are_events_in_the_order_in_which_they_came() {
    let folder = tempfile::tempdir().unwrap();
    let (server, client) = together(folder.path()).await;
    let mut events = client.events();
    client.health_check().await.unwrap();
    let mut feed = Feed::new(Arc::clone(server.ring()), Origin::service("api"));
    feed.push(b"it works\n");
    let tail = LogsRequest {
        start: Start::Oldest,
        follow: Follow::Off,
        filter: Filter::default(),
    };
    let mut logs = client.stream_logs(tail).await.unwrap();
    let Some(LogItem::Opened(_)) = logs.next().await.unwrap() else {
        panic!("a flow says what there is")
    };
    let Some(LogItem::Entry(line)) = logs.next().await.unwrap() else {
        panic!("no line")
    };
    let file = folder.path().join("courses.json");
    let mut steps = 0;
    let request = ten_courses(&file);
    let summary = client.sync_data(&request, |_| steps += 1).await.unwrap();

    let Some(TunnelEvent::Health(health)) = events.next().await else {
        panic!("no health")
    };
    assert_eq!(health.report.sessions, 1);
    let Some(TunnelEvent::Log(told)) = events.next().await else {
        panic!("no line")
    };
    assert!(Arc::ptr_eq(&told, &line), "a line is never copied");
    for _ in 0..steps {
        let step = events.next().await;
        assert!(matches!(step, Some(TunnelEvent::SyncProgress(_))));
    }
    let Some(TunnelEvent::Synced(told)) = events.next().await else {
        panic!("no end of the sync")
    };
    assert_eq!(told.tables[0].rows, summary.tables[0].rows);
    client.disconnect().await;
    assert!(events.next().await.is_none());
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_runs_enough_syncs_refuses_another_until_one_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (server, client) = together(folder.path()).await;
    let mut held = Vec::new();
    let refused = loop {
        assert!(held.len() < 64, "there is no bound");
        let file = folder.path().join(format!("{}.json", held.len()));
        match begin(&client, ten_courses(&file)).await {
            Ok(running) => held.push(running),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.fault().unwrap().status.0, 429, "{refused}");
    for running in held {
        assert_eq!(running.await.unwrap().tables[0].rows, 10);
    }
    let file = folder.path().join("after.json");
    let after = client.sync_data(&ten_courses(&file), |_| {}).await;
    assert_eq!(after.unwrap().tables[0].rows, 10);
    client.disconnect().await;
    server.stop().await;
}

type Running = Pin<Box<dyn Future<Output = Result<Summary, TunnelError>>>>;

/// Begins a sync and leaves it where the server has a plan of it and waits.
async fn begin(client: &TunnelClient, request: SyncRequest) -> Result<Running, TunnelError> {
    let (planned, mut is_planned) = mpsc::unbounded_channel();
    let client = client.clone();
    let mut running: Running = Box::pin(async move {
        let tell = |step| {
            if let Progress::Started { .. } = step {
                planned.send(()).ok();
            }
        };
        client.sync_data(&request, tell).await
    });
    tokio::select! {
        biased;
        Some(()) = is_planned.recv() => Ok(running),
        ended = &mut running => Err(ended.expect_err("it is bigger than one poll")),
    }
}
