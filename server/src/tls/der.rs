//! The parts of an X.509 certificate that the server reads itself: subject, validity, host names (RFC 5280).
//!
//! Reads DER (X.690) without recursion, and returns `None` for bytes that are not a certificate. Whether a certificate is
//! valid is the decision of rustls.

use std::fmt::Write;
use std::net::IpAddr;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const BOOLEAN: u8 = 0x01;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The object identifier of `subjectAltName`, 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// A certificate.
pub(super) struct Certificate<'a> {
    /// The value of the subject's sequence.
    subject: &'a [u8],
    /// The seconds since 1970 between which it is valid.
    pub(super) valid: (u64, u64),
    /// The value of the sequence of extensions; empty without any.
    extensions: &'a [u8],
}

/// Takes a value with its tag off the front of `bytes`.
fn next<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (len, rest) = match usize::from(*first) {
        len @ 0..=0x7f => (len, rest),
        // A length of more than three bytes is beyond any certificate.
        long @ 0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(long - 0x80)?;
            (digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(len)?;
    *bytes = rest;
    Some((*tag, value))
}

/// Takes a value of this tag off the front of `bytes`.
fn take<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let mut rest = *bytes;
    let (found, value) = next(&mut rest)?;
    (found == tag).then(|| *bytes = rest)?;
    Some(value)
}

impl<'a> Certificate<'a> {
    /// Reads a certificate.
    pub(super) fn read(mut der: &'a [u8]) -> Option<Self> {
        let mut certificate = take(&mut der, SEQUENCE)?;
        let fields = &mut take(&mut certificate, SEQUENCE)?;
        // The version is absent in version 1. Then serial number, algorithm, issuer.
        take(fields, 0xa0);
        next(fields)?;
        take(fields, SEQUENCE)?;
        take(fields, SEQUENCE)?;
        let mut validity = take(fields, SEQUENCE)?;
        let valid = (time(next(&mut validity)?)?, time(next(&mut validity)?)?);
        let subject = take(fields, SEQUENCE)?;
        let mut extensions = &[][..];
        while let Some((tag, mut value)) = next(fields) {
            if tag == 0xa3 {
                extensions = take(&mut value, SEQUENCE)?;
            }
        }
        Some(Self { subject, valid, extensions })
    }

    /// Returns the host names in lower case, and the IP addresses.
    pub(super) fn names(&self) -> Vec<String> {
        let mut extensions = self.extensions;
        let mut names = Vec::new();
        while let Some(mut extension) = take(&mut extensions, SEQUENCE) {
            if take(&mut extension, OID) != Some(SUBJECT_ALT_NAME) {
                continue;
            }
            take(&mut extension, BOOLEAN);
            let mut value = take(&mut extension, OCTET_STRING).unwrap_or_default();
            let mut general = take(&mut value, SEQUENCE).unwrap_or_default();
            while let Some((tag, value)) = next(&mut general) {
                match tag {
                    0x82 => names.extend(str::from_utf8(value).ok().map(str::to_ascii_lowercase)),
                    0x87 => names.extend(address(value).map(|address| address.to_string())),
                    _ => {}
                }
            }
        }
        names
    }

    /// Returns the subject as text (RFC 4514), the most specific part first.
    pub(super) fn subject(&self) -> String {
        let mut parts = Vec::new();
        let mut rest = self.subject;
        while let Some(mut set) = take(&mut rest, SET) {
            let mut part = String::new();
            while let Some(mut attribute) = take(&mut set, SEQUENCE) {
                if !part.is_empty() {
                    part.push('+');
                }
                write_attribute(&mut part, &mut attribute);
            }
            parts.push(part);
        }
        parts.reverse();
        parts.join(",")
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(Into::into),
        _ => <[u8; 16]>::try_from(octets).ok().map(Into::into),
    }
}

