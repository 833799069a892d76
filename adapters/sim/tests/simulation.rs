//! The simulator without a server.

use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use stelo_runtime::{Address, Bind, Listener as _, Runtime, Signal, Signals as _, Sleep as _, Stream as _};
use stelo_sim::{Failure, Listener, Network, Sim, Simulation, Stream};

const SECOND: Duration = Duration::from_secs(1);

fn tcp(port: u16) -> Bind {
    Bind::Tcp(SocketAddr::from(([127, 0, 0, 1], port)))
}

fn listen(sim: &Sim) -> (Listener, Address) {
    let socket = sim.bind(&tcp(0)).expect("a free port");
    let address = sim.local_address(&socket).expect("it is bound");
    (sim.listen(socket, 8).expect("it is bound"), address)
}

/// Returns both ends of a connection: the client's, and the server's.
async fn pair(sim: &Sim) -> (Stream, Stream) {
    let (mut listener, address) = listen(sim);
    let client = sim.connect(&address).await.expect("the socket listens");
    (client, poll_fn(|cx| listener.poll_accept(cx)).await.expect("accepts do not fail"))
}

async fn read(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let mut buf = [0; 1000];
    let n = poll_fn(|cx| stream.poll_read(cx, &mut buf)).await?;
    Ok(buf[..n].to_vec())
}

async fn write(stream: &mut Stream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        bytes = &bytes[poll_fn(|cx| stream.poll_write(cx, bytes)).await?..];
    }
    Ok(())
}

fn run<T: Send, F: Future<Output = T>>(main: impl FnOnce(Sim) -> F + Send) -> T {
    let report = Simulation::new(1).network(Network::perfect()).run(main).expect("it ends");
    assert_eq!((report.tasks, report.sockets), (0, 0));
    report.output
}

#[test]
fn the_clock_advances_while_all_tasks_wait() {
    run(async |sim| {
        let order = Arc::new(Mutex::new(Vec::new()));
        let tasks = [3, 1, 2].map(|n| {
            let (sim, order) = (sim.clone(), order.clone());
            sim.clone().start(async move {
                sim.pause(n * 100 * SECOND).await;
                order.lock().unwrap().push(n);
            })
        });
        for task in tasks {
            task.await;
        }
        assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
        let passed = sim.unix_time() - Duration::from_secs(1_767_225_600);
        assert!(passed >= 300 * SECOND && passed < 301 * SECOND);
    });
}

#[test]
fn a_timer_can_be_moved() {
    run(async |sim| {
        let start = sim.now();
        let mut sleep = sim.pause(1000 * SECOND);
        assert!(sim.timeout(SECOND, &mut sleep).await.is_none());
        sleep.reset(start + 2 * SECOND);
        sleep.await;
        assert!(sim.now() - start < 3 * SECOND);
    });
}

#[test]
fn the_seed_decides_which_task_runs_first() {
    let first = |seed| {
        let main = async |sim: Sim| {
            let first = Arc::new(Mutex::new(None));
            let tasks = [0, 1].map(|n| {
                let first = first.clone();
                sim.start(async move {
                    first.lock().unwrap().get_or_insert(n);
                })
            });
            for task in tasks {
                task.await;
            }
            first.lock().unwrap().unwrap()
        };
        Simulation::new(seed).run(main).unwrap().output
    };
    let ones = (0..100).filter(|seed| first(*seed) == 1).count();
    assert!((20..80).contains(&ones), "{ones} of 100");
}

#[test]
fn bytes_arrive_complete_and_in_order_on_a_rough_network() {
    for seed in 0..50 {
        let network = Network { resets: 0.0, accept_failures: 0.0, ..Network::rough() };
        let main = async |sim: Sim| {
            let (mut client, mut server) = pair(&sim).await;
            let bytes: Vec<u8> = (0..20_000_u32).map(|n| (n / 7) as u8).collect();
            let sent = bytes.clone();
            let writer = sim.start(async move {
                write(&mut client, &sent).await.unwrap();
                poll_fn(|cx| client.poll_close(cx)).await.unwrap();
                // The other side can still send.
                read(&mut client).await.unwrap()
            });
            let mut all = Vec::new();
            loop {
                match read(&mut server).await.unwrap() {
                    piece if piece.is_empty() => break,
                    piece => all.extend(piece),
                }
            }
            assert_eq!(all, bytes);
            write(&mut server, b"x").await.unwrap();
            assert_eq!(writer.await, b"x");
        };
        Simulation::new(seed).network(network).run(main).unwrap();
    }
}

