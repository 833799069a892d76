//! `QueryParams`: the parameters of a query or of a urlencoded form, in order, with repeated names (WHATWG URL,
//! "application/x-www-form-urlencoded parsing").

use std::fmt;

use super::multidict::{MultiDict, distinct, same};

/// Query parameters, decoded: `+` is a space, percent sequences are bytes, and invalid UTF-8 becomes U+FFFD.
///
/// ```
/// use stelo_toolkit::request::QueryParams;
///
/// let query = QueryParams::parse("tag=a&tag=b&q=x+y");
/// assert_eq!(query.get("q"), Some("x y"));
/// assert_eq!(query.get("tag"), Some("b"));
/// assert_eq!(query.get_all("tag").collect::<Vec<_>>(), ["a", "b"]);
/// ```
#[derive(Clone, Default)]
pub struct QueryParams(Vec<(String, String)>);

impl QueryParams {
    /// Parses a query. Every text is a valid query.
    pub fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Returns the last value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Returns all values of that name, in order.
    pub fn get_all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Whether there is a value of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Returns each name once, in the order of their first values.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        distinct(self.iter().map(|(name, _)| name))
    }

    /// Returns all names and values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> + ExactSizeIterator {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the number of pairs.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for QueryParams {
    /// Writes the parameters as a query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&form_urlencoded::Serializer::new(String::new()).extend_pairs(self.iter()).finish())
    }
}

impl fmt::Debug for QueryParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QueryParams({:?})", self.to_string())
    }
}

impl PartialEq for QueryParams {
    /// Compares the values of each name, in order. The order of the names does not count.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && same(self.iter(), other.iter())
    }
}

impl Eq for QueryParams {}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for QueryParams {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl From<QueryParams> for MultiDict {
    /// Makes the parameters changeable.
    fn from(params: QueryParams) -> Self {
        params.0.into_iter().collect()
    }
}

impl From<MultiDict> for QueryParams {
    fn from(params: MultiDict) -> Self {
        params.into_iter().collect()
    }
}
