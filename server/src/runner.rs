//! Which of the executors that are compiled into a program runs its server.

use std::pin::Pin;
use std::sync::Arc;
use std::{fmt, io};

use stelo_core::app::App;
use stelo_runtime::Runtime;

use crate::{ConfigError, Loop, ServeError, Server, Stopped, log};

type Outcome = Result<Stopped, ServeError>;
type Run = fn(Server, Arc<dyn App>) -> Outcome;
type Serve = Box<dyn FnOnce(Server, Arc<dyn App>) -> Serving + Send>;
type Serving = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// An executor that a server can run on, its type forgotten.
#[derive(Clone, Copy)]
pub struct Runner {
    name: &'static str,
    run: Run,
    /// The executor that runs the caller, if there is one, as something that serves.
    current: fn() -> io::Result<Serve>,
}

impl Runner {
    /// The executor of a runtime.
    pub const fn of<R: Runtime>() -> Self {
        Self { name: R::NAME, run: Server::run::<R>, current: current::<R> }
    }
}

fn current<R: Runtime>() -> io::Result<Serve> {
    R::current().map(|runtime| -> Serve { Box::new(|server, app| Box::pin(server.serve_on(runtime, app))) })
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Runner").field(&self.name).finish()
    }
}

/// Runs a server on threads of its own until it stops: on the first of `runners` that
/// [`Config::runtime`](crate::Config::runtime) allows.
///
/// # Errors
/// A setting makes no sense, none of `runners` is wanted, or the server cannot start.
pub fn run_on(runners: &[Runner], server: Server, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
    log::init(&server.config);
    let named = server.config.runtime;
    let runner = wanted(runners, named).next().ok_or_else(|| missing(runners, named))?;
    (runner.run)(server, app)
}

/// Runs a server inside an executor that runs already until it stops: the first of `runners` that
/// [`Config::runtime`](crate::Config::runtime) allows and that runs the caller.
///
/// # Errors
/// As for [`run_on`]; or the caller is not run by a wanted executor.
pub async fn serve_on(runners: &[Runner], server: Server, app: Arc<dyn App>) -> Result<Stopped, ServeError> {
    log::init(&server.config);
    let named = server.config.runtime;
    let mut refusal = missing(runners, named);
    for runner in wanted(runners, named) {
        match (runner.current)() {
            Ok(serve) => return serve(server, app).await,
            Err(source) => refusal = ServeError::Outside { runtime: runner.name, source },
        }
    }
    Err(refusal)
}

fn wanted(runners: &[Runner], wanted: Loop) -> impl Iterator<Item = &Runner> {
    runners.iter().filter(move |runner| wanted == Loop::Auto || wanted.word() == runner.name)
}

fn missing(runners: &[Runner], wanted: Loop) -> ServeError {
    ConfigError::Loop { wanted, built: runners.iter().map(|runner| runner.name).collect() }.into()
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use stelo_core::app::{Reply, Request, Response};

    use super::*;
    use crate::Config;

    struct Nothing;

    impl App for Nothing {
        fn call(&self, _: Request) -> Reply {
            Response::default().into()
        }
    }

    /// An executor that says which it is by failing.
    const fn failing(name: &'static str, run: Run) -> Runner {
        Runner { name, run, current: || Err(io::Error::other("not running")) }
    }

    const RUNNERS: [Runner; 2] = [
        failing("tokio", |_, _| Err(ServeError::Runtime(io::Error::other("tokio")))),
        failing("async-std", |_, _| Err(ServeError::Runtime(io::Error::other("async-std")))),
    ];

    fn outcome(runners: &[Runner], runtime: Loop) -> String {
        let server = Server::new(Config::new().runtime(runtime));
        run_on(runners, server, Arc::new(Nothing)).unwrap_err().to_string()
    }

    #[test]
    fn the_first_is_taken_or_the_one_that_is_named() {
        assert!(outcome(&RUNNERS, Loop::Auto).ends_with(": tokio"));
        assert!(outcome(&RUNNERS, Loop::Tokio).ends_with(": tokio"));
        assert!(outcome(&RUNNERS, Loop::AsyncStd).ends_with(": async-std"));
    }

    #[test]
    fn what_is_not_there_is_named() {
        assert_eq!(
            outcome(&RUNNERS, Loop::Smol),
            "--loop smol is not compiled in: build with the Cargo feature smol, or use tokio or async-std"
        );
        let none = "no executor is compiled in: build with one of the Cargo features tokio, smol, async-std";
        assert_eq!(outcome(&[], Loop::Auto), none);
    }

    #[test]
    fn serving_asks_for_an_executor_that_runs() {
        let mut serving = Box::pin(serve_on(&RUNNERS, Server::new(Config::new()), Arc::new(Nothing)));
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Err(error)) = serving.as_mut().poll(&mut cx) else { panic!("no error") };
        assert_eq!(
            error.to_string(),
            "async-std does not run the caller: serve inside it, or build with another executor"
        );
    }
}
