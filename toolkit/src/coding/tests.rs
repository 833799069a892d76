//! Encoders against the decoders.

use super::*;

/// Decodes all of `input`, with `room` bytes of output at a time. Returns the output, and whether the stream has ended.
fn decode(name: &str, mut input: &[u8], room: usize) -> Result<(Vec<u8>, bool), Corrupt> {
    let mut decoder = decoder(name.as_bytes()).unwrap();
    let mut out = Vec::new();
    loop {
        let mut buffer = vec![0; room];
        let step = decoder.decode(input, &mut buffer)?;
        input = &input[step.read..];
        out.extend_from_slice(&buffer[..step.written]);
        if step.ended || (input.is_empty() && step.written < room) {
            return Ok((out, step.ended));
        }
    }
}

fn sample() -> Vec<u8> {
    (0..200_000u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 20 & n).to_le_bytes()).collect()
}

#[test]
fn every_coding_is_unchanged_after_a_round_trip() {
    let sample = sample();
    for &coding in Coding::ALL {
        for lasts in [false, true] {
            for len in [0, 1, 500, 70_000, sample.len()] {
                let (mut encoder, mut out) = (encoder(coding, Levels::default(), lasts).unwrap(), Vec::new());
                for piece in sample[..len].chunks(9_000) {
                    encoder.write(piece, &mut out).unwrap();
                }
                encoder.finish(&mut out).unwrap();
                for room in [100, 32 << 10] {
                    let (decoded, ended) = decode(coding.name(), &out, room).unwrap();
                    assert!(ended && decoded == sample[..len], "{coding:?} {lasts} {len} {room}");
                }
            }
        }
    }
}

#[test]
fn a_body_that_is_encoded_at_once_is_the_same_again() {
    let sample = sample();
    for &coding in Coding::ALL {
        let mut levels = Levels::default();
        for len in [0, 1, 500, 70_000, sample.len()] {
            for level in [6, 1, 1] {
                levels.gzip = level;
                let out = encode(coding, levels, &sample[..len]).expect("there is memory");
                let (decoded, ended) = decode(coding.name(), &out, 4096).expect("it is valid");
                assert!(ended && decoded == sample[..len], "{coding:?} {level} {len}");
            }
        }
    }
}

#[test]
fn a_flush_lets_the_client_decode_all_input() {
    for &coding in Coding::ALL {
        let (mut encoder, mut out) = (encoder(coding, Levels::default(), false).unwrap(), Vec::new());
        let mut all = String::new();
        for piece in ["first", "second", &"long ".repeat(20_000)] {
            encoder.write(piece.as_bytes(), &mut out).unwrap();
            encoder.flush(&mut out).unwrap();
            all.push_str(piece);
            let (decoded, ended) = decode(coding.name(), &out, 4096).unwrap();
            assert!(!ended && decoded == all.as_bytes(), "{coding:?}");
        }
    }
}

#[test]
fn a_damaged_stream_is_corrupt() {
    for &coding in Coding::ALL {
        let (mut encoder, mut out) = (encoder(coding, Levels::default(), false).unwrap(), Vec::new());
        encoder.write(&sample(), &mut out).unwrap();
        encoder.finish(&mut out).unwrap();
        out[0] ^= 0xff;
        assert!(decode(coding.name(), &out, 4096).is_err(), "{coding:?}");
    }
}

#[test]
fn names_match_without_regard_to_case() {
    for name in ["gzip", "GZip", "x-gzip", "deflate"] {
        assert!(decoder(name.as_bytes()).is_some(), "{name}");
    }
    for name in ["", "identity", "compress", "gzip2"] {
        assert!(decoder(name.as_bytes()).is_none(), "{name}");
    }
    for name in DECODABLE.split(", ") {
        assert!(decoder(name.as_bytes()).is_some(), "{name}");
    }
}
