//! The default fields of responses, with a `date` that is formatted once a second per thread.

use std::cell::RefCell;
use std::time::Duration;

use stelo_core::http::date;
use stelo_core::proto::Defaults;
use stelo_runtime::{Instant, Runtime};

use super::Thread;

impl<R: Runtime> Thread<R> {
    /// Calls `f` with the fields that every response gets, dated with the current second.
    pub(crate) fn with_defaults<T>(&self, now: Instant, f: impl FnOnce(&Defaults) -> T) -> T {
        thread_local! {
            static CACHE: RefCell<Option<Cached>> = const { RefCell::new(None) };
        }
        CACHE.with_borrow_mut(|cache| {
            let cached = match cache {
                Some(cached) if cached.server == self.shared.id => cached,
                other => {
                    let defaults = self.shared.defaults(Duration::ZERO).unwrap_or_default();
                    other.insert(Cached { server: self.shared.id, until: Instant::ZERO, defaults })
                }
            };
            if now >= cached.until {
                let unix_time = self.runtime.unix_time();
                cached.defaults.set_date(&date::format(unix_time.as_secs()));
                let rest = Duration::from_secs(1)
                    .saturating_sub(Duration::from_nanos(unix_time.subsec_nanos().into()));
                cached.until = now + rest;
            }
            f(&cached.defaults)
        })
    }
}

struct Cached {
    server: u64,
    /// The end of the second that the date names.
    until: Instant,
    defaults: Defaults,
}
