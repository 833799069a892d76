//! `Environment`: variables from the process and from a file, read as values.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_core::de::DeserializeOwned;
use stelo_core::dotenv;

use super::EnvironmentError;
use super::value::{Value, Variables};

/// The variables of an application: those of the process, then those of a `.env` file.
///
/// Values are read with serde: numbers, texts, paths, addresses, enums, `Option`, lists with commas, and types of your own.
/// A `bool` is `true`, `1`, `false` or `0`, in any case.
///
/// ```
/// use serde::Deserialize;
/// use stelo_toolkit::config::{Environment, Secret};
/// use stelo_toolkit::request::Url;
///
/// let environment = Environment::of([("APP_DEBUG", "1"), ("APP_DATABASE", "postgres://ada:tea@db/app")]).prefix("APP_");
/// assert!(environment.get::<bool>("DEBUG")?);
/// assert_eq!(environment.get_or("PORT", 8000_u16)?, 8000);
/// let error = environment.get::<Secret>("KEY").unwrap_err();
/// assert_eq!(error.to_string(), "the variable APP_KEY is missing, and has no default: set it");
///
/// /// All at once: `DATABASE` is the field `database`.
/// #[derive(Deserialize)]
/// struct Settings {
///     database: Url,
///     #[serde(default)]
///     debug: bool,
///     key: Option<Secret>,
/// }
///
/// let settings: Settings = environment.load()?;
/// assert_eq!((settings.database.host(), settings.debug, settings.key), ("db", true, None));
/// # Ok::<(), stelo_toolkit::config::EnvironmentError>(())
/// ```
///
/// A variable that has been read cannot be changed: a test that sets it too late gets an error.
pub struct Environment {
    prefix: String,
    variables: HashMap<String, String>,
    file: HashMap<String, String>,
    read: Mutex<BTreeSet<String>>,
}

impl Default for Environment {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment {
    /// Takes the variables of the process. Those that are not UTF-8 are left out.
    pub fn new() -> Self {
        Self::of(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// Takes these variables instead of those of the process.
    pub fn of<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        Self {
            prefix: String::new(),
            variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            file: HashMap::new(),
            read: Mutex::default(),
        }
    }

    /// Sets the prefix that is added to each name.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// Reads a `.env` file, in UTF-8 and in the format of the server's `--env-file`. Variables of the process come
    /// before those of the file. If there is no such file, a line in the log says so.
    ///
    /// # Errors
    /// The file cannot be read, or a line of it is invalid.
    pub fn file(mut self, path: impl AsRef<Path>) -> Result<Self, EnvironmentError> {
        let path = path.as_ref();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
                tracing::warn!("there is no file {} with variables", path.display());
                return Ok(self);
            }
            Err(source) => return Err(EnvironmentError::File { path: path.to_owned(), source }),
        };
        let read = dotenv::parse(&text, |name| self.variables.get(name).cloned());
        let read =
            read.map_err(|(line, fault)| EnvironmentError::Syntax { path: path.to_owned(), line, fault })?;
        self.file.extend(read.into_iter().map(|assignment| (assignment.name, assignment.value)));
        Ok(self)
    }

    /// Returns a variable as a value.
    ///
    /// # Errors
    /// The variable is missing, or its value is not of the type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, EnvironmentError> {
        self.optional(name)?.ok_or_else(|| EnvironmentError::Missing { name: self.full(name) })
    }

    /// Returns a variable as a value, or the default if it is missing.
    ///
    /// # Errors
    /// The value is not of the type.
    pub fn get_or<T: DeserializeOwned>(&self, name: &str, default: T) -> Result<T, EnvironmentError> {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    /// Returns a variable as a value, or `None` if it is missing.
    ///
    /// # Errors
    /// The value is not of the type.
    pub fn optional<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, EnvironmentError> {
        self.optional_with(name, |text| T::deserialize(Value(text)))
    }

    /// Returns a variable as a value that a function makes of its text, or `None` if it is missing.
    ///
    /// # Errors
    /// That of the function.
    pub fn optional_with<T, E: fmt::Display>(
        &self,
        name: &str,
        cast: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, EnvironmentError> {
        let name = self.full(name);
        let value = self.text(&name).map(cast).transpose();
        value.map_err(|error| EnvironmentError::Invalid { name, reason: error.to_string() })
    }

    /// Reads a struct: the variable of each field has its name in capitals, after the prefix.
    ///
    /// # Errors
    /// The variable of a field is missing, or its value is not of the type.
    pub fn load<T: DeserializeOwned>(&self) -> Result<T, EnvironmentError> {
        T::deserialize(Variables(self)).map_err(|error| error.named(|field| self.full(&field.to_uppercase())))
    }

    /// Whether there is a variable of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.text(&self.full(name)).is_some()
    }

    /// Sets a variable, in place of those of the process and of the file. The process is not changed.
    ///
    /// # Errors
    /// Its value has been read.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> Result<(), EnvironmentError> {
        let name = self.unread(name)?;
        self.variables.insert(name, value.into());
        Ok(())
    }

    /// Removes a variable.
    ///
    /// # Errors
    /// It has been read.
    pub fn remove(&mut self, name: &str) -> Result<(), EnvironmentError> {
        let name = self.unread(name)?;
        self.variables.remove(&name);
        self.file.remove(&name);
        Ok(())
    }

    /// Returns the name with its prefix.
    fn full(&self, name: &str) -> String {
        [&self.prefix, name].concat()
    }

    fn unread(&mut self, name: &str) -> Result<String, EnvironmentError> {
        let name = self.full(name);
        match self.read.get_mut().unwrap_or_else(PoisonError::into_inner).contains(&name) {
            true => Err(EnvironmentError::AlreadyRead { name }),
            false => Ok(name),
        }
    }

    /// Returns the text of a variable by its full name, and records that it was read.
    fn text(&self, name: &str) -> Option<&str> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        self.variables.get(name).or_else(|| self.file.get(name)).map(String::as_str)
    }

    /// Returns the text of the variable of a field.
    pub(super) fn field(&self, field: &str) -> Option<&str> {
        self.text(&self.full(&field.to_uppercase()))
    }

    /// Returns the fields that the variables with the prefix can be.
    pub(super) fn fields(&self) -> BTreeSet<String> {
        let names = self.variables.keys().chain(self.file.keys());
        names.filter_map(|name| name.strip_prefix(&self.prefix)).map(str::to_lowercase).collect()
    }
}

impl fmt::Debug for Environment {
    /// Writes the prefix and no variable: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
