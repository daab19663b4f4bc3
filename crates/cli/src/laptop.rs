//! What a laptop keeps for webhooks: its name, what its own secrets are made of, and which of them
//! somebody has asked for.
//!
//! ```text
//! ~/.local/state/render-tunnel/webhooks/
//!   seed           64 hexadecimal digits: lost, and every secret of this laptop is another
//!   follower       the name under which the server knows how far this laptop has come
//!   asked/stripe   empty: `tunnel webhook secret stripe` was run
//!   targets/stripe where its deliveries went the last time
//!   receipts/…     what local apps have answered of late, for the run after one that is killed
//! ```
//! All are for their owner alone, and whole from the beginning. The seed and the follower are made once:
//! of two commands that begin together, both get what one of them has made.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use features::webhooks::is_provider_name;
use features::whole_file::{Readers, write_whole};
use transport::trust::random_16;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::exit::Failure;
use crate::folder::{make_private, state_folder, write_private};
use crate::output::text::printable;

/// What a laptop keeps for webhooks.
#[derive(Clone, Debug)]
pub struct Laptop {
    folder: PathBuf,
}

impl Laptop {
    /// Finds the place.
    ///
    /// # Errors
    /// [`Failure`] if this user has none.
    pub fn of(environment: &Environment) -> Result<Self, Failure> {
        let folder = state_folder(environment).ok_or_else(|| {
            Failure::failed("there is no folder to keep this laptop's webhook secrets in")
                .hint("set HOME, or XDG_STATE_HOME, to a folder that you may write to")
        })?;
        Ok(Self {
            folder: folder.join("webhooks"),
        })
    }

    /// Returns what this laptop's own secrets are made of.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be kept, or is no longer what was kept.
    pub fn seed(&self) -> Result<Zeroizing<[u8; 32]>, Failure> {
        let text = Zeroizing::new(self.once("seed", || Ok(hex(&random_32()?)))?);
        unhex(text.trim()).ok_or_else(|| {
            let path = self.folder.join("seed");
            Failure::failed(format!("{} is not what was written there", path.display())).hint(
                "remove it: this laptop's webhook secrets are new ones then, \
                 and `tunnel webhook secret` shows them",
            )
        })
    }

    /// Returns the name under which servers know this laptop.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be kept.
    pub fn follower(&self) -> Result<String, Failure> {
        let made = || Ok(format!("{}-{}", host_name(), hex(&random_32()?[..3])));
        let name = self.once("follower", made)?;
        Ok(name.trim().to_owned())
    }

    /// Notes that somebody has asked for a provider's own secret.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be kept, or no provider can have that name.
    pub fn note_asked(&self, provider: &str) -> Result<(), Failure> {
        self.note("asked", provider, "")
    }

    /// Returns the providers whose own secrets somebody has asked for.
    #[must_use]
    pub fn asked(&self) -> BTreeSet<String> {
        let Ok(entries) = fs::read_dir(self.folder.join("asked")) else {
            return BTreeSet::new();
        };
        entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .take(MOST_ASKED)
            .collect()
    }

    /// Notes where a provider's deliveries go, for whoever replays one.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be kept, or no provider can have that name.
    pub fn note_target(&self, provider: &str, target: &str) -> Result<(), Failure> {
        self.note("targets", provider, target)
    }

    /// Returns where a provider's deliveries went the last time.
    #[must_use]
    pub fn target(&self, provider: &str) -> Option<String> {
        fs::read_to_string(self.of_provider("targets", provider)?).ok()
    }

    fn note(&self, kind: &str, provider: &str, text: &str) -> Result<(), Failure> {
        let path = self.of_provider(kind, provider).ok_or_else(|| {
            let shown = printable(provider);
            Failure::failed(format!("{shown:?} is no name of a provider"))
        })?;
        make_private(&self.folder.join(kind))
            .and_then(|()| write_whole(&path, text.as_bytes(), Readers::Owner))
            .map_err(|error| cannot_keep(&path, &error))
    }

    /// Returns the file of a kind that a provider has. Servers name providers too, and none of them
    /// leads out of the folder.
    fn of_provider(&self, kind: &str, provider: &str) -> Option<PathBuf> {
        is_provider_name(provider).then(|| self.folder.join(kind).join(provider))
    }

    /// Returns the path of a file beside the others.
    ///
    /// # Errors
    /// [`Failure`] if their folder cannot be made.
    pub fn file(&self, name: &str) -> Result<PathBuf, Failure> {
        make_private(&self.folder).map_err(|error| cannot_keep(&self.folder, &error))?;
        Ok(self.folder.join(name))
    }

