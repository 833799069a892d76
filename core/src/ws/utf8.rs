//! Validates UTF-8 in pieces. An invalid byte is found as soon as it arrives.

use core::str::from_utf8;

/// The state between pieces: at most the beginning of a character.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Utf8 {
    begun: [u8; 4],
    len: usize,
}

impl Utf8 {
    /// Checks the next bytes. Returns whether all bytes so far can be UTF-8.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> bool {
        while self.len > 0 {
            let Some((&byte, rest)) = bytes.split_first() else { return true };
            bytes = rest;
            // Four bytes are either a character or invalid.
            let Some(slot) = self.begun.get_mut(self.len) else { return false };
            *slot = byte;
            self.len += 1;
            match from_utf8(self.begun.get(..self.len).unwrap_or_default()) {
                Ok(_) => self.len = 0,
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return false,
            }
        }
        let Err(error) = from_utf8(bytes) else { return true };
        let rest = bytes.get(error.valid_up_to()..).unwrap_or_default();
        self.len = rest.len();
        match self.begun.get_mut(..rest.len()) {
            Some(begun) if error.error_len().is_none() => begun.copy_from_slice(rest),
            _ => return false,
        }
        true
    }

    /// As [`push`](Self::push), for the last bytes: no character may be incomplete.
    pub(super) fn accept(&mut self, bytes: &[u8], last: bool) -> bool {
        self.push(bytes) && (!last || self.len == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use proptest::prelude::*;

    /// Returns the number of bytes that are accepted, byte by byte, before one is refused.
    fn taken(bytes: &[u8]) -> usize {
        let mut utf8 = Utf8::default();
        bytes.iter().take_while(|byte| utf8.push(core::slice::from_ref(byte))).count()
    }

    #[test]
    fn an_invalid_byte_is_rejected_at_once() {
        for (bytes, good) in [
            (&b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80edited"[..], 6),
            (b"\xf4\x90\x80\x80", 1),
            (b"\xc0\xaf", 0),
            (b"\xe0\x80\x80", 1),
            (b"a\x80", 1),
            (b"\xf8", 0),
            (b"\xe2\x82a", 2),
        ] {
            assert_eq!(taken(bytes), good, "{bytes:x?}");
        }
    }

    #[test]
    fn every_character_is_accepted_unless_it_is_incomplete() {
        for c in ('\0'..=char::MAX).step_by(7).chain([char::MAX, '\u{d7ff}', '\u{e000}']) {
            let mut buf = [0; 4];
            let bytes = c.encode_utf8(&mut buf).as_bytes();
            for cut in 0..=bytes.len() {
                let mut utf8 = Utf8::default();
                assert!(utf8.push(&bytes[..cut]));
                assert_eq!(utf8.accept(b"", true), cut == 0 || cut == bytes.len());
                assert!(utf8.accept(&bytes[cut..], true), "{c:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_result_does_not_depend_on_the_pieces(
            bytes in prop_oneof![any::<String>().prop_map(Into::into), proptest::collection::vec(any::<u8>(), 0..40)],
            cuts in proptest::collection::vec(0usize..8, 0..40),
        ) {
            let mut utf8 = Utf8::default();
            let (mut rest, mut good) = (&*bytes, true);
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                good = good && utf8.push(piece);
                rest = after;
            }
            prop_assert_eq!(good && utf8.accept(b"", true), from_utf8(&bytes).is_ok());
        }
    }
}
