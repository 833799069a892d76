//! Integers with a prefix (RFC 7541 section 5.1).

use alloc::vec::Vec;

use super::HpackError;

/// The most octets behind the prefix. They hold 32 bits.
const OCTETS: usize = 5;

/// Reads an integer whose prefix has `bits` bits. Returns its length in octets too, or `None` if it is incomplete.
///
/// # Errors
/// The integer has more than 5 octets behind the prefix, even if they are zeros, or exceeds 32 bits.
#[inline]
pub(super) fn read(bytes: &[u8], bits: u8) -> Result<Option<(u32, usize)>, HpackError> {
    let full = (1 << bits) - 1;
    match bytes.first().map(|first| first & full) {
        None => Ok(None),
        Some(prefix) if prefix < full => Ok(Some((u32::from(prefix), 1))),
        Some(prefix) => read_long(bytes, prefix),
    }
}

fn read_long(bytes: &[u8], prefix: u8) -> Result<Option<(u32, usize)>, HpackError> {
    let mut value = u64::from(prefix);
    for (i, &octet) in bytes.iter().skip(1).take(OCTETS).enumerate() {
        value += u64::from(octet & 0x7f) << (7 * i);
        if octet & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| HpackError::Integer)?;
            return Ok(Some((value, i + 2)));
        }
    }
    if bytes.len() > OCTETS { Err(HpackError::Integer) } else { Ok(None) }
}

/// Writes an integer whose prefix has `bits` bits. `pattern` has the bits in front of them.
#[inline]
pub(super) fn write(out: &mut Vec<u8>, pattern: u8, bits: u8, value: usize) {
    let full = (1 << bits) - 1;
    if value < full {
        out.push(pattern | value as u8);
    } else {
        write_long(out, pattern | full as u8, value - full);
    }
}

fn write_long(out: &mut Vec<u8>, first: u8, mut rest: usize) {
    out.push(first);
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn written(bits: u8, value: usize) -> Vec<u8> {
        let mut out = vec![];
        write(&mut out, 0, bits, value);
        out
    }

    /// RFC 7541 appendix C.1
    #[test]
    fn examples_of_the_specification() {
        // The last one has a prefix of 8 bits, which no representation has.
        for (bits, value, bytes) in [(5, 10, &[10][..]), (5, 1337, &[31, 154, 10]), (7, 42, &[42])] {
            assert_eq!(written(bits, value), bytes);
            assert_eq!(read(bytes, bits), Ok(Some((value as u32, bytes.len()))));
        }
    }

    #[test]
    fn integers_are_unchanged_after_a_round_trip() {
        for bits in 4..=7 {
            for value in (0..300).chain([1 << 14, 1 << 21, 1 << 28, u32::MAX as usize]) {
                let bytes = written(bits, value);
                assert_eq!(read(&bytes, bits), Ok(Some((value as u32, bytes.len()))));
                for len in 0..bytes.len() {
                    assert_eq!(read(&bytes[..len], bits), Ok(None));
                }
            }
        }
    }

    /// CVE-2023-36478, Jetty: lengths of HPACK strings overflowed.
    #[test]
    fn integers_that_are_too_long_or_too_large_are_invalid() {
        for rest in [
            &[0xff, 0xff, 0xff, 0xff, 0x0f][..],
            &[0x80, 0x80, 0x80, 0x80, 0x10],
            &[0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0x80, 0x80, 0x80, 0x80, 0x80],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ] {
            let bytes = [&[0x1f], rest].concat();
            assert_eq!(read(&bytes, 5), Err(HpackError::Integer), "{rest:x?}");
        }
        // Zeros in 5 octets are allowed.
        assert_eq!(read(&[0x1f, 0x80, 0x80, 0x80, 0x80, 0x00], 5), Ok(Some((31, 6))));
    }
}
