//! The files of `tunnel init`, written: whole ones made anew, and lines added at the end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::plan::{Addition, Plan, Privacy};
use crate::exit::Failure;
use crate::folder::create_private;

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
        // Somebody may have made it in the meantime.
        (false, Privacy::Owner) => create_private(path, text),
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

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn a_file_that_was_made_in_the_meantime_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, "THEIRS=1\n").unwrap();
        for privacy in [Privacy::Owner, Privacy::Usual] {
            let addition = Addition {
                path: path.clone(),
                exists: false,
                text: Zeroizing::new("OURS=1\n".to_owned()),
                shown: Vec::new(),
                privacy,
            };
            let error = write_one(&addition).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "THEIRS=1\n");
        }
    }
}
