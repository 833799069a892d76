//! `Settings`: how sessions are kept, and the attributes of their cookie. `middleware::Sessions` builds it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Signer;
#[cfg(feature = "encrypted-cookies")]
use super::cipher::Cipher;
use super::store::SessionStore;
use crate::response::{SameSite, SetCookie};

/// The least number of bytes of a secret in a release build.
pub(crate) const MIN_SECRET: usize = 16;

/// The age at which a session ends.
pub(crate) const DEFAULT_MAX_AGE: Duration = Duration::from_secs(14 * 24 * 3600);

/// The place of the values of sessions.
#[derive(Clone)]
pub(crate) enum Keeper {
    Signed(Signer),
    #[cfg(feature = "encrypted-cookies")]
    Encrypted(Cipher),
    Stored(Arc<dyn SessionStore>),
}

/// The settings of [`Sessions`](crate::middleware::Sessions).
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) keeper: Keeper,
    /// The length of the shortest secret; `None` without secrets.
    pub(crate) shortest_secret: Option<usize>,
    /// `None` for the default, which depends on the other settings.
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) max_age: Option<Duration>,
    /// The longest time between two uses. Only for stores.
    pub(crate) idle: Option<Duration>,
    pub(crate) path: Cow<'static, str>,
    pub(crate) domain: Option<Cow<'static, str>>,
    pub(crate) same_site: SameSite,
    pub(crate) https_only: bool,
    pub(crate) partitioned: bool,
    pub(crate) max_stored: usize,
    pub(crate) clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl Settings {
    pub(crate) fn new(keeper: Keeper) -> Self {
        Self {
            keeper,
            shortest_secret: None,
            name: None,
            max_age: Some(DEFAULT_MAX_AGE),
            idle: None,
            path: Cow::Borrowed("/"),
            domain: None,
            same_site: SameSite::Lax,
            https_only: false,
            partitioned: false,
            max_stored: 64 << 10,
            clock: Arc::new(SystemTime::now),
        }
    }

    pub(crate) fn add_secret(&mut self, secret: &[u8]) {
        let shortest = self.shortest_secret.unwrap_or(usize::MAX);
        self.shortest_secret = Some(shortest.min(secret.len()));
    }

    /// Returns the name of the cookie. Signed cookies have Starlette's. For the others, a browser that gets the cookie only
    /// by `https`, for this host and all of it, is told to enforce that.
    pub(crate) fn name(&self) -> &str {
        let is_signed = matches!(self.keeper, Keeper::Signed(_));
        match &self.name {
            Some(name) => name,
            None if !is_signed && self.https_only && self.path == "/" && self.domain.is_none() => {
                "__Host-session"
            }
            None => "session",
        }
    }

    pub(super) fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// Writes the `set-cookie` field of a value, in the order of Starlette's.
    pub(super) fn field(&self, value: &str) -> String {
        let age = self.max_age.map(|age| format!("Max-Age={}; ", age.as_secs())).unwrap_or_default();
        format!("{}={value}; path={}; {age}{}", self.name(), self.path, self.flags())
    }

    /// Writes the `set-cookie` field that deletes the cookie.
    pub(super) fn removal(&self) -> String {
        let expires = "expires=Thu, 01 Jan 1970 00:00:00 GMT";
        format!("{}=null; path={}; {expires}; {}", self.name(), self.path, self.flags())
    }

    fn flags(&self) -> String {
        let same_site = match self.same_site {
            SameSite::Strict => "strict",
            SameSite::Lax => "lax",
            SameSite::None => "none",
        };
        let mut flags = format!("httponly; samesite={same_site}");
        if self.https_only {
            flags.push_str("; secure");
        }
        if let Some(domain) = &self.domain {
            flags.push_str("; domain=");
            flags.push_str(domain);
        }
        if self.partitioned {
            flags.push_str("; partitioned");
        }
        flags
    }

    /// Checks the settings. A short secret is refused in a release build, and logged in a debug build.
    pub(crate) fn check(&self, is_debug: bool) -> Result<(), String> {
        let mut cookie = SetCookie::new(self.name().to_owned(), "").path(self.path.clone());
        if let Some(domain) = &self.domain {
            cookie = cookie.domain(domain.clone());
        }
        if self.https_only {
            cookie = cookie.secure();
        }
        cookie.to_field().map_err(|error| format!("session cookie `{}`: {error}", self.name()))?;
        if !self.path.starts_with('/') {
            return Err(format!("the path `{}` of the session cookie must start with `/`", self.path));
        }
        if !self.https_only && (self.partitioned || self.same_site == SameSite::None) {
            let what = if self.partitioned { "partitioned" } else { "`SameSite::None`" };
            return Err(format!("browsers ignore a {what} session cookie without `https_only(true)`"));
        }
        if self.idle.is_some() && !matches!(self.keeper, Keeper::Stored(_)) {
            return Err("`idle_timeout` needs a store: create the middleware by `Sessions::stored`".into());
        }
        match self.shortest_secret {
            Some(length) if length == 0 || (length < MIN_SECRET && !is_debug) => Err(format!(
                "the session secret has {length} bytes: use at least {MIN_SECRET} random bytes, such as those of \
                 `openssl rand -hex 32`"
            )),
            Some(length) if length < MIN_SECRET => {
                tracing::warn!(
                    "the session secret has {length} bytes: a release build refuses less than {MIN_SECRET}"
                );
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings({})", self.field("…"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(secret: &str) -> Settings {
        let mut settings = Settings::new(Keeper::Signed(Signer::new(secret)));
        settings.add_secret(secret.as_bytes());
        settings
    }

    #[test]
    fn a_short_secret_is_for_debugging_only() {
        assert_eq!(settings("0123456789abcdef").check(false), Ok(()));
        assert_eq!(settings("example").check(true), Ok(()));
        let error = settings("example").check(false).unwrap_err();
        assert!(error.starts_with("the session secret has 7 bytes: use at least 16"), "{error}");
        assert!(settings("").check(true).is_err());
    }

    #[test]
    fn the_field_has_the_order_of_starlette() {
        let mut settings = settings("secret");
        assert_eq!(settings.field("x"), "session=x; path=/; Max-Age=1209600; httponly; samesite=lax");
        assert_eq!(
            settings.removal(),
            "session=null; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT; httponly; samesite=lax"
        );
        settings.name = Some("sid".into());
        settings.path = "/p".into();
        settings.domain = Some(".x.com".into());
        settings.same_site = SameSite::Strict;
        settings.https_only = true;
        settings.max_age = None;
        assert_eq!(settings.field("x"), "sid=x; path=/p; httponly; samesite=strict; secure; domain=.x.com");
        settings.max_age = Some(Duration::ZERO);
        assert!(settings.field("x").starts_with("sid=x; path=/p; Max-Age=0; httponly"));
        settings.partitioned = true;
        settings.same_site = SameSite::None;
        assert!(settings.field("x").ends_with("; samesite=none; secure; domain=.x.com; partitioned"));
        assert_eq!(format!("{settings:?}"), format!("Settings({})", settings.field("…")));
    }

    #[test]
    fn attributes_that_browsers_refuse_are_mistakes() {
        for change in [
            (|s| s.name = Some("a b".into())) as fn(&mut Settings),
            |s| s.name = Some("__Host-a".into()),
            |s| s.name = Some("__Secure-a".into()),
            |s| s.path = "p".into(),
            |s| s.domain = Some("a; b".into()),
            |s| s.same_site = SameSite::None,
            |s| s.partitioned = true,
            |s| s.idle = Some(Duration::ZERO),
        ] {
            let mut settings = settings("0123456789abcdef");
            change(&mut settings);
            assert!(settings.check(true).is_err(), "{settings:?}");
        }
    }
}
