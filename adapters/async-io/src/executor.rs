//! The contract of executors, for every executor that is built on async-executor and async-io.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::task::Context;
use std::time::Duration;

use stelo_os::Clock;
use stelo_os::socket::Socket;
use stelo_runtime::{Address, Bind, Instant, KeepAlive, Runtime, Signal};

use crate::thread::{Handle, block_on};
use crate::{Listener, Signals, Sleep, Stream};

/// The process-wide executor of a library, and its threads for blocking work.
pub trait Process: Send + Sync + 'static {
    /// The name of the executor on the command line.
    const NAME: &'static str;

    /// Spawns a task on the process-wide executor.
    fn spawn(future: impl Future<Output = ()> + Send + 'static);

    /// Runs blocking work on a thread that is meant for it.
    fn blocking(work: Box<dyn FnOnce() + Send>);
}

/// An executor: that of a thread, or the process-wide one of `P`.
pub struct Executor<P> {
    handle: Handle,
    process: PhantomData<P>,
}

impl<P> From<Handle> for Executor<P> {
    fn from(handle: Handle) -> Self {
        Self { handle, process: PhantomData }
    }
}

impl<P> Clone for Executor<P> {
    fn clone(&self) -> Self {
        self.handle.clone().into()
    }
}

impl<P: Process> fmt::Debug for Executor<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(P::NAME).field(&self.handle).finish()
    }
}

impl<P: Process> Runtime for Executor<P> {
    const NAME: &'static str = P::NAME;

    type Socket = Socket;
    type Listener = Listener;
    type Stream = Stream;
    type Sleep = Sleep;
    type Signals = Signals;

    fn block_on<F: Future>(main: impl FnOnce(Self) -> F) -> io::Result<F::Output> {
        block_on(|handle| main(handle.into()))
    }

    fn current() -> io::Result<Self> {
        Ok(Handle::current().into())
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(future, |future| P::spawn(future));
    }

    fn yield_now(&self, cx: &mut Context<'_>) {
        self.handle.yield_now(cx);
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        P::blocking(work);
    }

    fn now(&self) -> Instant {
        Clock::now()
    }

    fn unix_time(&self) -> Duration {
        Clock::unix_time()
    }

    fn sleep(&self, deadline: Instant) -> Sleep {
        self.handle.sleep(deadline)
    }

    fn bind(&self, bind: &Bind) -> io::Result<Socket> {
        Socket::bind(bind)
    }

    fn share(&self, socket: &Socket) -> io::Result<Socket> {
        socket.share()
    }

    fn local_address(&self, socket: &Socket) -> io::Result<Address> {
        socket.local_address()
    }

    fn set_keep_alive(&self, socket: &Socket, keep_alive: KeepAlive) -> io::Result<()> {
        socket.set_keep_alive(keep_alive)
    }

    fn listen(&self, socket: Socket, backlog: u32) -> io::Result<Listener> {
        self.handle.listen(socket, backlog)
    }

    fn connect(
        &self,
        address: &Address,
    ) -> impl Future<Output = io::Result<Stream>> + Send + 'static + use<P> {
        let stream = Stream::connect(address, &self.handle.home());
        async move {
            let mut stream = stream?;
            poll_fn(|cx| stream.poll_connected(cx)).await?;
            Ok(stream)
        }
    }

    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static + use<P> {
        stelo_os::resolve(self, host, port)
    }

    fn signals(&self, signals: &[Signal]) -> io::Result<Signals> {
        self.handle.signals(signals)
    }
}
