//! A row of the table of settings, and the values that it takes.

use std::ffi::OsString;
use std::fmt;

use super::alias;
use super::{Config, ConfigError, GROUPS};

/// A part of the table, with its title in the help.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) settings: &'static [Setting],
}

/// A row of the table.
pub(crate) struct Setting {
    /// The name: `port` is the option `--port`, the variable `STELO_PORT` and the key `port` of a file.
    pub(crate) name: &'static str,
    /// One line of help, without a full stop.
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
    /// The settings that cannot be given beside this one in the same source.
    pub(crate) excludes: &'static [&'static str],
    /// Returns the value that a configuration has.
    pub(crate) get: fn(&Config) -> Value,
    /// Sets the value in a configuration: one, or for a list any number.
    pub(crate) set: fn(&mut Config, &[OsString]) -> Result<(), Fault>,
}

/// The index of the first invalid value, and the reason.
pub(crate) type Fault = (usize, ConfigError);

/// The kind of value that a setting takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `--x` and `--no-x`, without a value.
    Switch,
    /// `--x` and `--no-x`, or `--x` with one of these words as its value.
    SwitchOrWord(&'static [&'static str]),
    /// `true` or `false`, as a value.
    Boolean,
    /// A whole number, with its placeholder in the help.
    Number(&'static str),
    /// A number of bytes.
    Bytes,
    /// A number of seconds.
    Seconds,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `auto`, or the name of an executor that is compiled in.
    Executor,
    /// A text, with its placeholder in the help.
    Text(&'static str),
    /// A path, which need not be UTF-8.
    Path,
    /// One or more paths. A variable separates them with colons, as `PATH` does.
    Paths,
    /// Any number of header fields.
    Fields,
    /// One or more texts, with their placeholder in the help.
    Texts(&'static str),
}

/// The value of a setting as text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    /// The setting has no value.
    Unset,
    /// A number or a truth value.
    Plain(String),
    Text(String),
    List(Vec<String>),
    /// A value that is not shown.
    Secret,
}

/// Declares a row whose setting is one field: name, codec, path of the field in [`Config`], help.
macro_rules! setting {
    ($name:literal, $codec:ty, $($field:ident).+, $help:literal) => {
        Setting {
            name: $name,
            help: $help,
            kind: <$codec>::KIND,
            excludes: &[],
            get: |config| <$codec as Codec<_>>::show(&config.$($field).+),
            set: |config, values| {
                let value = $crate::config::table::single(values, <$codec as Codec<_>>::read)?;
                config.$($field).+ = value;
                Ok(())
            },
        }
    };
}

pub(crate) use setting;

/// Reads the last value. There is only one, except for a switch that is given twice.
pub(crate) fn single<T>(
    values: &[OsString],
    read: impl FnOnce(&str) -> Result<T, ConfigError>,
) -> Result<T, Fault> {
    let text = values.last().and_then(|value| value.to_str());
    text.ok_or(ConfigError::Encoding).and_then(read).map_err(|error| (values.len().saturating_sub(1), error))
}

/// Reads all values.
pub(crate) fn each<T>(
    values: &[OsString],
    read: impl Fn(&str) -> Result<T, ConfigError>,
) -> Result<Vec<T>, Fault> {
    let read = |(i, value): (usize, &OsString)| {
        value.to_str().ok_or(ConfigError::Encoding).and_then(&read).map_err(|error| (i, error))
    };
    values.iter().enumerate().map(read).collect()
}

/// Returns all rows of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings)
}

impl Setting {
    /// Returns the row of this name, which may be that of another server.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        let name = alias::meaning(name).unwrap_or(name);
        all().find(|setting| setting.name == name)
    }

    /// Returns the option with what it takes, as in the help.
    pub(crate) fn usage(&self) -> String {
        match self.kind.placeholder() {
            Some(placeholder) if self.kind.is_switch() => format!("--{} [<{placeholder}>]", self.name),
            Some(placeholder) => format!("--{} <{placeholder}>", self.name),
            None => format!("--{}", self.name),
        }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Setting").field(&self.name).finish()
    }
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Kind {
    /// Whether the setting takes several values: a repeated option, words of a variable, an array of a file.
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::Fields | Self::Texts(_) | Self::Paths)
    }

    /// Whether the option can be given without a value, as `--x` or `--no-x`.
    pub(crate) fn is_switch(self) -> bool {
        matches!(self, Self::Switch | Self::SwitchOrWord(_))
    }

    /// Returns the placeholder of the value in the help; `None` if the option takes no value.
    pub(crate) fn placeholder(self) -> Option<&'static str> {
        match self {
            Self::Switch => None,
            Self::Boolean => Some("BOOLEAN"),
            Self::Number(name) | Self::Text(name) | Self::Texts(name) => Some(name),
            Self::Bytes => Some("BYTES"),
            Self::Seconds => Some("SECONDS"),
            Self::Word(_) | Self::SwitchOrWord(_) => Some("WORD"),
            Self::Executor => Some("NAME"),
            Self::Path | Self::Paths => Some("PATH"),
            Self::Fields => Some("NAME:VALUE"),
        }
    }
}

/// Writes the value as in the help.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset | Self::Secret => Ok(()),
            Self::Plain(text) | Self::Text(text) => f.write_str(text),
            Self::List(values) => f.write_str(&values.join(", ")),
        }
    }
}

/// Joins words with commas and a last `or`.
pub(crate) fn alternatives(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => (*word).into(),
        [words @ .., last] => format!("{} or {last}", words.join(", ")),
    }
}
