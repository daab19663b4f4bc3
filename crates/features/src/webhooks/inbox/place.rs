//! Where an inbox is, and whether it will be there after the next deploy.

use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;
use tracing::{info, warn};

use super::super::config::WebhooksConfig;
use super::error::OpenError;
use super::store::{self, Postgres, Sqlite, Store};
use crate::parts::Variables;

/// Where an inbox is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    File(store::Place),
    Database(Box<PgConnectOptions>),
}

impl Place {
    /// Finds out what the configuration says.
    pub(super) fn of(config: &WebhooksConfig, variables: &Variables) -> Result<Self, OpenError> {
        match (&config.inbox, &config.inbox_env) {
            (Some(_), Some(_)) => Err(OpenError::TwoPlaces),
            (Some(path), None) => Ok(Self::File(store::Place::File(path.clone()))),
            (None, Some(name)) => {
                let address = variables.get(name).filter(|it| !it.is_empty());
                let address = address.ok_or_else(|| OpenError::NoAddress(name.clone()))?;
                Ok(Self::Database(Box::new(postgres(&address, name)?)))
            }
            (None, None) => {
                let file = store::Place::temporary(&std::env::temp_dir());
                Ok(Self::File(file))
            }
        }
    }

    /// Opens it, and tells the last sequence in it, if that can be told yet.
    pub(super) fn open(&self) -> Result<(Store, Option<u64>), OpenError> {
        match self {
            Self::File(place) => {
                let (store, last) = Sqlite::open(place)?;
                Ok((Store::Sqlite(store), Some(last)))
            }
            Self::Database(options) => {
                let store = Postgres::new(PgConnectOptions::clone(options));
                Ok((Store::Postgres(store), None))
            }
        }
    }

    /// Says where it is, and warns if a deploy would lose it.
    pub(super) fn say(&self, variables: &Variables) {
        let on_render = variables.get("RENDER").is_some();
        let place = match self {
            Self::File(place) => place,
            Self::Database(options) => {
                let host = options.get_host();
                info!("webhooks are kept in PostgreSQL on {host}, schema render_tunnel");
                return;
            }
        };
        match place {
            store::Place::Temporary(_) => warn!(
                "webhooks are kept until this server ends: name a file that lasts (`inbox` in \
                 [webhooks]) or a PostgreSQL database (`inbox-env`)"
            ),
            store::Place::File(path) if on_render && !lasts(path) => warn!(
                "webhooks are kept in {}, which the next deploy removes: name a file on a persistent \
                 disk, or a PostgreSQL database (`inbox-env`)",
                path.display()
            ),
            store::Place::File(path) => info!("webhooks are kept in {}", path.display()),
        }
    }
}

/// The library's own error may show a piece of the address.
fn postgres(address: &str, name: &str) -> Result<PgConnectOptions, OpenError> {
    let not = || OpenError::NotPostgres(name.to_owned());
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    if !matches!(scheme, Some("postgres" | "postgresql")) {
        return Err(not());
    }
    address.parse().map_err(|_| not())
}

/// Whether a path is on a mount of its own, as far as the system tells.
fn lasts(path: &Path) -> bool {
    let Ok(mounts) = std::fs::read_to_string("/proc/self/mountinfo") else {
        return true;
    };
    let folder = path.parent().unwrap_or(path);
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    is_mounted(&folder, &mounts)
}

/// Whether the nearest mount above a folder is one of its own that outlives the machine's memory.
/// `mounts` is in the form of `/proc/self/mountinfo` (proc(5)): the fifth field is where, and the one
/// behind the lone dash which kind.
fn is_mounted(folder: &Path, mounts: &str) -> bool {
    let mount = |line: &str| -> Option<(PathBuf, String)> {
        let (front, back) = line.split_once(" - ")?;
        let at = front.split(' ').nth(4)?.replace("\\040", " ");
        Some((at.into(), back.split(' ').next()?.to_owned()))
    };
    let above = mounts.lines().filter_map(mount);
    let above = above.filter(|(at, _)| folder.starts_with(at));
    // Of two at one place the later hides the other.
    let nearest = above.max_by_key(|(at, _)| at.components().count());
    nearest.is_some_and(|(at, kind)| at != Path::new("/") && kind != "tmpfs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_disk_that_is_mounted_below_the_root_lasts() {
        let mounts = "22 1 0:21 / / rw,relatime - overlay overlay rw,lowerdir=/a\n\
            23 22 0:22 / /tmp rw - tmpfs tmpfs rw\n\
            24 22 259:1 / /var/data rw,relatime shared:1 - ext4 /dev/nvme1n1 rw\n\
            25 22 259:2 / /my\\040disk rw - ext4 /dev/nvme2n1 rw";
        for (folder, expected) in [
            ("/opt/render/project", false),
            ("/tmp/x", false),
            ("/var/data", true),
            ("/var/data/deep", true),
            ("/var/database", false),
            ("/my disk", true),
        ] {
            assert_eq!(is_mounted(Path::new(folder), mounts), expected, "{folder}");
        }
    }
}
