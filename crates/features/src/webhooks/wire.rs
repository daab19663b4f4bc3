//! The messages of webhooks. `docs/PROTOCOL.md` gives their bytes.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::config::{HmacConfig, Mode};
use super::delivery::{Delivery, DeliveryId, Header, Origin, Receipt, State, Verification};

/// Opens a channel of webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Open {
    /// A flow of [`Watched`]: which providers there are, and what is said of them.
    Watch,
    /// A flow of [`Piece`]s, answered by [`Ack`]s: the deliveries of one provider.
    Follow(Follow),
    /// A call, answered by [`Listed`].
    List(List),
    /// A call, answered by [`Piece::Delivery`], its body, and [`Piece::Receipts`].
    Show(DeliveryId),
    /// A call, answered by [`Piece::Kept`]: what became of a delivery that was sent again by hand.
    Record {
        /// Whose it is.
        follower: Follower,
        /// What became of it.
        receipt: Receipt,
    },
}

/// Who follows: it has a cursor for each provider. Those of another key's are not reached by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Follower {
    /// The laptop's name, the same in each run of its programs.
    pub name: String,
    /// This run of its program. A flow of another run of the same follower takes the place of the one
    /// that there is, which ends with a fault 409.
    pub run: u64,
}

/// Opens the flow of a provider's deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// Who follows.
    pub follower: Follower,
    /// Whose deliveries.
    pub provider: String,
    /// Which events, as patterns in which `*` stands for anything; all if there is none.
    pub events: Vec<String>,
    /// Where to begin, if this run has taken nothing yet.
    pub start: Start,
    /// How far this run has taken deliveries in hand, and heard of what is missing: the flow goes on
    /// behind that, if the inbox is still the same. Acks of which the run has not heard that they are kept it sends again when it
    /// has heard so, before any other.
    pub taken: Option<Point>,
}

/// Tells an inbox from others: chance, drawn when it is made.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InboxId(pub [u8; 8]);

impl fmt::Debug for InboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// A point in an inbox. A sequence means nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// In which.
    pub inbox: InboxId,
    /// Behind this sequence; 0 is before all.
    pub sequence: u64,
}

/// Where a follower begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// Where it was; with what comes from now on, if the server does not know it.
    Resume,
    /// With what comes from now on.
    Now,
    /// With what came since this time, in milliseconds since 1970.
    Since(u64),
    /// Where it was; behind this point, if the server does not know it. All that is in another inbox
    /// came behind it.
    ResumeBehind(Point),
    /// Behind this point. All that is in another inbox came behind it.
    Behind(Point),
}

/// What a server says of its webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watched {
    /// The flow stands. Providers follow at once, each with its own [`Watched::Provider`].
    Opened {
        /// What others have to put before a provider's path: `https://app.example.com`, if the server
        /// knows it.
        url: Option<String>,
        /// What comes from now on is behind this point.
        last: Point,
    },
    /// There is this provider: it is configured, or something has come from it.
    Provider(ProviderState),
    /// A provider has sent a delivery again that is here, and it was not taken a second time.
    Repeated {
        /// Which.
        delivery: DeliveryId,
        /// Whose.
        provider: String,
    },
}

/// How a provider's webhooks are treated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderState {
    /// Its name.
    pub name: String,
    /// The path at which the server takes its webhooks.
    pub path: String,
    /// Who answers.
    pub mode: Mode,
    /// Whether the server has a secret to verify them with.
    pub verified: bool,
    /// How it signs, if it is not built in.
    pub hmac: Option<HmacConfig>,
    /// How many are in the inbox.
    pub kept: u64,
}

/// What is poured to a follower.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// The flow stands. No other piece comes before it, and no ack.
    Opened {
        /// How the provider is treated.
        provider: Box<ProviderState>,
        /// It goes on behind this point. If that is in another inbox than what the run has taken, or
        /// before it, the former inbox is lost, and nothing is to be said of its deliveries.
        after: Point,
        /// How many deliveries of the provider wait behind it, wanted or not.
        waiting: u64,
        /// How many of the provider are before it, for a follower that the server did not know.
        before: u64,
    },
    /// A delivery begins. Its body follows in [`Piece::Body`]s, nothing between them.
    Delivery(Box<Head>),
    /// So much more of the body: at most 64 KiB.
    Body(ByteBuf),
    /// The follower is behind this sequence now, because what is before it is not wanted.
    Passed {
        /// The sequence.
        sequence: u64,
    },
    /// Deliveries are missing here. It is said again over the next flow, unless that one's `taken`, an
    /// [`Ack::Heard`] or the receipt of a later delivery says that it was heard.
    Missed {
        /// How many.
        count: u64,
        /// Why.
        why: Missing,
        /// The flow goes on behind this sequence.
        sequence: u64,
    },
    /// All receipts through this sequence are kept.
    Kept {
        /// The sequence.
        sequence: u64,
    },
    /// What became of a delivery that was asked for: tries of all followers, as many as fit. The
    /// channel's end says that these were all.
    Receipts(Vec<Tried>),
}

