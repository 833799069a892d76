//! The sources of settings. The table of settings is in [`config`](crate::config), a row beside each field.
//!
//! The command line (`line`), the environment and `--env-file` (`env`, and `dotenv` of the core), the TOML file (`file`), `--help`
//! (`help`), `--completions` (`completions`), `--man` (`man`), `--print-config` (`print`) and the page of options (`page`) are
//! loops over the table. `resolve` decides between the sources; `origin` names the source of a value. `activation` has the sockets of systemd.

mod activation;
mod completions;
mod env;
mod error;
mod exit;
mod file;
mod help;
mod line;
mod man;
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
pub(crate) use line::Positional;
pub use origin::Origin;
pub(crate) use resolve::{Inputs, Outcome, read};
