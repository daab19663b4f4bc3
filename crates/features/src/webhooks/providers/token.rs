//! A secret that is shown as it is: GitLab's token. It covers nothing of the request.

use super::fields::{has, hex, same, set, text};
use super::scheme::{CannotSign, Material, Pen, Scheme};
use crate::webhooks::{Refusal, Request};

/// The header with the token.
pub(super) struct Token(pub(super) &'static str);

impl Scheme for Token {
    fn check(&self, request: &Request, with: &Material<'_>) -> Result<(), Refusal> {
        let shown = text(request, self.0)?;
        let is = |secret: &&str| same(secret.as_bytes(), shown.as_bytes());
        if with.secrets.iter().any(is) {
            Ok(())
        } else {
            Err(Refusal::Wrong)
        }
    }

    fn sign(&self, request: &mut Request, pen: &Pen<'_>) -> Result<(), CannotSign> {
        set(request, self.0, pen.secret);
        Ok(())
    }

    fn conceal(&self, request: &mut Request) {
        if has(request, self.0) {
            set(request, self.0, CONCEALED);
        }
    }

    fn is_concealed(&self, request: &Request) -> bool {
        text(request, self.0).is_ok_and(|shown| shown == CONCEALED)
    }

    fn own_secret(&self, bytes: &[u8; 32]) -> Result<String, CannotSign> {
        Ok(hex(bytes))
    }
}

/// What stands in the place of a token. It is the same for all: of the token it tells nothing.
const CONCEALED: &str = "(the token stays on the server)";
