//! The options of Uvicorn and Gunicorn that Stelo lacks. They are refused by name, not as a typing mistake, and where
//! Stelo has an option for the same purpose, the line names it.

use std::fmt;

use Server::{Gunicorn, Uvicorn};

use super::Notice;

/// An option that Stelo lacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Missing {
    /// The name, without the dashes.
    pub(super) name: &'static str,
    pub(super) server: Server,
    pub(super) state: State,
}

/// The server that has an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Server {
    Uvicorn,
    Gunicorn,
}

/// Why an option is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It is not implemented yet.
    NotYet,
    /// These options do the same.
    Use(&'static str),
    /// It has no meaning for a program in Rust.
    Never,
    /// It is accepted, and has no effect.
    Accepted(Accepted),
    /// It is refused for good, for this reason.
    Refused(&'static str),
}

/// An option that is accepted without an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Accepted {
    /// Whether it takes a value.
    pub(super) takes_value: bool,
    pub(super) reason: &'static str,
    /// Whether a line of the log gives the reason. Not where the option asks for what is done anyway.
    pub(super) is_logged: bool,
}

const fn not_yet(server: Server, name: &'static str) -> Missing {
    Missing { name, server, state: State::NotYet }
}

const fn instead(server: Server, name: &'static str, options: &'static str) -> Missing {
    Missing { name, server, state: State::Use(options) }
}

const fn never(server: Server, name: &'static str) -> Missing {
    Missing { name, server, state: State::Never }
}

const fn accepted(server: Server, name: &'static str, takes_value: bool, reason: &'static str) -> Missing {
    Missing { name, server, state: State::Accepted(Accepted { takes_value, reason, is_logged: true }) }
}

const fn refused(server: Server, name: &'static str, reason: &'static str) -> Missing {
    Missing { name, server, state: State::Refused(reason) }
}

impl Missing {
    /// Whether a line of the log says that the option has no effect.
    pub(super) fn is_logged(self) -> bool {
        !matches!(self.state, State::Accepted(Accepted { is_logged: false, .. }))
    }

    /// Returns the line of the log for the option, or the key of a file, if there is one.
    pub(super) fn notice(self, option: String) -> Option<Notice> {
        self.is_logged().then_some(Notice::NoEffect { option, missing: self })
    }
}

/// All such options.
pub(super) const OPTIONS: &[Missing] = &[
    accepted(Uvicorn, "app-dir", true, "applications are compiled into the program"),
    Missing {
        name: "factory",
        server: Uvicorn,
        state: State::Accepted(Accepted {
            takes_value: false,
            reason: "every application of a program is made by a function",
            is_logged: false,
        }),
    },
    accepted(Uvicorn, "interface", true, "there is one interface of applications"),
    not_yet(Uvicorn, "log-config"),
    accepted(Uvicorn, "reset-contextvars", false, "there are no context variables"),
    instead(Gunicorn, "check-config", "--print-config"),
    refused(Gunicorn, "daemon", "run it under a service manager, such as systemd, or with nohup"),
    not_yet(Gunicorn, "log-config-json"),
    not_yet(Gunicorn, "log-syslog"),
    never(Gunicorn, "paste"),
    refused(
        Gunicorn,
        "preload",
        "workers execute the program, so they share its code without it, and SIGHUP replaces the program",
    ),
    never(Gunicorn, "pythonpath"),
    never(Gunicorn, "reload-engine"),
    instead(Gunicorn, "reload-extra-file", "--reload-include"),
    not_yet(Gunicorn, "statsd-host"),
    instead(Gunicorn, "worker-class", "--loop"),
    instead(Gunicorn, "worker-connections", "--limit-concurrency"),
];

/// The short options of Gunicorn.
const SHORT: &[(char, &str)] = &[('D', "daemon"), ('k', "worker-class")];

/// Returns the option of this name, without the dashes. A switch may begin with `no-`.
pub(super) fn named(name: &str) -> Option<Missing> {
    let find = |name: &str| OPTIONS.iter().find(|option| option.name == name).copied();
    find(name).or_else(|| find(name.strip_prefix("no-")?))
}

/// Returns the option of this name if it is accepted without an effect.
pub(super) fn accepted_as(name: &str) -> Option<(Missing, Accepted)> {
    match named(name)? {
        missing @ Missing { state: State::Accepted(accepted), .. } => Some((missing, accepted)),
        _ => None,
    }
}

/// Returns the option of this letter.
pub(super) fn short(letter: char) -> Option<Missing> {
    let (_, name) = SHORT.iter().find(|(short, _)| *short == letter)?;
    named(name)
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Uvicorn => "Uvicorn",
            Gunicorn => "Gunicorn",
        })
    }
}

/// Continues a line that begins with the option.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.server;
        match self.state {
            State::NotYet => write!(f, "is an option of {server} that is not implemented yet"),
            State::Use(options) => write!(f, "is an option of {server}: use {options} instead"),
            State::Refused(reason) => {
                write!(f, "is an option of {server} that this server does not have: {reason}")
            }
            State::Accepted(Accepted { reason, .. }) => {
                write!(f, "is an option of {server} that has no effect here: {reason}")
            }
            State::Never => {
                write!(f, "is an option of {server} for programs in Python: leave it out")
            }
        }
    }
}
