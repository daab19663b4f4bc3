//! The messages of the comparison. `docs/PROTOCOL.md` gives their bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::expectation::Misfit;

/// Asks how production's variables are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compare {
    /// At most 1000, each of another name.
    pub variables: Vec<Asked>,
}

/// A variable that is asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its name.
    pub name: String,
    /// The local value, blinded; something drawn where there is none. `None` if it is not to be compared.
    pub blinded: Option<[u8; 32]>,
}

/// What the server says, in the order of what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// One for each variable.
    pub variables: Vec<Answer>,
}

/// What the server says of a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Nothing, whether it is there or not.
    Hidden,
    /// It is not there.
    Absent,
    /// It is there and empty.
    Empty,
    /// It is there.
    Present(Present),
}

/// A variable that production has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// What tells whether the values are the same, if that was asked and may be known.
    pub compared: Option<Evaluated>,
    /// How its value is not what the server's configuration says.
    pub misfit: Option<Misfit>,
    /// Its value, if everybody may know it.
    pub public: Option<String>,
}

/// What tells whether two values are the same.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluated {
    /// The blinded value, under a key of this variable and this run.
    pub evaluation: [u8; 32],
    /// Production's value under the same key.
    pub tag: [u8; 32],
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Evaluated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Evaluated(<redacted>)")
    }
}
