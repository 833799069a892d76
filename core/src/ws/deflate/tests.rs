use alloc::vec::Vec;

use super::*;

const WINDOW: u8 = 12;

fn side(bits: u8, takeover: bool) -> Side {
    Side { window: 1 << bits, takeover }
}

fn inflate(decompressor: &mut Decompressor, pieces: &[&[u8]]) -> Result<Vec<u8>, InflateError> {
    let mut message = Vec::new();
    for (i, piece) in pieces.iter().enumerate() {
        decompressor.inflate(piece, i + 1 == pieces.len(), &mut message, 1 << 20)?;
    }
    Ok(message)
}

#[test]
fn the_examples_of_the_rfc() {
    for takeover in [false, true] {
        let mut decompressor = Decompressor::new(side(WINDOW, takeover));
        for (section, pieces, text) in [
            ("7.2.3.1", &[&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..]][..], "Hello"),
            ("7.2.3.1", &[&[0xf2, 0x48, 0xcd], &[0xc9, 0xc9, 0x07, 0x00]], "Hello"),
            ("7.2.3.3", &[&[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]], "Hello"),
            ("7.2.3.4", &[&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]], "Hello"),
            (
                "7.2.3.5",
                &[&[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00]],
                "Hello",
            ),
            ("7.2.3.6", &[&[0x00]], ""),
        ] {
            assert_eq!(inflate(&mut decompressor, pieces).as_deref(), Ok(text.as_bytes()), "{section}");
        }
    }
    let mut decompressor = Decompressor::new(side(WINDOW, true));
    for message in [&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], &[0xf2, 0x00, 0x11, 0x00, 0x00]] {
        assert_eq!(inflate(&mut decompressor, &[message]).as_deref(), Ok(&b"Hello"[..]), "7.2.3.2");
        decompressor.release();
    }
    let mut decompressor = Decompressor::new(side(WINDOW, false));
    assert!(inflate(&mut decompressor, &[&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]]).is_ok());
    assert_eq!(inflate(&mut decompressor, &[&[0xf2, 0x00, 0x11, 0x00, 0x00]]), Err(InflateError::Corrupt));
}
