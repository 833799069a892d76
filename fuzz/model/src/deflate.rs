//! Compressed messages (RFC 7692).

use stelo_core::ws::Deflate;
use stelo_core::ws::deflate::{Compressor, Decompressor, InflateError, Parameters};

use crate::peer::{Cut, MOST, alike};
use crate::reference::inflate::{Context, Outcome, message};
use crate::source::Source;

/// Checks that two messages of arbitrary bytes decompress as the reference does, within the limit and in bounded
/// memory. Compressing and decompressing them returns the same bytes.
///
/// The input: the window; whether it is kept between messages; whether the limit is tight; the level; the number of
/// repetitions of the second message before compression; two sizes of pieces; the length of the first message as a
/// letter, and its bytes; the second message.
pub fn deflate(input: &[u8]) {
    let mut source = Source::new(input);
    let bits = source.pick(&[15, 9, 10, 11, 12, 13, 14]);
    let afresh = source.flag();
    let limit = source.pick(&[1 << 17, 40]);
    let level = source.pick(&[4, 1, 2, 3, 5, 6, 7, 8, 9]);
    let times = source.pick(&[1, 2, 30, 200]);
    let sizes = [source.byte(), source.byte()];
    let first = source.bytes();
    let second = source.rest();
    let second = &second[..second.len().min(MOST)];
    let config = Deflate::DEFAULT.level(level);
    let parameters = |bits| Parameters {
        client_max_window_bits: Some(bits),
        client_no_context_takeover: afresh,
        ..Parameters::default()
    };

    // The largest window holds every distance that deflate can refer to.
    let all = Kept { takeover: !afresh, window: 1 << 15 };
    decompresses(&[first, second], sizes, limit, all, || server(parameters(15), config));

    let (mut compressor, _) = parameters(bits).client(&config).expect("the feature is on");
    let second = second.repeat(times);
    let second = &second[..second.len().min(6 << 10)];
    let messages = [first, second, second].map(|message| compressed(&mut compressor, message));
    let messages: Vec<&[u8]> = messages.iter().map(|message| &**message).collect();
    let kept = Kept { takeover: !afresh, window: 1 << bits };
    let heard = decompresses(&messages, sizes, 1 << 16, kept, || server(parameters(bits), config));
    assert!(heard == [first, second, second].map(|message| Ok(message.to_vec())));
}

fn server(parameters: Parameters, config: Deflate) -> Decompressor {
    parameters.server(&config).expect("the feature is on").1
}

/// The context that is kept between messages.
#[derive(Clone, Copy)]
struct Kept {
    takeover: bool,
    window: usize,
}

/// Compresses a message, and checks that the result is never much larger.
fn compressed(compressor: &mut Compressor, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    compressor.compress(message, &mut out);
    let most = message.len() + message.len() / 8 + 16;
    assert!(out.len() <= most, "{} bytes became {}", message.len(), out.len());
    assert!(compressor.held() <= 300 << 10);
    out
}

/// Decompresses messages up to the first that fails. Checks that the result equals the reference for all pieces.
fn decompresses(
    messages: &[&[u8]],
    sizes: [u8; 2],
    limit: usize,
    kept: Kept,
    decompressor: impl Fn() -> Decompressor,
) -> Vec<Result<Vec<u8>, InflateError>> {
    let (mut expected, mut before) = (Vec::new(), Vec::new());
    for bytes in messages {
        let (out, outcome) = message(bytes, &Context { before: &before, limit });
        if kept.takeover {
            before.extend_from_slice(&out);
        }
        match outcome {
            Outcome::Failed(error) => {
                expected.push((out, Err(error)));
                break;
            }
            Outcome::Whole | Outcome::Short => expected.push((out, Ok(()))),
        }
    }
    let heard = alike(sizes, |cut| {
        let mut decompressor = decompressor();
        let mut heard = Vec::new();
        for bytes in messages.iter().take(expected.len()) {
            let mut message = Vec::new();
            let result = inflate(&mut decompressor, cut, bytes, &mut message, limit);
            assert!(message.capacity() <= limit, "room for {} bytes", message.capacity());
            assert!(decompressor.held() <= kept.window + (48 << 10), "{} bytes held", decompressor.held());
            heard.push((message, result));
            if cut == Cut::Bytes {
                decompressor.release();
                assert!(
                    result.is_err() || decompressor.held() <= if kept.takeover { kept.window } else { 0 }
                );
            }
        }
        heard
    });
    assert_eq!(heard, expected);
    heard.into_iter().map(|(message, result)| result.map(|()| message)).collect()
}

fn inflate(
    decompressor: &mut Decompressor,
    cut: Cut,
    bytes: &[u8],
    message: &mut Vec<u8>,
    limit: usize,
) -> Result<(), InflateError> {
    // In pieces, an empty last piece marks the end of the message.
    let pieces = if cut == Cut::Not { vec![bytes] } else { cut.pieces(bytes) };
    for piece in &pieces {
        decompressor.inflate(piece, cut == Cut::Not, message, limit)?;
    }
    if cut == Cut::Not { Ok(()) } else { decompressor.inflate(&[], true, message, limit) }
}
