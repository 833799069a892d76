//! The default fields of responses, rendered: a status line of 200 and the field lines in one block.
//!
//! Most responses are 200 and set none of these fields, so they begin with one copy of the block. The block is kept in
//! [`Defaults`] until the date changes.

use alloc::vec::Vec;

use super::encoder::field;
use crate::http::{Headers, Status};
use crate::proto::Defaults;

const STATUS_LINE: &[u8] = b"HTTP/1.1 200 OK\r\n";

/// Returns the block if no field of a response can replace one of it, even if the response has no `date` and no
/// `server`.
#[inline]
pub(super) fn whole(defaults: &Defaults) -> Option<&[u8]> {
    if defaults.has_others() { None } else { Some(defaults.http1(render)) }
}

/// Writes the status line, and the default fields that are not in `own`, the fields of the response.
///
/// `replaced` says whether `own` has a `date` or a `server`, which the caller knows.
pub(super) fn write(out: &mut Vec<u8>, status: Status, own: &Headers, replaced: bool, defaults: &Defaults) {
    let block = defaults.http1(render);
    let all = !replaced && (!defaults.has_others() || defaults.is_disjoint(own));
    if all && status == Status::OK {
        return out.extend_from_slice(block);
    }
    status.write_line(out);
    if all {
        return out.extend_from_slice(block.get(STATUS_LINE.len()..).unwrap_or_default());
    }
    for (name, value) in defaults.raw_missing_from(own) {
        field(out, name, value);
    }
}

#[cold]
fn render(fields: &Headers) -> Vec<u8> {
    let mut block = STATUS_LINE.to_vec();
    for (name, value) in fields.raw() {
        field(&mut block, name, value);
    }
    block
}
