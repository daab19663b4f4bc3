//! The server half of webhooks: the inbox, who fills it, and who is told of it.

mod about;
mod calls;
mod follow;
mod refusals;
mod runs;
mod watch;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_bytes::ByteBuf;
use transport::channel::{Channel, ChannelError, Sender};
use transport::router::{Handler, ServeError, Visit};

use self::about::About;
use self::runs::Runs;
use super::config::WebhooksConfig;
use super::desk::Desk;
use super::entry::{self, Inside};
use super::inbox::{FollowerKey, Inbox, InboxTasks};
use super::providers::Verifiers;
use super::wire::{Follower, Open, Piece};
use crate::ServerHalf;
use crate::parts::{SectionError, ServerParts, Variables};

/// Makes the server half, where the configuration has the section.
pub(super) fn half(parts: &ServerParts) -> Result<Option<ServerHalf>, SectionError> {
    if !parts.sections.has("webhooks") {
        return Ok(None);
    }
    let config = parts.sections.get("webhooks")?;
    let (webhooks, inbox_tasks) = Webhooks::open(config, &parts.variables)?;
    webhooks.about.say_verified();
    // Should the app ever print one.
    for secret in webhooks.about.verifiers.secrets() {
        parts.ring.hide(secret.reveal());
    }
    let (served, copies) = entry::serve(&webhooks.about.config, webhooks.inside())?;
    let half = ServerHalf::new(Arc::new(webhooks)).serving(Some(served));
    Ok(Some(half.helped(move |tasks| {
        let copying = copies.run(tasks.clone(), inbox_tasks.bringer());
        tasks.spawn("copies of webhooks", copying);
        inbox_tasks.start(tasks);
        Ok(())
    })))
}

/// Answers the channels of webhooks.
pub(super) struct Webhooks {
    pub(super) inbox: Arc<Inbox>,
    pub(super) desk: Arc<Desk>,
    about: About,
    runs: Runs,
}

impl Webhooks {
    /// Opens what the configuration says.
    pub(super) fn open(
        config: WebhooksConfig,
        variables: &Variables,
    ) -> Result<(Self, InboxTasks), SectionError> {
        let verifiers = Arc::new(Verifiers::new(&config, variables)?);
        let (inbox, tasks) = Inbox::open(&config, variables)?;
        let about = About {
            config,
            verifiers,
            url: variables.get("RENDER_EXTERNAL_URL"),
        };
        let webhooks = Self {
            inbox,
            desk: Desk::new(),
            about,
            runs: Runs::default(),
        };
        Ok((webhooks, tasks))
    }

    /// Returns what the entry brings deliveries to.
    fn inside(&self) -> Inside {
        Inside {
            inbox: Arc::clone(&self.inbox),
            verifiers: Arc::clone(&self.about.verifiers),
            desk: Arc::clone(&self.desk),
        }
    }
}

impl Handler for Webhooks {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            let open = channel.receive().await?;
            match open.ok_or(ChannelError::Missing("what is wanted"))? {
                Open::Watch => watch::serve(self, channel, visit).await,
                Open::Follow(follow) => follow::serve(self, channel, visit, follow).await,
                Open::List(list) => calls::list(self, channel, list).await,
                Open::Show(id) => calls::show(self, channel, id).await,
                Open::Record { follower, receipt } => {
                    calls::record(self, channel, visit, (follower, receipt)).await
                }
            }
        })
    }
}

/// Returns whose cursors a follower has.
fn owner(visit: &Visit, follower: &Follower) -> FollowerKey {
    FollowerKey {
        key: visit.guest.key.id(),
        follower: follower.name.clone(),
    }
}

/// Sends a body in pieces, so that no message is long.
async fn send_body(sender: &mut Sender, body: &[u8]) -> Result<(), ChannelError> {
    for piece in body.chunks(PIECE) {
        let piece = ByteBuf::from(piece.to_vec());
        sender.send(&Piece::Body(piece)).await?;
    }
    Ok(())
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks")
            .field("inbox", &self.inbox)
            .field("desk", &self.desk)
            .finish_non_exhaustive()
    }
}

/// What the protocol says of a piece of a body.
const PIECE: usize = 64 * 1024;
