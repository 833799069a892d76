//! The application under test. The path `/kind/id/size` decides the answer, which carries the id of the request. The
//! application records what it sees. A CONNECT has the target `id.sim:1`.

use std::collections::BTreeSet;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll};
use std::time::Duration;

use futures_core::Stream;
use stelo_core::app::{
    App, BoxError, BoxFuture, Context, Executor, Reply, Request, Response, Tunnel, Upgrade,
};
use stelo_core::body::Length;
use stelo_core::body::{Body, BodyError, Frame, Sender};
use stelo_core::h1::Limits;
use stelo_core::http::{Headers, Method, Status};
use stelo_sim::Sim;

use crate::metered::not_serving;

/// The record of a run, with the faults that were found.
#[derive(Default)]
pub(crate) struct Witness {
    pub(crate) started: AtomicBool,
    pub(crate) stopped: AtomicBool,
    /// The number of background tasks that run.
    pub(crate) background: AtomicUsize,
    /// The amount of background work of responses that is not done.
    pub(crate) owed: AtomicUsize,
    seen: Mutex<BTreeSet<u64>>,
    /// The requests whose work never ends by itself, while it lives.
    living: Mutex<BTreeSet<u64>>,
    faults: Mutex<Vec<String>>,
}

impl Witness {
    /// Records a fault.
    pub(crate) fn fault(&self, what: impl Into<String>) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(what.into());
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether the application has received this request.
    pub(crate) fn has_seen(&self, id: u64) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// Whether the work of this request lives.
    pub(crate) fn is_living(&self, id: u64) -> bool {
        self.living.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// Returns the number of requests whose work lives.
    pub(crate) fn living(&self) -> usize {
        self.living.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Records that the application receives this request, which may happen once.
    fn sees(&self, id: u64) {
        if !self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
            self.fault(format!("request {id} was given to the application twice"));
        }
        if !self.started.load(Ordering::Relaxed) || self.stopped.load(Ordering::Relaxed) {
            self.fault(format!("request {id} came before start-up or after shutdown"));
        }
    }
}

/// The failure of the server as a whole, if there is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fails {
    Nothing,
    /// The address is in use.
    Bind,
    /// The start-up hook of the application fails.
    Startup,
    /// The shutdown hook of the application fails.
    Shutdown,
}

/// Returns the body that belongs to a request.
pub(crate) fn pattern(id: u64, size: usize) -> Vec<u8> {
    (0..size as u64).map(|at| (id.wrapping_mul(31) ^ at ^ (at >> 8)) as u8).collect()
}

/// Counts up, and down again when it is dropped.
struct Counted(Arc<Witness>);

