//! One run: a server, its clients, its end, and the conditions that must hold.

use std::net::Ipv4Addr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stelo_core::app::Address;
use stelo_core::h1::{Limits, Timeouts};
use stelo_runtime::{Bind, Instant, Runtime, Signal};
use stelo_server::{Config, Listen, ServeError, Server, Stopped};
use stelo_sim::{Answer, Failure, Handle, Network, Random, Report, Sim, Simulation};

use crate::app::{Fails, Tester, Witness};
use crate::metered::Metered;
use crate::{polite, rude};

/// The result of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Summary {
    /// The number of requests that have reached the application.
    pub(crate) requests: u64,
    /// The number of correct answers.
    pub(crate) answered: u64,
    /// The number of answers that did not come for a valid reason.
    pub(crate) excused: u64,
    /// The peak of the server's heap, in bytes.
    pub(crate) held: usize,
}

/// The state that the clients of a run share.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) address: Address,
    pub(crate) timeouts: Timeouts,
    /// The time of the application after its client has left.
    pub(crate) half_closed: Duration,
    /// The time of a tunnel without a byte.
    pub(crate) tunnel_idle: Duration,
    pub(crate) witness: Arc<Witness>,
    /// The number of bytes of a large body.
    pub(crate) large: u64,
    /// Whether the network has no faults: every request of a polite client must be answered.
    calm: bool,
    last: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
    excused: Arc<AtomicU64>,
}

impl Scene {
    /// Returns the id of a new request.
    pub(crate) fn number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that an answer did not come, which is a fault on a calm network.
    pub(crate) fn excused(&self, what: impl FnOnce() -> String) {
        self.excused_unless(false, what);
    }

    pub(crate) fn excused_unless(&self, right: bool, what: impl FnOnce() -> String) {
        assert!(right || !self.calm, "on a calm network: {}", what());
        self.excused.fetch_add(u64::from(!right), Ordering::Relaxed);
    }

    /// Checks that the connection of a half-closed client ends without a timeout on a calm network.
    pub(crate) fn prompt(&self, took: Duration) {
        self.excused_unless(took < Duration::from_millis(4500), || format!("the end took {took:?}"));
    }

    /// Checks that an answer is there and correct on a calm network.
    pub(crate) fn calmly(&self, answer: Option<Answer>, right: impl FnOnce(&Answer) -> bool, whose: &str) {
        let right = answer.as_ref().is_some_and(right);
        self.excused_unless(right, || format!("to {whose}: {answer:?}"));
    }
}

/// The choices that are drawn before a run starts.
struct Plan {
    network: Network,
    config: Config,
    fails: Fails,
    calm: bool,
    large: u64,
    polite: u64,
    rude: u64,
}

/// The time of a tunnel without a byte: longer than a polite client needs.
const TUNNEL_IDLE: Duration = Duration::from_secs(60);

/// The address of a server with a fixed address.
const SOCKET: &str = "/sim/server.sock";
const PORT: u16 = 8000;

impl Plan {
    fn draw(seed: u64) -> Self {
        let mut random = Random::new(!seed);
        let (network, large) = match random.index(4) {
            0 => (Network::perfect(), 400_000),
            1 => (Network::rough(), 8_000),
            2 => (Network { resets: 0.01, accept_failures: 0.2, ..Network::default() }, 100_000),
            _ => (Network::default(), 100_000),
        };
        let calm = network.resets == 0.0 && random.chance(0.7);
        let mut config = Config::new().port(0).threads(1).access_log(false);
        config = config.timeout_tunnel_idle(Some(TUNNEL_IDLE));
        if !calm {
            let mut short =
                |most: u64| random.duration(Duration::from_millis(100)..Duration::from_secs(most));
            config.timeouts.http = Timeouts::DEFAULT
                .head(short(10))
                .keep_alive(short(5))
                .body(short(30))
                .write(short(30))
                .linger(short(2));
            config.timeouts.graceful_shutdown = short(30);
            config.timeouts.half_closed = short(15);
            let mut upto = |most: usize| random.number(256..most as u64) as usize;
            let all = Limits::DEFAULT;
            config.limits.http = all
                .request_line(upto(all.request_line))
                .head(upto(all.head))
                .trailers(upto(all.trailers))
                .drain(upto(all.drain))
                .write_buffer(upto(all.write_buffer));
            config.limits.concurrency = NonZeroUsize::new(random.index(12));
            config = config.limit_max_requests(random.number(0..100));
        }
        let (polite, rude) = (random.number(1..6), random.number(0..6));
        if calm && random.chance(0.5) {
            // More than the connections at a time, but not more than those of the whole run.
            config = config.limit_concurrency(polite as usize + rude as usize + 4);
        }
        let fails = match random.index(40) {
            0 => Fails::Bind,
            1 => Fails::Startup,
            2 => Fails::Shutdown,
            _ => Fails::Nothing,
        };
        if random.chance(0.2) {
            config = config.uds(SOCKET);
        } else if fails != Fails::Nothing {
            config = config.port(PORT);
        }
        Self { network, config, fails, calm, large, polite, rude }
    }
}

/// Runs the scenario of a seed.
///
/// # Errors
/// Returns an error if a condition does not hold.
pub(crate) fn run(seed: u64, print: bool) -> Result<Report<Summary>, Failure> {
    let plan = Plan::draw(seed);
    let simulation = Simulation::new(seed).network(plan.network.clone()).print(print);
    let report = simulation.run(async |sim| scenario(sim, plan).await)?;
    let (tasks, sockets) = (report.tasks, report.sockets);
    if (tasks, sockets) == (0, 0) {
        return Ok(report);
    }
    let message = format!("{tasks} tasks and {sockets} sockets are left");
    Err(Failure::Panicked { seed, at: Instant::ZERO + report.elapsed, message })
}

