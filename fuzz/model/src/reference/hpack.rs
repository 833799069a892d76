//! Header blocks of HTTP/2 (RFC 7541), with lists and bit by bit.

use stelo_core::h2::hpack::{BlockLimits, Excess, HpackError};

use super::Fields;

/// The symbols of the Huffman code by the length of their codes (RFC 7541 appendix B). The codes of one length count up.
const CODES: [(usize, &[u8]); 21] = [
    (5, b"012aceiost"),
    (6, b" %-./3456789=A_bdfghlmnpru"),
    (7, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, b"&*,;XZ"),
    (10, b"!\"()?"),
    (11, b"'+|"),
    (12, b"#>"),
    (13, b"\x00$@[]~"),
    (14, b"^}"),
    (15, b"<`{"),
    (19, b"\\\xc3\xd0"),
    (20, b"\x80\x82\x83\xa2\xb8\xc2\xe0\xe2"),
    (21, b"\x99\xa1\xa7\xac\xb0\xb1\xb3\xd1\xd8\xd9\xe3\xe5\xe6"),
    (22, b"\x81\x84\x85\x86\x88\x92\x9a\x9c\xa0\xa3\xa4\xa9\xaa\xad\xb2\xb5\xb9\xba\xbb\xbd\xbe\xc4\xc6\xe4\xe8\xe9"),
    (23, b"\x01\x87\x89\x8a\x8b\x8c\x8d\x8f\x93\x95\x96\x97\x98\x9b\x9d\x9e\xa5\xa6\xa8\xae\xaf\xb4\xb6\xb7\xbc\xbf\xc5\xe7\xef"),
    (24, b"\x09\x8e\x90\x91\x94\x9f\xab\xce\xd7\xe1\xec\xed"),
    (25, b"\xc7\xcf\xea\xeb"),
    (26, b"\xc0\xc1\xc8\xc9\xca\xcd\xd2\xd5\xda\xdb\xee\xf0\xf2\xf3\xff"),
    (27, b"\xcb\xcc\xd3\xd4\xd6\xdd\xde\xdf\xf1\xf4\xf5\xf6\xf7\xf8\xfa\xfb\xfc\xfd\xfe"),
    (28, b"\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f\xdc\xf9"),
    (30, b"\x0a\x0d\x16"),
];

/// The static table (RFC 7541 appendix A).
const STATIC: &str = "\
:authority:
:method: GET
:method: POST
:path: /
:path: /index.html
:scheme: http
:scheme: https
:status: 200
:status: 204
:status: 206
:status: 304
:status: 400
:status: 404
:status: 500
accept-charset:
accept-encoding: gzip, deflate
accept-language:
accept-ranges:
accept:
access-control-allow-origin:
age:
allow:
authorization:
cache-control:
content-disposition:
content-encoding:
content-language:
content-length:
content-location:
content-range:
content-type:
cookie:
date:
etag:
expect:
expires:
from:
host:
if-match:
if-modified-since:
if-none-match:
if-range:
if-unmodified-since:
last-modified:
link:
location:
max-forwards:
proxy-authenticate:
proxy-authorization:
range:
referer:
refresh:
retry-after:
server:
set-cookie:
strict-transport-security:
transfer-encoding:
user-agent:
vary:
via:
www-authenticate:";

/// A decoder with all entries in one list, the newest first.
pub(crate) struct Decoder {
    entries: Fields,
    max: usize,
    limit: usize,
    must_resize: bool,
}

/// The result of a block: the fields that are kept, and the limit that it exceeds.
pub(crate) type Block = Result<(Fields, Option<Excess>), HpackError>;

impl Decoder {
    pub(crate) fn new(limit: u16) -> Self {
        let limit = limit.into();
        Self { entries: Fields::new(), max: limit, limit, must_resize: false }
    }

    pub(crate) fn set_table_limit(&mut self, limit: u16) {
        self.limit = limit.into();
        self.must_resize = self.max > self.limit;
    }

