//! Flags from a source to a mirror, over a virtual network.

mod golden;
mod mirror;
mod overrides;
mod set;
