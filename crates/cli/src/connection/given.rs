//! What the flags say, and what is wrong with all that is said: for who shows the configuration.

use std::path::Path;

use transport::reach::Pin;

use super::{CarrierName, ConnectionOptions, address};
use crate::context::Context;
use crate::exit::Failure;
use crate::settings::{self, SecretFile};

/// What the flags say.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The server.
    pub server: Option<&'a str>,
    /// The file with the secret.
    pub secret_file: Option<&'a Path>,
    /// What this end calls itself.
    pub environment: Option<&'a str>,
    /// The carrier.
    pub carrier: Option<CarrierName>,
    /// The file with authorities.
    pub ca: Option<&'a Path>,
    /// The server's public key.
    pub pin: Option<Pin>,
}

impl ConnectionOptions {
    /// Returns what the flags say.
    #[must_use]
    pub fn given(&self) -> Given<'_> {
        Given {
            server: self.server.as_deref(),
            secret_file: self.secret_file.as_deref(),
            environment: self.environment.as_deref(),
            carrier: self.way.carrier,
            ca: self.way.ca.as_deref(),
            pin: self.way.pin,
        }
    }

    /// Returns everything for which a command would not even try to connect. Standard input is not
    /// read.
    #[must_use]
    pub fn problems(&self, context: &Context) -> Vec<Failure> {
        let way = self.way.resolve(&context.environment, &context.section);
        let mut problems: Vec<_> = way.err().into_iter().collect();
        match self.server_text(context) {
            Err(failure) => problems.push(failure),
            // Without a server it is the demo's, which has a secret of its own.
            Ok(None) => {}
            Ok(Some(text)) => {
                problems.extend(address(text).err());
                problems.extend(self.secret_problem(context));
            }
        }
        problems
    }

    fn secret_problem(&self, context: &Context) -> Option<Failure> {
        let file = self.secret_file.clone().map(SecretFile::from);
        if file == Some(SecretFile::StandardInput) {
            return None;
        }
        settings::secret(file.as_ref(), &context.environment).err()
    }
}
