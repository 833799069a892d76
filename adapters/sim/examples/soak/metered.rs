//! The simulated executor, with a check of the server's memory against its limits after each poll.
//!
//! The simulator's own work during reads, writes, timers and spawns does not count. Nor does the application: [`Aside`]
//! wraps its calls. A task runs on the side that has spawned it.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use stelo_core::app::{App, BoxError, BoxFuture, Executor, Reply, Request, Response, Upgrade};
use stelo_core::body::Sender;
use stelo_core::h1::Limits;
use stelo_runtime::{Address, Bind, Hangup, Instant, Listener, Runtime, Signal, Signals, Sleep, Stream};
use stelo_sim::Sim;

use crate::heap::{self, Side, on};

/// Runs `work` that does not count for the server.
fn aside<T>(work: impl FnOnce() -> T) -> T {
    on(Side::Others, work)
}

// The server may hold, at any time, the sum of:
//
// | for | bytes |
// |---|---|
// | the server itself | `FIXED` |
// | each open connection | `connection(limits)`: its buffers, the request, the response, its task |
// | each running WebSocket handler, whose client may have left | `WEBSOCKET`: its buffers and unread messages |
// | each task of the application | `TASK`: pieces of a body |
// | each connection that has ended, up to `KEPT` | `HTTP_BUFFERS`, in the pool of the thread |
// | each WebSocket that has ended, up to `KEPT` | `WEBSOCKET_BUFFERS`, in the pool of the thread |
//
// A pool is never larger than the most connections that were open at a time: those that have ended are counted from that
// peak. So memory that a connection leaks exceeds the sum in the end.

/// The configuration, the registry, the default fields.
const FIXED: usize = 8 << 10;

/// The size of a read of the server, in bytes.
const READ: usize = 16 << 10;

/// The bytes of a body that a task of the application may hold after its connection has ended.
const TASK: usize = (Sender::CAPACITY + 1) * READ;

/// The most buffers in a pool.
const KEPT: usize = 64;

/// The buffers of an idle HTTP/1.1 connection: input, output, and the parsed head.
const HTTP_BUFFERS: usize = READ + (16 << 10) + (4 << 10);

/// The buffers of an idle WebSocket: input, and those of small messages.
const WEBSOCKET_BUFFERS: usize = READ + (2 << 10);

/// A WebSocket with its task, the state that it shares with its handles, and the messages that the handler has not
/// received: 64 KiB, and the largest of the clients beyond.
const WEBSOCKET: usize = WEBSOCKET_BUFFERS + (64 << 10) + 1000 + (4 << 10);

/// Returns the bytes that the server may hold for each open connection, by its limits.
fn connection(limits: &Limits) -> usize {
    /// Up to this size a piece of a response is copied into the output.
    const COPIED: usize = 4 << 10;
    // The capacity of a vector is up to twice its length.
    let head = 2 * (limits.request_line + limits.head + limits.fields * 16);
    let trailers = 2 * (limits.trailers + limits.trailer_fields * 16);
    let output = 2 * (limits.write_buffer + COPIED + 1024);
    // The pieces of a body in the channel to the application, and one from it.
    let bodies = (Sender::CAPACITY + 2) * READ;
    // The task, the state that it shares with the application, its timer.
    let task = 4 << 10;
    READ + head + trailers + output + bodies + task
}

/// A number that goes up and down, and its peak.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Gauge {
    fn set(&self, now: usize) {
        self.now.store(now, Ordering::Relaxed);
        self.peak.fetch_max(now, Ordering::Relaxed);
    }

    fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// Returns the most buffers in the pool of those that have ended since the peak.
    fn pooled(&self) -> usize {
        (self.peak() - self.now()).min(KEPT)
    }
}

/// Counts a task or a handler until it is dropped.
struct Counted(Arc<Meter>, fn(&Meter) -> &Gauge);

