//! Request heads (RFC 9112 sections 2 to 6).

use stelo_core::FaultKind;

use crate::peer::{Cut, MOST, alike, config, listen};
use crate::reference::{Halt, head as reference};
use crate::source::Source;

/// Checks that the machine and the reference parser agree on a head: accepted with the same result, rejected, or
/// incomplete.
///
/// The input: whether limits are tight; two sizes of pieces; the bytes.
pub fn head(input: &[u8]) {
    let mut source = Source::new(input);
    let config = config(source.flag());
    let sizes = [source.byte(), source.byte()];
    let bytes = source.rest();
    let bytes = &bytes[..bytes.len().min(MOST)];
    let expected = reference::read(bytes, &config.limits);
    // Only the head is compared; the bytes after it are cut off.
    let head = expected.as_ref().map_or(bytes, |(_, rest)| &bytes[..bytes.len() - rest.len()]);
    let (heard, _) = alike(sizes, |cut: Cut| listen(config, head, cut));
    match expected {
        Ok(((head, meaning), _)) => {
            assert_eq!(heard.faults, []);
            assert_eq!((&heard.exchanges[0].head, heard.exchanges[0].length), (&head, meaning.length));
        }
        Err(halt) => {
            assert_eq!(heard.exchanges, []);
            let kinds: Vec<FaultKind> = heard.faults.iter().map(|fault| fault.kind).collect();
            assert_eq!(kinds.len(), usize::from(halt == Halt::Refused), "{halt:?}: {kinds:?}");
        }
    }
}
