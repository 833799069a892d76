//! A hash of all events: equal runs have equal traces.

use stelo_runtime::Instant;

use crate::rng::mix;

/// The hash of all events so far. Can print them too.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    print: bool,
}

impl Trace {
    pub(crate) fn new(print: bool) -> Self {
        Self { hash: 0, print }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// Notes an event of the task, connection or socket with the number `whom`.
    pub(crate) fn note(&mut self, now: Instant, what: &str, whom: u64) {
        self.add(now, what, whom, &[]);
    }

    /// Notes bytes that `whom` has sent or received.
    pub(crate) fn bytes(&mut self, now: Instant, what: &str, whom: u64, bytes: &[u8]) {
        self.add(now, what, whom, bytes);
    }

    fn add(&mut self, now: Instant, what: &str, whom: u64, bytes: &[u8]) {
        for number in [now.as_micros(), whom, bytes.len() as u64] {
            self.word(number);
        }
        for part in [what.as_bytes(), bytes] {
            for piece in part.chunks(8) {
                let mut word = [0; 8];
                word[..piece.len()].copy_from_slice(piece);
                self.word(u64::from_le_bytes(word));
            }
        }
        if self.print {
            const SHOWN: usize = 60;
            let text = bytes[..bytes.len().min(SHOWN)].escape_ascii();
            match bytes.len() {
                0 => eprintln!("{now:?} {what} {whom}"),
                n if n <= SHOWN => eprintln!("{now:?} {what} {whom}: {n} \"{text}\""),
                n => eprintln!("{now:?} {what} {whom}: {n} \"{text}\"..."),
            }
        }
    }

    fn word(&mut self, word: u64) {
        self.hash = mix(self.hash.rotate_left(5) ^ word);
    }
}
