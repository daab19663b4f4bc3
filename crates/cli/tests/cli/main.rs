//! The programs as users run them: what they print and what they end with.
#![cfg(test)]

mod bad_input;
mod connect;
mod demo;
mod doctor;
mod edge;
mod flags;
mod health;
mod held;
mod help;
mod interrupted;
mod keys;
mod local_app;
mod logs;
mod relay;
mod run;
mod run_end;
mod server;
mod storm;
mod support;
mod sync;
mod terminal;
mod validate_env;
mod webhook;
mod webhook_offline;
mod wrapped;
