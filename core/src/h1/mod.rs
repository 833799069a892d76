//! The HTTP/1.1 server machine (RFC 9112).
