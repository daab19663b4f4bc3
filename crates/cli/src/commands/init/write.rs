//! The files of `tunnel init`, written: whole ones made anew, and lines added at the end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::plan::{Addition, Plan, Privacy};
use crate::exit::Failure;
use crate::folder::write_private;

/// Writes what the plan says.
pub(super) fn write(plan: &Plan) -> Result<(), Failure> {
    let wanted = plan
        .additions
        .iter()
        .filter(|it| !it.exists || !it.text.is_empty());
    for addition in wanted {
        write_one(addition).map_err(|error| {
            let path = addition.path.display();
            Failure::failed(format!("cannot write {path}: {error}"))
                .hint("go to a folder that you may write to, or let its owner run this")
        })?;
    }
    Ok(())
}

fn write_one(addition: &Addition) -> io::Result<()> {
    let Addition {
        path,
        exists,
        text,
        privacy,
        shown: _,
    } = addition;
    match (exists, privacy) {
        (true, _) => add(path, text, *privacy),
        (false, Privacy::Owner) => write_private(path, text),
        // Somebody may have made it in the meantime.
        (false, Privacy::Usual) => File::create_new(path)?.write_all(text.as_bytes()),
    }
}

/// Adds to a file that is there, in one write. Nobody else may read it before it holds a secret.
fn add(path: &Path, text: &str, privacy: Privacy) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).open(path)?;
    #[cfg(unix)]
    if privacy == Privacy::Owner {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    if last != [b'\n'] {
        file.write_all(b"\n")?;
    }
    file.write_all(text.as_bytes())
}
