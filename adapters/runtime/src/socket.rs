//! Listening sockets of the operating system, bound in one way for every adapter.
