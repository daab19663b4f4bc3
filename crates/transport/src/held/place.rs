//! Where a control socket is: in a folder of the user's own, one for each server and key.
//!
//! ```text
//! $XDG_RUNTIME_DIR/render-tunnel/, else /tmp/render-tunnel-UID/     0700, never a link
//!   4f1c….lock   locked by the one holder
//!   4f1c….sock   0600
//!   4f1c….log    what a holder in the background says
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};
use rustix::process::geteuid;
use thiserror::Error;
use tokio::net::{UnixListener, UnixStream};

use crate::trust::KeyId;

/// Where the holder of the sessions with one server and key is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    folder: PathBuf,
    name: String,
}

/// A place that this process has: nobody else can hold there meanwhile.
#[derive(Debug)]
pub struct Claim {
    place: Place,
    /// Unlocked when it is closed, which the system does even for a process that is killed.
    _lock: File,
}

/// A place with a control socket that listens.
#[derive(Debug)]
pub struct Bound {
    pub(super) listener: UnixListener,
    claim: Claim,
}

impl Place {
    /// Names the place for a server and a key. `runtime` is the user's folder for what does not
    /// outlive a login, if there is one.
    #[must_use]
    pub fn new(runtime: Option<&Path>, server: &str, key: KeyId) -> Self {
        let folder = match runtime {
            Some(runtime) => runtime.join("render-tunnel"),
            None => PathBuf::from(format!("/tmp/render-tunnel-{}", geteuid().as_raw())),
        };
        let mut digest = Context::new(&SHA256);
        digest.update(b"render-tunnel control socket\0");
        digest.update(server.as_bytes());
        digest.update(b"\0");
        digest.update(&key.0);
        // Half of it is enough to tell servers apart, and a socket's path must be short.
        let name = digest.finish().as_ref()[..NAME_BYTES]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self { folder, name }
    }

    /// Returns the control socket's path.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.file("sock")
    }

    /// Returns the path of the file that a holder in the background writes to.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.file("log")
    }

    fn file(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.name))
    }

    /// Makes the folder, if it is not there.
    ///
    /// # Errors
    /// [`PlaceError`] if it cannot be made, or is not to be trusted.
    pub fn prepare(&self) -> Result<(), PlaceError> {
        let made = DirBuilder::new().mode(0o700).create(&self.folder);
        match made {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(self.failed(error));
            }
            _ => {}
        }
        self.look().map(drop)
    }

    /// Takes the place, before there is anything to hold.
    ///
    /// # Errors
    /// [`PlaceError::Taken`] while somebody else has it; another one if it is not to be trusted, or
    /// the system refuses.
    pub fn claim(&self) -> Result<Claim, PlaceError> {
        self.prepare()?;
        let failed = |error| self.failed(error);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.file("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PlaceError::Taken),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(Claim {
            place: self.clone(),
            _lock: lock,
        })
    }

    /// Connects to the holder; `None` if there is none.
    ///
    /// # Errors
    /// [`PlaceError`] if the folder or the holder is somebody else's.
    pub(super) async fn connect(&self) -> Result<Option<UnixStream>, PlaceError> {
        if !self.look()? {
            return Ok(None);
        }
        let stream = match UnixStream::connect(self.socket()).await {
            Ok(stream) => stream,
            Err(error) => {
                return match error.kind() {
                    // Nobody was there, or nobody is any more.
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                    _ => Err(self.failed(error)),
                };
            }
        };
        match stream.peer_cred() {
            Ok(peer) if peer.uid() == geteuid().as_raw() => Ok(Some(stream)),
            Ok(peer) => Err(PlaceError::Stranger { uid: peer.uid() }),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Looks whether the folder is there, and this user's alone.
    fn look(&self) -> Result<bool, PlaceError> {
        let found = match fs::symlink_metadata(&self.folder) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.failed(error)),
        };
        let folder = || self.folder.clone();
        if !found.is_dir() {
            return Err(PlaceError::NoFolder { folder: folder() });
        }
        if found.uid() != geteuid().as_raw() {
            let uid = found.uid();
            return Err(PlaceError::NotOurs {
                folder: folder(),
                uid,
            });
        }
        if found.mode() & OTHERS != 0 {
            return Err(PlaceError::Open { folder: folder() });
        }
        Ok(true)
    }

    fn failed(&self, source: io::Error) -> PlaceError {
        PlaceError::System {
            folder: self.folder.clone(),
            source,
        }
    }
}