    /// Decodes a whole block.
    pub(crate) fn decode(&mut self, mut block: &[u8], limits: BlockLimits) -> Block {
        let (mut all, mut resizes) = (Fields::new(), 0);
        while let Some(&first) = block.first() {
            let left = limits.hard - size(&all);
            if first & 0xe0 == 0x20 {
                let size = integer(&mut block, 5)?;
                resizes += 1;
                if size > self.limit || resizes > 2 || !all.is_empty() {
                    return Err(HpackError::TableSize);
                }
                (self.max, self.must_resize) = (size, false);
                self.evict();
                continue;
            }
            let field = if first & 0x80 != 0 {
                let index = integer(&mut block, 7)?;
                if self.must_resize {
                    return Err(HpackError::TableSizeMissing);
                }
                self.entry(index)?
            } else {
                let index = integer(&mut block, if first & 0x40 != 0 { 6 } else { 4 })?;
                let name = if index == 0 { Some(string(&mut block, left)?) } else { None };
                let value = string(&mut block, left)?;
                if self.must_resize {
                    return Err(HpackError::TableSizeMissing);
                }
                let room = left.saturating_sub(32);
                let name = match name {
                    Some(name) => decoded(name, room)?,
                    None => self.entry(index)?.0,
                };
                let room = room.checked_sub(name.len()).ok_or(HpackError::TooLarge)?;
                (name, decoded(value, room)?)
            };
            if first & 0xc0 == 0x40 && size(&all) + cost(&field) <= limits.hard {
                self.entries.insert(0, field.clone());
                self.evict();
            }
            all.push(field);
            if size(&all) > limits.hard {
                return Err(HpackError::TooLarge);
            }
        }
        if self.must_resize {
            return Err(HpackError::TableSizeMissing);
        }
        let kept = (0..=all.len()).rev().find(|&n| n <= limits.fields && size(&all[..n]) <= limits.size);
        let kept = kept.unwrap_or(0);
        let excess = match all.len() {
            n if n == kept => None,
            _ if size(&all[..kept + 1]) > limits.size => Some(Excess::Size),
            _ => Some(Excess::Fields),
        };
        all.truncate(kept);
        Ok((all, excess))
    }

    fn entry(&self, index: usize) -> Result<(Vec<u8>, Vec<u8>), HpackError> {
        let fixed = STATIC.lines().map(|line| {
            let at = 1 + line[1..].find(':').unwrap();
            (line[..at].into(), line[at + 1..].trim_start().into())
        });
        let mut all = fixed.chain(self.entries.iter().cloned());
        all.nth(index.checked_sub(1).ok_or(HpackError::Index)?).ok_or(HpackError::Index)
    }

    fn evict(&mut self) {
        while size(&self.entries) > self.max {
            self.entries.pop();
        }
    }
}

fn cost((name, value): &(Vec<u8>, Vec<u8>)) -> usize {
    name.len() + value.len() + 32
}

fn size(fields: &[(Vec<u8>, Vec<u8>)]) -> usize {
    fields.iter().map(cost).sum()
}

fn integer(bytes: &mut &[u8], bits: u32) -> Result<usize, HpackError> {
    let full = 2usize.pow(bits) - 1;
    let (&first, mut rest) = bytes.split_first().ok_or(HpackError::Incomplete)?;
    let mut value = usize::from(first) & full;
    if value == full {
        for i in 0.. {
            if i == 5 {
                return Err(HpackError::Integer);
            }
            let (&octet, after) = rest.split_first().ok_or(HpackError::Incomplete)?;
            rest = after;
            value += usize::from(octet & 127) * 128usize.pow(i);
            if octet < 128 {
                break;
            }
        }
    }
    *bytes = rest;
    if value >= 1 << 32 { Err(HpackError::Integer) } else { Ok(value) }
}

/// Reads a string without decoding it. Returns whether it has the Huffman code, too.
fn string<'a>(bytes: &mut &'a [u8], most: usize) -> Result<(bool, &'a [u8]), HpackError> {
    let huffman = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let len = integer(bytes, 7)?;
    if len > most {
        return Err(HpackError::TooLarge);
    }
    let (text, rest) = bytes.split_at_checked(len).ok_or(HpackError::Incomplete)?;
    *bytes = rest;
    Ok((huffman, text))
}

/// Decodes a string of at most `room` bytes.
fn decoded((huffman, text): (bool, &[u8]), room: usize) -> Result<Vec<u8>, HpackError> {
    if !huffman {
        return if text.len() > room { Err(HpackError::TooLarge) } else { Ok(text.to_vec()) };
    }
    let (mut out, mut code, mut len) = (Vec::new(), 0usize, 0);
    for bit in text.iter().flat_map(|byte| (0..8).rev().map(move |i| usize::from(byte >> i & 1))) {
        (code, len) = (code * 2 + bit, len + 1);
        let mut first = 0;
        for (i, (length, symbols)) in CODES.iter().enumerate() {
            if i > 0 {
                first = (first + CODES[i - 1].1.len()) << (length - CODES[i - 1].0);
            }
            if *length == len && code >= first && code - first < symbols.len() {
                if out.len() == room {
                    return Err(HpackError::TooLarge);
                }
                out.push(symbols[code - first]);
                (code, len) = (0, 0);
                break;
            }
        }
        if len > 30 {
            return Err(HpackError::Huffman);
        }
    }
    // Padding consists of less than 8 bits, all of them 1.
    if len < 8 && code == (1 << len) - 1 { Ok(out) } else { Err(HpackError::Huffman) }
}
