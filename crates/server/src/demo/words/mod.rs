//! The words that everything is made of.
//!
//! Lists of words read better side by side than one word a line, so rustfmt leaves them alone.

#[rustfmt::skip]
pub(super) mod courses;
#[rustfmt::skip]
pub(super) mod people;
#[rustfmt::skip]
pub(super) mod places;
