//! The configuration of an application: variables of the environment and of a `.env` file, as typed values.
//!
//! The settings of the server are apart: its command line, and variables with the prefix `STELO_`.

mod comma_separated;
mod environment;
mod error;
mod secret;
mod value;

pub use self::comma_separated::{CommaSeparated, NoClosingQuote};
pub use self::environment::Environment;
pub use self::error::EnvironmentError;
pub use self::secret::Secret;