impl Counted {
    fn new(meter: &Arc<Meter>, gauge: fn(&Meter) -> &Gauge) -> Self {
        gauge(meter).set(gauge(meter).now() + 1);
        Self(meter.clone(), gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let gauge = (self.1)(&self.0);
        gauge.set(gauge.now() - 1);
    }
}

/// The executor of the server.
#[derive(Clone)]
pub(crate) struct Metered {
    sim: Sim,
    meter: Arc<Meter>,
}

#[derive(Default)]
struct Meter {
    /// The most bytes for each connection.
    most: usize,
    /// The tasks of the application.
    tasks: Gauge,
    websockets: Gauge,
    connections: Gauge,
    held: Gauge,
}

impl Metered {
    pub(crate) fn new(sim: Sim, limits: &Limits) -> Self {
        let meter = Meter { most: connection(limits), ..Meter::default() };
        Self { sim, meter: Arc::new(meter) }
    }

    /// Wraps a future of the server.
    pub(crate) fn serving<F: Future>(&self, future: F) -> Task<F> {
        Task { side: Side::Server, meter: Some(self.clone()), _counted: None, future: Box::pin(future) }
    }

    /// Wraps the application of the server.
    pub(crate) fn aside<A>(&self, app: A) -> Aside<A> {
        Aside { app, meter: self.meter.clone() }
    }

    /// The most bytes that were held at a time.
    pub(crate) fn peak(&self) -> usize {
        self.meter.held.peak()
    }

    /// Panics if the server holds more than its limits allow.
    fn look(&self) {
        let Meter { most, tasks, websockets, connections, held } = &*self.meter;
        held.set(heap::held());
        connections.set(self.sim.accepted());
        let limit = FIXED
            + connections.now() * most
            + websockets.now() * WEBSOCKET
            + tasks.now() * TASK
            + connections.pooled() * HTTP_BUFFERS
            + websockets.pooled() * WEBSOCKET_BUFFERS;
        assert!(
            held.now() <= limit,
            "{} bytes held for {} connections, {} WebSockets and {} tasks, of {limit} allowed",
            held.now(),
            connections.now(),
            websockets.now(),
            tasks.now()
        );
    }
}

/// A future with its side.
pub(crate) struct Task<F> {
    side: Side,
    /// Checks the memory after each poll of the server.
    meter: Option<Metered>,
    /// Counts a task of the application.
    _counted: Option<Counted>,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Task<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let polled = on(this.side, || this.future.as_mut().poll(cx));
        if let (Side::Server, Some(meter)) = (this.side, &this.meter) {
            meter.look();
        }
        polled
    }
}

/// Wraps a future that the server polls, but that does not count for it.
pub(crate) fn not_serving<F: Future>(future: F) -> Task<F> {
    Task { side: Side::Others, meter: None, _counted: None, future: Box::pin(future) }
}

impl Runtime for Metered {
    const NAME: &'static str = Sim::NAME;

    type Socket = <Sim as Runtime>::Socket;
    type Listener = Outside<<Sim as Runtime>::Listener>;
    type Stream = Outside<<Sim as Runtime>::Stream>;
    type Sleep = Outside<<Sim as Runtime>::Sleep>;
    type Signals = Outside<<Sim as Runtime>::Signals>;

    fn block_on<F: Future>(main: impl FnOnce(Self) -> F) -> io::Result<F::Output> {
        Sim::block_on(|sim| main(Self::new(sim, &Limits::DEFAULT)))
    }

    fn current() -> io::Result<Self> {
        Sim::current().map(|sim| Self::new(sim, &Limits::DEFAULT))
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let side = heap::side();
        let _counted = (side == Side::Others).then(|| Counted::new(&self.meter, |meter| &meter.tasks));
        let task = Task { side, meter: Some(self.clone()), _counted, future: Box::pin(future) };
        aside(|| self.sim.spawn(task));
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        aside(|| self.sim.blocking(work));
    }

    fn now(&self) -> Instant {
        self.sim.now()
    }

    fn unix_time(&self) -> Duration {
        self.sim.unix_time()
    }

