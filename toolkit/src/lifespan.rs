//! Start-up and shutdown: hooks that run before the first request and after the last response.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use stelo_core::app::{App as CoreApp, BoxError, BoxFuture};

use crate::request::Executor;
use crate::request::Extensions;
use crate::response::panics::{contained, message};

/// The result of a hook: nothing, or a `Result`. The error of a start-up hook ends the start; a server logs that of a
/// shutdown hook.
#[diagnostic::on_unimplemented(
    message = "a hook cannot return `{Self}`",
    label = "not the result of a hook",
    note = "a hook returns `()` or a `Result<(), E>`, where `E` converts into a `BoxError`; the hook that makes a state returns `Result<T, E>`"
)]
pub trait HookResult<T> {
    /// Converts to a `Result`.
    ///
    /// # Errors
    /// The hook has failed.
    fn into_result(self) -> Result<T, BoxError>;
}

impl HookResult<()> for () {
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<T, E: Into<BoxError>> HookResult<T> for Result<T, E> {
    fn into_result(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}

/// A start-up hook: an async function without arguments, or one that takes the [`Executor`].
///
/// `Args` distinguishes the two; the compiler infers it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a start-up hook",
    label = "not an async function of no argument or of an `Executor`",
    note = "a start-up hook is an `async fn()` or an `async fn(executor: Executor)`; in `App::on_startup` it returns `()` or a `Result<(), E>`",
    note = "in `App::lifespan` it returns `Result<T, E>`, where `T` is the state and `E` converts into a `BoxError`"
)]
pub trait StartHook<Args, T>: Send + 'static {
    /// Runs the hook.
    fn run(self, executor: Executor) -> impl Future<Output = Result<T, BoxError>> + Send + 'static;
}

impl<F, Fut, T: 'static> StartHook<(), T> for F
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output: HookResult<T>> + Send + 'static,
{
    async fn run(self, _: Executor) -> Result<T, BoxError> {
        self().await.into_result()
    }
}

impl<F, Fut, T: 'static> StartHook<(Executor,), T> for F
where
    F: FnOnce(Executor) -> Fut + Send + 'static,
    Fut: Future<Output: HookResult<T>> + Send + 'static,
{
    async fn run(self, executor: Executor) -> Result<T, BoxError> {
        self(executor).await.into_result()
    }
}

/// A start-up hook whose type has been erased.
pub(crate) struct Open {
    run: Box<dyn FnOnce(Executor) -> BoxFuture<Result<Opened, BoxError>> + Send>,
    /// The shutdown hook of an application that may have started in part when its start is interrupted.
    partial: Option<Close>,
}

impl Open {
    fn new<F>(run: impl FnOnce(Executor) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<Opened, BoxError>> + Send + 'static,
    {
        Self { run: Box::new(|executor| Box::pin(run(executor))), partial: None }
    }
}

type Close = Box<dyn FnOnce() -> BoxFuture<Result<(), BoxError>> + Send>;

type PutState = Box<dyn FnOnce(&mut Extensions) + Send>;

/// The result of a start-up hook: a state, and the shutdown hook that goes with it.
#[derive(Default)]
pub(crate) struct Opened {
    state: Option<PutState>,
    close: Option<Close>,
}

/// A start-up hook without a state.
pub(crate) fn on_startup<Args>(hook: impl StartHook<Args, ()>) -> Open {
    Open::new(async |executor| {
        hook.run(executor).await?;
        Ok(Opened::default())
    })
}

/// A shutdown hook alone.
pub(crate) fn on_shutdown<Fut>(hook: impl FnOnce() -> Fut + Send + 'static) -> Open
where
    Fut: Future<Output: HookResult<()>> + Send + 'static,
{
    let close: Close = Box::new(|| Box::pin(async { hook().await.into_result() }));
    Open::new(|_| std::future::ready(Ok(Opened { state: None, close: Some(close) })))
}

/// A pair of hooks that create and dispose of a state.
pub(crate) fn lifespan<Args, T, Fut>(
    open: impl StartHook<Args, T>,
    close: impl FnOnce(T) -> Fut + Send + 'static,
) -> Open
where
    T: Clone + Send + Sync + 'static,
    Fut: Future<Output: HookResult<()>> + Send + 'static,
{
    Open::new(async |executor| {
        let state = open.run(executor).await?;
        let ours = state.clone();
        Ok(Opened {
            state: Some(Box::new(|states| {
                states.insert(ours);
            })),
            close: Some(Box::new(|| Box::pin(async { close(state).await.into_result() }))),
        })
    })
}

/// The hooks of an application that implements only the contract of the core.
pub(crate) fn foreign(app: Arc<dyn CoreApp>) -> Open {
    let started = app.clone();
    let run = move |executor: Executor| async move {
        app.startup(executor.into_inner()).await?;
        Ok(Opened::default())
    };
    Open { partial: Some(Box::new(move || started.shutdown())), ..Open::new(run) }
}

/// The hooks of an application in the order of declaration, each with the realm that its state belongs to.
#[derive(Default)]
pub(crate) struct Lifespan {
    open: Mutex<Vec<(usize, Open)>>,
    close: Mutex<Vec<Close>>,
}

impl Lifespan {
    pub(crate) fn new(open: Vec<(usize, Open)>) -> Self {
        Self { open: Mutex::new(open), close: Mutex::default() }
    }

    /// Runs the start-up hooks in order. Returns the states of each realm. If a hook fails or panics, the shutdown hooks of
    /// those before it run. If the future is dropped, [`stop`](Self::stop) runs them.
    pub(crate) async fn start(&self, executor: Executor, realms: usize) -> Result<Vec<Extensions>, BoxError> {
        let mut states: Vec<Extensions> = (0..realms).map(|_| Extensions::default()).collect();
        let open = std::mem::take(&mut *lock(&self.open));
        for (realm, Open { run, partial }) in open {
            let is_partial = partial.is_some();
            lock(&self.close).extend(partial);
            let executor = executor.clone();
            match run_hook(async { run(executor).await }).await {
                Ok(opened) => {
                    if let (Some(put), Some(states)) = (opened.state, states.get_mut(realm)) {
                        put(states);
                    }
                    lock(&self.close).extend(opened.close);
                }
                Err(error) => {
                    // An application whose start fails undoes what it has begun.
                    if is_partial {
                        lock(&self.close).pop();
                    }
                    if let Err(second) = self.stop().await {
                        tracing::error!("a shutdown hook failed after a failed start: {second}");
                    }
                    return Err(error);
                }
            }
        }
        Ok(states)
    }

    /// Runs the shutdown hooks in the reverse order. Continues after an error or a panic, and returns the first. If the
    /// future is dropped, the next call continues with the next hook.
    pub(crate) async fn stop(&self) -> Result<(), BoxError> {
        let mut result = Ok(());
        loop {
            let Some(close) = lock(&self.close).pop() else { return result };
            let closed = run_hook(async { close().await }).await;
            result = result.and(closed);
        }
    }
}

/// Runs a hook. Its panic is an error.
async fn run_hook<T>(hook: impl Future<Output = Result<T, BoxError>>) -> Result<T, BoxError> {
    contained(hook).await.unwrap_or_else(|panic| Err(format!("panic: {}", message(&*panic)).into()))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
