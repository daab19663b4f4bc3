//! The demo production's flags: some in its environment, some in a file that whoever tries the tunnel may
//! edit to see a change.

/// The flags of the demo production.
#[derive(Clone, Copy, Debug)]
pub struct Flags;

impl Flags {
    /// The file of flagd's, as it is before anybody edits it.
    pub const FILE: &str = include_str!("flags.json");

    /// The names of its variables.
    pub const NAMES: [&str; 4] = [
        "ENABLE_AI_CHAT",
        "ENABLE_STRIPE",
        "ENABLE_CERTIFICATES",
        "FEATURE_MAX_SEATS",
    ];

    /// Returns the value of one of them.
    #[must_use]
    pub fn variable(name: &str) -> Option<String> {
        let value = match name {
            "ENABLE_STRIPE" | "ENABLE_CERTIFICATES" => "true",
            "ENABLE_AI_CHAT" => "false",
            "FEATURE_MAX_SEATS" => "40",
            _ => return None,
        };
        Some(value.to_owned())
    }
}
