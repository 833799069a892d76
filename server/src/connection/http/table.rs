//! The exchanges of a multiplexed connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Wake, Waker};

use atomic_waker::AtomicWaker;
use stelo_core::app::{self, Peer};
use stelo_core::proto::{HttpMachine, StreamId};

use super::exchange::Exchange;
use super::exchanges::{Exchanges, Slot};

/// Any number of exchanges, each with a waker of its own, so that only those with something to do are polled.
#[derive(Default)]
pub(in crate::connection) struct Table {
    entries: Vec<Entry>,
    free: Vec<usize>,
    groups: Vec<Arc<Group>>,
    connection: Arc<AtomicWaker>,
}

/// One place of the table. Its waker is allocated once, and serves one exchange after the other: a late wake-up of an
/// earlier exchange costs one poll.
struct Entry {
    /// The exchange and the context of its request; `None` if the entry is free.
    stream: Option<(StreamId, Arc<app::Context>)>,
    exchange: Exchange,
    waker: Waker,
}

/// The wake-ups of 64 entries.
struct Group {
    /// A bit for each entry that was woken.
    ready: AtomicU64,
    connection: Arc<AtomicWaker>,
}

/// The waker of an entry.
struct EntryWaker {
    group: Arc<Group>,
    bit: u64,
}

impl Wake for EntryWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.group.ready.fetch_or(self.bit, Ordering::AcqRel) & self.bit == 0 {
            self.group.connection.wake();
        }
    }
}

impl Table {
    fn position(&self, stream: StreamId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.stream.as_ref().is_some_and(|(id, _)| *id == stream))
    }

    /// Adds a free entry.
    fn grow(&mut self) -> usize {
        let index = self.entries.len();
        if index.is_multiple_of(64) {
            let connection = self.connection.clone();
            self.groups.push(Arc::new(Group { ready: AtomicU64::new(0), connection }));
        }
        let group = self.groups[index / 64].clone();
        let waker = Arc::new(EntryWaker { group, bit: 1 << (index % 64) }).into();
        self.entries.push(Entry { stream: None, exchange: Exchange::default(), waker });
        index
    }

    fn has_ready(&self) -> bool {
        self.groups.iter().any(|group| group.ready.load(Ordering::Acquire) != 0)
    }

    fn close_at(&mut self, index: usize) {
        let Some(entry) = self.entries.get_mut(index) else { return };
        entry.exchange.abandon();
        if entry.stream.take().is_some() {
            self.free.push(index);
        }
    }
}

impl Exchanges for Table {
    fn open<'a>(&mut self, stream: StreamId, connection: impl FnOnce() -> &'a Arc<app::Context>) -> Slot<'_> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.grow(),
        };
        let entry = &mut self.entries[index];
        let context = Arc::new(app::Context::stream(connection().clone()));
        let (_, context) = entry.stream.insert((stream, context));
        Slot { stream, exchange: &mut entry.exchange, context: Some(context), waker: Some(&entry.waker) }
    }

    fn get(&mut self, stream: StreamId) -> Option<Slot<'_>> {
        let index = self.position(stream)?;
        let Entry { stream, exchange, waker } = self.entries.get_mut(index)?;
        let (stream, context) = stream.as_ref()?;
        Some(Slot { stream: *stream, exchange, context: Some(context), waker: Some(waker) })
    }

    fn close(&mut self, stream: StreamId) {
        if let Some(index) = self.position(stream) {
            self.close_at(index);
        }
    }

    fn reset(&mut self, stream: StreamId) {
        if let Some(index) = self.position(stream) {
            if let Some((_, context)) = &self.entries[index].stream {
                context.set_peer(Peer::Gone);
            }
            self.close_at(index);
        }
    }

    fn wake(&mut self, stream: StreamId) {
        if let Some(index) = self.position(stream) {
            self.entries[index].waker.wake_by_ref();
        }
    }

    fn want_events(&self) -> bool {
        true
    }

    fn is_busy(&self) -> bool {
        self.free.len() < self.entries.len()
    }

    fn is_waiting(&self) -> bool {
        let mut busy = self.entries.iter().filter(|entry| entry.stream.is_some());
        self.is_busy() && busy.all(|entry| entry.exchange.is_waiting())
    }

    fn can_unblock(&self, machine: &impl HttpMachine) -> bool {
        self.entries.iter().any(|entry| match entry.stream {
            Some((stream, _)) => entry.exchange.is_blocked() && machine.capacity(stream) > 0,
            None => false,
        })
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
        mut poll: impl FnMut(Slot<'_>, &mut Context<'_>) -> bool,
    ) -> bool {
        let mut moved = false;
        for group in 0..self.groups.len() {
            let mut ready = self.groups[group].ready.swap(0, Ordering::AcqRel);
            while ready != 0 {
                let index = group * 64 + ready.trailing_zeros() as usize;
                ready &= ready - 1;
                let Entry { stream, exchange, waker } = &mut self.entries[index];
                let Some((stream, context)) = stream else { continue };
                exchange.enter();
                let slot = Slot { stream: *stream, exchange, context: Some(context), waker: Some(waker) };
                let again = poll(slot, &mut Context::from_waker(waker));
                moved |= again;
                let entry = &self.entries[index];
                if !entry.exchange.is_busy() {
                    self.close_at(index);
                } else if again {
                    entry.waker.wake_by_ref();
                }
            }
        }
        moved || self.has_ready()
    }

    fn for_each(&mut self, mut f: impl FnMut(Slot<'_>)) {
        for Entry { stream, exchange, waker } in &mut self.entries {
            if let Some((stream, context)) = stream {
                f(Slot { stream: *stream, exchange, context: Some(context), waker: Some(waker) });
            }
        }
    }

    fn enter(&mut self) {
        self.connection.take();
    }

    fn leave(&mut self, cx: &mut Context<'_>) -> bool {
        self.connection.register(cx.waker());
        self.has_ready()
    }
}
