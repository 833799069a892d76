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

/// How many bytes at the beginning may stand in a field value. Looks at eight at a time.
pub(crate) fn value_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let found = controls(u64::from_le_bytes(*word)).trailing_zeros() as usize / 8;
        match word.get(found) {
            None => at += 8,
            Some(b'\t') => at += found + 1,
            Some(_) => return at + found,
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|&b| !is_value_byte(b)).unwrap_or(rest.len())
}

/// The highest bit of every byte of `word` that is a control character, a tab among them. Of bytes above one that is,
/// the bit says nothing.
const fn controls(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    let delete = word ^ (ONES * 0x7f);
    (below_space | (delete.wrapping_sub(ONES) & !delete)) & (ONES << 7)
}

/// Whether a field name is `known`, without regard to case. Both have to be tokens: of their bytes, only the two cases of
/// a letter (and `^` and `~`) differ in nothing but that bit.
pub(crate) fn is_name<const N: usize>(name: &[u8], known: &[u8; N]) -> bool {
    let Ok(name) = <&[u8; N]>::try_from(name) else { return false };
    name.iter().zip(known).fold(0, |differ, (a, b)| differ | (a ^ b)) & !0x20 == 0
}

/// How many bytes at the beginning may stand in a token.
pub(crate) fn token_len(bytes: &[u8]) -> usize {
    bytes.iter().position(|&b| !is_token_byte(b)).unwrap_or(bytes.len())
}

/// Whether `byte` may stand in a request target: visible ASCII without `#`, `\`, `"`, `<`, `>`, `^`, `` ` ``.
///
/// `{`, `|` and `}` are outside the URI grammar too, but browsers send them in queries: they pass.
pub(crate) const fn is_target_byte(byte: u8) -> bool {
    CLASS[byte as usize] & TARGET != 0
}

/// Whether `byte` may stand in a target and has no meaning of its own there, as `?` and `%` have.
pub(crate) const fn is_plain_target_byte(byte: u8) -> bool {
    CLASS[byte as usize] & PLAIN != 0
}

/// Whether `byte` may stand in a registered name: unreserved or a sub-delimiter (RFC 3986 section 3.2.2).
pub(crate) const fn is_host_byte(byte: u8) -> bool {
    CLASS[byte as usize] & HOST != 0
}

const TOKEN: u8 = 1;
const TARGET: u8 = 2;
const HOST: u8 = 4;
const PLAIN: u8 = 8;

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
            table[i] |= if matches!(byte, b'?' | b'%') { TARGET } else { TARGET | PLAIN };
        }
        if alnum
            || matches!(
                byte,
                b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'('..=b',' | b';' | b'='
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
    fn names_differ_in_nothing_but_the_case_of_letters() {
        let tokens = || (0..=u8::MAX).filter(|&byte| is_token_byte(byte));
        for (ours, theirs) in tokens().flat_map(|a| tokens().map(move |b| (a, b))) {
            let tilde = (ours | 0x20, theirs | 0x20) == (b'~', b'~');
            let same = ours.eq_ignore_ascii_case(&theirs) || tilde;
            assert_eq!(is_name(&[b'a', theirs], &[b'A', ours]), same, "{ours:#x} {theirs:#x}");
        }
        assert!(!is_name(b"hos", b"host") && !is_name(b"hosts", b"host"));
    }

    #[test]
    fn a_bad_byte_is_found_in_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..17 {
                let mut bytes = *b"0123456789abcdefg";
                bytes[place] = byte;
                let good = if is_value_byte(byte) { bytes.len() } else { place };
                assert_eq!(value_len(&bytes), good, "{byte:#x} at {place}");
            }
        }
    }
}