/// Returns the seconds since 1970 of `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` (RFC 5280 section 4.1.2.5).
fn time((tag, text): (u8, &[u8])) -> Option<u64> {
    let mut digits = text.strip_suffix(b"Z")?;
    let mut number = |len: usize| {
        let (head, rest) = digits.split_at_checked(len)?;
        digits = rest;
        str::from_utf8(head).ok().filter(|head| head.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
    };
    let year: u64 = match tag {
        UTC_TIME => number(2).map(|year: u64| year + if year < 50 { 2000 } else { 1900 })?,
        GENERALIZED_TIME => number(4)?,
        _ => return None,
    };
    let (month, day) = (number(2).filter(|month| (1..=12).contains(month))?, number(2)?);
    let (hour, minute, second) = (number(2)?, number(2)?, number(2)?);
    // The days since 0000-03-01, with the leap day at the end of a year that begins in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day.checked_sub(1)?;
    Some(days.saturating_sub(719_468) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Writes a type and its value.
fn write_attribute(text: &mut String, attribute: &mut &[u8]) {
    let oid = take(attribute, OID).unwrap_or_default();
    let whole = *attribute;
    let (tag, value) = next(attribute).unwrap_or_default();
    // The types that have a name in RFC 4514 section 3.
    let name = match oid {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 9] => "STREET",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 1] => "UID",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => "DC",
        _ => "",
    };
    // UTF8String, NumericString, PrintableString, IA5String.
    let string = str::from_utf8(value).ok().filter(|_| matches!(tag, 0x0c | 0x12 | 0x13 | 0x16));
    match string {
        Some(string) if !name.is_empty() => {
            text.push_str(name);
            text.push('=');
            write_string(text, string);
        }
        _ => {
            match name {
                "" => write_oid(text, oid),
                name => text.push_str(name),
            }
            text.push_str("=#");
            for byte in whole {
                // Writing to a string does not fail.
                let _ = write!(text, "{byte:02x}");
            }
        }
    }
}

/// Writes a string with its special characters escaped (RFC 4514 section 2.4).
fn write_string(text: &mut String, string: &str) {
    let last = string.len().saturating_sub(1);
    for (at, c) in string.char_indices() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', c]),
            '#' if at == 0 => text.extend(['\\', c]),
            ' ' if at == 0 || at == last => text.extend(['\\', c]),
            c if c.is_control() => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(text, "\\{byte:02x}");
                }
            }
            c => text.push(c),
        }
    }
}

/// Writes an object identifier in decimal numbers.
fn write_oid(text: &mut String, oid: &[u8]) {
    let mut number: u64 = 0;
    let mut is_first = true;
    for byte in oid {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        let _ = match std::mem::take(&mut is_first) {
            // The first number holds two (X.690 section 8.19.4).
            true => write!(text, "{}.{}", (number / 40).min(2), number - (number / 40).min(2) * 40),
            false => write!(text, ".{number}"),
        };
        number = 0;
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    fn der(name: &str) -> CertificateDer<'static> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/src/tls");
        CertificateDer::from_pem_file(folder.join(name)).unwrap()
    }

    #[test]
    fn subject_validity_and_names_are_read() {
        let der = der("names.pem");
        let certificate = Certificate::read(&der).unwrap();
        assert_eq!(certificate.names(), ["shop.example", "*.shop.example", "127.0.0.1", "::1"]);
        let subject =
            r"1.2.840.113549.1.9.1=#1609614073686f702e6578,CN=\ Shop\, #1 \<ä\>\ ,OU=\0aa+O=Stelo,DC=example";
        assert_eq!(certificate.subject(), subject);
        assert_eq!(certificate.valid, (1_796_098_277, 4_949_698_277));
    }

    #[test]
    fn damaged_certificates_do_not_panic() {
        let der = der("names.pem");
        for at in 0..der.len() {
            for change in [0, 0x7f, 0x80, 0x83, 0x84, 0xff] {
                let mut damaged = der.to_vec();
                damaged[at] = change;
                for bytes in [&damaged[..], &damaged[..at]] {
                    if let Some(certificate) = Certificate::read(bytes) {
                        certificate.names();
                        certificate.subject();
                    }
                }
            }
        }
    }

    #[test]
    fn times_are_seconds_since_1970() {
        let time = |tag, text: &str| time((tag, text.as_bytes()));
        assert_eq!(time(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(time(UTC_TIME, "240229123456Z"), Some(1_709_210_096));
        assert_eq!(time(GENERALIZED_TIME, "20500101000000Z"), Some(2_524_608_000));
        assert_eq!(time(UTC_TIME, "241329123456Z"), None);
        assert_eq!(time(UTC_TIME, "2402291234Z"), None);
        assert_eq!(time(UTC_TIME, "+40229123456Z"), None);
    }
}
