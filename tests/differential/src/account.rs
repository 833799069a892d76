//! The account that a peer gives of a request, in a field of its answer, so that answers to HEAD have it too.

use std::fmt;

use crate::escape::escape;

/// The field of an answer that holds an account.
pub(crate) const FIELD: &str = "understood";

/// A request as a peer understood it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Account {
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
    pub(crate) body: Vec<u8>,
    /// `name: value` for each trailer field, the name in lower case; in order, since not every peer keeps theirs.
    pub(crate) trailers: Vec<Vec<u8>>,
}

impl Account {
    pub(crate) fn new(method: impl AsRef<[u8]>, target: impl AsRef<[u8]>, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: method.as_ref().into(),
            target: target.as_ref().into(),
            body: body.into(),
            trailers: Vec::new(),
        }
    }

    pub(crate) fn trailer(&mut self, name: &str, value: &[u8]) {
        self.trailers.push([name.to_lowercase().as_bytes(), b": ", value].concat());
        self.trailers.sort();
    }

    /// The status to answer with. What a 2xx answer to CONNECT said would belong to the tunnel.
    pub(crate) fn status(&self) -> u16 {
        if self.method == b"CONNECT" { 405 } else { 200 }
    }

    /// The value of the field: method, target, body and trailers in hexadecimal, each with a full stop behind it.
    pub(crate) fn encode(&self) -> String {
        let parts = [&self.method, &self.target, &self.body].into_iter().chain(&self.trailers);
        parts.map(|part| part.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + ".").collect()
    }

    /// Reads what [`Self::encode`] wrote.
    pub(crate) fn decode(value: &str) -> Option<Self> {
        let hex = |digits: &str| {
            let pairs = (0..digits.len()).step_by(2).map(|at| digits.get(at..at + 2));
            pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<Vec<_>>>()
        };
        let mut parts = value.strip_suffix('.')?.split('.').map(hex).collect::<Option<Vec<_>>>()?.into_iter();
        let (method, target, body) = (parts.next()?, parts.next()?, parts.next()?);
        let mut trailers: Vec<_> = parts.collect();
        trailers.sort();
        Some(Self { method, target, body, trailers })
    }
}

/// `POST / hello [x, y]`, trailers by their names
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", escape(&self.method), escape(&self.target))?;
        if !self.body.is_empty() {
            write!(f, " {}", escape(&self.body))?;
        }
        let names: Vec<_> = self
            .trailers
            .iter()
            .map(|field| escape(field.split(|byte| *byte == b':').next().unwrap_or(field)))
            .collect();
        if names.is_empty() { Ok(()) } else { write!(f, " [{}]", names.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut account = Account::new("POST", "/a?b", *b"\0hello");
        assert_eq!(Account::decode(&account.encode()), Some(account.clone()));
        account.trailer("X", b"y");
        account.trailer("a", b"");
        assert_eq!(Account::decode(&account.encode()), Some(account.clone()));
        assert_eq!(account.to_string(), r"POST /a?b \x00hello [a, x]");
        for other in ["", "47.", "47.2f.0.", "zz.2f..", "47.2f.00"] {
            assert_eq!(Account::decode(other), None, "{other}");
        }
    }
}
