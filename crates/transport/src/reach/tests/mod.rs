//! The stages over real sockets.
