//! The fields that a server adds to every response.

use alloc::vec::Vec;
use core::cell::OnceCell;

use crate::http::{Headers, InvalidHeader, date, header};

/// The fields that a server adds to each response unless the application has set them: `date`, `server`, and others.
///
/// Every protocol writes the same fields. HTTP/1.1 and HTTP/2 each render them once, as bytes that most responses have,
/// and keep those here until the date changes. That makes the value not [`Sync`]: a server has one per thread.
///
/// ```
/// use stelo_core::http::{Headers, date, header};
/// use stelo_core::proto::Defaults;
///
/// let mut defaults = Defaults::new(Some(&date::format(0)), Some("example"), &Headers::new())?;
/// defaults.set_date(&date::format(784_111_777));
///
/// let mut own = Headers::new();
/// own.append(header::SERVER, "mine");
/// let added: Vec<_> = defaults.missing_from(&own).collect();
/// assert_eq!(added, [("date", &b"Sun, 06 Nov 1994 08:49:37 GMT"[..])]);
/// # Ok::<(), stelo_core::http::InvalidHeader>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// The date first, if there is one, then `server`, then the others.
    fields: Headers,
    has_date: bool,
    has_others: bool,
    /// The fields as HTTP/1.1 writes them.
    http1: OnceCell<Vec<u8>>,
    /// The fields as HTTP/2 writes them.
    http2: OnceCell<Vec<u8>>,
}

impl Defaults {
    /// Creates the fields. `None` leaves a field out, and a field among `others` replaces `date` or `server`.
    ///
    /// `date` is an IMF-fixdate, as [`date::format`] returns it.
    ///
    /// # Errors
    /// `server` is not a field value (RFC 9110 section 5.5), or one of `others` frames messages or
    /// [concerns one connection](header::is_of_connection).
    pub fn new(
        date: Option<&[u8; date::LEN]>,
        server: Option<&str>,
        others: &Headers,
    ) -> Result<Self, InvalidHeader> {
        if others.iter().any(|(name, _)| header::is_of_connection(name)) {
            return Err(InvalidHeader::Connection);
        }
        let mut fields = Headers::new();
        let date = date.filter(|_| !others.contains(header::DATE));
        if let Some(date) = date {
            fields.try_append(header::DATE, date)?;
        }
        if let Some(server) = server.filter(|_| !others.contains(header::SERVER)) {
            fields.try_append(header::SERVER, server)?;
        }
        fields.append_all(others);
        let (http1, http2) = (OnceCell::new(), OnceCell::new());
        Ok(Self { fields, has_date: date.is_some(), has_others: !others.is_empty(), http1, http2 })
    }

    /// Changes the date, if there is one.
    pub fn set_date(&mut self, date: &[u8; date::LEN]) {
        if self.has_date {
            self.fields.overwrite_first(date);
            self.http1.take();
            self.http2.take();
        }
    }

    /// Returns the fields that are not in `own`, the fields of a response, in order.
    pub fn missing_from<'a>(&'a self, own: &'a Headers) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.fields.iter().filter(|(name, _)| !own.has(name.as_bytes()))
    }

    /// As [`missing_from`](Self::missing_from), without the UTF-8 check of names.
    pub(crate) fn raw_missing_from<'a>(
        &'a self,
        own: &'a Headers,
    ) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.fields.raw().filter(|(name, _)| !own.has(name))
    }

    /// Returns whether `own` has none of the fields.
    pub(crate) fn is_disjoint(&self, own: &Headers) -> bool {
        self.fields.raw().all(|(name, _)| !own.has(name))
    }

    /// Returns whether there are fields beside `date` and `server`.
    #[inline]
    pub(crate) fn has_others(&self) -> bool {
        self.has_others
    }

    /// Returns all fields as HTTP/1.1 writes them, which `render` does after each change.
    #[inline]
    pub(crate) fn http1(&self, render: fn(&Headers) -> Vec<u8>) -> &[u8] {
        self.http1.get_or_init(|| render(&self.fields))
    }

    /// As [`http1`](Self::http1), for HTTP/2.
    #[inline]
    pub(crate) fn http2(&self, render: fn(&Headers) -> Vec<u8>) -> &[u8] {
        self.http2.get_or_init(|| render(&self.fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_connection_are_refused() {
        for name in
            ["Connection", "content-length", "Transfer-Encoding", "keep-alive", "TE", "upgrade", "trailer"]
        {
            let mut others = Headers::new();
            others.append("x-a", "b");
            others.try_append(name, "5").unwrap();
            let refused = Defaults::new(None, None, &others).err();
            assert_eq!(refused, Some(InvalidHeader::Connection), "{name}");
        }
    }
}
