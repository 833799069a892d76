//! `MultiDict`: names with one or several values, in order, to be changed.

use std::fmt;

/// A map whose names can have several values. It keeps the order in which they were added.
///
/// Where one value of a name is asked for, it is the last. Two of them are equal if each name has the same values in the
/// same order; the order of the names does not count.
///
/// ```
/// use stelo_toolkit::request::MultiDict;
///
/// let mut colours = MultiDict::from([("tea", "green"), ("tea", "black"), ("cup", "blue")]);
/// assert_eq!(colours.get("tea"), Some(&"black"));
/// assert_eq!(colours.get_all("tea").collect::<Vec<_>>(), [&"green", &"black"]);
/// colours.set("tea", "white");
/// assert_eq!(colours.keys().collect::<Vec<_>>(), ["cup", "tea"]);
/// ```
#[derive(Clone)]
pub struct MultiDict<V = String>(Vec<(String, V)>);

impl<V> MultiDict<V> {
    /// Creates an empty map.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns the last value of that name.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.iter().rev().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Returns all values of that name, in order.
    pub fn get_all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a V> {
        self.iter().filter(move |(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Whether there is a value of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Returns each name once, in the order of their first values.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        distinct(self.0.iter().map(|(name, _)| name.as_str()))
    }

    /// Returns all names and values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &V)> + ExactSizeIterator {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the number of values.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a value at the end. Other values of that name stay.
    pub fn append(&mut self, name: impl Into<String>, value: impl Into<V>) {
        self.0.push((name.into(), value.into()));
    }

    /// Sets the only value of a name, at the end.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<V>) {
        let name = name.into();
        self.remove_all(&name);
        self.append(name, value);
    }

    /// Sets all values of a name, at the end. No values remove the name.
    pub fn set_all(&mut self, name: &str, values: impl IntoIterator<Item = impl Into<V>>) {
        self.remove_all(name);
        self.0.extend(values.into_iter().map(|value| (name.to_owned(), value.into())));
    }

    /// Returns the value of a name. Adds this value first if the name has none.
    pub fn set_default(&mut self, name: &str, value: impl Into<V>) -> &V {
        let at = self.0.iter().rposition(|(other, _)| other == name).unwrap_or_else(|| {
            self.append(name, value);
            self.0.len() - 1
        });
        &self.0[at].1
    }

    /// Removes a name. Returns its last value.
    pub fn remove(&mut self, name: &str) -> Option<V> {
        self.remove_all(name).pop()
    }

    /// Removes a name. Returns all its values.
    pub fn remove_all(&mut self, name: &str) -> Vec<V> {
        self.0.extract_if(.., |(other, _)| other == name).map(|(_, value)| value).collect()
    }

    /// Removes the name that was added last. Returns it with its last value.
    pub fn pop(&mut self) -> Option<(String, V)> {
        let name = self.keys().last()?.to_owned();
        self.remove(&name).map(|value| (name, value))
    }

    /// Replaces the values of the names in `other` by those that it has.
    pub fn update<N: Into<String>, T: Into<V>>(&mut self, other: impl IntoIterator<Item = (N, T)>) {
        let other: Self = other.into_iter().collect();
        self.0.retain(|(name, _)| !other.contains(name));
        self.0.extend(other.0);
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// Returns each name once.
pub(crate) fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    let mut seen = std::collections::HashSet::new();
    names.filter(move |name| seen.insert(*name))
}

/// Whether each name has the same values in the same order.
pub(crate) fn same<'a, V: PartialEq + 'a, I>(one: I, other: I) -> bool
where
    I: Iterator<Item = (&'a str, V)>,
{
    // The sort is stable, so the values of a name keep their order.
    let sorted = |pairs: I| {
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_by_key(|(name, _)| *name);
        pairs
    };
    sorted(one) == sorted(other)
}

impl<V> Default for MultiDict<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: PartialEq> PartialEq for MultiDict<V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && same(self.iter(), other.iter())
    }
}

impl<V: Eq> Eq for MultiDict<V> {}

impl<V: fmt::Debug> fmt::Debug for MultiDict<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MultiDict(")?;
        f.debug_list().entries(self.iter()).finish()?;
        f.write_str(")")
    }
}

impl<V, N: Into<String>, T: Into<V>> FromIterator<(N, T)> for MultiDict<V> {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<V, N: Into<String>, T: Into<V>, const LEN: usize> From<[(N, T); LEN]> for MultiDict<V> {
    fn from(pairs: [(N, T); LEN]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<V, N: Into<String>, T: Into<V>> Extend<(N, T)> for MultiDict<V> {
    /// Adds values at the end, as [`append`](Self::append) does.
    fn extend<I: IntoIterator<Item = (N, T)>>(&mut self, pairs: I) {
        self.0.extend(pairs.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
}

impl<V> IntoIterator for MultiDict<V> {
    type Item = (String, V);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
