use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// A stream that a test controls: each write takes one permission, and fails if it says so.
struct Gate {
    permissions: Sender<Result<usize, io::ErrorKind>>,
    written: Receiver<String>,
    reports: Receiver<u64>,
    writer: Arc<Writer>,
}

impl Gate {
    fn new() -> Self {
        let (permissions, permission) = channel::<Result<usize, io::ErrorKind>>();
        let (writes, written) = channel();
        let (report, reports) = channel();
        let write = move |bytes: &[u8]| match permission.recv() {
            Ok(Ok(most)) => {
                let n = bytes.len().min(most);
                let _ = writes.send(String::from_utf8_lossy(&bytes[..n]).into_owned());
                Ok(n)
            }
            Ok(Err(kind)) => Err(kind.into()),
            // The test has ended.
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        };
        let writer = Writer::new(write, move |lines| {
            let _ = report.send(lines);
        });
        Self { permissions, written, reports, writer }
    }

    fn permit(&self, most: usize) {
        self.permissions.send(Ok(most)).unwrap();
    }

    fn fail(&self) {
        self.permissions.send(Err(io::ErrorKind::StorageFull)).unwrap();
    }

    fn written(&self) -> String {
        self.written.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    fn reported(&self) -> u64 {
        self.reports.recv_timeout(Duration::from_secs(20)).unwrap()
    }
}

#[test]
fn lines_are_written_in_their_order() {
    let gate = Gate::new();
    (0..100).for_each(|_| gate.permit(usize::MAX));
    let mut all = String::new();
    for i in 0..100 {
        gate.writer.line(&format!("line {i}\n"));
    }
    gate.writer.flush();
    gate.written.try_iter().for_each(|text| all.push_str(&text));
    let expected: String = (0..100).map(|i| format!("line {i}\n")).collect();
    assert_eq!(all, expected);
    assert!(gate.writer.is_idle());
    assert_eq!(gate.reports.try_iter().count(), 0);
}

#[test]
fn a_stream_that_accepts_nothing_costs_lines_and_no_time() {
    let gate = Gate::new();
    // The thread is busy with the first line, and takes no other one.
    gate.permit(1);
    gate.writer.line("first\n");
    assert_eq!(gate.written(), "f");
    let line = format!("{}\n", "x".repeat(1023));
    // Twice what may wait.
    for _ in 0..2048 {
        gate.writer.line(&line);
    }
    (0..3000).for_each(|_| gate.permit(usize::MAX));
    let dropped = gate.reported();
    assert_eq!(dropped, 1024);
    gate.writer.flush();
    let lines: usize = gate.written.try_iter().map(|text| text.lines().count()).sum();
    assert_eq!(lines as u64 + dropped, 2049);
}

#[test]
fn the_end_does_not_wait_for_a_stream_that_accepts_nothing() {
    let gate = Gate::new();
    for _ in 0..3 {
        gate.writer.line("a line\n");
    }
    let start = Instant::now();
    gate.writer.flush();
    assert_eq!(gate.reported(), 3);
    let first = start.elapsed();
    gate.writer.flush();
    assert!(first >= PATIENCE && start.elapsed() - first < PATIENCE, "{first:?}");
}

#[test]
fn lines_that_fail_are_counted_and_the_next_ones_are_written() {
    let gate = Gate::new();
    // Two bytes are written, then the disk is full.
    gate.permit(2);
    gate.fail();
    gate.writer.line("lost\n");
    assert_eq!(gate.written(), "lo");
    gate.writer.flush();
    assert_eq!(gate.reported(), 1);
    gate.permit(usize::MAX);
    gate.permit(usize::MAX);
    gate.writer.line("next\n");
    // The line that was cut ends first.
    assert_eq!((gate.written(), gate.written()), ("\n".to_owned(), "next\n".to_owned()));
}

#[test]
fn the_count_is_reported_once_the_stream_has_recovered() {
    let gate = Gate::new();
    gate.fail();
    gate.writer.line("lost\n");
    while !gate.writer.is_idle() {
        thread::yield_now();
    }
    assert_eq!(gate.reports.try_iter().count(), 0);
    gate.permit(usize::MAX);
    gate.writer.line("next\n");
    assert_eq!(gate.written(), "next\n");
    assert_eq!(gate.reported(), 1);
}

#[test]
fn a_write_has_whole_lines_and_fits_into_an_atomic_one() {
    let line = |n: usize| format!("{}\n", "x".repeat(n - 1));
    for (lines, expected) in [
        (line(10), 10),
        (line(4096), 4096),
        (line(4000) + &line(96) + &line(5), 4096),
        (line(4000) + &line(97), 4000),
        (line(9000) + &line(5), 9000),
    ] {
        assert_eq!(chunk(lines.as_bytes()), expected);
    }
}
