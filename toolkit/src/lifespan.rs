//! Start-up and shutdown: hooks that run before the first request and after the last response.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use stelo_core::app::{App as CoreApp, BoxError, BoxFuture};

use crate::request::Executor;
use crate::request::Extensions;

/// What a hook returns: nothing, or a `Result` whose error ends the start, or is reported by the shutdown.
pub trait HookResult<T> {
    /// The result.
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

/// A hook of the start: an async function without arguments, or one that takes the [`Executor`].
///
/// `Args` tells these apart; leave it out.
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

/// One thing to open at the start, and to close at the shutdown.
pub(crate) type Open = Box<dyn FnOnce(Executor) -> BoxFuture<Result<Opened, BoxError>> + Send>;

type Close = Box<dyn FnOnce() -> BoxFuture<Result<(), BoxError>> + Send>;

type PutState = Box<dyn FnOnce(&mut Extensions) + Send>;

/// What opening has given.
#[derive(Default)]
pub(crate) struct Opened {
    state: Option<PutState>,
    close: Option<Close>,
}

/// A hook of the start alone.
pub(crate) fn on_startup<Args>(hook: impl StartHook<Args, ()>) -> Open {
    Box::new(|executor| {
        Box::pin(async {
            hook.run(executor).await?;
            Ok(Opened::default())
        })
    })
}

/// A hook of the shutdown alone.
pub(crate) fn on_shutdown<Fut>(hook: impl FnOnce() -> Fut + Send + 'static) -> Open
where
    Fut: Future<Output: HookResult<()>> + Send + 'static,
{
    let close: Close = Box::new(|| Box::pin(async { hook().await.into_result() }));
    Box::new(|_| Box::pin(std::future::ready(Ok(Opened { state: None, close: Some(close) }))))
}

/// A pair of hooks around the life of a state.
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

/// The hooks of an application that knows only the core.
pub(crate) fn foreign(app: Arc<dyn CoreApp>) -> Open {
    Box::new(|executor| {
        Box::pin(async move {
            app.startup(executor.into_inner()).await?;
            Ok(Opened { state: None, close: Some(Box::new(move || app.shutdown())) })
        })
    })
}

/// All hooks of a running application, each with the realm to which its state belongs, in the order of declaration.
#[derive(Default)]
pub(crate) struct Lifespan {
    open: Mutex<Vec<(usize, Open)>>,
    close: Mutex<Vec<Close>>,
}

impl Lifespan {
    pub(crate) fn new(open: Vec<(usize, Open)>) -> Self {
        Self { open: Mutex::new(open), close: Mutex::default() }
    }

    /// Opens everything, in order; gives the states to `realms`. If something fails, what was open is closed again.
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

    /// Closes everything that is open, in the reverse order; goes on after an error, and gives the first back.
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
