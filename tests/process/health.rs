//! Workers that fail without ending, and workers that are replaced at a limit.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use stelo_tests::{Client, On, cases};

use crate::program::{Process, Temporary, faulty, get};
use crate::workers::{expect_lines, kill, number};

cases!(
    a_worker_with_a_blocked_thread_is_replaced,
    a_blocked_thread_of_a_single_process_is_reported,
    a_worker_that_is_stopped_is_replaced,
    a_hook_that_hangs_in_one_worker_is_ended,
    workers_are_replaced_after_a_number_of_requests,
    workers_are_replaced_at_their_age,
    a_process_without_supervisor_stops_at_its_age,
    a_worker_with_too_much_memory_is_replaced,
    hooks_of_the_supervisor_see_the_workers,
);

/// Starts two workers with a thread each. Returns them once both are ready.
#[track_caller]
fn serve(on: On, args: &[&str]) -> (Process, SocketAddr, BTreeSet<u32>) {
    let workers = ["--workers", "2", "--threads", "1", "--port", "0"];
    let process = Process::start(faulty(on).args(workers).args(args));
    let (mut complete, mut started, mut address) = (0, BTreeSet::new(), None);
    while complete < 2 || address.is_none() {
        let line = process.line();
        if line.contains("Started server process") {
            started.insert(number(&line));
        } else if line.contains("startup complete") {
            complete += 1;
        } else if let Some((_, rest)) = line.split_once("Stelo running on http://") {
            address = rest.split(' ').next().and_then(|address| address.parse().ok());
        }
    }
    (process, address.expect("the line names an address"), started)
}

fn a_worker_with_a_blocked_thread_is_replaced(on: On) {
    let (process, address, workers) = serve(on, &["--timeout", "1"]);
    let mut client = Client::connect(address);
    client.send("GET /block/60000 HTTP/1.1\r\nhost: a\r\n\r\n");
    let texts = [
        "s: call blocking code with `run_blocking`",
        "longer than --timeout 1s; asking the supervisor to end this process",
        "has a blocked thread; replacing it",
        "Started server process",
    ];
    let [notice, over, replaced, started] = expect_lines(&process, texts);
    assert!(notice.starts_with("WARNING:  A handler has blocked thread main ["), "{notice}");
    assert!(over.starts_with("ERROR:    A handler has blocked thread main ["), "{over}");
    let blocked = number(&replaced);
    assert!(workers.contains(&blocked));
    assert!(!workers.contains(&number(&started)));
    // The process has ended, and with it the connection.
    client.rest();
    let (status, pid) = get(address, "/");
    assert_eq!(status, 200);
    assert_ne!(pid, blocked.to_string());
}

fn a_blocked_thread_of_a_single_process_is_reported(on: On) {
    let process = Process::start(faulty(on).args(["--threads", "1", "--port", "0", "--timeout", "0.5"]));
    let address = process.address();
    let mut client = Client::connect(address);
    client.send("GET /block/2000 HTTP/1.1\r\nhost: a\r\n\r\n");
    let line = process.expect_line("longer than --timeout 500ms");
    assert!(line.ends_with("longer than --timeout 500ms"), "{line}");
    assert_eq!(client.answer().status, 200);
    process.signal("INT");
    assert_eq!(process.wait().0.code(), Some(0));
}

fn a_worker_that_is_stopped_is_replaced(on: On) {
    let (process, address, workers) = serve(on, &["--timeout-worker-healthcheck", "2"]);
    let stopped = *workers.first().expect("there are workers");
    kill("STOP", stopped);
    let line = process.expect_line("has given no sign of life for 2s (--timeout-worker-healthcheck)");
    assert_eq!(number(&line), stopped);
    let new = number(&process.expect_line("Started server process"));
    process.expect_line("startup complete");
    let (status, _) = get(address, "/");
    assert_eq!(status, 200);
    process.signal("TERM");
    // The supervisor ends once all its children have: a stopped one needs more than SIGABRT.
    let (_, log, _) = process.wait();
    let finished =
        log.iter().filter(|line| line.contains("Finished server process")).map(|line| number(line));
    let mut rest = workers;
    rest.remove(&stopped);
    rest.insert(new);
    assert_eq!(finished.collect::<BTreeSet<_>>(), rest, "{log:#?}");
}

