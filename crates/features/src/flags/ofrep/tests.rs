//! OFREP over a real socket.
