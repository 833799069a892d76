//! The way from a supervisor to the metrics of its workers: a socket pair for each.
//!
//! The supervisor writes a byte, and the worker answers with a frame: a mark, a length, and its page as text. A worker that
//! ends sends a last frame, which waits in the socket. So the sums lose nothing of a worker that ends in order, and what a
//! killed one has counted since it was last asked.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, thread};

use stelo_os::inherit;

use super::page::Page;
use super::{Metrics, lock, process};

/// The variable that names the descriptor of a worker's channel. It is not a setting.
const VARIABLE: &str = "_STELO_ADMIN";

/// Marks the answer to a question, and the last page of a worker.
const ANSWER: u8 = b'a';
const LAST: u8 = b'l';

/// The bytes of a frame before its text: the mark, and the length in four bytes.
const HEAD: usize = 5;

/// The time that a worker has to answer. Then its last answer counts.
const PATIENCE: Duration = Duration::from_secs(1);

/// The stack of the thread of a worker. It formats a page.
const STACK: usize = 256 * 1024;

/// The end of a worker.
pub(super) struct Channel(Arc<Mutex<UnixStream>>);

impl Channel {
    /// Takes the inherited end of the channel, and answers the supervisor. `None` if there is no supervisor that asks.
    pub(super) fn inherited(metrics: &Arc<Metrics>) -> Option<Self> {
        let variable = env::var_os(VARIABLE)?;
        let (supervisor, number) = variable.to_str()?.split_once(':')?;
        let number = number.parse().ok()?;
        let socket = inherit::socket(number).ok()?;
        if inherit::creator(&socket).ok()? != supervisor.parse::<u32>().ok()? {
            return None;
        }
        inherit::keep(number).ok()?;
        // A supervisor that is stopped must not hold up the end of the worker.
        socket.set_write_timeout(Some(PATIENCE)).ok()?;
        let mut questions = socket.try_clone().ok()?;
        let answers = Arc::new(Mutex::new(socket));
        let (to, metrics) = (answers.clone(), metrics.clone());
        let answer = move || {
            while let Ok(()) = questions.read_exact(&mut [0]) {
                if write(&to, ANSWER, &metrics).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("stelo-admin".into()).stack_size(STACK).spawn(answer).ok()?;
        Some(Self(answers))
    }

    /// Sends the last page.
    pub(super) fn finish(&self, metrics: &Metrics) {
        // Fails if the supervisor has ended.
        let _ = write(&self.0, LAST, metrics);
    }
}

fn write(to: &Mutex<UnixStream>, mark: u8, metrics: &Metrics) -> io::Result<()> {
    let mut page = metrics.page();
    page.add(&process::page());
    let text = page.to_string();
    let len = u32::try_from(text.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    let mut frame = vec![mark];
    frame.extend(len.to_be_bytes());
    frame.extend(text.as_bytes());
    lock(to).write_all(&frame)
}

/// The ends of a supervisor.
#[derive(Default)]
pub(crate) struct Channels {
    workers: Vec<Worker>,
    /// The counters of workers that have ended.
    ended: Page,
}

struct Worker {
    socket: UnixStream,
    /// Bytes of a frame that is not complete.
    input: Vec<u8>,
    /// The questions that are not answered yet.
    asked: usize,
    /// The last answer.
    page: Page,
    has_ended: bool,
}

impl Channels {
    /// Opens a channel for a worker that is about to start. Returns the variable for it, and the descriptor that it inherits,
    /// to be closed once it has started.
    ///
    /// # Errors
    /// Returns the errors of the system.
    pub(crate) fn open(&mut self) -> io::Result<(&'static str, OsString, UnixStream)> {
        let (own, inherited) = UnixStream::pair()?;
        let number = inherit::pass_on(&inherited)?;
        own.set_write_timeout(Some(PATIENCE))?;
        self.add(own);
        Ok((VARIABLE, format!("{}:{number}", std::process::id()).into(), inherited))
    }

    fn add(&mut self, socket: UnixStream) {
        let (input, page) = (Vec::new(), Page::default());
        self.workers.push(Worker { socket, input, asked: 0, page, has_ended: false });
    }

    /// Asks all workers, and returns the sums.
    pub(super) fn page(&mut self) -> Page {
        // All are asked before any answer is waited for.
        for worker in &mut self.workers {
            // Fails if the worker has ended, which its answer shows.
            let _ = worker.socket.write_all(&[0]);
            worker.asked += 1;
        }
        let deadline = Instant::now() + PATIENCE;
        for worker in &mut self.workers {
            // A worker that is held up is counted as it last was.
            let _ = worker.wait(deadline);
        }
        for worker in self.workers.extract_if(.., |worker| worker.has_ended) {
            self.ended.keep(&worker.page);
        }
        let mut sum = self.ended.clone();
        self.workers.iter().for_each(|worker| sum.add(&worker.page));
        sum
    }
}

impl Worker {
    /// Reads until all questions are answered, or the worker has ended.
    fn wait(&mut self, deadline: Instant) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        while self.asked > 0 && !self.has_ended {
            if self.take_frame() {
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            // A timeout of zero means none.
            self.socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            match self.socket.read(&mut buffer) {
                Ok(0) => self.has_ended = true,
                Ok(n) => self.input.extend_from_slice(buffer.get(..n).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => self.has_ended = true,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes a frame that is complete. Returns whether there was one.
    fn take_frame(&mut self) -> bool {
        let Some(&[mark, a, b, c, d]) = self.input.first_chunk::<HEAD>() else { return false };
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        let Some(text) = self.input.get(HEAD..HEAD + len) else { return false };
        self.page = Page::parse(&String::from_utf8_lossy(text));
        self.input.drain(..HEAD + len);
        match mark {
            LAST => self.has_ended = true,
            _ => self.asked -= 1,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(mark: u8, text: &str) -> Vec<u8> {
        let mut frame = vec![mark];
        frame.extend(u32::try_from(text.len()).expect("a short text").to_be_bytes());
        frame.extend(text.as_bytes());
        frame
    }

    fn counter(value: u32) -> String {
        format!("# HELP a b\n# TYPE a counter\na {value}\n")
    }

    #[test]
    fn the_sums_keep_the_counters_of_workers_that_have_ended() {
        let mut channels = Channels::default();
        let mut ends = Vec::new();
        for _ in 0..3 {
            let (own, worker) = UnixStream::pair().expect("the system has a socket pair");
            channels.add(own);
            ends.push(worker);
        }
        ends[0].write_all(&frame(ANSWER, &counter(1))).expect("the socket is open");
        ends[1].write_all(&frame(LAST, &counter(10))).expect("the socket is open");
        ends[2].write_all(&frame(ANSWER, &counter(100))).expect("the socket is open");
        assert!(channels.page().to_string().ends_with("a 111\n"));

        // One answers, the second has gone, the third dies in the middle of its answer.
        ends[0].write_all(&frame(ANSWER, &counter(2))).expect("the socket is open");
        let half = frame(ANSWER, &counter(200));
        ends[2].write_all(&half[..half.len() / 2]).expect("the socket is open");
        ends.truncate(1);
        assert!(channels.page().to_string().ends_with("a 112\n"));
        assert_eq!(channels.workers.len(), 1);
    }

    #[test]
    fn a_worker_that_is_held_up_is_counted_as_it_last_was() {
        let mut channels = Channels::default();
        let (own, mut worker) = UnixStream::pair().expect("the system has a socket pair");
        channels.add(own);
        worker.write_all(&frame(ANSWER, &counter(1))).expect("the socket is open");
        assert!(channels.page().to_string().ends_with("a 1\n"));
        assert!(channels.page().to_string().ends_with("a 1\n"), "it does not answer");
        // The answer to the earlier question, and the one to the next.
        worker.write_all(&frame(ANSWER, &counter(2))).expect("the socket is open");
        worker.write_all(&frame(ANSWER, &counter(3))).expect("the socket is open");
        assert!(channels.page().to_string().ends_with("a 3\n"));
    }
}