/// Why deliveries are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// They have left the inbox, by age or size.
    Gone,
    /// Production's app had them, and the inbox could not take the copy.
    NotKept,
}

/// All of a delivery but its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// As in [`Delivery`].
    pub id: DeliveryId,
    /// As there.
    pub sequence: u64,
    /// As there.
    pub received: u64,
    /// As there.
    pub provider: String,
    /// As there.
    pub event: Option<String>,
    /// As there.
    pub event_id: Option<String>,
    /// As there.
    pub verification: Verification,
    /// As there.
    pub answered: Option<u16>,
    /// As there.
    pub repeats: u32,
    /// As in [`Request`](super::Request).
    pub method: String,
    /// As there.
    pub target: String,
    /// As there.
    pub headers: Vec<Header>,
    /// As there.
    pub origin: Origin,
    /// How long the body is, in bytes.
    pub length: u64,
    /// Which try this will be: 1, unless it was offered to this follower before and nobody knows what
    /// became of it.
    pub attempt: u32,
    /// How long the provider waits for the local app's answer, which is its own then; `None` where it
    /// does not wait.
    pub deadline: Option<Duration>,
}

impl Head {
    /// Returns the head of a delivery that is nobody's try.
    #[must_use]
    pub fn of(delivery: &Delivery) -> Self {
        let request = &delivery.request;
        Self {
            id: delivery.id,
            sequence: delivery.sequence,
            received: delivery.received,
            provider: delivery.provider.clone(),
            event: delivery.event.clone(),
            event_id: delivery.event_id.clone(),
            verification: delivery.verification,
            answered: delivery.answered,
            repeats: delivery.repeats,
            method: request.method.clone(),
            target: request.target.clone(),
            headers: request.headers.clone(),
            origin: request.origin.clone(),
            length: request.body.len() as u64,
            attempt: 1,
            deadline: None,
        }
    }
}

/// What a follower answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ack {
    /// A try has failed, and there will be another.
    Tried(Receipt),
    /// The last try: the follower goes on with the next delivery.
    Done(Receipt),
    /// All that is missing through this sequence was heard of. It waits for no receipt.
    Heard {
        /// That of a [`Piece::Missed`].
        sequence: u64,
    },
}

/// Asks which deliveries there are, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Only those that came at this time or later, in milliseconds since 1970.
    pub since: Option<u64>,
    /// Only this provider's.
    pub provider: Option<String>,
    /// Only those whose event matches one of these patterns; all if there is none.
    pub events: Vec<String>,
    /// Only those that have come so far.
    pub state: Option<State>,
    /// Only those before this sequence: the last of the page before.
    pub before: Option<u64>,
    /// At most so many, and never more than 1,000.
    pub limit: u32,
}

/// A page of deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The newest first.
    pub deliveries: Vec<Line>,
    /// Whether there are older ones.
    pub more: bool,
}

/// A delivery in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// As in [`Delivery`].
    pub id: DeliveryId,
    /// As there.
    pub sequence: u64,
    /// As there.
    pub received: u64,
    /// As there.
    pub provider: String,
    /// As there.
    pub event: Option<String>,
    /// As there.
    pub verification: Verification,
    /// As there.
    pub answered: Option<u16>,
    /// As there.
    pub repeats: u32,
    /// How long its body is.
    pub length: u64,
    /// How far it has come, with whichever follower it has come furthest.
    pub state: State,
    /// How many tries there were, of all followers.
    pub attempts: u32,
    /// The status of the last answer of a local app.
    pub status: Option<u16>,
}

/// A try, and whose it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The follower's name.
    pub follower: String,
    /// What became of it.
    pub receipt: Receipt,
}

/// How much a receipt keeps of a body: enough to see what went wrong.
pub(super) const MOST_KEPT: usize = 64 * 1024;

/// How much it keeps of headers: more than most servers take.
pub(super) const MOST_HEADERS: usize = 16 * 1024;
