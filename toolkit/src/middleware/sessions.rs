//! `Sessions`: the middleware that loads and saves [sessions](crate::sessions). Starlette's `SessionMiddleware`, and more
//! places for the values.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use stelo_core::app::Reply;

use super::csrf::refuse;
use super::{Csrf, Middleware, Next};
use crate::handler::Scope;
use crate::request::Request;
use crate::response::{Failure, SameSite};
#[cfg(feature = "encrypted-cookies")]
use crate::sessions::cipher::Cipher;
use crate::sessions::settings::{Keeper, Settings};
use crate::sessions::slot::Slot;
use crate::sessions::{Digest, SessionStore, Signer};

/// Keeps a [`Session`](crate::sessions::Session) for each client, in a signed cookie, an encrypted cookie or a store.
///
/// A session is loaded when a handler first takes it. The response then has `vary: Cookie`, and a cookie only if the
/// session was changed. A cookie that is forged, expired or damaged means an empty session, and is deleted.
///
/// A browser sends the cookie with requests that pages of other sites make. So [`Csrf`] checks every request first:
/// [`csrf`](Self::csrf) changes its settings, [`without_csrf`](Self::without_csrf) leaves the check to the application.
///
/// ```
/// use std::time::Duration;
/// use stelo_toolkit::middleware::Sessions;
/// use stelo_toolkit::sessions::MemoryStore;
/// use stelo_toolkit::App;
///
/// // Values in the cookie, as Starlette signs them. The secret before still verifies.
/// let signed = Sessions::new("the new random secret").previous_secret("the old random secret");
/// // Values in memory, and a random id in the cookie.
/// let stored = Sessions::stored(MemoryStore::new()).idle_timeout(Duration::from_secs(1800)).https_only(true);
/// # App::new().middleware(signed).build().unwrap();
/// # App::new().middleware(stored).build().unwrap();
/// ```
#[derive(Debug)]
pub struct Sessions {
    settings: Arc<Settings>,
    csrf: Option<Csrf>,
}

impl Sessions {
    /// The default of [`idle_timeout`](Self::idle_timeout): a day.
    pub const IDLE_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

    /// Keeps sessions in cookies that are signed and not encrypted, in the format of Starlette.
    ///
    /// The secret has at least 16 random bytes. A debug build takes a shorter one, and logs a warning.
    pub fn new(secret: impl AsRef<[u8]>) -> Self {
        Self::with_digest(Digest::Sha1, secret)
    }

    /// As [`new`](Self::new), with this hash function.
    pub fn with_digest(digest: Digest, secret: impl AsRef<[u8]>) -> Self {
        let mut settings = Settings::new(Keeper::Signed(Signer::with_digest(digest, &secret)));
        settings.add_secret(secret.as_ref());
        Self::of(settings)
    }

    /// Keeps sessions in cookies that the client cannot read (XChaCha20-Poly1305).
    ///
    /// The secret has at least 16 random bytes. A debug build takes a shorter one, and logs a warning.
    #[cfg(feature = "encrypted-cookies")]
    pub fn encrypted(secret: impl AsRef<[u8]>) -> Self {
        let mut settings = Settings::new(Keeper::Encrypted(Cipher::new(secret.as_ref())));
        settings.add_secret(secret.as_ref());
        Self::of(settings)
    }

    /// Keeps sessions in a store, such as [`MemoryStore`](crate::sessions::MemoryStore). The cookie is a random id.
    pub fn stored(store: impl SessionStore) -> Self {
        let mut settings = Settings::new(Keeper::Stored(Arc::new(store)));
        settings.idle = Some(Self::IDLE_TIMEOUT);
        Self::of(settings)
    }

    /// Adds an earlier secret. Its cookies are still accepted, and new ones are made with the newest. A store needs no
    /// secret, and ignores it.
    #[must_use]
    pub fn previous_secret(self, secret: impl AsRef<[u8]>) -> Self {
        self.with(|settings| {
            settings.add_secret(secret.as_ref());
            match &mut settings.keeper {
                Keeper::Signed(signer) => *signer = signer.clone().previous(secret),
                #[cfg(feature = "encrypted-cookies")]
                Keeper::Encrypted(cipher) => cipher.add_previous(secret.as_ref()),
                Keeper::Stored(_) => settings.shortest_secret = None,
            }
        })
    }

