//! A queue of words from an application to a case.

use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::PATIENCE;

/// A queue of words. Applications [`tell`](Self::tell) words, and the case expects them. Clones share the queue.
#[derive(Clone, Debug)]
pub struct News {
    sender: Sender<String>,
    receiver: Arc<Mutex<Receiver<String>>>,
}

/// A guard that tells a word when it is dropped.
#[derive(Debug)]
pub struct LastWord(News, &'static str);

impl News {
    /// Creates an empty queue.
    pub fn new() -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver: Arc::new(Mutex::new(receiver)) }
    }

    /// Tells a word.
    pub fn tell(&self, word: impl Into<String>) {
        // The queue owns both ends, so the receiver exists.
        let _ = self.sender.send(word.into());
    }

    /// Returns a guard that tells a word when it is dropped.
    pub fn last_word(&self, word: &'static str) -> LastWord {
        LastWord(self.clone(), word)
    }

    /// Waits for the next word.
    #[track_caller]
    pub fn next(&self) -> String {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.recv_timeout(PATIENCE).expect("the application has something to tell")
    }

    /// Waits for the next word, and asserts that it is this one.
    #[track_caller]
    pub fn expect(&self, word: &str) {
        assert_eq!(self.next(), word);
    }

    /// Drops all words that have not been expected, and returns their number.
    pub fn count(&self) -> usize {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).try_iter().count()
    }

    /// Asserts that the queue is empty.
    #[track_caller]
    pub fn expect_silence(&self) {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    }
}

impl Default for News {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for LastWord {
    fn drop(&mut self) {
        self.0.tell(self.1);
    }
}
