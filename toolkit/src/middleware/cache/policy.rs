//! Which requests are answered from the cache, which responses are stored, and for how long (RFC 9111 sections 3 and 4).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stelo_core::app::Response;
use stelo_core::http::{Headers, Method, Status, date};

use super::store::CachedResponse;
use crate::request::Request;
use crate::response::CacheControl;

/// The part of the cache in a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    /// It may answer the request.
    Cache,
    /// The handler answers.
    Bypass,
    /// The handler answers, and may change the resource.
    Invalidate,
}

impl Use {
    pub(super) fn of(request: &Request) -> Self {
        let headers = request.headers();
        let is_bypassed = || {
            let conditions = ["range", "if-match", "if-unmodified-since", "upgrade", "transfer-encoding"];
            conditions.iter().any(|name| headers.contains(name))
                || headers.get("content-length").is_some_and(|length| length != b"0")
                || headers.has_token("cache-control", "no-store")
        };
        match request.method() {
            _ if request.is_websocket() => Self::Bypass,
            Method::Get | Method::Head if is_bypassed() => Self::Bypass,
            Method::Get | Method::Head => Self::Cache,
            Method::Options | Method::Trace | Method::Connect => Self::Bypass,
            // Safe, but with a body (the method QUERY).
            other if other.as_str() == "QUERY" => Self::Bypass,
            _ => Self::Invalidate,
        }
    }
}

/// The parts of a request that decide about its response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) is_authorized: bool,
    pub(super) has_cookie: bool,
}

impl Asked {
    pub(super) fn of(headers: &Headers) -> Self {
        Self { is_authorized: headers.contains("authorization"), has_cookie: headers.contains("cookie") }
    }
}

/// The statuses that may be stored (RFC 9110 section 15.1), except for 206.
const STATUSES: [u16; 11] = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];

/// Returns how long a response is fresh if it may be stored. `default` is the time for responses that name none.
pub(super) fn lifetime(asked: Asked, response: &Response, default: Duration) -> Option<Duration> {
    let headers = &response.headers;
    let control = CacheControl::of(headers);
    let is_forbidden = control.is_no_store() || control.is_private() || control.is_no_cache();
    let is_possible = STATUSES.contains(&response.status.code())
        && response.upgrade.is_none()
        && !headers.contains("set-cookie")
        && !headers.contains("content-range")
        && !headers.has_token("vary", "*");
    if is_forbidden || !is_possible || (asked.is_authorized && !is_for_all(&control)) {
        return None;
    }
    let expires = || {
        let expires = headers.get("expires")?;
        let made = headers.get("date").and_then(date::parse).unwrap_or_else(now);
        // An invalid date, such as 0, is in the past (section 5.3).
        Some(Duration::from_secs(date::parse(expires).unwrap_or(0).saturating_sub(made)))
    };
    // Responses to requests with credentials are stored only if they say so.
    let default = (!default.is_zero() && !asked.has_cookie && !asked.is_authorized).then_some(default);
    let fresh = control.get_s_maxage().or(control.get_max_age()).or_else(expires).or(default)?;
    let stale = control.get_stale_while_revalidate().max(control.get_stale_if_error());
    (!fresh.is_zero() || stale.is_some()).then_some(fresh)
}

/// Whether a response to a request with `authorization` is for all clients (RFC 9111 section 3.5).
fn is_for_all(control: &CacheControl) -> bool {
    control.is_public() || control.is_must_revalidate() || control.get_s_maxage().is_some()
}

/// Returns the seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The permitted use of a stored response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// As it is.
    Fresh,
    /// As it is, while a new one is made.
    Stale,
    /// Only if the handler fails.
    Spare,
    /// Not at all.
    Expired,
}

impl CachedResponse {
    /// Returns the time since the response was made.
    pub(super) fn age(&self) -> Duration {
        SystemTime::now().duration_since(self.made_at).unwrap_or_default()
    }

