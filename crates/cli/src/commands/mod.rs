//! The commands of `tunnel`, one file each: its arguments and its deed.

pub mod completions;
pub mod config;
pub mod connect;
pub mod demo;
pub mod disconnect;
pub mod doctor;
pub mod flags;
pub mod health;
pub mod init;
pub mod keygen;
pub mod logs;
pub mod man;
pub mod status;
pub mod sync;
pub mod validate_env;
pub mod webhook;
mod when;
