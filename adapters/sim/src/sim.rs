//! The simulated executor as tasks see it.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::pin::pin;
use std::sync::{Arc, MutexGuard};
use std::task::{Poll, Waker};
use std::time::Duration;

use stelo_runtime::{Address, Bind, Instant, Runtime, Signal};

use crate::handles::{Connecting, Handle, Listener, Signals, Sleep, Socket, Stream};
use crate::network::Route;
use crate::simulation::Simulation;
use crate::sockets::SERVER;
use crate::world::{Catcher, State, World};

/// The start of every simulation: 2026-01-01 UTC.
const EPOCH: Duration = Duration::from_secs(1_767_225_600);

/// The longest time that a name lookup takes.
const LOOKUP: Duration = Duration::from_millis(50);

thread_local! {
    static CURRENT: RefCell<Option<Sim>> = const { RefCell::new(None) };
}

/// Makes `sim` the current executor of this thread; returns the previous one.
pub(crate) fn current(sim: Option<Sim>) -> Option<Sim> {
    CURRENT.replace(sim)
}

/// A simulated executor. The code under test uses it as its runtime, and a test uses it to cause events.
#[derive(Clone)]
pub struct Sim(pub(crate) Arc<World>);

/// The traffic at the accepting end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// The number of bytes that the server has read.
    pub received: u64,
    /// The number of bytes that the server has written.
    pub sent: u64,
}

impl Sim {
    /// Spawns a task; the handle gives its output.
    pub fn start<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> Handle<T> {
        let handle = Handle::new();
        let twin = handle.twin();
        self.spawn(async move { twin.set(future.await) });
        handle
    }

    /// Returns a timer that completes after `duration`.
    pub fn pause(&self, duration: Duration) -> Sleep {
        self.sleep(self.now() + duration)
    }

    /// Returns the output of `future`, or `None` if it does not complete within `duration`.
    pub async fn timeout<T>(&self, duration: Duration, future: impl Future<Output = T>) -> Option<T> {
        let (mut future, mut sleep) = (pin!(future), pin!(self.pause(duration)));
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
        })
        .await
    }

    /// Adds a host to the name table, or replaces its addresses. `localhost` is there from the start.
    ///
    /// ```
    /// use stelo_runtime::Runtime;
    /// use stelo_sim::Simulation;
    ///
    /// let report = Simulation::new(1).run(async |sim| {
    ///     sim.set_host("db.test", &[[10, 0, 0, 1].into()]);
    ///     sim.resolve("db.test", 5432).await
    /// })?;
    /// assert_eq!(report.output.unwrap(), [([10, 0, 0, 1], 5432).into()]);
    /// # Ok::<(), stelo_sim::Failure>(())
    /// ```
    pub fn set_host(&self, host: &str, addresses: &[IpAddr]) {
        self.state().hosts.insert(host.to_owned(), addresses.to_vec());
    }

    /// Sets the route to an address, for the connections that are opened from now on.
    pub fn set_route(&self, address: &Address, route: Route) {
        self.state().sockets.set_route(address, route);
    }

    /// Advances the clock by `duration` within the poll of a task, as code that blocks the thread does. All other tasks
    /// wait for as long.
    pub fn block(&self, duration: Duration) {
        let mut state = self.state();
        state.now = state.now + duration;
    }

    /// Sends a signal to all subscriptions that name it.
    pub fn signal(&self, signal: Signal) {
        let mut state = self.state();
        state.note(&signal.to_string(), 0);
        for catcher in state.catchers.values_mut().filter(|catcher| catcher.set.contains(&signal)) {
            catcher.pending.push(signal);
            catcher.waker.take().map(Waker::wake).unwrap_or_default();
        }
    }

    /// Returns a number in `range`, drawn from the seed.
    pub fn number(&self, range: Range<u64>) -> u64 {
        self.state().random.number(range)
    }

    /// Returns a duration in `range`, drawn from the seed.
    pub fn duration(&self, range: Range<Duration>) -> Duration {
        self.state().random.duration(range)
    }

    /// Returns true with the probability `chance`, drawn from the seed.
    pub fn chance(&self, chance: f64) -> bool {
        self.state().random.chance(chance)
    }

    /// Returns the traffic at the server's end of the connection of this client; zero once the connection is over.
    pub fn traffic(&self, client: &Address) -> Traffic {
        let state = self.state();
        let mut all = state.sockets.connections.values();
        let found = all.find(|connection| connection.ends[1 - SERVER].address.as_ref() == Some(client));
        let end = found.map(|connection| &connection.ends[SERVER]);
        end.map(|end| Traffic { received: end.read, sent: end.written }).unwrap_or_default()
    }

    /// Returns the number of accepted connections that are open.
    pub fn accepted(&self) -> usize {
        self.state().sockets.accepted()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state()
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sim")
    }
}

impl Runtime for Sim {
    const NAME: &'static str = "sim";

    type Socket = Socket;
    type Listener = Listener;
    type Stream = Stream;
    type Sleep = Sleep;
    type Signals = Signals;

    /// Runs the simulation with seed 0 on the calling thread.
    fn block_on<F: Future>(main: impl FnOnce(Self) -> F) -> io::Result<F::Output> {
        Simulation::new(0).run_here(main, true).map(|report| report.output).map_err(io::Error::other)
    }

    fn current() -> io::Result<Self> {
        CURRENT.with_borrow(Clone::clone).ok_or_else(|| io::Error::other("no simulation runs the caller"))
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(Some(Box::pin(future)));
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.state().work(work);
    }

    fn now(&self) -> Instant {
        self.state().now
    }

    fn unix_time(&self) -> Duration {
        EPOCH + (self.now() - Instant::ZERO)
    }

    fn sleep(&self, deadline: Instant) -> Sleep {
        Sleep::new(self, deadline)
    }

    fn bind(&self, bind: &Bind) -> io::Result<Socket> {
        let id = self.state().bind(bind)?;
        Ok(Socket { sim: self.clone(), id })
    }

    fn share(&self, socket: &Socket) -> io::Result<Socket> {
        let id = self.state().share(socket.id)?;
        Ok(Socket { sim: self.clone(), id })
    }

    fn listen(&self, socket: Socket, backlog: u32) -> io::Result<Listener> {
        self.state().listen(socket.id, backlog);
        Ok(Listener(socket))
    }

    fn local_address(&self, socket: &Socket) -> io::Result<Address> {
        let state = self.state();
        let bound = state.sockets.bound.get(&socket.id).ok_or(io::ErrorKind::NotFound)?;
        Ok(bound.address.clone())
    }

    fn connect(
        &self,
        address: &Address,
    ) -> impl Future<Output = io::Result<Stream>> + Send + 'static + use<> {
        Connecting::new(self, address)
    }

    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static + use<> {
        let (sim, host) = (self.clone(), host.to_owned());
        async move {
            let addresses = match host.parse() {
                Ok(address) => Some(vec![address]),
                Err(_) => {
                    let took = sim.duration(Duration::ZERO..LOOKUP);
                    sim.pause(took).await;
                    sim.state().hosts.get(&host).cloned()
                }
            };
            let addresses = addresses.ok_or_else(|| io::Error::other("the name is not known (simulated)"))?;
            Ok(addresses.into_iter().map(|address| (address, port).into()).collect())
        }
    }

    fn signals(&self, signals: &[Signal]) -> io::Result<Signals> {
        let mut state = self.state();
        let id = state.number();
        state.catchers.insert(id, Catcher { set: signals.to_vec(), ..Catcher::default() });
        drop(state);
        Ok(Signals { sim: self.clone(), id })
    }
}