    pub(super) fn state(&self) -> State {
        let age = self.age();
        if age < self.fresh {
            return State::Fresh;
        }
        let control = CacheControl::of(&self.headers);
        let is_within =
            |time: Option<Duration>| time.is_some_and(|time| age < self.fresh.saturating_add(time));
        // Section 4.2.4; `s-maxage` includes `proxy-revalidate` (section 5.2.2.10).
        if control.is_must_revalidate() || control.is_proxy_revalidate() || control.get_s_maxage().is_some() {
            State::Expired
        } else if is_within(control.get_stale_while_revalidate()) {
            State::Stale
        } else if is_within(control.get_stale_if_error()) {
            State::Spare
        } else {
            State::Expired
        }
    }

    /// Whether the response may answer this request.
    pub(super) fn is_for(&self, asked: Asked) -> bool {
        !asked.is_authorized || is_for_all(&CacheControl::of(&self.headers))
    }

    pub(super) fn is_for_errors(&self) -> bool {
        CacheControl::of(&self.headers).get_stale_if_error().is_some() && self.state() != State::Expired
    }
}

/// Whether a response shows a failure that a stale response can replace (RFC 5861 section 4).
pub(super) fn is_failure(status: Status) -> bool {
    matches!(status.code(), 500 | 502..=504)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Asked = Asked { is_authorized: false, has_cookie: false };

    fn response(status: u16, fields: &[(&str, &str)]) -> Response {
        let mut response = Response::empty(Status::new(status).unwrap());
        for (name, value) in fields {
            response.headers.try_append(name, value).unwrap();
        }
        response
    }

    fn seconds(asked: Asked, status: u16, fields: &[(&str, &str)]) -> Option<u64> {
        lifetime(asked, &response(status, fields), Duration::ZERO).map(|fresh| fresh.as_secs())
    }

    #[test]
    fn responses_say_how_long_they_are_fresh() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (fields, expected) in [
            (&[][..], None),
            (&[("cache-control", "max-age=5")], Some(5)),
            (&[("cache-control", "max-age=5, s-maxage=6")], Some(6)),
            (&[("cache-control", "max-age=5"), ("expires", "0")], Some(5)),
            (&[date, ("expires", "Sun, 06 Nov 1994 08:49:40 GMT")], Some(3)),
            (&[date, ("expires", "Sun, 06 Nov 1994 08:49:30 GMT")], None),
            (&[("expires", "0")], None),
            (&[("cache-control", "max-age=0")], None),
            (&[("cache-control", "max-age=0, stale-while-revalidate=9")], Some(0)),
            (&[("cache-control", "max-age=x")], None),
            (&[("cache-control", "no-store, max-age=5")], None),
            (&[("cache-control", "private, max-age=5")], None),
            (&[("cache-control", "no-cache, max-age=5")], None),
            (&[("cache-control", "max-age=5"), ("set-cookie", "a=b")], None),
            (&[("cache-control", "max-age=5"), ("vary", "accept, *")], None),
            (&[("cache-control", "max-age=5"), ("content-range", "bytes 0-1/2")], None),
        ] {
            assert_eq!(seconds(PLAIN, 200, fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn only_final_statuses_are_stored() {
        let fields = [("cache-control", "max-age=5")];
        for (status, stored) in [(200, true), (404, true), (301, true), (204, true)]
            .into_iter()
            .chain([206, 302, 304, 400, 401, 429, 500, 503].map(|status| (status, false)))
        {
            assert_eq!(seconds(PLAIN, status, &fields).is_some(), stored, "{status}");
        }
    }

    #[test]
    fn with_credentials_the_response_must_be_for_all() {
        let authorized = Asked { is_authorized: true, has_cookie: false };
        for (control, stored) in [
            ("max-age=5", false),
            ("public, max-age=5", true),
            ("s-maxage=5", true),
            ("max-age=5, must-revalidate", true),
        ] {
            assert_eq!(
                seconds(authorized, 200, &[("cache-control", control)]).is_some(),
                stored,
                "{control}"
            );
        }
        let default = Duration::from_secs(7);
        assert_eq!(lifetime(PLAIN, &response(200, &[]), default), Some(default));
        assert_eq!(
            lifetime(Asked { is_authorized: false, has_cookie: true }, &response(200, &[]), default),
            None
        );
    }
}
