//! The types of the crate `http`. Header values and bodies are shared; names, targets and methods are short, and are copied.
//!
//! That crate has limits of its own: 24,576 header fields, 64 KiB for a name or a target. Conversions to it can fail for
//! that reason alone.

use alloc::string::ToString;
use alloc::sync::Arc;
use core::fmt;

use ::http::header::{HeaderName, HeaderValue};
use ::http::{HeaderMap, StatusCode, Uri, request};

use crate::app::{Request, Response};
use crate::body::Body;
use crate::http::{Headers, Method, RequestHead, Status, Version};

impl From<StatusCode> for Status {
    fn from(status: StatusCode) -> Self {
        Self::new(status.as_u16()).expect("both types have the range from 100 to 999")
    }
}

impl From<Status> for StatusCode {
    fn from(status: Status) -> Self {
        Self::from_u16(status.code()).expect("both types have the range from 100 to 999")
    }
}

impl From<::http::Method> for Method {
    fn from(method: ::http::Method) -> Self {
        Self::from_bytes(method.as_str().as_bytes()).expect("both types are tokens of RFC 9110")
    }
}

impl From<Method> for ::http::Method {
    fn from(method: Method) -> Self {
        Self::from_bytes(method.as_str().as_bytes()).expect("both types are tokens of RFC 9110")
    }
}

impl From<Version> for ::http::Version {
    fn from(version: Version) -> Self {
        match version {
            Version::Http10 => Self::HTTP_10,
            Version::Http11 => Self::HTTP_11,
            Version::Http2 => Self::HTTP_2,
        }
    }
}

impl TryFrom<::http::Version> for Version {
    type Error = Unsupported;

    fn try_from(version: ::http::Version) -> Result<Self, Unsupported> {
        Ok(match version {
            ::http::Version::HTTP_10 => Self::Http10,
            ::http::Version::HTTP_11 => Self::Http11,
            ::http::Version::HTTP_2 => Self::Http2,
            _ => return Err(Unsupported::Version),
        })
    }
}

impl From<&HeaderMap> for Headers {
    /// Copies the fields. White space around a value is not part of it (RFC 9110 section 5.5), and is removed.
    fn from(map: &HeaderMap) -> Self {
        let size = map.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let mut headers = Self::with_capacity(map.len(), size);
        for (name, value) in map {
            let value = value.as_bytes().trim_ascii();
            let appended = headers.try_append(name.as_str(), value);
            debug_assert!(appended.is_ok(), "the other type allows no other characters");
        }
        headers
    }
}

impl From<HeaderMap> for Headers {
    /// Copies the fields, as [`from(&map)`](Self::from) does.
    fn from(map: HeaderMap) -> Self {
        Self::from(&map)
    }
}

impl TryFrom<Headers> for HeaderMap {
    type Error = ::http::Error;

    /// Shares the values: each keeps the memory of all.
    fn try_from(headers: Headers) -> Result<Self, ::http::Error> {
        let mut map = Self::with_capacity(headers.len().min(1024));
        let (block, fields) = headers.into_block();
        let block = ::bytes::Bytes::from(crate::Bytes::from(block));
        for (name, value) in fields {
            let name = HeaderName::from_bytes(name.of(&block))?;
            let value = HeaderValue::from_maybe_shared(block.slice_ref(value.of(&block)))?;
            map.try_append(name, value)?;
        }
        Ok(map)
    }
}

impl TryFrom<&Headers> for HeaderMap {
    type Error = ::http::Error;

    /// Copies all fields at once.
    fn try_from(headers: &Headers) -> Result<Self, ::http::Error> {
        headers.clone().try_into()
    }
}

impl TryFrom<&RequestHead> for Uri {
    type Error = ::http::Error;

    fn try_from(head: &RequestHead) -> Result<Self, ::http::Error> {
        Ok(head.target().parse()?)
    }
}

impl TryFrom<RequestHead> for request::Parts {
    type Error = ::http::Error;

    fn try_from(mut head: RequestHead) -> Result<Self, ::http::Error> {
        let (mut parts, ()) = ::http::Request::new(()).into_parts();
        parts.method = head.method().clone().into();
        parts.uri = (&head).try_into()?;
        parts.version = head.version().into();
        parts.headers = core::mem::take(head.headers_mut()).try_into()?;
        Ok(parts)
    }
}

impl TryFrom<request::Parts> for RequestHead {
    type Error = Unsupported;

    /// Extensions are dropped.
    fn try_from(parts: request::Parts) -> Result<Self, Unsupported> {
        let target = parts.uri.to_string();
        let mut head = Self::new(parts.method.into(), &target).ok_or(Unsupported::Target)?;
        head.set_version(parts.version.try_into()?);
        head.headers_mut().append_all(&parts.headers.into());
        Ok(head)
    }
}

impl TryFrom<Request> for ::http::Request<Body> {
    type Error = ::http::Error;

