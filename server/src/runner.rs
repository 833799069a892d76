//! Chooses between the executors that are compiled into a program.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::{fmt, io};

use stelo_core::app::App;
use stelo_runtime::Runtime;

use crate::{ConfigError, ServeError, Server, Stopped, log};

type Outcome = Result<Stopped, ServeError>;
type Run = fn(Server, Arc<dyn App>) -> Outcome;
type Serve = Box<dyn FnOnce(Server, Arc<dyn App>) -> Serving + Send>;
type Serving = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// An executor that a server can run on, without its type.
#[derive(Clone, Copy)]
pub struct Runner {
    name: &'static str,
    run: Run,
    /// Returns the executor that runs the caller.
    current: fn() -> io::Result<Serve>,
}

impl Runner {
    /// Returns the executor of a runtime.
    pub const fn of<R: Runtime>() -> Self {
        Self { name: R::NAME, run: Server::run::<R>, current: current::<R> }
    }

    /// Returns the name of the executor, which is the word for `--loop`.
    pub const fn name(&self) -> &'static str {
        self.name
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

impl Server {
    /// Serves `app` as [`run`](Self::run) does, on the first of `runners` that
    /// [`Process::executor`](crate::config::Process::executor) allows.
    ///
    /// # Errors
    /// As for [`run`](Self::run); or none of `runners` is allowed.
    pub fn run_on_any(self, runners: &[Runner], app: Arc<dyn App>) -> Outcome {
        log::init(&self.config)?;
        let executor = self.config.process.executor.clone();
        let runner = wanted(runners, executor.as_deref()).next();
        let runner = runner.ok_or_else(|| missing(runners, executor.clone()))?;
        (runner.run)(self, app)
    }

    /// Serves `app` as [`serve_on`](Self::serve_on) does, inside the first of `runners` that
    /// [`Process::executor`](crate::config::Process::executor) allows and that runs the caller.
    ///
    /// # Errors
    /// As for [`serve_on`](Self::serve_on); or no executor that is allowed runs the caller.
    pub async fn serve_on_any(self, runners: &[Runner], app: Arc<dyn App>) -> Outcome {
        log::init(&self.config)?;
        let executor = self.config.process.executor.clone();
        let mut refusal = missing(runners, executor.clone());
        for runner in wanted(runners, executor.as_deref()) {
            match (runner.current)() {
                Ok(serve) => return serve(self, app).await,
                Err(source) => refusal = ServeError::Outside { runtime: runner.name, source },
            }
        }
        Err(refusal)
    }
}

fn wanted<'a>(runners: &'a [Runner], executor: Option<&'a str>) -> impl Iterator<Item = &'a Runner> {
    runners.iter().filter(move |runner| executor.is_none_or(|executor| executor == runner.name))
}

fn missing(runners: &[Runner], executor: Option<Cow<'static, str>>) -> ServeError {
    let built = runners.iter().map(Runner::name).collect();
    let error = executor.map(|wanted| ConfigError::Executor { wanted, built });
    error.unwrap_or(ConfigError::NoExecutor).into()
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

    /// Returns an executor that fails with its name.
    const fn failing(name: &'static str, run: Run) -> Runner {
        Runner { name, run, current: || Err(io::Error::other("not running")) }
    }

    const RUNNERS: [Runner; 2] = [
        failing("tokio", |_, _| Err(ServeError::Runtime(io::Error::other("tokio")))),
        failing("async-std", |_, _| Err(ServeError::Runtime(io::Error::other("async-std")))),
    ];

    fn outcome(runners: &[Runner], executor: Option<&'static str>) -> String {
        let mut config = Config::new();
        config.process.executor = executor.map(Into::into);
        Server::new(config).run_on_any(runners, Arc::new(Nothing)).unwrap_err().to_string()
    }

    #[test]
    fn the_executor_is_the_first_or_the_named_one() {
        assert!(outcome(&RUNNERS, None).ends_with(": tokio"));
        assert!(outcome(&RUNNERS, Some("tokio")).ends_with(": tokio"));
        assert!(outcome(&RUNNERS, Some("async-std")).ends_with(": async-std"));
    }

    #[test]
    fn the_error_names_the_missing_executor() {
        assert_eq!(
            outcome(&RUNNERS, Some("smol")),
            "the executor smol is not compiled in: use auto, tokio or async-std, or build with another executor"
        );
        let none = "no executor is compiled in: build with a Cargo feature that brings one";
        assert_eq!(outcome(&[], None), none);
    }

    #[test]
    fn serving_needs_a_running_executor() {
        let mut serving = Box::pin(Server::new(Config::new()).serve_on_any(&RUNNERS, Arc::new(Nothing)));
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Err(error)) = serving.as_mut().poll(&mut cx) else { panic!("no error") };
        assert_eq!(
            error.to_string(),
            "async-std does not run the caller: serve inside it, or build with another executor"
        );
    }
}
