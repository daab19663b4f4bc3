//! The programs `tunnel` and `tunnel-server`: arguments, output, exit codes.
//!
//! ```text
//! arguments ─▶ context: environment, .env, tunnel.toml ─▶ a command ─▶ client, server
//!                                                                      └─▶ screen, exit code
//! ```
//! A command is a file in [`commands`]. Data goes to standard output, all else to standard error.

pub mod commands;
pub mod connection;
pub mod context;
pub mod demo;
pub mod environment;
pub mod exit;
pub mod explain;
pub mod folder;
pub mod holding;
pub mod interrupt;
pub mod laptop;
pub mod memory;
pub mod output;
pub mod question;
pub mod report;
pub mod settings;
pub mod tunnel;
pub mod tunnel_server;
