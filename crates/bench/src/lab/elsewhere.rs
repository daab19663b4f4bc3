//! Where the system has no network namespaces, there are no emulated links.

use std::io;

use anyhow::Result;

use super::{Congestion, Lab};
use crate::link::Way;
use crate::run::Skipped;

/// There is none.
#[derive(Debug)]
pub(crate) enum Wire {}

/// There is none.
#[derive(Debug)]
pub(super) enum Namespace {}

impl Lab {
    /// Says that there are no emulated links.
    pub(crate) fn emulated(_way: Way, _congestion: Congestion, _seed: u64) -> Result<Self> {
        Err(Skipped("an emulated link needs Linux".to_owned()).into())
    }
}

impl Wire {
    pub(crate) fn carried(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn cut(&self) {
        match *self {}
    }

    pub(crate) fn mend(&self) {
        match *self {}
    }
}

impl Namespace {
    pub(super) fn enter(&self) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn path(&self) -> String {
        match *self {}
    }
}
