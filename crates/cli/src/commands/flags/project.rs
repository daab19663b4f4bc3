//! What a project keeps of flags: its overrides, and what was seen of each server last.
//!
//! ```text
//! .tunnel/flags-overrides.json
//! .tunnel/flags-of-SERVER.json
//! ```

use features::flags::client::{KeptFlags, Mirrored};
use features::flags::{OverrideFile, Overrides, OverridesError, View};

use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::Failure;
use crate::folder::TunnelFolder;

/// What a project keeps of flags.
#[derive(Clone, Debug)]
pub(super) struct Project {
    pub(super) overrides: OverrideFile,
    pub(super) kept: KeptFlags,
}

impl Project {
    /// Finds the place, for a server.
    pub(super) fn of(context: &Context, connection: &ConnectionOptions) -> Result<Self, Failure> {
        let folder = TunnelFolder::make()?;
        let server = connection.file_name(context)?;
        Ok(Self {
            overrides: overrides(&folder),
            kept: KeptFlags::at(folder.file(&format!("flags-of-{server}.json"))),
        })
    }

    /// Puts the overrides over what was mirrored.
    pub(super) fn view(&self, mirrored: &Mirrored) -> Result<View, Failure> {
        Ok(View::of(mirrored, &self.read()?))
    }

    /// Reads the overrides.
    pub(super) fn read(&self) -> Result<Overrides, Failure> {
        self.overrides
            .read()
            .map_err(|error| unusable(&self.overrides, &error))
    }

    /// Keeps what was mirrored, for a time without a connection.
    pub(super) fn keep(&self, context: &Context, mirrored: &Mirrored) {
        if let Err(error) = self.kept.save(mirrored) {
            context
                .screen
                .warn(&format!("{error}; offline there will be nothing newer"));
        }
    }
}

/// Returns the file of the overrides.
pub(super) fn overrides(folder: &TunnelFolder) -> OverrideFile {
    OverrideFile::at(folder.file("flags-overrides.json"))
}

/// Says what to do with a file of overrides that cannot be used.
pub(super) fn unusable(file: &OverrideFile, error: &OverridesError) -> Failure {
    let path = file.path().display();
    let failure = Failure::failed(format!("{path}: {error}"));
    match error {
        OverridesError::File(source) => failure.hint(source.to_string()),
        _ => failure.hint("correct it, or remove it to override nothing"),
    }
}
