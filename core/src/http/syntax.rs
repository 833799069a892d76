//! The character classes of RFC 9110 section 5.6 and RFC 9112, as tables.

/// Whether `byte` may stand in a token (RFC 9110 section 5.6.2).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    CLASS[byte as usize] & TOKEN != 0
}

/// Whether `byte` may stand in a field value: visible, obs-text, space or tab (RFC 9110 section 5.5).
pub(crate) const fn is_value_byte(byte: u8) -> bool {
    // Arithmetic rather than the table: loops over values become wide instructions.
    (byte >= b' ' || byte == b'\t') & (byte != 0x7f)
}

/// Whether every one of `bytes` may stand in a field value, eight at a time.
pub(crate) fn are_value_bytes(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().all(|word| !has_control(u64::from_le_bytes(*word)) || word.iter().all(|&b| is_value_byte(b)))
        && rest.iter().all(|&b| is_value_byte(b))
}

/// Whether one of eight bytes is a control character, a tab among them. May say yes for a byte next to one.
const fn has_control(word: u64) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    let delete = word ^ (ONES * 0x7f);
    (below_space | (delete.wrapping_sub(ONES) & !delete)) & HIGH != 0
}

/// Whether `byte` may stand in a request target: visible ASCII without `#`, `\`, `"`, `<`, `>`, `^`, `` ` ``.
///
/// `{`, `|` and `}` are outside the URI grammar too, but browsers send them in queries: they pass.
pub(crate) const fn is_target_byte(byte: u8) -> bool {
    CLASS[byte as usize] & TARGET != 0
}

/// Whether `byte` may stand in a registered name: unreserved, percent-encoded or a sub-delimiter (RFC 3986
/// section 3.2.2).
pub(crate) const fn is_host_byte(byte: u8) -> bool {
    CLASS[byte as usize] & HOST != 0
}

const TOKEN: u8 = 1;
const TARGET: u8 = 2;
const HOST: u8 = 4;

static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let byte = i as u8;
        let alnum = byte.is_ascii_alphanumeric();
        let mark = matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        );
        if alnum || mark {
            table[i] |= TOKEN;
        }
        if byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>' | b'^' | b'`') {
            table[i] |= TARGET;
        }
        if alnum
            || matches!(
                byte,
                b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$' | b'&' | b'\'' | b'('..=b',' | b';' | b'='
            )
        {
            table[i] |= HOST;
        }
        i += 1;
    }
    table
};

/// Whether `bytes` is a token: a header name, a method (RFC 9110 section 5.6.2).
pub const fn is_token(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let [byte, others @ ..] = rest {
        if !is_token_byte(*byte) {
            return false;
        }
        rest = others;
    }
    !bytes.is_empty()
}

/// Whether `bytes` may be a field value as we write it: no control but tab, no white space at the ends
/// (RFC 9110 section 5.5).
pub const fn is_field_value(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let [byte, others @ ..] = rest {
        if !is_value_byte(*byte) {
            return false;
        }
        rest = others;
    }
    !matches!(bytes, [b' ' | b'\t', ..] | [.., b' ' | b'\t'])
}

/// The bytes without spaces and tabs at the ends (OWS, RFC 9110 section 5.6.3).
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The members of a comma-separated list, trimmed, empty ones left out (RFC 9110 section 5.6.1).
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(trim).filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_byte_is_found_in_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..17 {
                let mut bytes = *b"0123456789abcdefg";
                bytes[place] = byte;
                assert_eq!(are_value_bytes(&bytes), is_value_byte(byte), "{byte:#x} at {place}");
            }
        }
    }
}
