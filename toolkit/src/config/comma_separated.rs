//! `CommaSeparated`: a list of texts in one variable.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde_core::de::{Deserialize, Deserializer, Error};

/// Texts with commas between them. Quotes keep a comma in a text, and so does a backslash. White space around a text and
/// texts without content are dropped.
///
/// ```
/// use stelo_toolkit::config::CommaSeparated;
///
/// let hosts: CommaSeparated = "localhost, 'a,b', 0.0.0.0".parse()?;
/// assert_eq!(*hosts, ["localhost", "a,b", "0.0.0.0"]);
/// # Ok::<(), stelo_toolkit::config::NoClosingQuote>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct CommaSeparated(Vec<String>);

/// A quote in a [`CommaSeparated`] does not end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoClosingQuote;

impl fmt::Display for NoClosingQuote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quote in the list does not end")
    }
}

impl std::error::Error for NoClosingQuote {}

impl FromStr for CommaSeparated {
    type Err = NoClosingQuote;

    fn from_str(text: &str) -> Result<Self, NoClosingQuote> {
        let (mut items, mut item) = (Vec::new(), String::new());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                ',' => items.push(std::mem::take(&mut item)),
                '\\' => item.push(chars.next().ok_or(NoClosingQuote)?),
                '\'' | '"' => loop {
                    match chars.next().ok_or(NoClosingQuote)? {
                        end if end == c => break,
                        '\\' if c == '"' => item.push(chars.next().ok_or(NoClosingQuote)?),
                        other => item.push(other),
                    }
                },
                c => item.push(c),
            }
        }
        items.push(item);
        Ok(items.into_iter().collect())
    }
}

impl<T: AsRef<str>> FromIterator<T> for CommaSeparated {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let items = items.into_iter().map(|item| item.as_ref().trim().to_owned());
        Self(items.filter(|item| !item.is_empty()).collect())
    }
}

impl Deref for CommaSeparated {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for CommaSeparated {
    /// Writes `'a', 'b'`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.iter().enumerate() {
            write!(f, "{}'{item}'", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for CommaSeparated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
