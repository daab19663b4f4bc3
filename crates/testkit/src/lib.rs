//! What tests share: a virtual network, virtual connections, a PostgreSQL of their own.

pub mod luck;
pub mod net;
pub mod pair;
pub mod postgres;
pub mod road;
pub mod stream;
pub mod web;