    /// Reads a file, which is made if it is not there.
    fn once(
        &self,
        name: &str,
        made: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<String, Failure> {
        let path = self.folder.join(name);
        let absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        match fs::read_to_string(&path) {
            Err(error) if absent(&error) => {
                let text = format!("{}\n", made()?);
                make_private(&self.folder)
                    .and_then(|()| make_whole(&path, &text))
                    .and_then(|()| fs::read_to_string(&path))
            }
            read => read,
        }
        .map_err(|error| cannot_keep(&path, &error))
    }
}

/// Makes a file with a text in it, unless it is there.
fn make_whole(path: &Path, text: &str) -> io::Result<()> {
    let unique = random_16().map_err(io::Error::other)?;
    let aside = path.with_extension(format!("{}.tmp", hex(&unique)));
    // A link is refused where the name is taken; a rename would put ours in the place of another's.
    let made = write_private(&aside, text).and_then(|()| fs::hard_link(&aside, path));
    fs::remove_file(&aside).ok();
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Some file systems know no links.
        Err(_) if !path.exists() => write_private(path, text),
        made => made,
    }
}

fn cannot_keep(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot use {}: {error}", path.display()))
        .hint("set XDG_STATE_HOME to a folder that you may write to")
}

fn random_32() -> Result<[u8; 32], Failure> {
    let half = || random_16().map_err(|error| Failure::failed(error.to_string()));
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&half()?);
    bytes[16..].copy_from_slice(&half()?);
    Ok(bytes)
}

/// Returns what this machine calls itself, as far as that can be a part of a name.
fn host_name() -> String {
    #[cfg(unix)]
    let whole = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    let whole = String::new();
    let first = whole.split('.').next().unwrap_or_default();
    let plain = first
        .to_ascii_lowercase()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(LONGEST_HOST)
        .collect::<String>();
    if plain.is_empty() {
        "laptop".to_owned()
    } else {
        plain
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(bytes)
}

/// As many as there can be providers; a folder that somebody fills is not read to its end.
const MOST_ASKED: usize = 256;

/// With the random part it is still a name that a table has room for.
const LONGEST_HOST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn laptop(home: &Path) -> Laptop {
        let home = home.to_str().unwrap();
        Laptop::of(&Environment::of(&[("XDG_STATE_HOME", home)], &[])).unwrap()
    }

    #[test]
    fn a_laptop_stays_who_it_is() {
        let home = tempfile::tempdir().unwrap();
        let (one, again) = (laptop(home.path()), laptop(home.path()));
        assert_eq!(one.seed().unwrap(), again.seed().unwrap());
        assert_eq!(one.follower().unwrap(), again.follower().unwrap());
        let other = tempfile::tempdir().unwrap();
        assert_ne!(one.seed().unwrap(), laptop(other.path()).seed().unwrap());
        assert_ne!(
            one.follower().unwrap(),
            laptop(other.path()).follower().unwrap()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let seed = home.path().join("render-tunnel/webhooks/seed");
            assert_eq!(
                fs::metadata(seed).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[test]
    fn commands_that_begin_together_get_the_same() {
        let home = tempfile::tempdir().unwrap();
        let begin = std::sync::Barrier::new(8);
        let seeds: BTreeSet<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let laptop = laptop(home.path());
                        begin.wait();
                        *laptop.seed().unwrap()
                    })
                })
                .collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert_eq!(seeds.len(), 1);
        let left = fs::read_dir(home.path().join("render-tunnel/webhooks")).unwrap();
        assert_eq!(left.count(), 1, "what was written aside is gone");
    }

    #[test]
    fn what_was_asked_for_is_remembered() {
        let home = tempfile::tempdir().unwrap();
        let laptop = laptop(home.path());
        assert!(laptop.asked().is_empty());
        laptop.note_asked("stripe").unwrap();
        laptop.note_asked("stripe").unwrap();
        assert_eq!(laptop.asked(), BTreeSet::from(["stripe".to_owned()]));
    }

    #[test]
    fn no_name_that_a_server_makes_up_leads_out_of_the_folder() {
        let home = tempfile::tempdir().unwrap();
        let laptop = laptop(home.path());
        laptop.note_target("stripe", "3000").unwrap();
        assert_eq!(laptop.target("stripe").as_deref(), Some("3000"));
        let theirs = home.path().join("theirs");
        fs::write(&theirs, "of somebody").unwrap();
        let seed = laptop.seed().unwrap();
        for name in [theirs.to_str().unwrap(), "../../../theirs", "../seed"] {
            laptop.note_target(name, "3000").unwrap_err();
            laptop.note_asked(name).unwrap_err();
            assert_eq!(laptop.target(name), None, "{name}");
        }
        assert_eq!(fs::read_to_string(theirs).unwrap(), "of somebody");
        assert_eq!(laptop.seed().unwrap(), seed);
    }

    #[test]
    fn a_seed_that_is_rubbish_is_not_replaced_in_silence() {
        let home = tempfile::tempdir().unwrap();
        let laptop = laptop(home.path());
        laptop.seed().unwrap();
        let path = home.path().join("render-tunnel/webhooks/seed");
        for rubbish in ["", "00", &"zz".repeat(32), &"é".repeat(32)] {
            fs::write(&path, rubbish).unwrap();
            let failure = laptop.seed().unwrap_err();
            assert!(
                failure.next_step().unwrap().contains("remove it"),
                "{failure}"
            );
        }
    }
}
