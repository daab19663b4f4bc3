//! `--yes`: the answer to a question before it is asked.

use clap::Args;
use client::sync::client::Theirs;

/// Whether the user has agreed to what would be asked.
#[derive(Clone, Copy, Debug, Args)]
pub struct Consent {
    /// Goes ahead where a question would be asked
    #[arg(long, short)]
    yes: bool,
}

impl From<Consent> for Theirs {
    fn from(Consent { yes }: Consent) -> Self {
        if yes { Self::Write } else { Self::Ask }
    }
}
