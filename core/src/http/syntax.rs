//! The character classes of RFC 9110 section 5.6 and RFC 9112, as tables.

/// Returns whether a token may contain `byte` (RFC 9110 section 5.6.2).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    CLASS[byte as usize] & TOKEN != 0
}

/// Returns whether a field value may contain `byte`: visible, obs-text, space or tab (RFC 9110 section 5.5).
pub(crate) const fn is_value_byte(byte: u8) -> bool {
    // Arithmetic instead of the table, so that loops over values are vectorized.
    (byte >= b' ' || byte == b'\t') & (byte != 0x7f)
}

/// Returns the length of the longest prefix that is valid in a field value. Checks 16 bytes at a time, vectorized.
#[inline(always)]
pub(crate) fn value_len(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((piece, others)) = rest.split_first_chunk::<16>() {
        if !piece.iter().fold(true, |good, &b| good & is_value_byte(b)) {
            let mut bad = [0; 16];
            for (bad, &b) in bad.iter_mut().zip(piece) {
                *bad = if is_value_byte(b) { 0 } else { u8::MAX };
            }
            return bytes.len() - rest.len() + u128::from_le_bytes(bad).trailing_zeros() as usize / 8;
        }
        rest = others;
    }
    bytes.len() - rest.len() + rest.iter().position(|&b| !is_value_byte(b)).unwrap_or(rest.len())
}

/// Returns whether `text` is `known` without regard to case. `known` consists of letters, digits, `-` and `_`.
///
/// One bit is ignored for every byte. Among the bytes of a field value, only the other case of a letter differs from
/// one of these in that bit alone.
pub(crate) const fn is_name<const N: usize>(text: &[u8], known: &[u8; N]) -> bool {
    const CASE: u8 = 0x20;
    let Some((text, [])) = text.split_first_chunk::<N>() else { return false };
    // Most other names differ in the first byte.
    if (text[0] ^ known[0]) & !CASE != 0 {
        return false;
    }
    let (mut differ, mut i) = (0, 1);
    while i < N {
        differ |= text[i] ^ known[i];
        i += 1;
    }
    differ & !CASE == 0
}

/// Returns the length of the longest prefix that is valid in a token.
#[inline]
pub(crate) fn token_len(bytes: &[u8]) -> usize {
    run(bytes, TOKEN)
}

/// Returns the length of the longest prefix that is valid in a path and has no `%`.
///
/// `[`, `]`, `^`, `{`, `|` and `}` are outside the grammar of RFC 3986. Browsers send most of them unencoded.
#[inline]
pub(crate) fn plain_path_len(bytes: &[u8]) -> usize {
    run(bytes, PATH)
}

/// Returns the length of the longest prefix that is valid in a query and has no `%`: visible ASCII without `#`, `"`, `<`
/// and `>`, which browsers encode in a query (URL standard, query percent-encode set).
#[inline]
pub(crate) fn plain_query_len(bytes: &[u8]) -> usize {
    run(bytes, QUERY)
}

/// Returns the length of the longest prefix whose bytes are valid in a request target: a path, and a query after the
/// first `?`.
pub(crate) fn target_len(bytes: &[u8]) -> usize {
    let mut class = PATH;
    let other = |&byte: &u8| {
        if byte == b'?' {
            class = QUERY;
        }
        byte != b'%' && CLASS[byte as usize] & class == 0
    };
    bytes.iter().position(other).unwrap_or(bytes.len())
}

/// Returns the length of the longest prefix that is valid in a registered name: unreserved characters and
/// sub-delimiters (RFC 3986 section 3.2.2).
#[inline]
pub(crate) fn host_len(bytes: &[u8]) -> usize {
    run(bytes, HOST)
}

/// Returns the length of the longest prefix whose bytes are all of a class.
#[inline(always)]
fn run(bytes: &[u8], class: u8) -> usize {
    let other = |&byte: &u8| CLASS[byte as usize] & class == 0;
    let mut rest = bytes;
    while let Some((word, others)) = rest.split_first_chunk::<8>() {
        // The length is a constant, so the loop is unrolled.
        if let Some(at) = word.iter().position(other) {
            return bytes.len() - rest.len() + at;
        }
        rest = others;
    }
    bytes.len() - rest.len() + rest.iter().position(other).unwrap_or(rest.len())
}

const TOKEN: u8 = 1;
const PATH: u8 = 2;
const HOST: u8 = 4;
const QUERY: u8 = 8;

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
        if byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'%') {
            table[i] |= if matches!(byte, b'?' | b'\\' | b'`') { QUERY } else { QUERY | PATH };
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

/// Returns whether `bytes` is a token, such as a header name or a method (RFC 9110 section 5.6.2).
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

/// Returns whether `bytes` is a field value that may be sent: no control character except tab, no white space at the
/// ends (RFC 9110 section 5.5).
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

/// Removes spaces and tabs at the ends (OWS, RFC 9110 section 5.6.3).
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Returns the members of a comma-separated list, trimmed and without empty ones (RFC 9110 section 5.6.1).
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(trim).filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_in_nothing_but_the_case_of_letters() {
        let known = (0..=u8::MAX).filter(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        for ours in known {
            for theirs in (0..=u8::MAX).filter(|&byte| is_value_byte(byte)) {
                let same = ours.eq_ignore_ascii_case(&theirs);
                assert_eq!(is_name(&[b'a', theirs], &[b'A', ours]), same, "{ours:#x} {theirs:#x}");
                assert_eq!(is_name(&[theirs, b'a'], &[ours, b'A']), same, "{ours:#x} {theirs:#x}");
            }
        }
        assert!(!is_name(b"hos", b"host") && !is_name(b"hosts", b"host") && !is_name(b"", b"host"));
    }

    #[test]
    fn a_bad_byte_is_found_in_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..35 {
                let mut bytes = *b"0123456789abcdefghijklmnopqrstuvwxy";
                bytes[place] = byte;
                let good = |is: fn(u8) -> bool| if is(byte) { bytes.len() } else { place };
                assert_eq!(value_len(&bytes), good(is_value_byte), "{byte:#x} at {place}");
                assert_eq!(token_len(&bytes), good(is_token_byte), "{byte:#x} at {place}");
            }
        }
    }

    #[test]
    fn the_first_of_several_bad_bytes_is_found() {
        for first in 0..35 {
            let mut bytes = [b'\n'; 35];
            bytes[..first].fill(b'\t');
            assert_eq!(value_len(&bytes), first);
            bytes[..first].fill(b'0');
            assert_eq!(
                (host_len(&bytes), plain_path_len(&bytes), plain_query_len(&bytes)),
                (first, first, first)
            );
        }
    }
}
