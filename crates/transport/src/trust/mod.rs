//! Who may speak with whom: secrets, the keys made from them, and the proof that an end holds one.

mod admission;
mod handshake;
mod identity;
mod key;
mod key_ring;
mod pass;
mod scope;
mod secret;
mod shares;

pub use admission::network_of;
pub(crate) use admission::{Admission, Ticket};
pub(crate) use handshake::{Binding, Greeted, Welcomed, greet, welcome};
pub use handshake::{
    ClientName, Guest, HANDSHAKE_TIME, HandshakeError, MOST_SESSIONS, Refusal, ServerName,
    ServerTrust, WallClock, system_clock,
};
pub use identity::IdentityError;
pub(crate) use identity::{client_config, server_config};
pub use key::{Key, KeyError, KeyId, random_16};
pub use key_ring::{Change, KeyChange, KeyRing, KeyRingError, Lapse};
pub use pass::BadPass;
pub(crate) use pass::{PassCheck, write_pass};
pub use scope::{Allow, NoSanitize, Scopes};
pub use secret::{Secret, SecretError};
pub use shares::{Share, Shares};
