//! `Forwarded` (RFC 7239): a list of elements, of which each proxy appends one, with the parameters `for`, `proto` and
//! `host`.

use stelo_core::http::{Headers, Method, RequestHead};

use super::{Identity, Peers, node};

/// The name of the field.
pub(super) const FIELD: &str = "forwarded";

/// Reads the fields. `None` if there are none.
///
/// The element that counts is the last whose `for` is not a trusted proxy itself: a trusted proxy has appended it, so its
/// other parameters are credible too. If all peers are trusted, it is the first.
pub(super) fn read(headers: &Headers, trusted: &Peers) -> Option<Identity> {
    let fields: Vec<&[u8]> = headers.get_all(FIELD).collect();
    let mut elements = fields.iter().flat_map(|field| {
        // A client can send a field that no proxy can append to, such as one with an open quote.
        let broken = || vec![Identity { client: Some(node::unknown()), ..Identity::default() }];
        parse(field).unwrap_or_else(broken)
    });
    if trusted.are_all() {
        return elements.next();
    }
    let mut first = None;
    for element in elements.rev() {
        let is_proxy = element.client.as_ref().is_some_and(|client| trusted.contain(Some(client)));
        first = Some(element);
        if !is_proxy {
            break;
        }
    }
    first
}

/// Parses the elements of a field. `None` if it is malformed.
fn parse(mut rest: &[u8]) -> Option<Vec<Identity>> {
    let mut elements = Vec::new();
    loop {
        let mut element = Element::default();
        let more = element.parse(&mut rest)?;
        if element.any {
            elements.push(element.identity);
        }
        if !more {
            return Some(elements);
        }
    }
}

#[derive(Default)]
struct Element {
    identity: Identity,
    /// There is a parameter.
    any: bool,
    /// The parameters that have been read, each of which may occur once (section 4).
    seen: [bool; 3],
}

impl Element {
    /// Parses `name=value` pairs with semicolons between them. Returns whether a comma follows.
    fn parse(&mut self, rest: &mut &[u8]) -> Option<bool> {
        loop {
            *rest = rest.trim_ascii_start();
            let name = take(rest, |byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
            if !name.is_empty() {
                *rest = rest.strip_prefix(b"=")?;
                let value = value(rest)?;
                self.set(name, &value)?;
                *rest = rest.trim_ascii_start();
            }
            let (next, after) = match rest {
                [] => return Some(false),
                [next, after @ ..] => (next, after),
            };
            *rest = after;
            match next {
                b',' => return Some(true),
                b';' => {}
                _ => return None,
            }
        }
    }

    fn set(&mut self, name: &[u8], value: &[u8]) -> Option<()> {
        self.any = true;
        let names: [&[u8]; 3] = [b"for", b"proto", b"host"];
        // Other parameters, such as `by`, are ignored.
        let Some(at) = names.iter().position(|known| known.eq_ignore_ascii_case(name)) else {
            return Some(());
        };
        if std::mem::replace(&mut self.seen[at], true) {
            return None;
        }
        match at {
            0 => self.identity.client = node::read(value),
            1 => self.identity.secure = is_secure(value),
            _ => self.identity.host = host(value),
        }
        Some(())
    }
}

/// Takes the bytes at the beginning that satisfy a predicate.
fn take<'a>(rest: &mut &'a [u8], is_part: impl Fn(u8) -> bool) -> &'a [u8] {
    let end = rest.iter().position(|byte| !is_part(*byte)).unwrap_or(rest.len());
    let (taken, after) = rest.split_at(end);
    *rest = after;
    taken
}

/// Takes a value: a token or a quoted string. A token may have colons and brackets, which some proxies do not quote.
fn value(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let Some(mut quoted) = rest.strip_prefix(b"\"") else {
        return Some(take(rest, |byte| byte.is_ascii_graphic() && !b"\",;=\\".contains(&byte)).to_vec());
    };
    let mut text = Vec::new();
    loop {
        let (byte, after) = match quoted {
            [b'"', after @ ..] => {
                *rest = after;
                return Some(text);
            }
            [b'\\', byte, after @ ..] | [byte, after @ ..] if quoted != b"\\" => (byte, after),
            _ => return None,
        };
        text.push(*byte);
        quoted = after;
    }
}

/// Returns whether a scheme is encrypted (RFC 7239 section 5.4).
fn is_secure(proto: &[u8]) -> Option<bool> {
    let is = |schemes: [&[u8]; 2]| schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(proto));
    match (is([b"https", b"wss"]), is([b"http", b"ws"])) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// Reads a host with an optional port. `None` if it is not valid.
fn host(value: &[u8]) -> Option<String> {
    let host = std::str::from_utf8(value).ok()?;
    let target = RequestHead::new(Method::Get, &format!("http://{host}"))?;
    (target.authority() == Some(host)).then(|| host.into())
}

/// Returns the clients of the elements; `None` if the field is malformed.
#[cfg(test)]
pub(super) fn clients(field: &str) -> Option<Vec<Option<stelo_core::app::Address>>> {
    Some(parse(field.as_bytes())?.into_iter().map(|element| element.client).collect())
}
