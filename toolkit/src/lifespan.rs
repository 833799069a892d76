//! Start-up and shutdown: hooks that run before the first request and after the last response.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use stelo_core::app::{App as CoreApp, BoxError, BoxFuture};

use crate::request::Executor;
use crate::request::Extensions;

/// The result of a hook: nothing, or a `Result`. The error of a start-up hook ends the start; a server logs that of a
/// shutdown hook.
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
    label = "not an async function of no argument or of an `Executor`"
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
pub(crate) type Open = Box<dyn FnOnce(Executor) -> BoxFuture<Result<Opened, BoxError>> + Send>;

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
    Box::new(|executor| {
        Box::pin(async {
            hook.run(executor).await?;
            Ok(Opened::default())
        })
    })
}

/// A shutdown hook alone.
pub(crate) fn on_shutdown<Fut>(hook: impl FnOnce() -> Fut + Send + 'static) -> Open
where
    Fut: Future<Output: HookResult<()>> + Send + 'static,
{
    let close: Close = Box::new(|| Box::pin(async { hook().await.into_result() }));
    Box::new(|_| Box::pin(std::future::ready(Ok(Opened { state: None, close: Some(close) }))))
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
    Box::new(|executor| {
        Box::pin(async {
            let state = open.run(executor).await?;
            let ours = state.clone();
            Ok(Opened {
                state: Some(Box::new(|states| {
                    states.insert(ours);
                })),
                close: Some(Box::new(|| Box::pin(async { close(state).await.into_result() }))),
            })
        })
    })
}

/// The hooks of an application that implements only the contract of the core.
pub(crate) fn foreign(app: Arc<dyn CoreApp>) -> Open {
    Box::new(|executor| {
        Box::pin(async move {
            app.startup(executor.into_inner()).await?;
            Ok(Opened { state: None, close: Some(Box::new(move || app.shutdown())) })
        })
    })
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

    /// Runs the start-up hooks in order. Returns the states of each realm. If a hook fails, the shutdown hooks of those
    /// before it run.
    pub(crate) async fn start(&self, executor: Executor, realms: usize) -> Result<Vec<Extensions>, BoxError> {
        let mut states: Vec<Extensions> = (0..realms).map(|_| Extensions::default()).collect();
        let open = std::mem::take(&mut *lock(&self.open));
        for (realm, open) in open {
            match open(executor.clone()).await {
                Ok(opened) => {
                    if let (Some(put), Some(states)) = (opened.state, states.get_mut(realm)) {
                        put(states);
                    }
                    lock(&self.close).extend(opened.close);
                }
                Err(error) => {
                    if let Err(second) = self.stop().await {
                        tracing::error!("a shutdown hook failed after a failed start: {second}");
                    }
                    return Err(error);
                }
            }
        }
        Ok(states)
    }

    /// Runs the shutdown hooks in the reverse order. Continues after an error, and returns the first.
    pub(crate) async fn stop(&self) -> Result<(), BoxError> {
        let close = std::mem::take(&mut *lock(&self.close));
        let mut result = Ok(());
        for close in close.into_iter().rev() {
            let closed = close().await;
            result = result.and(closed);
        }
        result
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
