//! The commands of `tunnel`, one file each: its arguments and its deed.

pub mod completions;
pub mod config;
pub mod connect;
pub mod demo;
pub mod doctor;
pub mod health;
pub mod init;
pub mod keygen;
pub mod logs;
pub mod man;
pub mod sync;
pub mod webhook;
mod when;
