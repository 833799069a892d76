//! Offers and answers: `Sec-WebSocket-Extensions` (RFC 6455 section 9.1, RFC 7692 sections 5 and 7.1).

use core::error::Error;
use core::fmt;
use core::ops::RangeInclusive;

use super::{Deflate, Parameters};
use crate::http::{Headers, trim};

const FIELD: &str = "sec-websocket-extensions";
const NAME: &str = "permessage-deflate";
const BITS: RangeInclusive<u8> = 8..=15;

/// The server has answered with an extension or parameter that was not offered, or that is invalid. The client fails
/// the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unacceptable;

impl fmt::Display for Unacceptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server has answered with an extension that was not offered to it")
    }
}

impl Error for Unacceptable {}

impl Deflate {
    /// Returns a server's answer to the first offer of the client that it can agree to. It skips offers that it does
    /// not understand (RFC 7692 section 7.1).
    ///
    /// ```
    /// use stelo_core::http::Headers;
    /// use stelo_core::ws::Deflate;
    ///
    /// let mut headers = Headers::new();
    /// headers.append("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits");
    /// let agreed = Deflate::DEFAULT.answer(&headers).unwrap();
    /// assert_eq!(agreed.to_string(), "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12");
    /// ```
    pub fn answer(&self, headers: &Headers) -> Option<Parameters> {
        let Offer { asked: own, .. } = self.offer();
        let Offer { asked, any_client_window } = extensions(headers).find_map(Offer::read)?;
        let client_chooses = !any_client_window && asked.client_max_window_bits.is_none();
        let client_window = smaller(own.client_max_window_bits, asked.client_max_window_bits);
        Some(Parameters {
            server_no_context_takeover: own.server_no_context_takeover || asked.server_no_context_takeover,
            client_no_context_takeover: own.client_no_context_takeover || asked.client_no_context_takeover,
            server_max_window_bits: smaller(own.server_max_window_bits, asked.server_max_window_bits),
            client_max_window_bits: client_window.filter(|_| !client_chooses),
        })
    }

    /// Returns a client's offer. `Display` formats its `Sec-WebSocket-Extensions`.
    pub fn offer(&self) -> Offer {
        let below_all = |bits: u8| Some(bits.max(*BITS.start())).filter(|bits| bits < BITS.end());
        let client_max_window_bits = below_all(self.client_max_window_bits);
        Offer {
            asked: Parameters {
                server_no_context_takeover: self.server_no_context_takeover,
                client_no_context_takeover: self.client_no_context_takeover,
                server_max_window_bits: below_all(self.server_max_window_bits),
                client_max_window_bits,
            },
            any_client_window: client_max_window_bits.is_none(),
        }
    }
}

/// The offer of a client (RFC 7692 section 7.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer {
    asked: Parameters,
    /// `client_max_window_bits` without a value: the server may choose.
    any_client_window: bool,
}

impl Offer {
    /// Parses the answer of a server. `None` if it has declined. Without an offer, any answer is an error.
    ///
    /// # Errors
    /// The server has answered with something that was not offered.
    pub fn answered(offer: Option<&Self>, headers: &Headers) -> Result<Option<Parameters>, Unacceptable> {
        let mut extensions = extensions(headers);
        let Some(extension) = extensions.next() else { return Ok(None) };
        let (Some(offer), Some(answer), None) = (offer, Self::read(extension), extensions.next()) else {
            return Err(Unacceptable);
        };
        offer.accept(&answer).map(Some).ok_or(Unacceptable)
    }

    fn accept(&self, answer: &Self) -> Option<Parameters> {
        let Self { asked: own, .. } = self;
        let Self { asked: answer, any_client_window: false } = answer else { return None };
        let server_afresh = answer.server_no_context_takeover || !own.server_no_context_takeover;
        let server_window = own
            .server_max_window_bits
            .is_none_or(|own| answer.server_max_window_bits.is_some_and(|bits| bits <= own));
        (server_afresh && server_window).then(|| Parameters {
            client_no_context_takeover: own.client_no_context_takeover || answer.client_no_context_takeover,
            // The client keeps to its offer, even if the server accepts more (section 7.1.2.2).
            client_max_window_bits: smaller(own.client_max_window_bits, answer.client_max_window_bits),
            ..*answer
        })
    }

