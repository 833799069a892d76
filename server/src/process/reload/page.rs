//! The page that a worker shows while the program cannot be built.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use stelo_core::app::{App, BoxError, BoxFuture, Context, Executor, Reply, Request, Response};
use stelo_core::http::{Method, RequestHead, Status};

/// The output of the last build, if it has failed. The supervisor tells it to each worker.
#[derive(Debug, Default)]
pub(crate) struct Notice {
    is_set: AtomicBool,
    output: Mutex<String>,
}

impl Notice {
    /// Sets the output of a build that has failed, or removes it.
    pub(in crate::process) fn set(&self, output: Option<String>) {
        self.is_set.store(output.is_some(), Ordering::Release);
        *self.output.lock().unwrap_or_else(PoisonError::into_inner) = output.unwrap_or_default();
    }

    /// Returns `app`, with a page for browsers in place of its own while the program cannot be built.
    pub(crate) fn around(self: Arc<Self>, app: Arc<dyn App>) -> Arc<dyn App> {
        Arc::new(Explained { app, notice: self })
    }

    fn page(&self) -> Response {
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let text = output.replace('&', "&amp;").replace('<', "&lt;");
        let page = format!(
            "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<meta http-equiv=refresh content=1>\n\
             <meta name=viewport content=\"width=device-width\">\n<title>The build has failed</title>\n<style>\n\
             :root {{ color-scheme: light dark; font-family: system-ui, sans-serif; }}\nbody {{ margin: 2rem; }}\n\
             pre {{ font-family: ui-monospace, monospace; white-space: pre-wrap; }}\n</style>\n\
             <h1>The build has failed</h1>\n<p>This page appears in place of the program's own until it can be built.\n\
             <pre>{text}</pre>\n"
        );
        let mut response = Response::text(Status::SERVICE_UNAVAILABLE, page);
        response.headers.remove("content-type");
        response.headers.append("content-type", "text/html; charset=utf-8");
        response.headers.append("cache-control", "no-store");
        response
    }
}

/// An application that is built again while it runs.
struct Explained {
    app: Arc<dyn App>,
    notice: Arc<Notice>,
}

/// Whether a browser wants to show the answer as a page.
fn is_navigation(head: &RequestHead) -> bool {
    let accepts = |value: &[u8]| value.windows(9).any(|word| word.eq_ignore_ascii_case(b"text/html"));
    *head.method() == Method::Get && head.headers().get_all("accept").any(accepts)
}

impl App for Explained {
    fn call(&self, request: Request) -> Reply {
        if self.notice.is_set.load(Ordering::Acquire) && is_navigation(request.head()) {
            return self.notice.page().into();
        }
        self.app.call(request)
    }

    fn route(&self, head: &RequestHead, context: &Context) -> Option<&str> {
        self.app.route(head, context)
    }

    fn startup(&self, executor: Arc<dyn Executor>) -> BoxFuture<Result<(), BoxError>> {
        self.app.startup(executor)
    }

    fn shutdown(&self) -> BoxFuture<Result<(), BoxError>> {
        self.app.shutdown()
    }
}