    fn sleep(&self, deadline: Instant) -> Self::Sleep {
        Outside(self.sim.sleep(deadline))
    }

    fn bind(&self, bind: &Bind) -> io::Result<Self::Socket> {
        aside(|| self.sim.bind(bind))
    }

    fn share(&self, socket: &Self::Socket) -> io::Result<Self::Socket> {
        aside(|| self.sim.share(socket))
    }

    fn listen(&self, socket: Self::Socket, backlog: u32) -> io::Result<Self::Listener> {
        aside(|| self.sim.listen(socket, backlog)).map(Outside)
    }

    fn local_address(&self, socket: &Self::Socket) -> io::Result<Address> {
        self.sim.local_address(socket)
    }

    fn connect(
        &self,
        address: &Address,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send + 'static + use<> {
        let connecting = aside(|| self.sim.connect(address));
        async { not_serving(connecting).await.map(Outside) }
    }

    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static + use<> {
        not_serving(aside(|| self.sim.resolve(host, port)))
    }

    fn signals(&self, signals: &[Signal]) -> io::Result<Self::Signals> {
        aside(|| self.sim.signals(signals)).map(Outside)
    }
}

/// A handle of the simulator. Its work does not count for the server.
pub(crate) struct Outside<T>(T);

impl<L: Listener> Listener for Outside<L> {
    type Stream = Outside<L::Stream>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Stream>> {
        aside(|| self.0.poll_accept(cx)).map_ok(Outside)
    }
}

impl<S: Stream> Stream for Outside<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        aside(|| self.0.poll_read(cx, buf))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        aside(|| self.0.poll_write(cx, buf))
    }

    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        aside(|| self.0.poll_write_vectored(cx, bufs))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        aside(|| self.0.poll_close(cx))
    }

    fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<Hangup> {
        aside(|| self.0.poll_hangup(cx))
    }

    fn peer_address(&self) -> Option<Address> {
        self.0.peer_address()
    }

    fn local_address(&self) -> Option<Address> {
        self.0.local_address()
    }
}

impl<S: Sleep> Future for Outside<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        aside(|| Pin::new(&mut self.0).poll(cx))
    }
}

impl<S: Sleep> Sleep for Outside<S> {
    fn reset(&mut self, deadline: Instant) {
        aside(|| self.0.reset(deadline));
    }
}

impl<S: Signals> Signals for Outside<S> {
    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        aside(|| self.0.poll_signal(cx))
    }
}

/// An application. Its memory does not count for the server that polls it.
pub(crate) struct Aside<A> {
    app: A,
    meter: Arc<Meter>,
}

impl<A: App> App for Aside<A> {
    fn call(&self, request: Request) -> Reply {
        let meter = self.meter.clone();
        aside(|| match self.app.call(request) {
            Reply::Ready(response) => Reply::Ready(after(response, meter)),
            Reply::Future(reply) => Reply::future(not_serving(async { after(reply.await, meter) })),
        })
    }

    fn startup(&self, executor: Arc<dyn Executor>) -> BoxFuture<Result<(), BoxError>> {
        aside(|| Box::pin(not_serving(self.app.startup(executor))))
    }

    fn shutdown(&self) -> BoxFuture<Result<(), BoxError>> {
        aside(|| Box::pin(not_serving(self.app.shutdown())))
    }
}

/// Wraps what the server will run of a response.
fn after(response: Response, meter: Arc<Meter>) -> Response {
    let background = response.background.map(|task| -> BoxFuture<()> { Box::pin(not_serving(task)) });
    let upgrade = response.upgrade.map(|upgrade| match *upgrade {
        Upgrade::WebSocket(run) => Box::new(Upgrade::WebSocket(Box::new(move |socket| {
            aside(|| {
                let counted = Counted::new(&meter, |meter| &meter.websockets);
                let handler = not_serving(run(socket));
                Box::pin(not_serving(async move {
                    let _counted = counted;
                    handler.await;
                }))
            })
        }))),
        tunnel => Box::new(tunnel),
    });
    Response { background, upgrade, ..response }
}
