//! The method of the client for environments.

use features::env::FEATURE;
use features::env::client::{Finding, Variable, validate};

use crate::client::TunnelClient;
use crate::error::TunnelError;
use crate::event::TunnelEvent;

impl TunnelClient {
    /// Compares variables with production's, and returns what was found in the same order. The server
    /// learns their names and nothing of their values.
    ///
    /// Each variable that production has costs one of the guesses that the key has at it within an hour.
    ///
    /// # Errors
    /// [`TunnelError`] if the server refuses, or the guesses are used up.
    pub async fn validate_env(
        &self,
        variables: Vec<Variable>,
    ) -> Result<Vec<Finding>, TunnelError> {
        let variables = variables.as_slice();
        let found = self
            .ask(&FEATURE, |session| async move {
                validate(&session, variables).await
            })
            .await?;
        let told = TunnelEvent::Environment(found.as_slice().into());
        self.events.tell(told);
        Ok(found)
    }
}
