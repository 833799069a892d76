//! `Location`, the URL that a request goes to: the base URL of the client, absolute targets, and redirects (RFC 3986 section 5.2).

/// A scheme, an authority and a target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Location {
    pub(super) secure: bool,
    pub(super) authority: String,
    /// A path with its query. Requests to authorities and to `*` have their target here as it is.
    pub(super) target: String,
}

impl Location {
    /// Returns the location of `http://testserver` and an empty path.
    pub(super) fn testserver() -> Self {
        Self { secure: false, authority: "testserver".into(), target: String::new() }
    }

    /// Parses an absolute URL. The fragment is left out.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let secure = match &*scheme.to_ascii_lowercase() {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return None,
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        // The user information goes into the field `authorization`, which the caller sets.
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let target = escaped(without_fragment(target));
        (!authority.is_empty()).then(|| Self { secure, authority: authority.to_ascii_lowercase(), target })
    }

    /// Returns where a request to `target` goes, if this is the base URL of the client.
    pub(super) fn request(&self, target: &str) -> Self {
        if let Some(absolute) = Self::parse(target) {
            return absolute.with_path();
        }
        let prefix = if target.starts_with('/') { self.target.trim_end_matches('/') } else { "" };
        Self { target: format!("{prefix}{target}"), ..self.clone() }
    }

    /// Returns where a response from here leads with this `location` field.
    pub(super) fn redirect(&self, reference: &str) -> Option<Self> {
        let reference = reference.trim();
        if let Some(absolute) = Self::parse(reference) {
            return Some(absolute.with_path());
        }
        if reference.starts_with("//") {
            let scheme = if self.secure { "https" } else { "http" };
            return Self::parse(&format!("{scheme}:{reference}")).map(Self::with_path);
        }
        // A first segment with a colon is another scheme, such as `mailto:`.
        let first = reference.split(['/', '?', '#']).next().unwrap_or_default();
        if first.contains(':') {
            return None;
        }
        let relative = escaped(without_fragment(reference));
        let target = match relative.as_bytes().first() {
            None => self.target.clone(),
            Some(b'/') => without_dots(&relative),
            Some(b'?') => format!("{}{relative}", self.path()),
            Some(_) => {
                let folder = self.path().rfind('/').map_or("/", |end| &self.path()[..=end]);
                without_dots(&format!("{folder}{relative}"))
            }
        };
        Some(Self { target, ..self.clone() })
    }

    fn with_path(mut self) -> Self {
        if !self.target.starts_with('/') {
            self.target.insert(0, '/');
        }
        self
    }

    /// Returns the path, without the query.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Returns the host, without the port.
    pub(super) fn host(&self) -> &str {
        match self.authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => &self.authority,
        }
    }

    /// Returns the port: that of the authority, or the default of the scheme.
    pub(super) fn port(&self) -> u16 {
        let port = self.authority[self.host().len()..].strip_prefix(':');
        let default = if self.secure { 443 } else { 80 };
        port.and_then(|port| port.parse().ok()).unwrap_or(default)
    }

    /// Whether both have the same scheme, host and port.
    pub(super) fn is_same_origin(&self, other: &Self) -> bool {
        (self.secure, self.host(), self.port()) == (other.secure, other.host(), other.port())
    }

    /// Returns the whole URL.
    pub(super) fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.target)
    }
}

fn without_fragment(target: &str) -> &str {
    target.split('#').next().unwrap_or_default()
}

/// Percent-encodes what no target has: spaces, control characters, and characters outside of ASCII.
fn escaped(target: &str) -> String {
    let mut escaped = String::with_capacity(target.len());
    for byte in target.bytes() {
        match byte {
            0x21..=0x7e => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// Removes the segments `.` and `..` from an absolute path (RFC 3986 section 5.2.4).
fn without_dots(target: &str) -> String {
    let end = target.find('?').unwrap_or(target.len());
    let (path, query) = target.split_at(end);
    let mut segments: Vec<&str> = Vec::new();
    let mut parts = path[1..].split('/').peekable();
    while let Some(part) = parts.next() {
        match part {
            "." | ".." => {
                if part == ".." {
                    segments.pop();
                }
                if parts.peek().is_none() {
                    segments.push("");
                }
            }
            part => segments.push(part),
        }
    }
    format!("/{}{query}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_resolved_from_where_it_was_sent() {
        let here = Location::parse("http://a/b/c?d").expect("an absolute URL");
        for (reference, expected) in [
            ("", "/b/c?d"),
            ("#part", "/b/c?d"),
            ("?e=f", "/b/c?e=f"),
            (".", "/b/"),
            ("..", "/"),
            ("x/..", "/b/"),
            ("/\u{e9} \u{7f}", "/%C3%A9%20%7F"),
        ] {
            let there = here.redirect(reference).expect("a relative reference");
            assert_eq!((&*there.authority, &*there.target), ("a", expected), "{reference}");
        }
    }
}
