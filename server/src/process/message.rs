//! Messages of a worker to its supervisor: one byte each.

use std::os::unix::net::UnixStream;

use stelo_os::inherit;

use super::plan::{Event, Id};

/// A message of a worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Message {
    /// The worker accepts connections.
    Ready = 1,
    /// The worker runs.
    Alive = 2,
    /// A thread is blocked for longer than `--timeout`.
    Blocked = 3,
    /// The worker has reached a limit, and serves until its replacement is ready.
    Retire = 4,
}

impl Message {
    /// Returns the message that a byte means.
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Ready, Self::Alive, Self::Blocked, Self::Retire]
            .into_iter()
            .find(|message| *message as u8 == byte)
    }
}

impl Message {
    /// Returns the event that a message of this worker is.
    pub(super) fn event(self, worker: Id) -> Event {
        match self {
            Self::Ready => Event::Ready(worker),
            Self::Alive => Event::Alive(worker),
            Self::Blocked => Event::Blocked(worker),
            Self::Retire => Event::Retiring(worker),
        }
    }
}

/// Tells the supervisor.
#[derive(Debug)]
pub(crate) struct Teller(UnixStream);

impl Teller {
    pub(super) fn new(control: UnixStream) -> Self {
        Self(control)
    }

    /// Sends a message, without waiting. Returns `false` if the supervisor has ended, or has been stopped for minutes.
    pub(crate) fn tell(&self, message: Message) -> bool {
        inherit::write_now(&self.0, &[message as u8]).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_message_is_a_byte() {
        let (mut supervisor, worker) = UnixStream::pair().unwrap();
        let teller = Teller::new(worker);
        for message in [Message::Ready, Message::Alive, Message::Blocked, Message::Retire] {
            assert!(teller.tell(message));
            let mut byte = [0];
            supervisor.read_exact(&mut byte).unwrap();
            assert_eq!(Message::from_byte(byte[0]), Some(message));
        }
        assert_eq!(Message::from_byte(0), None);
        drop(supervisor);
        assert!(!teller.tell(Message::Alive));
    }
}
