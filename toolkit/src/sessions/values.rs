//! `Values`: the values of a session as JSON, in the order in which they were inserted, and written as Python's `json`
//! writes them.

use std::fmt;
use std::io;

use serde_core::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_core::ser::{Serialize, Serializer};
use serde_json::Value;
use serde_json::ser::Formatter;

/// Names and values, in the order of insertion.
#[derive(Clone, Default, PartialEq, Debug)]
pub(super) struct Values(Vec<(String, Value)>);

impl Values {
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.iter().find(|(other, _)| *other == key).map(|(_, value)| value)
    }

    /// Inserts a value in the place of the one of the same key, or at the end.
    pub(super) fn insert(&mut self, key: String, value: Value) {
        match self.0.iter_mut().find(|(other, _)| *other == key) {
            Some(pair) => pair.1 = value,
            None => self.0.push((key, value)),
        }
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.0.iter().position(|(other, _)| other == key)?;
        Some(self.0.remove(at).1)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Reads a JSON object.
    pub(super) fn from_json(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// Writes a JSON object as Python's `json.dumps` does: with spaces after separators, in ASCII.
    pub(super) fn to_python_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = Vec::new();
        self.serialize(&mut serde_json::Serializer::with_formatter(&mut json, Python))?;
        Ok(json)
    }

    /// Writes a JSON object in the shortest form.
    pub(super) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
                let mut values = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    values.push(pair);
                }
                Ok(Values(values))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// The style of Python's `json.dumps`.
struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|c: char| !matches!(c, ' '..='~')) {
            let (plain, special) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = special.chars();
            for unit in chars.next().into_iter().flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_python_writes_them() {
        let json = r#"{"z":[1,{"b":null}],"a":"é\u007f\n\u0001\"/𝄞","e":{},"n":-1.5}"#;
        let values = Values::from_json(json.as_bytes()).unwrap();
        let python =
            r#"{"z": [1, {"b": null}], "a": "\u00e9\u007f\n\u0001\"/\ud834\udd1e", "e": {}, "n": -1.5}"#;
        assert_eq!(String::from_utf8(values.to_python_json().unwrap()).unwrap(), python);
        assert_eq!(Values::from_json(python.as_bytes()).unwrap(), values);
        assert_eq!(Values::from_json(b"null"), None);
        assert_eq!(Values::from_json(b"[1]"), None);
    }
}
