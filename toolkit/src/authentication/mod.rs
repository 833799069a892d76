//! Authentication: which user makes a request, and what that user may do.
//!
//! [`middleware::Authentication`](crate::middleware::Authentication) asks an [`AuthenticationBackend`] about each request.
//! [`middleware::requires`](crate::middleware::requires) admits requests with certain scopes to a route, and handlers take
//! the [`User`] as an argument. [`Authorization`](crate::extract::Authorization) reads credentials without a backend.

mod backend;
mod fixed;
mod user;

pub use backend::{AuthenticationBackend, AuthenticationError};
pub use fixed::{BasicBackend, BearerBackend, SimpleUser};
pub use user::{AuthCredentials, User};
