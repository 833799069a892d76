//! What the system has in memory, taken without waiting for a disk, so that it needs no other thread: files that are
//! opened by names it knows, and bytes it has read before.
//!
//! Whatever it does not give at once is no answer here: it is asked again where it may take its time. Only Linux can be
//! asked so (`RESOLVE_CACHED` of openat2(2), `RWF_NOWAIT` of preadv2(2)).

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub(super) use linux::{Version, open, read, region};
#[cfg(not(target_os = "linux"))]
pub(super) use other::{Version, open, read, region};
