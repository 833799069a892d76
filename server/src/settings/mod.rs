//! What reads the table of settings, whose rows are declared beside their fields in [`config`](crate::config).
//!
//! The command line (`line`), the environment and `--env-file` (`env`, `dotenv`), the TOML file (`file`), `--help`
//! (`help`), `--print-config` (`print`) and the page of options (`page`) are walks over the table; none of them knows a
//! setting by name. `resolve` decides between the sources, and `origin` says where a value comes from.

mod dotenv;
mod env;
mod error;
mod exit;
mod file;
mod help;
mod line;
mod missing;
mod origin;
#[cfg(test)]
mod page;
mod print;
mod resolve;
mod suggest;
#[cfg(test)]
mod tests;

pub(crate) use env::Notice;
pub use error::{SettingsError, SyntaxFault};
pub use exit::Exit;
pub use origin::Origin;
pub(crate) use resolve::{Inputs, Outcome, read};
