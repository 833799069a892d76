//! Reports failures of the application: as a log line, and to the test client if it runs the application.
//!
//! The collector of the test client belongs to the thread, and only while that thread polls the application. Outside of
//! tests it is empty, and a report costs one look at it.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

thread_local! {
    static COLLECTOR: RefCell<Option<Failures>> = const { RefCell::new(None) };
}

/// Logs a failure of the application as an error, and notes it for the test client.
macro_rules! failure {
    ($($arg:tt)+) => {{
        tracing::error!($($arg)+);
        $crate::response::report::note(format_args!($($arg)+));
    }};
}
pub(crate) use failure;

/// Notes a failure for the test client.
pub(crate) fn note(text: fmt::Arguments<'_>) {
    // The thread may be ending. Then no client polls on it.
    let collector = COLLECTOR.try_with(|collector| collector.borrow().clone());
    if let Ok(Some(failures)) = collector {
        failures.add(text);
    }
}

/// Failures that were reported while a future was polled.
#[derive(Clone, Default)]
pub(crate) struct Failures(Arc<Mutex<Vec<String>>>);

impl Failures {
    /// Adds a failure.
    pub(crate) fn add(&self, text: fmt::Arguments<'_>) {
        let text = text.to_string();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// Takes all failures.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a future, and collects the failures that it reports.
    pub(crate) async fn during<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let _collecting = Collecting::new(self.clone());
            future.as_mut().poll(cx)
        })
        .await
    }
}

/// Collects the reports of this thread until it is dropped.
struct Collecting(Option<Failures>);

impl Collecting {
    fn new(failures: Failures) -> Self {
        Self(COLLECTOR.with(|collector| collector.replace(Some(failures))))
    }
}

impl Drop for Collecting {
    fn drop(&mut self) {
        let _ = COLLECTOR.try_with(|collector| collector.replace(self.0.take()));
    }
}