    /// Shares the body. The context is dropped.
    fn try_from(request: Request) -> Result<Self, ::http::Error> {
        let (head, body, _) = request.into_parts();
        Ok(Self::from_parts(Arc::unwrap_or_clone(head).try_into()?, body))
    }
}

impl<B: Into<Body>> From<::http::Response<B>> for Response {
    /// Extensions and the version are dropped: the server sends its own.
    fn from(response: ::http::Response<B>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status.into(),
            headers: parts.headers.into(),
            body: body.into(),
            ..Self::default()
        }
    }
}

impl TryFrom<Response> for ::http::Response<Body> {
    type Error = ::http::Error;

    /// Shares the body. A background task and an upgrade are dropped.
    fn try_from(response: Response) -> Result<Self, ::http::Error> {
        let Response { status, headers, body, .. } = response;
        let mut converted = Self::new(body);
        *converted.status_mut() = status.into();
        *converted.headers_mut() = headers.try_into()?;
        Ok(converted)
    }
}

/// A request of the crate `http` cannot be a [`RequestHead`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Unsupported {
    /// The version is not HTTP/1.0, HTTP/1.1 or HTTP/2.
    Version,
    /// The URI is not a target of the method (RFC 9112 section 3.2).
    Target,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "unsupported version of HTTP: use 1.0, 1.1 or 2",
            Self::Target => {
                "the URI is not a request target of the method: use a path, or a URI with a scheme"
            }
        })
    }
}

impl core::error::Error for Unsupported {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn statuses_methods_and_versions_are_the_same_in_both_types() {
        for code in 100..=999 {
            let status = Status::new(code).unwrap();
            assert_eq!(Status::from(StatusCode::from(status)), status);
        }
        for byte in 0..=255u8 {
            let (ours, theirs) = (Method::from_bytes(&[byte]), ::http::Method::from_bytes(&[byte]).ok());
            assert_eq!(ours.clone().map(Into::into), theirs, "{byte}");
            assert_eq!(theirs.map(Method::from), ours, "{byte}");
        }
        for version in [Version::Http10, Version::Http11, Version::Http2] {
            assert_eq!(Version::try_from(::http::Version::from(version)), Ok(version));
        }
        assert_eq!(Version::try_from(::http::Version::HTTP_3), Err(Unsupported::Version));
    }

    #[test]
    fn fields_have_the_same_characters_in_both_types() {
        for byte in 0..=255u8 {
            let name = [byte];
            let ours = Headers::new().try_append(name, "v").is_ok();
            assert_eq!(HeaderName::from_bytes(&name).is_ok(), ours, "name {byte}");
            let value = [b'a', byte, b'a'];
            let ours = Headers::new().try_append("n", value).is_ok();
            assert_eq!(HeaderValue::from_bytes(&value).is_ok(), ours, "value {byte}");
        }
    }

    #[test]
    fn fields_keep_their_order_and_their_repetitions() {
        let mut headers = Headers::new();
        for (name, value) in [("Set-Cookie", "a=1"), ("X-A", ""), ("set-cookie", "b=2")] {
            headers.append(name, value);
        }
        headers.try_append("x-bytes", b"\xff\t\xfe").unwrap();
        let map = HeaderMap::try_from(&headers).unwrap();
        assert!(map.get_all("set-cookie").iter().eq(["a=1", "b=2"]) && map.len() == 4);
        assert_eq!(map["x-bytes"], b"\xff\t\xfe"[..]);
        let back = Headers::from(map);
        assert_eq!(back.get_all("SET-COOKIE").collect::<Vec<_>>(), [b"a=1", b"b=2"]);
        assert_eq!((back.len(), back.get("x-a")), (4, Some(&b""[..])));
        let spaced = HeaderMap::from_iter([(HeaderName::from_static("a"), HeaderValue::from_static(" v\t"))]);
        assert_eq!(Headers::from(spaced).get("a"), Some(&b"v"[..]));
        const TEXT: Headers = Headers::constant("content-type: text/plain").expect("a field");
        assert_eq!(HeaderMap::try_from(TEXT).unwrap()["content-type"], "text/plain");
    }

    #[test]
    fn requests_keep_their_target_in_every_form() {
        for (method, target) in [
            (Method::Get, "/a%20b?c=d&e"),
            (Method::Get, "http://example.org:8080/a?b"),
            (Method::Options, "*"),
            (Method::Connect, "example.org:443"),
        ] {
            let mut head = RequestHead::new(method.clone(), target).unwrap();
            head.headers_mut().append("host", "example.org");
            let parts = request::Parts::try_from(head).unwrap();
            assert_eq!(parts.headers["host"], "example.org");
            let back = RequestHead::try_from(parts).unwrap();
            assert_eq!((back.method(), back.target()), (&method, target));
            assert_eq!(back.headers().get_str("host"), Some("example.org"));
        }
        let (mut parts, ()) = ::http::Request::new(()).into_parts();
        parts.uri = Uri::from_static("example.org");
        assert_eq!(RequestHead::try_from(parts).err(), Some(Unsupported::Target));
    }
}
