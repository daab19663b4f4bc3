//! Servers whose ring outlives them, under the eyes of readers.
