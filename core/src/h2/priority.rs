//! Priorities (RFC 9218), and the order in which streams send.
//!
//! A lower urgency comes first. Streams of one urgency take turns, a frame each, unless the client has asked for one after
//! the other. Lower urgencies are not starved: one frame in 16 is that of the last of them.

use alloc::collections::VecDeque;

use crate::http::{list, trim};

/// The priority of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Priority {
    /// 0 to 7; 0 comes first.
    pub(super) urgency: u8,
    /// The stream takes turns with others of its urgency.
    pub(super) turns: bool,
}

impl Default for Priority {
    /// Without any word of the client, streams take turns: most clients do not say that they need each response at once.
    fn default() -> Self {
        Self { urgency: 3, turns: true }
    }
}

impl Priority {
    /// Parses the value of a `priority` field or of PRIORITY_UPDATE (RFC 9218 sections 4 and 5). Members that are unknown
    /// or invalid are ignored.
    pub(super) fn parse(value: &[u8]) -> Self {
        let mut priority = Self { urgency: 3, turns: false };
        for member in list(value) {
            let member = member.split(|&b| b == b';').next().unwrap_or_default();
            match trim(member) {
                [b'u', b'=', digit @ b'0'..=b'7'] => priority.urgency = digit - b'0',
                b"i" | b"i=?1" => priority.turns = true,
                b"i=?0" => priority.turns = false,
                _ => {}
            }
        }
        priority
    }
}

/// The streams that have something to send and may, in order.
#[derive(Default)]
pub(super) struct Schedule {
    queues: [VecDeque<u32>; 8],
    /// A bit for each queue that is not empty.
    ready: u8,
    turn: u8,
}

impl Schedule {
    pub(super) fn is_empty(&self) -> bool {
        self.ready == 0
    }

    /// Adds a stream behind those of its urgency.
    pub(super) fn push(&mut self, stream: u32, urgency: u8) {
        if let Some(queue) = self.queues.get_mut(usize::from(urgency)) {
            queue.push_back(stream);
            self.ready |= 1 << urgency;
        }
    }

    /// Adds a stream before those of its urgency.
    pub(super) fn push_front(&mut self, stream: u32, urgency: u8) {
        if let Some(queue) = self.queues.get_mut(usize::from(urgency)) {
            queue.push_front(stream);
            self.ready |= 1 << urgency;
        }
    }

    /// Takes the stream that sends next.
    pub(super) fn pop(&mut self) -> Option<u32> {
        if self.ready == 0 {
            return None;
        }
        self.turn = self.turn.wrapping_add(1);
        let urgency = match self.turn % 16 {
            0 => 7 - self.ready.leading_zeros(),
            _ => self.ready.trailing_zeros(),
        };
        let queue = self.queues.get_mut(urgency as usize)?;
        let stream = queue.pop_front();
        if queue.is_empty() {
            self.ready &= !(1 << urgency);
        }
        stream
    }

    /// Removes a stream.
    pub(super) fn remove(&mut self, stream: u32) {
        for (urgency, queue) in self.queues.iter_mut().enumerate() {
            queue.retain(|&other| other != stream);
            if queue.is_empty() {
                self.ready &= !(1 << urgency);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn held(&self) -> usize {
        self.queues.iter().map(|queue| queue.capacity() * size_of::<u32>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn fields_are_parsed_and_what_is_unknown_is_ignored() {
        for (value, urgency, turns) in [
            ("", 3, false),
            ("u=0", 0, false),
            ("u=7, i", 7, true),
            ("i=?1,u=1", 1, true),
            ("i, i=?0", 3, false),
            ("u=8", 3, false),
            ("u=-1, x=2, u=5;p=1", 5, false),
            ("\u{7f}", 3, false),
        ] {
            assert_eq!(Priority::parse(value.as_bytes()), Priority { urgency, turns }, "{value}");
        }
        assert!(Priority::default().turns);
    }

    #[test]
    fn the_least_urgent_gets_one_frame_in_16() {
        let mut schedule = Schedule::default();
        schedule.push(1, 0);
        schedule.push(3, 7);
        let mut turns = Vec::new();
        for _ in 0..32 {
            let stream = schedule.pop().unwrap();
            turns.push(stream);
            schedule.push(stream, if stream == 1 { 0 } else { 7 });
        }
        assert_eq!(turns.iter().filter(|&&stream| stream == 3).count(), 2);
        schedule.remove(1);
        schedule.remove(3);
        assert!(schedule.is_empty() && schedule.pop().is_none());
    }
}