    /// Sets the name of the cookie. The default is `session`. With [`https_only`](Self::https_only), an encrypted cookie or
    /// an id for the path `/` and without a domain is named `__Host-session`, so that no subdomain can set it.
    #[must_use]
    pub fn session_cookie(self, name: impl Into<Cow<'static, str>>) -> Self {
        self.with(|settings| settings.name = Some(name.into()))
    }

    /// Sets the age at which a session ends, in whole seconds since it was last changed; in a store, since it began. The
    /// default is 14 days. `None` is until the browser is closed, and at most 14 days in a store.
    #[must_use]
    pub fn max_age(self, age: impl Into<Option<Duration>>) -> Self {
        self.with(|settings| settings.max_age = age.into())
    }

    /// Sets the time between two uses after which a session in a store ends. The default is a day.
    #[must_use]
    pub fn idle_timeout(self, idle: impl Into<Option<Duration>>) -> Self {
        self.with(|settings| settings.idle = idle.into())
    }

    /// Sets the path below which browsers send the cookie. The default is `/`.
    #[must_use]
    pub fn path(self, path: impl Into<Cow<'static, str>>) -> Self {
        self.with(|settings| settings.path = path.into())
    }

    /// Sets the domain of the cookie, which includes subdomains. Without it, only this host gets the cookie.
    #[must_use]
    pub fn domain(self, domain: impl Into<Cow<'static, str>>) -> Self {
        self.with(|settings| settings.domain = Some(domain.into()).filter(|domain| !domain.is_empty()))
    }

    /// Sets which requests of other sites carry the cookie. The default is [`SameSite::Lax`].
    #[must_use]
    pub fn same_site(self, same_site: SameSite) -> Self {
        self.with(|settings| settings.same_site = same_site)
    }

    /// Sets whether browsers send the cookie by `https` only. The default is `false`; set it in production.
    #[must_use]
    pub fn https_only(self, https_only: bool) -> Self {
        self.with(|settings| settings.https_only = https_only)
    }

    /// Sets whether browsers keep a cookie for each top-level site (CHIPS). It needs [`https_only`](Self::https_only).
    #[must_use]
    pub fn partitioned(self, partitioned: bool) -> Self {
        self.with(|settings| settings.partitioned = partitioned)
    }

    /// Sets the number of bytes that a session may have in a store, as JSON. The default is 64 KiB. In a cookie the limit
    /// is the 4,096 bytes that browsers keep. A larger session is an error of status 500.
    #[must_use]
    pub fn max_stored_bytes(self, bytes: usize) -> Self {
        self.with(|settings| settings.max_stored = bytes)
    }

    /// Sets the source of the time, for tests.
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.clock = Arc::new(clock))
    }

    /// Sets the check for requests that pages of other origins make, such as one that trusts another origin.
    #[must_use]
    pub fn csrf(self, csrf: Csrf) -> Self {
        Self { csrf: Some(csrf), ..self }
    }

    /// Removes the check for requests that pages of other origins make. The application must check them itself.
    #[must_use]
    pub fn without_csrf(self) -> Self {
        Self { csrf: None, ..self }
    }

    fn of(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), csrf: Some(Csrf::new()) }
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl Middleware for Sessions {
    fn call(&self, mut request: Request, next: Next) -> Reply {
        if self.csrf.as_ref().is_some_and(|csrf| !csrf.admits(&request)) {
            return refuse(request);
        }
        let scope = Scope::of(&request);
        let slot = Slot::new(self.settings.clone());
        request.extensions_mut().insert(slot.clone());
        Reply::future(scope.settle(async move {
            let mut response = next.run(request).await;
            slot.save(&mut response).await.map_err(Failure::new)?;
            Ok(response)
        }))
    }

    fn check(&self) -> Result<(), String> {
        self.settings.check(cfg!(debug_assertions))
    }
}
