//! What tests share: a virtual network, virtual connections, a PostgreSQL of their own, a local app
//! for webhooks.

pub mod luck;
pub mod net;
pub mod pair;
pub mod post;
pub mod postgres;
pub mod road;
pub mod stream;
pub mod target;
pub mod web;
