//! What an inbox must do, played with real stores.

mod alone;
mod big;
mod edges;
mod figures;
mod model;
mod plays;
mod shared;
mod shares;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use testkit::postgres::Database;
use transport::tasks::Tasks;
use transport::trust::KeyId;

use super::super::config::WebhooksConfig;
use super::super::delivery::{
    Answer, Delivery, Header, Origin, Outcome, Receipt, Request, Verification,
};
use super::{FollowerKey, Inbox, Item, Most, NewDelivery, Taken, draw};
use crate::parts::Variables;

/// A place for inboxes of a test: what is in it outlives each of them.
pub(in crate::webhooks::inbox) struct Ground {
    pub(in crate::webhooks::inbox) config: WebhooksConfig,
    variables: Variables,
    kind: Kind,
}

enum Kind {
    File(TempDir),
    Database(Database),
}

/// An inbox that runs.
pub(in crate::webhooks::inbox) struct Running {
    pub(in crate::webhooks::inbox) inbox: Arc<Inbox>,
    tasks: Tasks,
}

impl Ground {
    pub(in crate::webhooks::inbox) fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let config = WebhooksConfig {
            inbox: Some(folder.path().join("inbox.db")),
            ..WebhooksConfig::default()
        };
        Self {
            config,
            variables: Variables::default(),
            kind: Kind::File(folder),
        }
    }

    pub(in crate::webhooks::inbox) async fn postgres() -> Self {
        let database = testkit::postgres::database().await;
        let url = database.url().to_owned();
        let config = WebhooksConfig {
            inbox_env: Some("INBOX".to_owned()),
            ..WebhooksConfig::default()
        };
        Self {
            config,
            variables: Variables::new(move |name| (name == "INBOX").then(|| url.clone())),
            kind: Kind::Database(database),
        }
    }

    /// The folder of a file.
    pub(in crate::webhooks::inbox) fn folder(&self) -> &Path {
        match &self.kind {
            Kind::File(folder) => folder.path(),
            Kind::Database(database) => panic!("{} is no folder", database.url()),
        }
    }

    /// Changes the tables behind the inbox's back, while none is open.
    pub(in crate::webhooks::inbox) async fn run(&self, sql: &str) {
        match &self.kind {
            Kind::File(folder) => {
                let file = rusqlite::Connection::open(folder.path().join("inbox.db")).unwrap();
                file.execute_batch(sql).unwrap();
            }
            Kind::Database(database) => {
                let sql = format!("SET search_path = render_tunnel; {sql}");
                database.run(sql).await;
            }
        }
    }

    pub(in crate::webhooks::inbox) fn open(&self) -> Running {
        let (inbox, helper) = Inbox::open(&self.config, &self.variables).unwrap();
        let tasks = Tasks::new();
        helper.start(&tasks);
        Running { inbox, tasks }
    }

    /// Why it cannot be opened.
    pub(in crate::webhooks::inbox) fn refused(&self) -> String {
        let refused = Inbox::open(&self.config, &self.variables);
        refused.map(|_| ()).unwrap_err().to_string()
    }
}

impl Running {
    /// Ends in order, and opens the same again.
    pub(in crate::webhooks::inbox) async fn again(self, ground: &Ground) -> Self {
        self.end().await;
        ground.open()
    }

    pub(in crate::webhooks::inbox) async fn end(self) {
        assert!(
            self.tasks
                .shutdown(Duration::from_secs(30))
                .await
                .is_empty()
        );
    }

    /// Takes a delivery that must be new.
    pub(in crate::webhooks::inbox) async fn take(&self, new: NewDelivery) -> Arc<Delivery> {
        match self.inbox.take(new).await.unwrap() {
            Taken::New(delivery) => delivery,
            Taken::Repeated(before) => panic!("{} was there", before.id),
        }
    }

    /// The sequences of what comes next, gaps as how many are missing.
    pub(in crate::webhooks::inbox) async fn next(
        &self,
        provider: &str,
        after: u64,
    ) -> Vec<Result<u64, u64>> {
        let items = self.inbox.after(provider, after, ALL).await.unwrap();
        let items = items.into_iter().map(|item| match item {
            Item::Delivery(delivery) => Ok(delivery.sequence),
            Item::Missed { count, .. } => Err(count),
        });
        items.collect()
    }
}

pub(in crate::webhooks::inbox) fn new(provider: &str, body: impl Into<Bytes>) -> NewDelivery {
    let received = crate::wall_clock::millis();
    NewDelivery {
        random: draw(),
        received,
        provider: provider.to_owned(),
        event: Some("charge.succeeded".to_owned()),
        event_id: None,
        verification: Verification::Verified,
        answered: None,
        request: Request {
            method: "POST".to_owned(),
            target: format!("/api/webhooks/{provider}?a=%2F"),
            headers: vec![
                Header::new("content-type", "application/json"),
                Header::new("x-twice", "1"),
                Header::new("x-twice", [0xff, 0]),
            ],
            body: body.into(),
            origin: Origin {
                scheme: "https".to_owned(),
                host: "app.example.com".to_owned(),
                client: [192, 0, 2, 1].into(),
            },
        },
    }
}

pub(in crate::webhooks::inbox) fn event(provider: &str, id: &str) -> NewDelivery {
    NewDelivery {
        event_id: Some(id.to_owned()),
        ..new(provider, id.to_owned())
    }
}

pub(in crate::webhooks::inbox) fn owner(name: &str) -> FollowerKey {
    FollowerKey {
        key: KeyId([1; 8]),
        follower: name.to_owned(),
    }
}

pub(in crate::webhooks::inbox) fn receipt(
    delivery: &Delivery,
    attempt: u32,
    status: u16,
) -> Receipt {
    Receipt {
        delivery: delivery.id,
        sequence: delivery.sequence,
        attempt,
        at: 1_795_000_000_000 + u64::from(attempt),
        took: Duration::from_millis(3),
        outcome: Outcome::Answered(Answer {
            status,
            headers: Vec::new(),
            body: b"ok".to_vec().into(),
            length: 2,
            cut: false,
        }),
    }
}

pub(in crate::webhooks::inbox) const ALL: Most = Most {
    count: usize::MAX >> 1,
    bytes: usize::MAX >> 1,
};
