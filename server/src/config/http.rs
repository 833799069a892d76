//! The versions of HTTP, fields that the server adds to responses, and the root path of the application.

use stelo_core::http::{Headers, header};

use super::Config;
use super::ConfigError;
use super::codec::Codec;
use super::codec::{HeaderField, RootPath, Switch, Word};
use super::table::{Group, Kind, Setting, Value, each, setting};
use super::words::words;

/// The versions of HTTP, fields that the server adds to responses, and the root path of the application.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Http {
    /// The versions that are spoken. Default [`HttpVersions::Auto`].
    pub versions: HttpVersions,
    /// Fields that are added to each response that does not have them. A field that frames messages or concerns one
    /// connection is refused: see [`Config::check`].
    pub headers: Headers,
    /// Whether each response says `server: stelo`. Default `true`.
    pub server_header: bool,
    /// Whether each response has a `date`. Default `true`.
    pub date_header: bool,
    /// The path under which a proxy serves the application: empty, or `/prefix` without a slash at the end.
    pub root_path: String,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            versions: HttpVersions::Auto,
            headers: Headers::new(),
            server_header: true,
            date_header: true,
            root_path: String::new(),
        }
    }
}

words! {
    /// The versions of HTTP that are spoken.
    pub enum HttpVersions {
        /// HTTP/1.1 and HTTP/2. Over TLS the client chooses, by ALPN; in clear text it speaks HTTP/2 if it begins with the
        /// preface of HTTP/2 (prior knowledge).
        #[default]
        Auto = "auto" | "h11" | "httptools",
        /// HTTP/1.1 only.
        Http1 = "1",
        /// HTTP/2 only.
        Http2 = "2",
    }
}

/// Refuses a field that frames messages or concerns one connection.
pub(crate) fn check_field(name: &str) -> Result<(), ConfigError> {
    match header::is_of_connection(name) {
        true => Err(ConfigError::ConnectionField(name.to_ascii_lowercase())),
        false => Ok(()),
    }
}

pub(crate) fn check_fields(fields: &Headers) -> Result<(), ConfigError> {
    fields.iter().try_for_each(|(name, _)| check_field(name))
}

pub(crate) fn check_root_path(path: &str) -> Result<(), ConfigError> {
    let is_plain = path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#'));
    match path.is_empty() || is_plain && path.starts_with('/') && !path.ends_with('/') {
        true => Ok(()),
        false => Err(ConfigError::RootPath),
    }
}

impl Config {
    /// Sets [`Http::versions`].
    #[must_use]
    pub fn http_versions(mut self, versions: HttpVersions) -> Self {
        self.http.versions = versions;
        self
    }

    /// Adds a field to [`Http::headers`]. A `server` field replaces the server's own.
    ///
    /// # Errors
    /// The name or the value is not valid, or the field frames messages or concerns one connection, as `content-length`
    /// and `connection` do.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, ConfigError> {
        check_field(name)?;
        self.http.headers.try_append(name, value).map_err(ConfigError::Header)?;
        Ok(self)
    }

    /// Sets [`Http::server_header`].
    #[must_use]
    pub fn server_header(mut self, server_header: bool) -> Self {
        self.http.server_header = server_header;
        self
    }

    /// Sets [`Http::date_header`].
    #[must_use]
    pub fn date_header(mut self, date_header: bool) -> Self {
        self.http.date_header = date_header;
        self
    }

    /// Sets [`Http::root_path`]; slashes at the end are dropped.
    #[must_use]
    pub fn root_path(mut self, path: &str) -> Self {
        self.http.root_path = path.trim_end_matches('/').into();
        self
    }
}

pub(super) const GROUP: Group = Group {
    title: "HTTP",
    settings: &[
        setting!(
            "http",
            Word<HttpVersions>,
            http.versions,
            "The versions of HTTP that are spoken; auto means both"
        ),
        Setting {
            name: "header",
            help: "Add a field to each response that does not have it; repeatable",
            kind: Kind::Fields,
            excludes: &[],
            get: |config| {
                let field =
                    |(name, value): (&str, &[u8])| format!("{name}: {}", String::from_utf8_lossy(value));
                Value::List(config.http.headers.iter().map(field).collect())
            },
            set: |config, values| {
                let fields = each(values, HeaderField::read)?;
                for (name, _) in &fields {
                    // Replaces the fields of this name that the program has set.
                    config.http.headers.remove(name);
                }
                for (i, (name, value)) in fields.iter().enumerate() {
                    let added = config.http.headers.try_append(name, value);
                    added.map_err(|error| (i, ConfigError::Header(error)))?;
                }
                Ok(())
            },
        },
        setting!("server-header", Switch, http.server_header, "Add `server: stelo` to each response"),
        setting!("date-header", Switch, http.date_header, "Add the date to each response"),
        setting!(
            "root-path",
            RootPath,
            http.root_path,
            "The path under which a proxy serves the application"
        ),
    ],
};
