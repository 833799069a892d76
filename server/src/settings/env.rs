//! The environment, and the variables of `--env-file`: `STELO_PORT` for `--port` and so on.

use std::env::split_paths;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use super::missing::{self, Missing, Server};
use super::origin::{Given, Origin, Source};
use super::suggest::nearest;
use crate::config::table::{Kind, Setting, all};

/// The prefix of all variables.
const PREFIX: &str = "STELO_";

/// The variables that Uvicorn and Gunicorn read if the one with their prefix is not set, with the setting of each.
const UNPREFIXED: [(&str, &str); 2] =
    [("FORWARDED_ALLOW_IPS", "forwarded-allow-ips"), ("WEB_CONCURRENCY", "workers")];

/// Returns the environment variable of an option.
pub(super) fn variable(option: &str) -> String {
    format!("{PREFIX}{}", option.to_ascii_uppercase().replace('-', "_"))
}

impl Setting {
    /// Returns the environment variable. That of header fields is a plural, as in Uvicorn.
    pub(super) fn variable(&self) -> String {
        let plural = if self.kind == Kind::Fields { "S" } else { "" };
        format!("{}{plural}", variable(self.name))
    }
}

/// A variable.
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: OsString,
    pub(super) source: Source,
}

/// The settings that variables give.
#[derive(Debug, Default)]
pub(super) struct Variables {
    pub(super) given: Vec<Given>,
    pub(super) config: Option<PathBuf>,
    pub(super) env_file: Option<PathBuf>,
    pub(super) notices: Vec<Notice>,
}

/// A variable with the prefix that has no effect. Displayed as a line of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Notice {
    /// Kubernetes and Docker set `STELO_PORT=tcp://10.0.0.1:8000` for a service called `stelo`.
    Link { variable: String, value: String },
    /// The name is nearly that of a setting.
    Unknown { variable: String, nearest: String },
    /// An option of Uvicorn or Gunicorn that Stelo lacks.
    NotImplemented { variable: String, missing: Missing },
    /// An option, or a key of a file, that is accepted without an effect.
    NoEffect { option: String, missing: Missing },
}

impl Variables {
    /// Reads variables. An empty one counts as not set.
    pub(super) fn read(variables: impl IntoIterator<Item = Variable>) -> Self {
        let mut read = Self::default();
        let known: Vec<_> = all().map(|setting| (setting, setting.variable())).collect();
        let (config, env_file) = (variable("config"), variable("env-file"));
        let mut weaker = Vec::new();
        let unprefixed = |name: &str| UNPREFIXED.iter().find(|(variable, _)| *variable == name);
        let is_read = |v: &Variable| v.name.starts_with(PREFIX) || unprefixed(&v.name).is_some();
        let variables = variables.into_iter().filter(|v| is_read(v) && !v.value.is_empty());
        for Variable { name, value, source } in variables {
            if let Some((setting, _)) = known.iter().find(|(_, known)| *known == name) {
                if is_link(&name, &value) {
                    let value = value.to_string_lossy().into_owned();
                    read.notices.push(Notice::Link { variable: name, value });
                    continue;
                }
                let values = match setting.kind.is_list() {
                    // A path may have spaces.
                    true if setting.kind == Kind::Paths => split_paths(&value).map(Into::into).collect(),
                    true => value.to_string_lossy().split_whitespace().map(OsString::from).collect(),
                    false => vec![value],
                };
                // The last of two lines of a file wins, as in a shell.
                read.given.retain(|given| given.origin.setting != *setting);
                read.given.push(Given { origin: Origin { setting, source }, values });
            } else if let Some((name, setting)) = unprefixed(&name) {
                let source = match source {
                    Source::Environment => Source::Unprefixed(name),
                    source => source,
                };
                weaker.push((*setting, value, source));
            } else if name == config {
                read.config = Some(value.into());
            } else if name == env_file {
                read.env_file = Some(value.into());
            } else if missing(&name).is_some_and(|missing| !missing.is_logged()) {
            } else if let Some(missing) = missing(&name) {
                read.notices.push(Notice::NotImplemented { variable: name, missing });
            } else if let Some(nearest) = nearest(&name, known.iter().map(|(_, known)| known)) {
                read.notices.push(Notice::Unknown { nearest: nearest.clone(), variable: name });
            }
        }
        for (name, value, source) in weaker {
            if let Some(setting) = Setting::named(name)
                && !read.given.iter().any(|given| given.origin.setting == setting)
            {
                read.given.push(Given { origin: Origin { setting, source }, values: vec![value] });
            }
        }
        read
    }
}

