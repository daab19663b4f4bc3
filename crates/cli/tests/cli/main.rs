//! The programs as users run them: what they print and what they end with.
#![cfg(test)]

mod bad_input;
mod completions;
mod config;
mod connect;
mod demo;
mod doctor;
mod edge;
mod every_command;
mod flags;
mod health;
mod held;
mod help;
mod init;
mod interrupted;
mod keys;
mod local_app;
mod logs;
mod manual;
mod relay;
mod run;
mod run_end;
mod server;
mod snapshot;
mod storm;
mod support;
mod sync;
mod terminal;
mod validate_env;
mod webhook;
mod webhook_offline;
mod wrapped;