impl Claim {
    /// Begins to listen, in place of whatever a holder has left that was killed.
    ///
    /// # Errors
    /// [`PlaceError`] if the system refuses.
    pub fn listen(self) -> Result<Bound, PlaceError> {
        let failed = |error| self.place.failed(error);
        let socket = self.place.socket();
        // Whoever has the lock is the only holder: the socket of another is of no use any more.
        fs::remove_file(&socket).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(failed(error)),
        })?;
        let listener = UnixListener::bind(&socket).map_err(failed)?;
        fs::set_permissions(&socket, Permissions::from_mode(0o600)).map_err(failed)?;
        let claim = self;
        Ok(Bound { listener, claim })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // While the place is locked: it is surely our own. The next holder removes what is left.
        fs::remove_file(self.claim.place.socket()).ok();
    }
}

/// A place that is not to be used.
#[derive(Debug, Error)]
pub enum PlaceError {
    /// Another process holds.
    #[error("another process holds a session with this server already")]
    Taken,
    /// Something else has the folder's name.
    #[error("{} is no folder", folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder is somebody else's.
    #[error("the folder {} is of another user ({uid})", folder.display())]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// Others may look into the folder, or write to it.
    #[error("the folder {} is open to other users: its mode must be 0700", folder.display())]
    Open {
        /// The folder.
        folder: PathBuf,
    },
    /// Who listens is somebody else.
    #[error("the control socket is of another user ({uid})")]
    Stranger {
        /// Who it is.
        uid: u32,
    },
    /// The system refuses.
    #[error("use the control socket in {}: {source}", folder.display())]
    System {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// What nobody but the owner may have of the folder.
const OTHERS: u32 = 0o077;

/// Two of a user's servers have the same with a chance of one in 2^96.
const NAME_BYTES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn place(runtime: &Path) -> Place {
        Place::new(Some(runtime), "quic://app:3001", KeyId([1; 8]))
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn what_is_bound_is_the_owners_alone_and_gone_afterwards() {
        let runtime = tempfile::tempdir().unwrap();
        let place = place(runtime.path());
        let bound = place.claim().unwrap().listen().unwrap();
        assert_eq!(mode(&place.socket()), 0o600);
        assert_eq!(mode(&runtime.path().join("render-tunnel")), 0o700);
        assert!(place.connect().await.unwrap().is_some());
        drop(bound);
        assert!(!place.socket().exists());
        assert!(place.connect().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn of_two_that_would_hold_at_once_one_does() {
        let runtime = tempfile::tempdir().unwrap();
        let place = place(runtime.path());
        let first = place.claim().unwrap().listen().unwrap();
        assert!(matches!(place.claim(), Err(PlaceError::Taken)));
        drop(first);
        place.claim().unwrap().listen().unwrap();
    }

    #[tokio::test]
    async fn a_socket_that_nobody_listens_on_is_replaced() {
        let runtime = tempfile::tempdir().unwrap();
        let place = place(runtime.path());
        place.prepare().unwrap();
        // As a process leaves it that was killed.
        drop(std::os::unix::net::UnixListener::bind(place.socket()).unwrap());
        assert!(place.connect().await.unwrap().is_none());
        let _bound = place.claim().unwrap().listen().unwrap();
        assert!(place.connect().await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_link_or_an_open_folder_is_refused() {
        let runtime = tempfile::tempdir().unwrap();
        let place = place(runtime.path());
        let folder = runtime.path().join("render-tunnel");
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), &folder).unwrap();
        assert!(matches!(place.claim(), Err(PlaceError::NoFolder { .. })));
        let looked = place.connect().await;
        assert!(matches!(looked, Err(PlaceError::NoFolder { .. })));
        fs::remove_file(&folder).unwrap();
        place.prepare().unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(place.claim(), Err(PlaceError::Open { .. })));
    }

    #[tokio::test]
    async fn another_users_folder_is_refused() {
        let runtime = tempfile::tempdir().unwrap();
        let mut place = place(runtime.path());
        // Only root can give a folder away; for everybody else, root has one.
        let theirs = if geteuid().is_root() { 4242 } else { 0 };
        if theirs == 0 {
            place.folder = PathBuf::from("/");
        } else {
            place.prepare().unwrap();
            std::os::unix::fs::chown(&place.folder, Some(theirs), None).unwrap();
        }
        let refused = place.claim();
        assert!(
            matches!(refused, Err(PlaceError::NotOurs { uid, .. }) if uid == theirs),
            "{refused:?}"
        );
        assert!(place.connect().await.is_err());
    }

    #[test]
    fn each_server_and_each_key_has_a_place_of_its_own() {
        let name = |server: &str, key: u8| Place::new(None, server, KeyId([key; 8])).socket();
        assert_eq!(name("quic://a:1", 1), name("quic://a:1", 1));
        assert_ne!(name("quic://a:1", 1), name("quic://a:2", 1));
        assert_ne!(name("quic://a:1", 1), name("quic://a:1", 2));
    }
}
