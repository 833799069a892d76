//! Sets of request methods: those that a route answers, and those that `Allow` lists (RFC 9110 section 10.2.1).

use alloc::vec::Vec;
use core::fmt;

use crate::http::Method;

/// A set of methods. Standard methods are bits, other methods are a list.
///
/// ```
/// use stelo_core::http::Method;
/// use stelo_core::routing::Methods;
///
/// let methods = Methods::from([Method::Post, Method::Get]);
/// assert!(methods.contains(&Method::Get));
/// assert_eq!(methods.to_string(), "GET, POST");
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Methods {
    known: u16,
    /// Sorted, without duplicates.
    others: Vec<Method>,
}

/// The methods with a bit, sorted by name. The index is the number of the bit.
const KNOWN: [Method; 10] = [
    Method::Connect,
    Method::Delete,
    Method::Get,
    Method::Head,
    Method::Options,
    Method::Patch,
    Method::Post,
    Method::Put,
    Method::Query,
    Method::Trace,
];

const ANY: u16 = 1 << 15;

const fn bit(method: &Method) -> u16 {
    match method {
        Method::Connect => 1,
        Method::Delete => 1 << 1,
        Method::Get => 1 << 2,
        Method::Head => 1 << 3,
        Method::Options => 1 << 4,
        Method::Patch => 1 << 5,
        Method::Post => 1 << 6,
        Method::Put => 1 << 7,
        Method::Query => 1 << 8,
        Method::Trace => 1 << 9,
        Method::Other(_) => 0,
    }
}

impl Methods {
    /// Every method, including unknown ones.
    pub const ANY: Self = Self { known: ANY, others: Vec::new() };

    /// Creates an empty set.
    pub const fn new() -> Self {
        Self { known: 0, others: Vec::new() }
    }

    /// Returns whether `method` is in the set.
    #[inline]
    pub fn contains(&self, method: &Method) -> bool {
        self.known & (bit(method) | ANY) != 0 || self.has_other(method)
    }

    #[cold]
    fn has_other(&self, method: &Method) -> bool {
        self.others.binary_search(method).is_ok()
    }

    /// Adds a method.
    pub fn insert(&mut self, method: Method) {
        self.known |= bit(&method);
        if let Method::Other(_) = method
            && let Err(place) = self.others.binary_search(&method)
        {
            self.others.insert(place, method);
        }
    }

    /// Adds the methods of another set.
    pub fn merge(&mut self, other: &Self) {
        self.known |= other.known;
        for method in &other.others {
            self.insert(method.clone());
        }
    }

    /// Returns whether every method of another set is in this one.
    pub fn contains_all(&self, other: &Self) -> bool {
        let has_known = self.known & ANY != 0 || other.known & !self.known == 0;
        has_known && other.others.iter().all(|method| self.contains(method))
    }

    /// Returns whether a method is in both sets.
    pub fn intersects(&self, other: &Self) -> bool {
        match (self.known & ANY != 0, other.known & ANY != 0) {
            (true, _) => !other.is_empty(),
            (_, true) => !self.is_empty(),
            _ => self.known & other.known != 0 || other.others.iter().any(|method| self.contains(method)),
        }
    }

    /// Returns whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.known == 0 && self.others.is_empty()
    }

    /// Returns the methods, sorted by name. For [`ANY`](Self::ANY), the standard methods.
    pub fn names(&self) -> Vec<&str> {
        let known = KNOWN.iter().filter(|&method| self.known & (bit(method) | ANY) != 0);
        let mut names: Vec<_> = known.chain(&self.others).map(Method::as_str).collect();
        names.sort_unstable();
        names
    }
}

impl From<Method> for Methods {
    fn from(method: Method) -> Self {
        Self::from_iter([method])
    }
}

impl<const N: usize> From<[Method; N]> for Methods {
    fn from(methods: [Method; N]) -> Self {
        Self::from_iter(methods)
    }
}

impl FromIterator<Method> for Methods {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Self {
        let mut set = Self::new();
        methods.into_iter().for_each(|method| set.insert(method));
        set
    }
}

impl fmt::Display for Methods {
    /// Formats the set for `Allow`: `GET, HEAD, POST`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.names().into_iter().enumerate() {
            write!(f, "{}{name}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.known & ANY != 0 { f.write_str("ANY") } else { write!(f, "{{{self}}}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn bits_are_in_the_order_of_the_names() {
        for (i, method) in KNOWN.iter().enumerate() {
            assert_eq!(bit(method), 1 << i, "{method}");
        }
        assert!(KNOWN.is_sorted_by_key(Method::as_str));
    }

    #[test]
    fn other_methods_are_sorted_and_unique() {
        let purge = Method::from_bytes(b"PURGE").unwrap();
        let bind = Method::from_bytes(b"BIND").unwrap();
        let mut set = Methods::from([Method::Put, purge.clone(), Method::Get, purge.clone()]);
        assert!(set.contains(&purge) && !set.contains(&bind) && !set.contains(&Method::Post));
        set.merge(&Methods::from([bind, purge]));
        assert_eq!(set.to_string(), "BIND, GET, PURGE, PUT");
    }

    #[test]
    fn the_full_and_the_empty_set() {
        let purge = Method::from_bytes(b"PURGE").unwrap();
        assert!(Methods::ANY.contains(&purge) && Methods::ANY.contains(&Method::Trace));
        assert!(Methods::new().is_empty() && !Methods::new().contains(&purge));
        assert!(!Methods::ANY.is_empty() && !Methods::from(purge).is_empty());
    }
}