    /// Parses an offer or an answer. Returns `None` for another extension, and for a parameter that is unknown,
    /// repeated or has an invalid value.
    fn read(extension: &[u8]) -> Option<Self> {
        let mut parts = split(extension, b';');
        if !parts.next()?.eq_ignore_ascii_case(NAME.as_bytes()) {
            return None;
        }
        let mut offer = Self { asked: Parameters::default(), any_client_window: false };
        let Self { asked, any_client_window } = &mut offer;
        for part in parts {
            let mut sides = part.splitn(2, |&b| b == b'=').map(trim);
            let (name, value) = (sides.next()?, sides.next());
            let bits = |value: Option<&[u8]>| value.and_then(window_bits);
            match name {
                b"server_no_context_takeover" if value.is_none() => {
                    set(&mut asked.server_no_context_takeover)?
                }
                b"client_no_context_takeover" if value.is_none() => {
                    set(&mut asked.client_no_context_takeover)?
                }
                b"server_max_window_bits" => put(&mut asked.server_max_window_bits, bits(value)?)?,
                b"client_max_window_bits" if *any_client_window => return None,
                b"client_max_window_bits" if value.is_some() => {
                    put(&mut asked.client_max_window_bits, bits(value)?)?
                }
                b"client_max_window_bits" if asked.client_max_window_bits.is_none() => {
                    *any_client_window = true
                }
                _ => return None,
            }
        }
        Some(offer)
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.asked.fmt(f)?;
        if self.any_client_window { f.write_str("; client_max_window_bits") } else { Ok(()) }
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        for (name, agreed) in [
            ("server_no_context_takeover", self.server_no_context_takeover),
            ("client_no_context_takeover", self.client_no_context_takeover),
        ] {
            if agreed {
                write!(f, "; {name}")?;
            }
        }
        for (name, bits) in [
            ("server_max_window_bits", self.server_max_window_bits),
            ("client_max_window_bits", self.client_max_window_bits),
        ] {
            if let Some(bits) = bits {
                write!(f, "; {name}={bits}")?;
            }
        }
        Ok(())
    }
}

/// Returns the extensions of a message, each with its parameters.
fn extensions(headers: &Headers) -> impl Iterator<Item = &[u8]> {
    headers.get_all(FIELD).flat_map(|value| split(value, b',')).filter(|extension| !extension.is_empty())
}

/// Splits at delimiters outside of quoted strings, and trims the parts.
fn split(value: &[u8], delimiter: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = value.split(move |&byte| {
        let literal = core::mem::take(&mut escaped);
        match byte {
            b'"' if !literal => quoted = !quoted,
            b'\\' if !literal => escaped = quoted,
            _ => return byte == delimiter && !quoted,
        }
        false
    });
    parts.map(trim)
}

/// Parses the number of a window, as a token or quoted: decimal, without leading zeros.
fn window_bits(value: &[u8]) -> Option<u8> {
    let digits = match value {
        [b'"', digits @ .., b'"'] => digits,
        digits => digits,
    };
    match digits {
        [b'0', ..] => None,
        digits => core::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?.parse().ok(),
    }
    .filter(|bits| BITS.contains(bits))
}

/// Sets a value that is not set yet.
fn set(flag: &mut bool) -> Option<()> {
    (!core::mem::replace(flag, true)).then_some(())
}

/// Sets a value that is not set yet.
fn put(bits: &mut Option<u8>, value: u8) -> Option<()> {
    bits.replace(value).is_none().then_some(())
}

/// Returns the smaller of two optional limits.
fn smaller(a: Option<u8>, b: Option<u8>) -> Option<u8> {
    a.into_iter().chain(b).min()
}
