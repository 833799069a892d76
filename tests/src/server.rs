//! Servers in this process, on the executor that a case is run on.

use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures_lite::future::block_on;
use stelo_async_std::AsyncStd;
use stelo_core::app::{Address, App};
use stelo_server::{Config, ServeError, Server, ServerHandle, Stopped};
use stelo_smol::Smol;
use stelo_tokio::Tokio;

use crate::Client;

/// The executor that a case is run on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum On {
    /// tokio
    Tokio,
    /// smol
    Smol,
    /// async-std
    AsyncStd,
}

/// A server on one thread and a port that the system chooses.
pub fn config() -> Config {
    Config::new().port(0).threads(1)
}

impl On {
    /// Starts a server of [`config`].
    #[track_caller]
    pub fn serve(self, app: impl App) -> Running {
        self.serve_with(config(), app)
    }

    /// Starts a server.
    #[track_caller]
    pub fn serve_with(self, config: Config, app: impl App) -> Running {
        match self.try_serve(config, app) {
            Ok(running) => running,
            Err(error) => panic!("the server does not start: {error}"),
        }
    }

    /// Starts a server, or says why it does not start.
    ///
    /// # Errors
    /// Those of the server.
    pub fn try_serve(self, config: Config, app: impl App) -> Result<Running, ServeError> {
        let server = Server::new(config);
        let handle = server.handle();
        let app: Arc<dyn App> = Arc::new(app);
        let thread = std::thread::spawn(move || match self {
            Self::Tokio => server.run::<Tokio>(app),
            Self::Smol => server.run::<Smol>(app),
            Self::AsyncStd => server.run::<AsyncStd>(app),
        });
        match block_on(handle.listening()) {
            Some(addresses) => Ok(Running { addresses, handle, thread: Some(thread) }),
            None => match join(thread) {
                Err(error) => Err(error),
                Ok(stopped) => panic!("the server has stopped without ever listening: {stopped:?}"),
            },
        }
    }
}

/// A server that runs; it is stopped and waited for when it is dropped.
#[derive(Debug)]
pub struct Running {
    addresses: Vec<Address>,
    handle: ServerHandle,
    thread: Option<JoinHandle<Result<Stopped, ServeError>>>,
}

impl Running {
    /// Where it listens.
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        match self.addresses[..] {
            [Address::Ip(address)] => address,
            ref other => panic!("not one TCP address: {other:?}"),
        }
    }

    /// A client, connected.
    #[track_caller]
    pub fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// A client, connected to a server that listens on a Unix socket.
    #[track_caller]
    pub fn connect_unix(&self, path: &Path) -> Client<UnixStream> {
        assert_eq!(self.addresses, [Address::Unix(path.to_string_lossy().into())]);
        Client::new(UnixStream::connect(path).expect("the server listens on the Unix socket"))
    }

    /// Asks the server to stop, as a signal does, and does not wait for it.
    pub fn ask_to_stop(&self) {
        self.handle.stop();
    }

    /// Waits until the server has stopped by itself.
    ///
    /// # Errors
    /// Those of the server.
    #[track_caller]
    pub fn wait(mut self) -> Result<Stopped, ServeError> {
        join(self.thread.take().expect("a server is waited for once"))
    }

    /// Stops the server and waits for its end.
    ///
    /// # Errors
    /// Those of the server.
    #[track_caller]
    pub fn stop(self) -> Result<Stopped, ServeError> {
        self.ask_to_stop();
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            // A case that has failed already says why better.
            if !std::thread::panicking() {
                ended.expect("the server does not panic").expect("the server ends well");
            }
        }
    }
}

#[track_caller]
fn join(thread: JoinHandle<Result<Stopped, ServeError>>) -> Result<Stopped, ServeError> {
    thread.join().expect("the server does not panic")
}
