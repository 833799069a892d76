//! The ordered tree of routes.
