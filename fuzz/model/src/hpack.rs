//! Header blocks of HTTP/2.

use stelo_core::h2::hpack::{
    BlockLimits, Decoder, Encoder, FieldLines, FieldSink, HpackError, Indexing, KnownName, constant_field,
};

use crate::peer::{Cut, MOST, alike};
use crate::reference::Fields;
use crate::reference::hpack as reference;
use crate::source::Source;

/// Checks that the decoder and the reference agree on blocks, one after the other: the same fields, or the same fault.
/// Fields are the same after another encoder and decoder.
///
/// The input: the size of the table; the limits; two sizes of pieces; the number of short blocks; each of them, a new
/// limit of the table first; a last block.
pub fn hpack(input: &[u8]) {
    let mut source = Source::new(&input[..input.len().min(MOST)]);
    let table = source.pick(&[4_096, 0, 64, 100, 256]);
    let limits = source.pick(&[
        BlockLimits::default(),
        BlockLimits { size: 100, fields: 100, hard: 400 },
        BlockLimits { size: 400, fields: 2, hard: 400 },
        BlockLimits { size: 0, fields: 0, hard: 40 },
    ]);
    let sizes = [source.byte(), source.byte()];
    let mut blocks = Vec::new();
    for _ in 0..source.byte() % 8 {
        let resize = source.pick(&[None, Some(0), Some(40), Some(80), Some(4_096)]);
        blocks.push((resize, source.bytes()));
    }
    blocks.push((None, source.rest()));

    let results = alike(sizes, |cut| decode(table, &blocks, limits, cut));
    let mut decoder = reference::Decoder::new(table);
    for (i, (resize, block)) in blocks.iter().enumerate() {
        if let Some(limit) = resize {
            decoder.set_table_limit(*limit);
        }
        let expected = decoder.decode(block, limits);
        // A string that is too long and then invalid: the decoder looks a few symbols ahead, so it may find either first.
        let is_either = expected == Err(HpackError::TooLarge) && results[i] == Err(HpackError::Huffman);
        assert!(is_either || results[i] == expected, "block {i}: {:?}, not {expected:?}", results[i]);
        if expected.is_err() {
            return assert_eq!(results.len(), i + 1);
        }
    }
    let all: Vec<_> = results.into_iter().flatten().map(|(fields, _)| fields).collect();
    for table in [0, 64, 4_096] {
        round_trip(table, &all);
    }
}

/// Decodes the blocks, up to the first fault.
fn decode(
    table: u16,
    blocks: &[(Option<u16>, &[u8])],
    limits: BlockLimits,
    cut: Cut,
) -> Vec<reference::Block> {
    let mut decoder = Decoder::new(table);
    let mut results = Vec::new();
    for (resize, block) in blocks {
        if let Some(limit) = resize {
            decoder.set_table_limit(*limit);
        }
        let mut lines = FieldLines::default();
        let result = decode_block(&mut decoder, block, limits, cut, &mut lines);
        let failed = result.is_err();
        results.push(result);
        if failed {
            break;
        }
    }
    results
}

fn decode_block(
    decoder: &mut Decoder,
    block: &[u8],
    limits: BlockLimits,
    cut: Cut,
    lines: &mut FieldLines,
) -> reference::Block {
    decoder.begin(limits);
    for piece in cut.pieces(block) {
        decoder.decode(piece, lines)?;
        // Lists of bytes grow to twice their length, and the table has a size.
        let most = 2 * (limits.size + block.len()) + 5 * 1_024 + 64;
        let held = lines.buffer().capacity() + decoder.held();
        assert!(held <= most, "{held} bytes for a block of {}", block.len());
    }
    let excess = decoder.finish()?;
    for field in lines.fields().to_vec() {
        let line = &lines.buffer()[field.name().start..field.value().end + 2];
        let (name, value) = (&line[..field.name().len()], &line[field.name().len() + 2..line.len() - 2]);
        assert_eq!(field.known(), KnownName::find(name));
        assert_eq!(line, [name, b": ", value, b"\r\n"].concat());
    }
    let fields = lines.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    Ok((fields, excess))
}

/// Encodes the blocks with each kind of indexing, and checks that the reference decodes the same fields.
fn round_trip(table: u16, blocks: &[Fields]) {
    let mut encoder = Encoder::new(table);
    let mut decoder = reference::Decoder::new(4_096);
    for fields in blocks {
        let mut out = Vec::new();
        encoder.begin(&mut out);
        for (i, (name, value)) in fields.iter().enumerate() {
            match i % 5 {
                0 => encoder.field(&mut out, name, value, Indexing::for_response(name)),
                1 => encoder.field(&mut out, name, value, Indexing::for_request(name, value)),
                2 => encoder.field(&mut out, name, value, Indexing::Without),
                3 => constant_field(&mut out, name, value),
                _ => encoder.field(&mut out, name, value, Indexing::Add),
            }
        }
        let lower: Fields =
            fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        let limits = BlockLimits { fields: usize::MAX, ..BlockLimits::default() };
        assert_eq!(decoder.decode(&out, limits), Ok::<_, HpackError>((lower, None)));
    }
}
