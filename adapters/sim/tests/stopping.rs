//! Signals and the handle, while hooks run and while requests are answered.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use stelo_core::app::{App, BoxError, BoxFuture, Executor, Reply, Request, Response};
use stelo_runtime::{Address, Signal};
use stelo_server::{Config, ServeError, Server, ServerHandle, Stopped};
use stelo_sim::{Client, Handle, Sim, Simulation};

const SECOND: Duration = Duration::from_secs(1);
const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// An application whose hooks can hang. It answers after three seconds.
#[derive(Clone, Default)]
struct Slow {
    hangs_at_start: bool,
    hangs_at_stop: bool,
    /// The number of shutdown hooks that have begun.
    stops: Arc<AtomicUsize>,
}

impl App for Slow {
    fn call(&self, request: Request) -> Reply {
        Reply::future(async move {
            request.context().connection().executor.sleep(3 * SECOND).await;
            Response::new("slow")
        })
    }

    fn startup(&self, _: Arc<dyn Executor>) -> BoxFuture<Result<(), BoxError>> {
        if self.hangs_at_start { Box::pin(pending()) } else { Box::pin(ready(Ok(()))) }
    }

    fn shutdown(&self) -> BoxFuture<Result<(), BoxError>> {
        self.stops.fetch_add(1, Relaxed);
        if self.hangs_at_stop { Box::pin(pending()) } else { Box::pin(ready(Ok(()))) }
    }
}

/// A server that has been started.
struct Running {
    sim: Sim,
    handle: ServerHandle,
    serving: Handle<Result<Stopped, ServeError>>,
}

impl Running {
    async fn address(&self) -> Address {
        self.handle.listening().await.expect("it starts").remove(0)
    }
}

/// Runs a server, and `main` with it. Checks how many shutdown hooks have begun.
fn run<F: Future<Output = ()>>(app: &Slow, stops: usize, main: impl Fn(Running) -> F + Send + Sync) {
    run_with(Config::new(), app, stops, main);
}

fn run_with<F: Future<Output = ()>>(
    config: Config,
    app: &Slow,
    stops: usize,
    main: impl Fn(Running) -> F + Send + Sync,
) {
    for seed in 0..10 {
        app.stops.store(0, Relaxed);
        let config = config.clone();
        let report = Simulation::new(seed)
            .run(async |sim: Sim| {
                let server = Server::new(config.port(0).threads(1));
                let handle = server.handle();
                let serving = sim.start(server.serve_on(sim.clone(), Arc::new(app.clone())));
                main(Running { sim, handle, serving }).await;
            })
            .expect("it ends");
        assert_eq!((report.tasks, app.stops.load(Relaxed)), (0, stops), "seed {seed}");
    }
}

#[test]
fn a_signal_ends_a_start_up_hook_that_hangs() {
    let app = Slow { hangs_at_start: true, ..Slow::default() };
    for signal in [Signal::Interrupt, Signal::Terminate] {
        run(&app, 1, async |Running { sim, handle, serving }| {
            sim.pause(SECOND).await;
            sim.signal(signal);
            assert_eq!(serving.await.expect("an ordinary end"), Stopped::Signal(signal));
            assert_eq!(handle.listening().await, None);
        });
    }
}

#[test]
fn the_handle_ends_a_start_up_hook_that_hangs() {
    let app = Slow { hangs_at_start: true, ..Slow::default() };
    run(&app, 1, async |Running { sim, handle, serving }| {
        sim.pause(SECOND).await;
        handle.stop();
        assert_eq!(serving.await.expect("an ordinary end"), Stopped::Request);
    });
}

#[test]
fn a_second_signal_ends_a_shutdown_hook_that_hangs() {
    for hangs_at_start in [false, true] {
        let app = Slow { hangs_at_start, hangs_at_stop: true, ..Slow::default() };
        run(&app, 1, async |Running { sim, serving, .. }| {
            sim.pause(SECOND).await;
            sim.signal(Signal::Terminate);
            sim.pause(SECOND).await;
            sim.signal(Signal::Interrupt);
            assert_eq!(serving.await.expect("an ordinary end"), Stopped::Signal(Signal::Terminate));
        });
    }
}

#[test]
fn the_graceful_timeout_ends_a_shutdown_hook_that_hangs() {
    let app = Slow { hangs_at_stop: true, ..Slow::default() };
    let config = Config::new().timeout_graceful_shutdown(2 * SECOND);
    run_with(config, &app, 1, async |Running { sim, serving, .. }| {
        sim.pause(SECOND).await;
        sim.signal(Signal::Terminate);
        let error = serving.await.expect_err("the hook hangs");
        assert_eq!(
            (error.to_string().as_str(), error.exit_code()),
            (
                "the shutdown of the application failed: \
                 a hook has not completed within 2s (--timeout-graceful-shutdown)",
                3
            )
        );
    });
}

#[test]
fn a_signal_after_a_stop_is_graceful() {
    run(&Slow::default(), 1, async |running| {
        let mut client = Client::connect(&running.sim, &running.address().await).await.expect("it listens");
        client.send(GET).await.expect("it is open");
        running.sim.pause(SECOND).await;
        running.handle.stop();
        running.sim.pause(SECOND).await;
        running.sim.signal(Signal::Interrupt);
        assert_eq!(client.answer().await.expect("an answer").text(), "slow");
        assert_eq!(running.serving.await.expect("an ordinary end"), Stopped::Request);
    });
}

#[test]
fn a_stop_after_a_signal_is_graceful() {
    run(&Slow::default(), 1, async |running| {
        let mut client = Client::connect(&running.sim, &running.address().await).await.expect("it listens");
        client.send(GET).await.expect("it is open");
        running.sim.pause(SECOND).await;
        running.sim.signal(Signal::Interrupt);
        running.handle.stop();
        assert_eq!(client.answer().await.expect("an answer").text(), "slow");
        running.serving.await.expect("an ordinary end");
    });
}

#[test]
fn two_signals_after_a_stop_force_the_end() {
    run(&Slow::default(), 0, async |running| {
        let mut client = Client::connect(&running.sim, &running.address().await).await.expect("it listens");
        client.send(GET).await.expect("it is open");
        running.sim.pause(SECOND).await;
        running.handle.stop();
        running.sim.pause(SECOND / 2).await;
        running.sim.signal(Signal::Interrupt);
        running.sim.signal(Signal::Interrupt);
        assert_eq!(running.serving.await.expect("an ordinary end"), Stopped::Request);
        client.answer().await.expect_err("it was dropped");
    });
}

#[test]
fn signals_can_be_left_to_the_program() {
    run_with(Config::new().signals(false), &Slow::default(), 1, async |running| {
        let mut client = Client::connect(&running.sim, &running.address().await).await.expect("it listens");
        running.sim.signal(Signal::Interrupt);
        running.sim.signal(Signal::Terminate);
        client.send(GET).await.expect("it is open");
        assert_eq!(client.answer().await.expect("an answer").text(), "slow");
        running.handle.stop();
        assert_eq!(running.serving.await.expect("an ordinary end"), Stopped::Request);
    });
}