#[test]
fn a_writer_waits_for_the_reader() {
    run(async |sim| {
        let (mut client, mut server) = pair(&sim).await;
        let window = Network::perfect().window;
        write(&mut client, &vec![0; window]).await.unwrap();
        assert!(sim.timeout(SECOND, write(&mut client, b"x")).await.is_none());
        read(&mut server).await.unwrap();
        assert!(sim.timeout(SECOND, write(&mut client, b"x")).await.is_some());
    });
}

#[test]
fn closing_with_unread_data_resets() {
    run(async |sim| {
        let (mut client, mut server) = pair(&sim).await;
        write(&mut client, b"unread").await.unwrap();
        write(&mut server, b"lost").await.unwrap();
        sim.pause(SECOND).await;
        drop(server);
        sim.pause(SECOND).await;
        assert_eq!(read(&mut client).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(write(&mut client, b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn an_address_is_in_use_until_its_socket_is_dropped() {
    run(async |sim| {
        let socket = sim.bind(&tcp(80)).unwrap();
        assert_eq!(sim.bind(&tcp(80)).unwrap_err().kind(), ErrorKind::AddrInUse);
        let address = sim.local_address(&socket).unwrap();
        // The socket is bound, but does not listen yet.
        assert_eq!(sim.connect(&address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let listener = sim.listen(socket, 1).unwrap();
        let mut waits = sim.connect(&address).await.unwrap();
        assert_eq!(sim.connect(&address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        drop(listener);
        assert_eq!(read(&mut waits).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        sim.bind(&tcp(80)).unwrap();
        assert_eq!(sim.bind(&Bind::Fd(3)).unwrap_err().kind(), ErrorKind::Unsupported);
    });
}

#[test]
fn signals_reach_their_subscriptions() {
    run(async |sim| {
        let mut signals = sim.signals(&[Signal::Interrupt, Signal::Terminate]).unwrap();
        sim.signal(Signal::Terminate);
        sim.signal(Signal::Interrupt);
        let mut next = async || poll_fn(|cx| signals.poll_signal(cx)).await;
        assert_eq!([next().await, next().await], [Signal::Terminate, Signal::Interrupt]);
    });
}

#[test]
fn blocking_work_runs_in_order() {
    run(async |sim| {
        let order = Arc::new(Mutex::new(Vec::new()));
        for n in 0..5 {
            let order = order.clone();
            sim.blocking(Box::new(move || order.lock().unwrap().push(n)));
        }
        sim.pause(SECOND).await;
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    });
}

#[test]
fn a_run_that_does_not_end_is_a_failure() {
    let stuck = Simulation::new(5).run(async |sim| {
        sim.spawn(pending());
        pending::<()>().await;
    });
    assert!(matches!(stuck, Err(Failure::Stuck { seed: 5, tasks: 1, .. })), "{stuck:?}");
    let spins = Simulation::new(5).steps(1000).run(async |_| {
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        })
        .await;
    });
    assert!(matches!(spins, Err(Failure::Overtime { steps: 1000, .. })), "{spins:?}");
    let late = Simulation::new(5).time(SECOND).run(async |sim| sim.pause(10 * SECOND).await);
    assert!(matches!(late, Err(Failure::Overtime { .. })), "{late:?}");
}

#[test]
fn a_panic_ends_the_run_with_its_message() {
    let failed = Simulation::new(5).run(async |sim| {
        sim.spawn(async { std::panic::resume_unwind(Box::new("wrong")) });
        pending::<()>().await;
    });
    let Err(failure @ Failure::Panicked { .. }) = failed else { panic!("{failed:?}") };
    assert!(failure.to_string().starts_with("seed 5: panic at 0.0000"), "{failure}");
}

#[test]
fn remaining_tasks_and_sockets_are_counted_and_dropped() {
    let held = Arc::new(());
    let task = held.clone();
    let report = Simulation::new(1).run(async |sim| {
        let (listener, _) = listen(&sim);
        sim.spawn(async move {
            let _held = (task, listener);
            pending::<()>().await;
        });
    });
    let report = report.unwrap();
    assert_eq!((report.tasks, report.sockets, Arc::strong_count(&held)), (1, 1, 1));
}

#[test]
fn the_trait_alone_is_enough() {
    assert!(Sim::current().is_err());
    let passed = Sim::block_on(async |sim| {
        // Contained, as on every executor.
        sim.spawn(async { std::panic::resume_unwind(Box::new("on purpose")) });
        let start = sim.now();
        Sim::current().unwrap().sleep(start + SECOND).await;
        sim.now() - start
    });
    assert!(passed.unwrap() >= SECOND);
}
