//! The cookies of a client: kept and sent as a browser does (RFC 6265 section 5).

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use stelo_core::http::{Headers, date};

use super::location::Location;

/// The cookies that a client keeps, from responses and from [`set`](Self::set).
///
/// The client sends a cookie to the host and the paths that it belongs to, over `https` alone if it is `Secure`, and until it
/// expires. A request that has a `cookie` field of its own has no others.
///
/// ```
/// use stelo_toolkit::request::Cookies;
/// use stelo_toolkit::response::{ResponseExt, SetCookie};
/// use stelo_toolkit::{App, Response, TestClient, get};
///
/// async fn set() -> stelo_toolkit::Result<Response> {
///     let mut response = Response::default();
///     response.set_cookie(&SetCookie::new("tea", "green"))?;
///     Ok(response)
/// }
///
/// let app = App::new()
///     .route("/set", get(set))
///     .route("/get", get(async |cookies: Cookies| cookies.get("tea").unwrap_or("none").to_owned()));
/// let client = TestClient::new(app);
/// assert_eq!(client.get("/get").send().text(), "none");
/// client.get("/set").send();
/// assert_eq!(client.cookies().get("tea").as_deref(), Some("green"));
/// assert_eq!(client.get("/get").send().text(), "green");
/// ```
#[derive(Default)]
pub struct CookieJar(Mutex<Vec<Kept>>);

/// A cookie and where it is sent.
#[derive(Clone)]
struct Kept {
    name: String,
    value: String,
    scope: Scope,
    path: String,
    secure: bool,
    expires: Option<SystemTime>,
}

#[derive(Clone, PartialEq, Eq)]
enum Scope {
    Everywhere,
    Host(String),
    /// The host and those below it.
    Domain(String),
}

impl Scope {
    fn contains(&self, host: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Host(own) => own == host,
            Self::Domain(domain) => is_below(host, domain),
        }
    }
}

impl Kept {
    /// Reads a `set-cookie` field of a response from `location`.
    fn parse(field: &str, location: &Location, now: SystemTime) -> Option<Self> {
        let mut attributes = field.split(';');
        let (name, value) = attributes.next()?.split_once('=')?;
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        let host = location.host();
        let mut kept = Self {
            name,
            value,
            scope: Scope::Host(host.to_owned()),
            path: default_path(location.path()).to_owned(),
            secure: false,
            expires: None,
        };
        let mut max_age = None;
        for attribute in attributes {
            let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let value = value.trim();
            match &*name.trim().to_ascii_lowercase() {
                "domain" => {
                    let domain = value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase();
                    if !domain.is_empty() {
                        kept.scope = Scope::Domain(domain);
                    }
                }
                "path" if value.starts_with('/') => kept.path = value.to_owned(),
                "secure" => kept.secure = true,
                "max-age" => max_age = value.parse::<i64>().ok().or(max_age),
                "expires" => kept.expires = date::parse(value.as_bytes()).and_then(moment),
                _ => {}
            }
        }
        if let Some(seconds) = max_age {
            kept.expires = match u64::try_from(seconds) {
                Ok(seconds @ 1..) => now.checked_add(std::time::Duration::from_secs(seconds)),
                _ => Some(UNIX_EPOCH),
            };
        }
        (!kept.name.is_empty() && kept.scope.contains(host)).then_some(kept)
    }

    fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Whether the other one replaces this one.
    fn is_same(&self, other: &Self) -> bool {
        (&self.name, &self.scope, &self.path) == (&other.name, &other.scope, &other.path)
    }

    fn is_sent_to(&self, location: &Location) -> bool {
        self.scope.contains(location.host())
            && is_path_below(location.path(), &self.path)
            && (location.secure || !self.secure)
    }
}

impl CookieJar {
    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the value of a cookie, whatever host and path it belongs to. The newest one, if several have this name.
    pub fn get(&self, name: &str) -> Option<String> {
        self.lock().iter().rev().find(|kept| kept.name == name).map(|kept| kept.value.clone())
    }

    /// Sets a cookie that is sent with every request. Replaces all others of its name.
    pub fn set(&self, name: &str, value: &str) {
        self.remove(name);
        let (name, value, path) = (name.to_owned(), value.to_owned(), "/".to_owned());
        let (scope, secure, expires) = (Scope::Everywhere, false, None);
        self.lock().push(Kept { name, value, scope, path, secure, expires });
    }

    /// Removes all cookies of this name.
    pub fn remove(&self, name: &str) {
        self.lock().retain(|kept| kept.name != name);
    }

    /// Removes all cookies.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Keeps the cookies of a response from `location`.
    pub(super) fn keep(&self, location: &Location, headers: &Headers, now: SystemTime) {
        for field in headers.get_all("set-cookie") {
            let field = String::from_utf8_lossy(field);
            let Some(kept) = Kept::parse(&field, location, now) else { continue };
            let mut all = self.lock();
            all.retain(|other| !other.is_same(&kept));
            if !kept.is_expired(now) {
                all.push(kept);
            }
        }
    }

    /// Returns the `cookie` field of a request to `location`. `own` are the cookies of the request alone.
    pub(super) fn field(
        &self,
        location: &Location,
        own: &[(String, String)],
        now: SystemTime,
    ) -> Option<String> {
        let mut all = self.lock();
        all.retain(|kept| !kept.is_expired(now));
        let mut sent: Vec<&Kept> = Vec::new();
        for kept in all.iter().filter(|kept| kept.is_sent_to(location)) {
            // RFC 6265 section 5.4: longer paths come first, then older cookies.
            let place = sent.partition_point(|other| other.path.len() >= kept.path.len());
            sent.insert(place, kept);
        }
        let kept = sent
            .iter()
            .filter(|kept| own.iter().all(|(name, _)| *name != kept.name))
            .map(|kept| (&kept.name, &kept.value));
        let pairs: Vec<String> = kept
            .chain(own.iter().map(|(name, value)| (name, value)))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn moment(seconds: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(std::time::Duration::from_secs(seconds))
}

/// RFC 6265 section 5.1.3.
fn is_below(host: &str, domain: &str) -> bool {
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    host == domain || (!is_address && host.strip_suffix(domain).is_some_and(|name| name.ends_with('.')))
}

/// RFC 6265 section 5.1.4.
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

/// RFC 6265 section 5.1.4.
fn is_path_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
}

impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.lock();
        f.debug_list().entries(all.iter().map(|kept| format!("{}={}", kept.name, kept.value))).finish()
    }
}