impl Counted {
    fn new(witness: &Arc<Witness>) -> Self {
        witness.background.fetch_add(1, Ordering::Relaxed);
        Self(witness.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.background.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Work of a request, which lives until this is dropped.
struct Living(Arc<Witness>, u64);

impl Living {
    fn new(witness: &Arc<Witness>, id: u64) -> Self {
        witness.living.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        Self(witness.clone(), id)
    }

    /// Never ends.
    async fn forever(self) {
        let _living = self;
        pending().await
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.0.living.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

#[derive(Clone)]
pub(crate) struct Tester {
    pub(crate) sim: Sim,
    pub(crate) witness: Arc<Witness>,
    pub(crate) fails: Fails,
}

impl App for Tester {
    fn call(&self, request: Request) -> Reply {
        if *request.head().method() == Method::Connect {
            return self.connect(request.head().target()).into();
        }
        let mut parts = request.head().path().split('/').skip(1).map(str::to_owned);
        let kind = parts.next().unwrap_or_default();
        let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok()).unwrap_or_default();
        let (id, size) = (number(), number() as usize);
        self.witness.sees(id);
        let (_, body, context) = request.into_parts();
        let (this, executor) = (self.clone(), context.connection().executor.clone());
        let short = tagged(id, format!("{kind} {id}"));
        match kind.as_str() {
            "echo" => tagged(id, body).into(),
            "sink" => Reply::future(async move { this.sink(id, body, &context).await }),
            // Another task than that of the connection reads the body.
            "handed" => Reply::future(async move {
                let (sender, answer) = Body::channel(Length::Unknown);
                executor.spawn(Box::pin(async move {
                    let Response { status, body, .. } = this.sink(id, body, &context).await;
                    if let (Status::OK, Ok(text)) = (status, body.collect(100).await) {
                        let _ = sender.send(text).await;
                        sender.finish();
                    }
                }));
                match answer.collect(100).await {
                    Ok(text) => tagged(id, text),
                    Err(_) => Response::text(Status::REQUEST_TIMEOUT, "the body is not whole"),
                }
            }),
            "big" => this.big(id, size, &context, true).into(),
            "broken" => this.big(id, size, &context, false).into(),
            "slow" => Reply::future(async move {
                executor.sleep(Duration::from_millis(size as u64)).await;
                short
            }),
            "watch" => Reply::future(async move {
                context.disconnected().await;
                short
            }),
            "blocking" => Reply::future(async move {
                let (sender, answer) = Body::channel(Length::Unknown);
                executor.blocking(Box::new(move || sender.finish()));
                // Completes when the work is done.
                let _ = answer.collect(0).await;
                short
            }),
            "background" => {
                let (counted, sleep) = (Counted::new(&self.witness), this.sim.duration(brief()));
                let witness = this.witness;
                witness.owed.fetch_add(1, Ordering::Relaxed);
                let task = async move {
                    let _counted = counted;
                    executor.sleep(sleep).await;
                    witness.owed.fetch_sub(1, Ordering::Relaxed);
                };
                Response { background: Some(Box::pin(task)), ..short }.into()
            }
            "tunnel" => self.tunnel(switched(id)).into(),
            "stuck" => {
                let living = Living::new(&self.witness, id);
                Reply::future(async move {
                    living.forever().await;
                    short
                })
            }
            "quiet" => {
                let living = Box::pin(Living::new(&self.witness, id).forever());
                tagged(id, Body::from_frames(Quiet(living), Length::Unknown)).into()
            }
            "quiet-websocket" => {
                let living = Living::new(&self.witness, id);
                Response::websocket(|_| living.forever()).into()
            }
            "stuck-tunnel" => {
                let living = Living::new(&self.witness, id);
                let run = |tunnel| {
                    not_serving(async {
                        let _tunnel = tunnel;
                        living.forever().await;
                    })
                };
                Response { upgrade: Some(Upgrade::tunnel(run)), ..switched(id) }.into()
            }
            // `resume_unwind` skips the panic hook, which would print the message.
            "panic" => std::panic::resume_unwind(Box::new("on purpose")),
            _ => short.into(),
        }
    }

    fn startup(&self, executor: Arc<dyn Executor>) -> BoxFuture<Result<(), BoxError>> {
        let (witness, sleep) = (self.witness.clone(), self.sim.duration(brief()));
        let fails = self.fails == Fails::Startup;
        Box::pin(async move {
            executor.sleep(sleep).await;
            witness.started.store(!fails, Ordering::Relaxed);
            if fails { Err("no start-up".into()) } else { Ok(()) }
        })
    }

    fn shutdown(&self) -> BoxFuture<Result<(), BoxError>> {
        let (witness, fails) = (self.witness.clone(), self.fails == Fails::Shutdown);
        Box::pin(async move {
            if witness.background.load(Ordering::Relaxed) > 0 {
                witness.fault("background tasks run at shutdown");
            }
            witness.stopped.store(true, Ordering::Relaxed);
            if fails { Err("no shutdown".into()) } else { Ok(()) }
        })
    }
}

fn brief() -> std::ops::Range<Duration> {
    Duration::ZERO..Duration::from_secs(3)
}

fn tagged(id: u64, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body);
    response.headers.try_append("x-id", id.to_string()).expect("a number is a valid value");
    response
}

/// Returns the head of a response that leaves HTTP.
fn switched(id: u64) -> Response {
    let mut response = tagged(id, Body::empty());
    response.status = Status::SWITCHING_PROTOCOLS;
    for (name, value) in [("connection", "upgrade"), ("upgrade", "echo")] {
        response.headers.try_append(name, value).expect("a constant is valid");
    }
    response
}

/// A body that never has anything to send.
struct Quiet(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Stream for Quiet {
    type Item = Result<Frame, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll(cx).map(|()| None)
    }
}

/// Echoes all bytes until the end.
async fn echo(mut tunnel: Tunnel, _counted: Counted) {
    let mut buf = [0; 1000];
    while let Ok(n @ 1..) = tunnel.read(&mut buf).await {
        if tunnel.write_all(&buf[..n]).await.is_err() {
            return;
        }
    }
    // Fails if the client is gone.
    let _ = tunnel.close().await;
}

impl Tester {
    /// Opens a tunnel to `id.sim:1`.
    fn connect(&self, target: &str) -> Response {
        let id = target.split('.').next().and_then(|id| id.parse().ok()).unwrap_or_default();
        self.witness.sees(id);
        self.tunnel(tagged(id, Body::empty()))
    }

    /// Switches from HTTP to an echo after this response.
    fn tunnel(&self, response: Response) -> Response {
        let counted = Counted::new(&self.witness);
        let upgrade = Upgrade::tunnel(|tunnel| not_serving(echo(tunnel, counted)));
        Response { upgrade: Some(upgrade), ..response }
    }

    /// Reads the body slowly, and returns whether it was correct. The server must buffer little meanwhile.
    async fn sink(&self, id: u64, mut body: Body, context: &Context) -> Response {
        // The input buffer, which is large for a large body, the channel and the piece that overfills it, and the piece being
        // read.
        const MOST: u64 = (3 * (128 << 10) + Sender::CAPACITY) as u64;
        let received =
            || context.client().map(|client| self.sim.traffic(client).received).unwrap_or_default();
        let before = received();
        let (mut all, mut trailers) = (Vec::new(), Headers::new());
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(Frame::Data(piece)) => all.extend_from_slice(&piece),
                Ok(Frame::Trailers(fields)) => trailers = fields,
                Err(error) => {
                    let status = match error {
                        BodyError::Fault(fault) => fault.status(),
                        _ => None,
                    };
                    return Response::text(status.unwrap_or(Status::BAD_REQUEST), "the body is not whole");
                }
            }
            if self.sim.chance(0.1) {
                self.sim.pause(self.sim.duration(Duration::ZERO..Duration::from_millis(200))).await;
            }
            // The traffic of a connection that is over counts as zero.
            let held = received().saturating_sub(before + all.len() as u64);
            if held > MOST {
                self.witness.fault(format!("request {id}: {held} bytes of the body held"));
            }
        }
        let right = all == pattern(id, all.len());
        let trailer = trailers.get_str("x-last").unwrap_or("-");
        tagged(id, format!("{} {right} {trailer}", all.len()))
    }

    /// Sends a large body piece by piece, complete or cut off. The server must buffer little meanwhile.
    fn big(&self, id: u64, size: usize, context: &Context, whole: bool) -> Response {
        const PIECE: usize = 5000;
        const MOST: u64 = (Limits::DEFAULT.write_buffer + Sender::CAPACITY + 2 * PIECE) as u64;
        let known = self.sim.chance(0.5);
        let (sender, body) = Body::channel(if known { Length::Known(size as u64) } else { Length::Unknown });
        let (this, client, counted) = (self.clone(), context.client().cloned(), Counted::new(&self.witness));
        let executor = context.connection().executor.clone();
        let produce = async move {
            let _counted = counted;
            let sent = || client.as_ref().map(|client| this.sim.traffic(client).sent).unwrap_or_default();
            let before = sent();
            let mut produced = 0;
            for piece in pattern(id, if whole { size } else { size / 2 }).chunks(PIECE) {
                if this.sim.chance(0.05) {
                    executor.sleep(this.sim.duration(brief())).await;
                }
                if sender.send(piece.to_vec()).await.is_err() {
                    return;
                }
                produced += piece.len() as u64;
                // The traffic of a connection that is over counts as zero.
                let held = produced.saturating_sub(sent().saturating_sub(before));
                if sent() > 0 && held > MOST {
                    this.witness.fault(format!("request {id}: {held} bytes of the response held"));
                }
            }
            if whole {
                let _ = sender.try_send(Frame::Data(Vec::new().into()));
                sender.finish();
            } else {
                sender.fail(BodyError::Disconnected);
            }
        };
        context.connection().executor.spawn(Box::pin(produce));
        tagged(id, body)
    }
}
