//! Chunked bodies (RFC 9112 section 7.1).

use crate::peer::{Cut, MOST, alike, config, listen};
use crate::reference::{Halt, chunked as reference};
use crate::source::Source;

/// Checks that a chunked body decodes as the reference does, and ends at the same offset.
///
/// The input: whether limits are tight; two sizes of pieces; the body and the bytes after it.
pub fn chunked(input: &[u8]) {
    const HEAD: &[u8] = b"PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut source = Source::new(input);
    let config = config(source.flag());
    let sizes = [source.byte(), source.byte()];
    let bytes = source.rest();
    let bytes = &bytes[..bytes.len().min(MOST)];
    let mut body = Vec::new();
    let expected = reference::read(bytes, &config.limits, &mut body);

    let bytes = [HEAD, bytes].concat();
    let (heard, left) = alike(sizes, |cut: Cut| listen(config, &bytes, cut));
    let exchange = &heard.exchanges[0];
    assert_eq!(exchange.body.escape_ascii().to_string(), body.escape_ascii().to_string());
    match expected {
        Ok((trailers, rest)) => {
            assert!(exchange.ended && heard.faults.is_empty());
            assert_eq!((&exchange.trailers, left), (&trailers, rest.len()));
        }
        Err(halt) => {
            assert!(!exchange.ended);
            assert_eq!(
                heard.faults.len(),
                usize::from(halt == Halt::Refused),
                "{halt:?}: {:?}",
                heard.faults
            );
        }
    }
}
