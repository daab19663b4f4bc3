//! What tests share: a virtual network, a PostgreSQL of their own.

pub mod net;
pub mod pair;
pub mod postgres;
