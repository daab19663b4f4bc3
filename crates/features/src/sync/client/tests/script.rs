//! A server that follows a script.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use ring::digest::{SHA256, digest};
use sanitize::{Treatment, ValueKind};
use transport::channel::Channel;
use transport::router::{Handler, ServeError, Visit};
use wire::{CloseCode, Fault, Status};

use crate::sync::cell::{Cell, RowsBuilder};
use crate::sync::table::{Column, Table, TableName};
use crate::sync::wire::{
    Ack, Begin, Chunk, ColumnPlan, Cursor, Engine, Identity, Item, Open, Plan, Pseudonyms, Source,
    Start, TableEnd, TablePlan,
};

/// What the server does with one channel.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// Refuses before there is a plan.
    Refuse(Status),
    /// Knows no cursor.
    Forget,
    /// Ends the session when so many chunks are acked.
    Cut(u64),
    /// Gives the channel up after so many chunks, as a server does that is told to stop, and ends
    /// the session a little later.
    Stop(u64),
    /// Pours so many chunks, and then nothing until the session is told to end.
    Linger(u64),
    /// Pours all.
    Pour,
}

/// Follows a script, and pours all when it is at its end.
#[derive(Debug)]
pub(super) struct Script {
    acts: Mutex<VecDeque<Act>>,
    starts: Mutex<Vec<Vec<Begin>>>,
    tables: Vec<&'static str>,
    /// Stands for the pseudonym key.
    key: u8,
}

impl Handler for Script {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        let act = self.acts.lock().unwrap().pop_front();
        Box::pin(self.play(act.unwrap_or(Act::Pour), channel, visit))
    }
}

impl Script {
    pub(super) fn new(acts: &[Act], tables: &[&'static str], key: u8) -> Self {
        Self {
            acts: Mutex::new(acts.iter().copied().collect()),
            starts: Mutex::default(),
            tables: tables.to_vec(),
            key,
        }
    }

    /// Returns where the tables were to begin, for each channel that came so far.
    pub(super) fn starts(&self) -> Vec<Vec<Begin>> {
        self.starts.lock().unwrap().clone()
    }

    async fn play(&self, act: Act, channel: &mut Channel, visit: &Visit) -> Result<(), ServeError> {
        let open: Option<Open> = channel.receive().await?;
        assert!(open.is_some());
        if let Act::Refuse(status) = act {
            return Err(Fault::new(status, "refused").into());
        }
        channel.send(&self.plan()).await?;
        if matches!(act, Act::Stop(0)) {
            end_soon(visit);
            return Ok(());
        }
        let start: Start = channel.receive().await?.expect("a start");
        self.starts.lock().unwrap().push(start.tables.clone());
        let mut poured = 0;
        for (begin, table) in start.tables.iter().zip(0..) {
            let first = match begin {
                Begin::Skip => continue,
                Begin::First => 0,
                Begin::After { .. } if matches!(act, Act::Forget) => {
                    return Err(Fault::new(Status::CONFLICT, "forgotten").into());
                }
                Begin::After { cursor, .. } => cursor.0[0] + 1,
            };
            for number in first..CHUNKS {
                channel.send(&Item::Chunk(chunk(table, number))).await?;
                poured += 1;
                match act {
                    Act::Cut(chunks) if chunks == poured => {
                        return cut(channel, visit, poured).await;
                    }
                    Act::Stop(chunks) if chunks == poured => {
                        end_soon(visit);
                        return Ok(());
                    }
                    Act::Linger(chunks) if chunks == poured => {
                        visit.tasks.stopping().await;
                        return Ok(());
                    }
                    _ => {}
                }
            }
            let rows = u64::from(CHUNKS - first);
            let replaced = vec![0];
            channel
                .send(&Item::TableEnd(TableEnd {
                    table,
                    rows,
                    replaced,
                }))
                .await?;
        }
        channel.finish().await?;
        while let Some(Ack { .. }) = channel.receive().await? {}
        Ok(())
    }

    fn plan(&self) -> Plan {
        Plan {
            source: Source {
                identity: Identity {
                    id: [1; 32],
                    known_to_all: None,
                },
                engine: Engine::Sqlite,
            },
            pseudonyms: Pseudonyms {
                fingerprint: [self.key; 8],
                lasting: false,
            },
            tables: self.tables.iter().map(|name| table(name)).collect(),
            skipped: Vec::new(),
        }
    }
}

/// Ends the session when what was poured is committed.
async fn cut(channel: &mut Channel, visit: &Visit, poured: u64) -> Result<(), ServeError> {
    while let Some(Ack { chunks }) = channel.receive().await? {
        if chunks == poured {
            break;
        }
    }
    visit.session.close(CloseCode::RESTARTING).await;
    Ok(())
}

/// Ends the session when the client has long heard that the channel is gone.
fn end_soon(visit: &Visit) {
    let session = visit.session.clone();
    visit.tasks.spawn("end", async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        session.close(CloseCode::RESTARTING).await;
    });
}

/// Each table has this many chunks, of one row each.
const CHUNKS: u8 = 4;

pub(super) fn table(name: &str) -> TablePlan {
    TablePlan {
        table: Table {
            name: TableName {
                schema: None,
                name: name.to_owned(),
            },
            columns: vec![Column {
                name: "id".to_owned(),
                declared: "INTEGER".to_owned(),
                kind: ValueKind::Integer,
                max_chars: None,
                nullable: false,
                generated: false,
            }],
            key: vec![0],
            unique: Vec::new(),
            parents: Vec::new(),
            estimated_rows: CHUNKS.into(),
        },
        columns: vec![ColumnPlan {
            treatment: Treatment::Keep,
            reason: String::new(),
        }],
        rows: CHUNKS.into(),
        limit: None,
    }
}

fn chunk(table: u16, number: u8) -> Chunk {
    let mut rows = RowsBuilder::default();
    rows.cell(Cell::Integer(number.into()));
    rows.end_row();
    let body = rows.body();
    Chunk {
        table,
        rows: 1,
        cursor: Some(Cursor(vec![number])),
        raw_bytes: body.len().try_into().unwrap(),
        hash: digest(&SHA256, body).as_ref().try_into().unwrap(),
        body: zstd::bulk::compress(body, 1).unwrap(),
    }
}
