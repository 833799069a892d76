//! Work that blocks: the setting of the server for its threads, and the queue before them.

use std::sync::mpsc::channel;

use futures_lite::future::poll_once;
use stelo_server::Config;
use stelo_tests::{On, cases, config};
use stelo_toolkit::request::{BlockingLimits, Busy, Workers};
use stelo_toolkit::{App, get};

cases!(
    the_operator_sets_the_threads_for_work_that_blocks,
    the_limits_of_the_application_come_before_those_of_the_operator,
    a_full_queue_is_503_until_a_thread_is_free,
);

/// Starts five pieces of work that end together, and describes the threads meanwhile.
async fn five(workers: Workers) -> String {
    let mut senders = Vec::new();
    let mut all = Vec::new();
    for _ in 0..5 {
        let (sender, held) = channel::<()>();
        let mut work = Box::pin(workers.run(move || held.recv().is_err()));
        assert!(poll_once(&mut work).await.is_none());
        senders.push(sender);
        all.push(work);
    }
    let state = format!("{workers:?}");
    drop(senders);
    for work in all {
        assert_eq!(work.await, Ok(true));
    }
    state
}

fn the_operator_sets_the_threads_for_work_that_blocks(on: On) {
    assert_eq!(Config::new().process.blocking_threads.get(), BlockingLimits::THREADS);
    for (threads, state) in [(1, "Workers(1 running, 4 waiting)"), (3, "Workers(3 running, 2 waiting)")] {
        let server = on.serve_with(config().blocking_threads(threads), App::new().route("/", get(five)));
        assert_eq!(server.connect().get("/").text(), state);
    }
}

fn the_limits_of_the_application_come_before_those_of_the_operator(on: On) {
    let app = App::new().blocking_limits(BlockingLimits::default().threads(2)).route("/", get(five));
    let server = on.serve_with(config().blocking_threads(1), app);
    assert_eq!(server.connect().get("/").text(), "Workers(2 running, 3 waiting)");
}

fn a_full_queue_is_503_until_a_thread_is_free(on: On) {
    /// Fills the threads and the queue, and asks for a thread more.
    async fn fill(workers: Workers) -> Result<&'static str, Busy> {
        let (sender, held) = channel::<()>();
        let mut running = Box::pin(workers.run(move || held.recv().is_err()));
        assert!(poll_once(&mut running).await.is_none());
        let mut queue: Vec<_> = (0..BlockingLimits::QUEUE).map(|_| Box::pin(workers.run(|| ()))).collect();
        for waiting in &mut queue {
            assert!(poll_once(waiting).await.is_none());
        }
        let refused = workers.run(|| ()).await;
        drop(sender);
        assert_eq!(running.await, Ok(true));
        for waiting in queue {
            waiting.await?;
        }
        refused.map(|()| "there was room")
    }
    async fn one(workers: Workers) -> Result<&'static str, Busy> {
        workers.run(|| "done").await
    }
    let app = App::new().route("/fill", get(fill)).route("/one", get(one));
    let server = on.serve_with(config().blocking_threads(1), app);
    let mut client = server.connect();
    let answer = client.get("/fill");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(client.get("/one").text(), "done");
}
