//! `CacheControl`: the field `cache-control` of a response as a value (RFC 9111 section 5.2.2).

use std::fmt;
use std::time::Duration;

use stelo_core::http::header::{HeaderValue, IntoHeaderValue};
use stelo_core::http::{Headers, InvalidHeader};

use super::IntoHeaders;

/// The permission of caches to store a response, and its duration. A header field, to return before a body.
///
/// ```
/// use std::time::Duration;
/// use stelo_toolkit::response::CacheControl;
/// use stelo_toolkit::{App, TestClient, get};
///
/// async fn news() -> (CacheControl, &'static str) {
///     let minute = Duration::from_secs(60);
///     (CacheControl::new().public().max_age(minute).stale_while_revalidate(10 * minute), "news")
/// }
///
/// let client = TestClient::new(App::new().route("/", get(news)));
/// let response = client.get("/").send();
/// assert_eq!(response.header("cache-control"), Some("public, max-age=60, stale-while-revalidate=600"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[must_use]
pub struct CacheControl {
    flags: u16,
    seconds: [Option<u32>; SECONDS.len()],
}

/// The directives without a value, in the order in which they are written.
const FLAGS: [&str; 9] = [
    "public",
    "private",
    "no-cache",
    "no-store",
    "no-transform",
    "must-revalidate",
    "proxy-revalidate",
    "must-understand",
    "immutable",
];

/// The directives with a number of seconds.
const SECONDS: [&str; 4] = ["max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"];

/// The most seconds: larger numbers mean this one (RFC 9111 section 1.2.2).
const MOST: u32 = 1 << 31;

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident $has:ident = $index:literal;)*) => {$(
        $(#[$doc])*
        pub const fn $name(mut self) -> Self {
            self.flags |= 1 << $index;
            self
        }

        #[doc = concat!("Whether the directive of [`", stringify!($name), "`](Self::", stringify!($name), ") is set.")]
        #[must_use]
        pub const fn $has(&self) -> bool {
            self.flags & (1 << $index) != 0
        }
    )*};
}