async fn scenario(sim: Sim, plan: Plan) -> Summary {
    let Plan { config, fails, calm, large, polite, rude, .. } = plan;
    let witness = Arc::new(Witness::default());
    let app = Tester { sim: sim.clone(), witness: witness.clone(), fails };
    let metered = Metered::new(sim.clone(), &config.limits.http);
    let place = match &config.listen[..] {
        [Listen::Unix(path)] => Bind::Unix(path.clone()),
        [Listen::Tcp { port, .. }] => Bind::Tcp((Ipv4Addr::LOCALHOST, *port).into()),
        other => panic!("a scenario listens on one address, and not on {other:?}"),
    };
    let timeouts = config.timeouts.http;
    let grace = config.timeouts.graceful_shutdown;
    let half_closed = config.timeouts.half_closed;
    let limited = config.limits.max_requests.is_some();
    let server = Server::new(config);
    let handle = server.handle();
    let _taken = (fails == Fails::Bind).then(|| sim.bind(&place).expect("nobody has it yet"));
    let server = sim.start(metered.serving(server.serve_on(metered.clone(), Arc::new(metered.aside(app)))));
    if let Fails::Bind | Fails::Startup = fails {
        assert!(handle.listening().await.is_none(), "it listens");
        no_start(&sim, server, fails, &place).await;
        assert!(!witness.started.load(Ordering::Relaxed), "the application has started");
        return Summary { held: metered.peak(), ..Summary::default() };
    }
    let addresses = handle.listening().await.expect("the server starts");
    let address = addresses.into_iter().next().expect("it has an address");
    let (last, answered, excused) = Default::default();
    let scene = Scene {
        address: address.clone(),
        timeouts,
        half_closed,
        tunnel_idle: TUNNEL_IDLE,
        witness: witness.clone(),
        large,
        calm,
        last,
        answered,
        excused,
    };

    let mut clients = Vec::new();
    for n in 0..polite + rude {
        sim.pause(sim.duration(Duration::ZERO..Duration::from_millis(300))).await;
        clients.push(match n < polite {
            true => sim.start(polite::run(scene.clone(), sim.clone())),
            false => sim.start(rude::run(scene.clone(), sim.clone())),
        });
    }
    if calm {
        for client in clients.drain(..) {
            client.await;
        }
        let id = scene.number();
        clients.push(sim.start(polite::last(scene.clone(), sim.clone(), id)));
        while !witness.has_seen(id) {
            sim.pause(Duration::from_millis(10)).await;
        }
    } else {
        sim.pause(sim.duration(Duration::ZERO..Duration::from_secs(30))).await;
    }

    if !limited {
        assert!(sim.connect(&address).await.is_ok(), "the address does not answer any more");
    }

    let stopping = sim.now();
    match sim.number(0..3) {
        0 => handle.stop(),
        1 => sim.signal(Signal::Interrupt),
        _ => sim.signal(Signal::Terminate),
    }
    let again = !calm && sim.chance(0.2);
    if again {
        sim.pause(sim.duration(Duration::ZERO..Duration::from_secs(5))).await;
        sim.signal(Signal::Terminate);
    }
    // A second signal, to a server that is stopping.
    let forced = again || limited;
    match server.await {
        Ok(_) => assert!(forced || fails == Fails::Nothing, "the error of the shutdown is lost"),
        Err(ServeError::Shutdown(_)) if fails == Fails::Shutdown => {}
        Err(error) => panic!("the server ends with {error}"),
    }

    // The server has ended: nothing of it may be left.
    let took = sim.now() - stopping;
    // Without clients, the server waits for background work only.
    let most = if calm { Duration::from_secs(10) } else { grace + Duration::from_secs(6) };
    assert!(took <= most, "it took {took:?} to stop");
    assert!(!calm || witness.owed.load(Ordering::Relaxed) == 0, "background work has not been done");
    assert_eq!(sim.accepted(), 0, "connections are left");
    assert!(sim.connect(&address).await.is_err(), "the address still answers");
    assert_eq!(witness.background.load(Ordering::Relaxed), 0, "background tasks are left");
    assert!(forced || witness.stopped.load(Ordering::Relaxed), "no shutdown");
    for client in clients {
        client.await;
    }
    assert_eq!(witness.living(), 0, "work of clients is left");
    assert_eq!(witness.faults(), [""; 0]);
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    Summary {
        requests: witness.requests() as u64,
        answered: count(&scene.answered),
        excused: count(&scene.excused),
        held: metered.peak(),
    }
}

/// A server that fails to start returns the reason, accepts no client, and leaves nothing behind.
async fn no_start(sim: &Sim, server: Handle<Result<Stopped, ServeError>>, fails: Fails, place: &Bind) {
    let address = match place {
        Bind::Tcp(address) => Address::Ip(*address),
        Bind::Unix(path) => Address::Unix(path.to_string_lossy().into()),
        Bind::DualStack(_) | Bind::Fd(_) => unreachable!("no scenario has such a socket"),
    };
    assert!(sim.connect(&address).await.is_err(), "a server that cannot start lets somebody in");
    match (fails, server.await) {
        (Fails::Bind, Err(ServeError::Bind { .. })) | (Fails::Startup, Err(ServeError::Startup(_))) => {}
        (_, outcome) => panic!("the server ends with {outcome:?}"),
    }
}
