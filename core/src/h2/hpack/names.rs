//! The static table (RFC 7541 appendix A), and its names as constants.

use core::num::NonZeroU8;

/// An entry of the static table, as a field line.
pub(super) struct StaticEntry {
    /// `name: value` and a line end.
    pub(super) line: &'static [u8],
    pub(super) name_len: usize,
    pub(super) known: KnownName,
}

impl StaticEntry {
    pub(super) fn name(&self) -> &'static [u8] {
        self.line.get(..self.name_len).unwrap_or_default()
    }

    pub(super) fn value(&self) -> &'static [u8] {
        self.line.get(self.name_len + 2..self.line.len() - 2).unwrap_or_default()
    }
}

/// A name of the static table, by the index of its first entry.
///
/// Names are compared by their index, which is faster than by their bytes. A name has an index whether the peer sends
/// it by index or as a string.
///
/// ```
/// use stelo_core::h2::hpack::KnownName;
///
/// assert_eq!(KnownName::find(b"cookie"), Some(KnownName::COOKIE));
/// assert_eq!(KnownName::find(b"x-room"), None);
/// assert_eq!(KnownName::PATH.as_str(), ":path");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KnownName(NonZeroU8);

macro_rules! entries {
    ($($index:literal $($constant:ident)? $name:literal $value:literal;)*) => {
        impl KnownName {
            $($(#[doc = concat!("`", $name, "`")] pub const $constant: Self = Self::at($index);)?)*
        }

        /// The entries, without the index 0, which is invalid.
        pub(super) static ENTRIES: [StaticEntry; COUNT] = [$(
            StaticEntry {
                line: concat!($name, ": ", $value, "\r\n").as_bytes(),
                name_len: $name.len(),
                known: first(&NAMES, $index),
            },
        )*];

        const NAMES: [&str; COUNT] = [$($name),*];
    };
}

/// The number of entries.
pub(super) const COUNT: usize = 61;

entries! {
    1 AUTHORITY ":authority" "";
    2 METHOD ":method" "GET";
    3 ":method" "POST";
    4 PATH ":path" "/";
    5 ":path" "/index.html";
    6 SCHEME ":scheme" "http";
    7 ":scheme" "https";
    8 STATUS ":status" "200";
    9 ":status" "204";
    10 ":status" "206";
    11 ":status" "304";
    12 ":status" "400";
    13 ":status" "404";
    14 ":status" "500";
    15 ACCEPT_CHARSET "accept-charset" "";
    16 ACCEPT_ENCODING "accept-encoding" "gzip, deflate";
    17 ACCEPT_LANGUAGE "accept-language" "";
    18 ACCEPT_RANGES "accept-ranges" "";
    19 ACCEPT "accept" "";
    20 ACCESS_CONTROL_ALLOW_ORIGIN "access-control-allow-origin" "";
    21 AGE "age" "";
    22 ALLOW "allow" "";
    23 AUTHORIZATION "authorization" "";
    24 CACHE_CONTROL "cache-control" "";
    25 CONTENT_DISPOSITION "content-disposition" "";
    26 CONTENT_ENCODING "content-encoding" "";
    27 CONTENT_LANGUAGE "content-language" "";
    28 CONTENT_LENGTH "content-length" "";
    29 CONTENT_LOCATION "content-location" "";
    30 CONTENT_RANGE "content-range" "";
    31 CONTENT_TYPE "content-type" "";
    32 COOKIE "cookie" "";
    33 DATE "date" "";
    34 ETAG "etag" "";
    35 EXPECT "expect" "";
    36 EXPIRES "expires" "";
    37 FROM "from" "";
    38 HOST "host" "";
    39 IF_MATCH "if-match" "";
    40 IF_MODIFIED_SINCE "if-modified-since" "";
    41 IF_NONE_MATCH "if-none-match" "";
    42 IF_RANGE "if-range" "";
    43 IF_UNMODIFIED_SINCE "if-unmodified-since" "";
    44 LAST_MODIFIED "last-modified" "";
    45 LINK "link" "";
    46 LOCATION "location" "";
    47 MAX_FORWARDS "max-forwards" "";
    48 PROXY_AUTHENTICATE "proxy-authenticate" "";
    49 PROXY_AUTHORIZATION "proxy-authorization" "";
    50 RANGE "range" "";
    51 REFERER "referer" "";
    52 REFRESH "refresh" "";
    53 RETRY_AFTER "retry-after" "";
    54 SERVER "server" "";
    55 SET_COOKIE "set-cookie" "";
    56 STRICT_TRANSPORT_SECURITY "strict-transport-security" "";
    57 TRANSFER_ENCODING "transfer-encoding" "";
    58 USER_AGENT "user-agent" "";
    59 VARY "vary" "";
    60 VIA "via" "";
    61 WWW_AUTHENTICATE "www-authenticate" "";
}

/// Returns the first entry of the name at `index`.
const fn first(names: &[&str; COUNT], index: usize) -> KnownName {
    let name = names[index - 1].as_bytes();
    let mut i = 0;
    while i < index {
        let other = names[i].as_bytes();
        let (mut same, mut at) = (other.len() == name.len(), 0);
        while same && at < name.len() {
            same = other[at] == name[at];
            at += 1;
        }
        if same {
            break;
        }
        i += 1;
    }
    KnownName::at(i + 1)
}

/// The slots of the names by their [hash], 0 where there is none. No two names have the same hash.
static SLOTS: [u8; 128] = {
    let mut slots = [0; 128];
    let mut i = 0;
    while i < COUNT {
        let known = first(&NAMES, i + 1).0.get();
        let name = NAMES[i].as_bytes();
        let slot = hash(name.len(), name[0], name[name.len() - 1]);
        assert!(slots[slot] == 0 || slots[slot] == known, "the hash is not perfect");
        slots[slot] = known;
        i += 1;
    }
    slots
};

/// Hashes the length, the first and the last byte of a name, without the bit for lower case. The factor was found by
/// trying.
const fn hash(len: usize, first: u8, last: u8) -> usize {
    const CASE: u8 = 0x20;
    let key = len as u32 & 0xff | ((last | CASE) as u32) << 8 | ((first | CASE) as u32) << 16;
    (key.wrapping_mul(0x8c9b_76a3) >> 25) as usize
}

impl KnownName {
    /// Returns the name in lower case that equals `name`, if the static table has it.
    #[inline]
    pub fn find(name: &[u8]) -> Option<Self> {
        Self::candidate(name).filter(|known| known.entry().name() == name)
    }

    /// As [`find`](Self::find), without regard to case.
    #[inline]
    pub(super) fn find_any_case(name: &[u8]) -> Option<Self> {
        Self::candidate(name).filter(|known| known.entry().name().eq_ignore_ascii_case(name))
    }

    /// Returns the only name that may equal `name`.
    #[inline]
    fn candidate(name: &[u8]) -> Option<Self> {
        NonZeroU8::new(SLOTS[hash(name.len(), *name.first()?, *name.last()?) & 127]).map(Self)
    }

    fn entry(self) -> &'static StaticEntry {
        // The index is from 1 to 61.
        &ENTRIES[usize::from(self.0.get()) - 1]
    }

    /// Creates the name with an index from 1 to 61.
    const fn at(index: usize) -> Self {
        Self(NonZeroU8::MIN.saturating_add(index as u8 - 1))
    }

    /// Returns the index in the static table: the first one, if several entries have the name.
    pub const fn index(self) -> u8 {
        self.0.get()
    }

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        // All names are ASCII.
        core::str::from_utf8(self.entry().name()).unwrap_or_default()
    }
}