/// Returns the option that Stelo lacks and that has this variable. Those of Gunicorn have none.
fn missing(name: &str) -> Option<Missing> {
    let mut options = missing::OPTIONS.iter().filter(|option| option.server == Server::Uvicorn);
    options.find(|option| is_plural(name, &variable(option.name))).copied()
}

/// Whether a name is another one, or its plural.
fn is_plural(name: &str, singular: &str) -> bool {
    name.strip_prefix(singular).is_some_and(|rest| matches!(rest, "" | "S"))
}

/// Whether an orchestrator has set a variable to the address of a service.
fn is_link(name: &str, value: &OsString) -> bool {
    let schemes = ["tcp://", "udp://", "sctp://"];
    name.ends_with("_PORT")
        && value.to_str().is_some_and(|value| schemes.iter().any(|scheme| value.starts_with(scheme)))
}

impl Notice {
    /// Whether the variable is a mistake.
    pub(crate) fn is_warning(&self) -> bool {
        !matches!(self, Self::Link { .. } | Self::NoEffect { .. })
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link { variable, value } => {
                write!(f, "Ignored {variable}={value}, which an orchestrator sets for a service")
            }
            Self::Unknown { variable, nearest } => {
                write!(f, "Ignored {variable}, which is not a setting: did you mean {nearest}?")
            }
            Self::NotImplemented { variable, missing } => {
                write!(f, "Ignored {variable}, which {missing}")
            }
            Self::NoEffect { option, missing } => write!(f, "Ignored {option}, which {missing}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notices(pairs: &[(&str, &str)]) -> Vec<String> {
        let variable = |(name, value): &(&str, &str)| Variable {
            name: (*name).into(),
            value: value.into(),
            source: Source::Environment,
        };
        Variables::read(pairs.iter().map(variable)).notices.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_variables_of_an_orchestrator_have_no_effect() {
        let link = "tcp://10.96.17.4:8000";
        let notices = notices(&[
            ("STELO_PORT", link),
            ("STELO_SERVICE_HOST", "10.96.17.4"),
            ("STELO_SERVICE_PORT", "8000"),
            ("STELO_SERVICE_PORT_HTTP", "8000"),
            ("STELO_PORT_8000_TCP", link),
            ("STELO_PORT_8000_TCP_PROTO", "tcp"),
            ("STELO_PORT_8000_TCP_PORT", "8000"),
            ("STELO_PORT_8000_TCP_ADDR", "10.96.17.4"),
        ]);
        assert_eq!(
            notices,
            ["Ignored STELO_PORT=tcp://10.96.17.4:8000, which an orchestrator sets for a service"]
        );
    }

    #[test]
    fn the_variable_without_a_prefix_gives_way_to_the_one_with_it() {
        let values = |pairs: &[(&str, &str)]| {
            let variable = |(name, value): &(&str, &str)| Variable {
                name: (*name).into(),
                value: value.into(),
                source: Source::Environment,
            };
            let given = Variables::read(pairs.iter().map(variable)).given;
            given.into_iter().flat_map(|given| given.values).collect::<Vec<_>>()
        };
        for (plain, own) in
            [("FORWARDED_ALLOW_IPS", "STELO_FORWARDED_ALLOW_IPS"), ("WEB_CONCURRENCY", "STELO_WORKERS")]
        {
            let (plain, own) = ((plain, "1"), (own, "2"));
            assert_eq!(values(&[plain]), ["1"]);
            assert_eq!(values(&[plain, own]), ["2"]);
            assert_eq!(values(&[own, plain]), ["2"]);
        }
    }

    #[test]
    fn a_variable_that_is_nearly_a_setting_is_reported() {
        assert_eq!(
            notices(&[
                ("STELO_PROT", "1"),
                ("STELO_DATABASE_URL", "x"),
                ("STELO_LOG_CONFIG", "x"),
                ("PORT", "3")
            ]),
            [
                "Ignored STELO_PROT, which is not a setting: did you mean STELO_PORT?",
                "Ignored STELO_LOG_CONFIG, which is an option of Uvicorn that is not implemented yet",
            ]
        );
    }
}