macro_rules! seconds {
    ($($(#[$doc:meta])* $name:ident $get:ident = $index:literal;)*) => {$(
        $(#[$doc])*
        pub fn $name(mut self, time: Duration) -> Self {
            self.seconds[$index] = Some(u32::try_from(time.as_secs()).unwrap_or(MOST).min(MOST));
            self
        }

        #[doc = concat!("Returns the time of [`", stringify!($name), "`](Self::", stringify!($name), ").")]
        #[must_use]
        pub fn $get(&self) -> Option<Duration> {
            self.seconds[$index].map(|seconds| Duration::from_secs(seconds.into()))
        }
    )*};
}

impl CacheControl {
    /// Creates a value without directives.
    pub const fn new() -> Self {
        Self { flags: 0, seconds: [None; SECONDS.len()] }
    }

    flags! {
        /// Lets shared caches store the response, also to a request with `authorization`.
        public is_public = 0;
        /// Lets only the browser store the response.
        private is_private = 1;
        /// Lets caches use the response only after they have asked the server.
        no_cache is_no_cache = 2;
        /// Forbids to store the response.
        no_store is_no_store = 3;
        /// Forbids to transform the response, for example to compress it.
        no_transform is_no_transform = 4;
        /// Forbids to use the response when it is stale.
        must_revalidate is_must_revalidate = 5;
        /// Forbids shared caches to use the response when it is stale.
        proxy_revalidate is_proxy_revalidate = 6;
        /// Lets only caches store the response that know its status.
        must_understand is_must_understand = 7;
        /// Says that the response does not change while it is fresh (RFC 8246).
        immutable is_immutable = 8;
    }

    seconds! {
        /// Sets how long the response is fresh, in whole seconds.
        max_age get_max_age = 0;
        /// Sets how long the response is fresh in shared caches, in whole seconds. They must not use it afterwards.
        s_maxage get_s_maxage = 1;
        /// Sets how long caches may use the response when it is stale, while they ask for a new one (RFC 5861).
        stale_while_revalidate get_stale_while_revalidate = 2;
        /// Sets how long caches may use the response when it is stale, if the server fails (RFC 5861).
        stale_if_error get_stale_if_error = 3;
    }

    /// Reads the field of a response.
    ///
    /// Unknown directives are ignored; of repeated ones the first counts. An invalid number is 0: the response is then
    /// stale (RFC 9111 section 4.2.1). `private` and `no-cache` with names of fields hold for the whole response.
    pub fn of(headers: &Headers) -> Self {
        let mut control = Self::new();
        for directive in headers.get_all("cache-control").flat_map(directives) {
            let (name, value) = match directive.iter().position(|&byte| byte == b'=') {
                Some(at) => (&directive[..at], Some(&directive[at + 1..])),
                None => (directive, None),
            };
            let is = |known: &&str| name.trim_ascii().eq_ignore_ascii_case(known.as_bytes());
            if let Some(index) = FLAGS.iter().position(is) {
                control.flags |= 1 << index;
            } else if let Some(index) = SECONDS.iter().position(is) {
                let seconds = value.and_then(seconds).unwrap_or(0);
                control.seconds[index].get_or_insert(seconds);
            }
        }
        control
    }
}

/// Splits a list at its commas, except for those in quotes.
fn directives(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let split = field.split(move |&byte| {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ => {}
        }
        byte == b',' && !is_quoted
    });
    split.map(<[u8]>::trim_ascii)
}

/// Parses a number of seconds, which may be in quotes.
fn seconds(text: &[u8]) -> Option<u32> {
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(text).ok().filter(|_| is_number)?;
    Some(number.parse().unwrap_or(MOST).min(MOST))
}

impl fmt::Display for CacheControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (index, name) in FLAGS.iter().enumerate() {
            if self.flags & (1 << index) != 0 {
                write!(f, "{separator}{name}")?;
                separator = ", ";
            }
        }
        for (name, seconds) in SECONDS.iter().zip(&self.seconds) {
            if let Some(seconds) = seconds {
                write!(f, "{separator}{name}={seconds}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

impl IntoHeaderValue for CacheControl {
    fn into_header_value(self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).expect("names and numbers are valid values")
    }
}

impl IntoHeaders for CacheControl {
    fn into_headers(self) -> Result<Headers, InvalidHeader> {
        let mut headers = Headers::new();
        headers.append("cache-control", self);
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str) -> String {
        let mut headers = Headers::new();
        headers.try_append("cache-control", field).unwrap();
        CacheControl::of(&headers).to_string()
    }

    #[test]
    fn fields_are_read() {
        for (field, written) in [
            ("", ""),
            ("no-store", "no-store"),
            ("MAX-AGE=5,Public", "public, max-age=5"),
            ("max-age=\"5\"", "max-age=5"),
            ("max-age=5, max-age=6", "max-age=5"),
            ("max-age", "max-age=0"),
            ("max-age=-1", "max-age=0"),
            ("max-age=1.5", "max-age=0"),
            ("s-maxage=99999999999999", "s-maxage=2147483648"),
            ("private=\"x-a, no-store\", max-age=1", "private, max-age=1"),
            ("x=\"\\\", no-store\", immutable", "immutable"),
            ("unknown, =, ,no-cache=\"set-cookie\"", "no-cache"),
            ("stale-while-revalidate=3 , stale-if-error=4", "stale-while-revalidate=3, stale-if-error=4"),
        ] {
            assert_eq!(read(field), written, "{field}");
        }
    }

    #[test]
    fn a_value_is_unchanged_after_a_round_trip() {
        let day = Duration::from_secs(86_400);
        for value in [
            CacheControl::new().public().max_age(day).immutable(),
            CacheControl::new().private().no_cache().must_revalidate(),
            CacheControl::new().no_store().no_transform().s_maxage(Duration::MAX),
        ] {
            let text = value.to_string();
            assert_eq!(read(&text), text);
        }
    }
}