impl core::fmt::Debug for KnownName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_found_and_no_other() {
        for (i, entry) in ENTRIES.iter().enumerate() {
            let name = entry.name();
            let known = KnownName::find(name).unwrap();
            assert!(usize::from(known.index()) <= i + 1);
            assert_eq!((known, known.as_str().as_bytes()), (entry.known, name));
            let upper = name.to_ascii_uppercase();
            assert_eq!(KnownName::find(&upper), None);
            assert_eq!(KnownName::find_any_case(&upper), Some(known));
            for at in 0..name.len() {
                let mut other = name.to_vec();
                other[at] ^= 1;
                assert_ne!(KnownName::find(&other), Some(known));
                assert_ne!(KnownName::find(&name[..at]), Some(known));
            }
        }
        assert_eq!(KnownName::find(b""), None);
    }

    #[test]
    fn entries_have_names_and_values() {
        let text = |index: usize| (ENTRIES[index - 1].name(), ENTRIES[index - 1].value());
        assert_eq!(text(1), (&b":authority"[..], &b""[..]));
        assert_eq!(text(16), (&b"accept-encoding"[..], &b"gzip, deflate"[..]));
        assert_eq!(text(61), (&b"www-authenticate"[..], &b""[..]));
        assert_eq!(ENTRIES[2].known, KnownName::METHOD);
        assert_eq!(ENTRIES[13].known, KnownName::STATUS);
    }
}
