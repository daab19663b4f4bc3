//! The end of a program: its last words and its exit code.

use std::io::{self, Write as _};

use crate::exit::{Exit, Failure};
use crate::output::text::printable;

/// Says why a program ends, if there is something to say, and returns its exit code.
#[must_use]
pub fn report(ended: Result<(), Failure>) -> Exit {
    let Err(failure) = ended else {
        return Exit::Fine;
    };
    if !failure.is_silent() {
        let mut err = io::stderr().lock();
        for line in failure.to_string().lines() {
            // Words of the other end may be among them. Without a screen there is nobody to tell.
            writeln!(err, "{}", printable(line)).ok();
        }
    }
    failure.exit()
}