fn a_hook_that_hangs_in_one_worker_is_ended(on: On) {
    let file = Temporary::new(on, "hang");
    file.write("");
    let args = ["--workers", "2", "--threads", "1", "--port", "0", "--timeout-worker-startup", "4"];
    let process = Process::start(faulty(on).args(args).env("FAULTY_HANG", file.path()));
    let address = process.address();
    assert_eq!(get(address, "/").0, 200, "the other worker serves");
    let hung = number(&process.expect_line("was not ready within 4s (--timeout-worker-startup)"));
    let new = number(&process.expect_line("Started server process"));
    assert_ne!(new, hung);
    process.expect_line("startup complete");
    process.signal("TERM");
    let (_, log, _) = process.wait();
    let finished = log.iter().filter(|line| line.contains("Finished server process"));
    assert_eq!(finished.count(), 2, "{log:#?}");
}

fn workers_are_replaced_after_a_number_of_requests(on: On) {
    let args = ["--limit-max-requests", "3", "--limit-max-requests-jitter", "2"];
    let (process, address, old) = serve(on, &args);
    // Each worker has at most five.
    let answers = (0..9).map(|_| get(address, "/"));
    assert!(answers.map(|(status, _)| status).all(|status| status == 200));
    let texts = ["Maximum request limit of ", "Started server process", "Finished server process"];
    let [line, started, finished] = expect_lines(&process, texts);
    let limit: u64 = line.split(' ').find_map(|word| word.parse().ok()).expect("the line has a number");
    assert!((3..=5).contains(&limit), "{line}");
    assert!(!old.contains(&number(&started)));
    assert!(old.contains(&number(&finished)));
}

fn workers_are_replaced_at_their_age(on: On) {
    let (process, address, old) =
        serve(on, &["--limit-max-lifetime", "1", "--limit-max-lifetime-jitter", "0.5"]);
    process.expect_line("Maximum lifetime of 1s reached.");
    let mut finished = BTreeSet::new();
    while !old.is_subset(&finished) {
        assert_eq!(get(address, "/").0, 200);
        let line = process.line();
        if line.contains("Finished server process") {
            finished.insert(number(&line));
        }
    }
}

fn a_process_without_supervisor_stops_at_its_age(on: On) {
    let process = Process::start(faulty(on).args(["--port", "0", "--limit-max-lifetime", "0.5"]));
    process.expect_line("Stelo running on");
    process.expect_line("INFO:     Maximum lifetime of 500ms reached. Terminating process.");
    assert_eq!(process.wait().0.code(), Some(0));
}

fn a_worker_with_too_much_memory_is_replaced(on: On) {
    let limit = (256 << 20).to_string();
    let (process, address, workers) = serve(on, &["--limit-max-memory", &limit]);
    let (status, pid) = get(address, "/keep/300");
    assert_eq!(status, 200);
    let limit = format!("is above the limit of {limit}. Terminating process.");
    let texts = [&limit, "Started server process", "Finished server process"];
    let [_, started, finished] = expect_lines(&process, texts);
    assert!(!workers.contains(&number(&started)));
    assert_eq!(number(&finished).to_string(), pid);
}

fn hooks_of_the_supervisor_see_the_workers(on: On) {
    let args = ["--workers", "2", "--threads", "1", "--port", "0"];
    let process = Process::start(faulty(on).args(args));
    let texts = ["hook: [", "hook: [", "hook: ready"];
    let [one, other, _] = expect_lines(&process, texts);
    let workers = BTreeSet::from([number(&one), number(&other)]);
    kill("KILL", number(&one));
    // The panic of a hook harms nothing.
    let [line, new] = expect_lines(&process, ["ERROR:    Panic in the hook worker_exit: ", "hook: ["]);
    assert!(line.ends_with("is over: signal: 9 (SIGKILL)") && number(&line) == number(&one), "{line}");
    assert!(!workers.contains(&number(&new)));
}
