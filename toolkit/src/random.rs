//! Random bytes for identifiers and nonces, from the operating system.

/// Returns unpredictable bytes.
///
/// # Panics
/// If the operating system has no source of random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the operating system returns no random bytes: {error}");
    }
    bytes
}

/// Returns random bytes as lower-case hexadecimal digits, two for each byte.
pub(crate) fn hex<const N: usize>() -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes::<N>().into_iter().flat_map(|byte| [digit(byte >> 4), digit(byte)]).collect()
}
