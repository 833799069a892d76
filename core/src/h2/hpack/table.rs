//! The dynamic table (RFC 7541 sections 2.3.2 and 4): entries in one buffer.
//!
//! Each entry is kept as the line that its field becomes, `name: value` and a line end, so that an indexed field is
//! copied at once. The 4 bytes beside name and value are less than the 32 that the table counts for an entry.
//!
//! Entries are appended. Evicted ones are removed from the front of the buffer when they fill a quarter of the table.
//! That copies at most 4 bytes for each byte that is added, and makes each line one slice.

use alloc::vec::Vec;

use super::KnownName;

/// The bytes that an entry counts beside its name and value (RFC 7541 section 4.1).
pub(super) const OVERHEAD: usize = 32;

/// A dynamic table. It allocates nothing before the first entry.
#[derive(Default)]
pub(super) struct Table {
    /// The lines of all entries, the oldest first. The first `evicted` bytes are of no entry.
    bytes: Vec<u8>,
    evicted: usize,
    /// The entries, the oldest first. The first `gone` are evicted.
    entries: Vec<Entry>,
    gone: usize,
    /// The sum of the sizes of the entries.
    size: usize,
    /// The limit of `size`. The bytes of all entries are fewer, so that 16 bits hold their offsets.
    max: u16,
    /// The offset of the first byte of `bytes`, modulo 2¹⁶.
    base: u16,
}

/// An entry of the dynamic table.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// The offset of the line, counted from the first byte that the table ever had, modulo 2¹⁶.
    start: u16,
    name_len: u16,
    value_len: u16,
    pub(super) known: Option<KnownName>,
}

impl Entry {
    pub(super) fn name_len(self) -> usize {
        usize::from(self.name_len)
    }

    pub(super) fn value_len(self) -> usize {
        usize::from(self.value_len)
    }

    fn line_len(self) -> usize {
        self.name_len() + self.value_len() + 4
    }

    fn size(self) -> usize {
        self.name_len() + self.value_len() + OVERHEAD
    }
}

impl Table {
    pub(super) fn new(max: u16) -> Self {
        Self { max, ..Self::default() }
    }

    pub(super) fn max(&self) -> u16 {
        self.max
    }

    /// Returns the number of entries.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.gone
    }

    /// Changes the limit, and evicts entries until they fit (RFC 7541 section 4.3).
    pub(super) fn set_max(&mut self, max: u16) {
        self.max = max;
        self.evict_to(usize::from(max));
        if max == 0 {
            *self = Self::default();
        }
    }

    /// Returns the entry at `index`, 0 for the newest.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<Entry> {
        let live = self.entries.get(self.gone..)?;
        live.get(live.len().checked_sub(index + 1)?).copied()
    }

    /// Returns the line of an entry.
    #[inline]
    pub(super) fn line(&self, entry: Entry) -> &[u8] {
        let start = usize::from(entry.start.wrapping_sub(self.base));
        self.bytes.get(start..start + entry.line_len()).unwrap_or_default()
    }

    /// Returns the index of an entry with this line, and `true`; or of an entry with this name, and `false`.
    pub(super) fn find(&self, line: &[u8], name_len: usize) -> Option<(usize, bool)> {
        let mut with_name = None;
        for (index, &entry) in self.entries.iter().skip(self.gone).rev().enumerate() {
            let other = self.line(entry);
            if entry.name_len() != name_len || other.get(..name_len) != line.get(..name_len) {
                continue;
            }
            if other == line {
                return Some((index, true));
            }
            with_name.get_or_insert((index, false));
        }
        with_name
    }

    /// Adds an entry, and evicts the oldest ones until it fits. One that is larger than the table empties it (RFC 7541
    /// section 4.4).
    ///
    /// `line` is `name: value` and a line end.
    pub(super) fn insert(&mut self, line: &[u8], name_len: usize, known: Option<KnownName>) {
        let len = line.len().saturating_sub(4);
        let Some(rest) = usize::from(self.max).checked_sub(len + OVERHEAD) else {
            return self.evict_to(0);
        };
        self.evict_to(rest);
        self.make_room(line.len());
        let start = self.base.wrapping_add(self.bytes.len() as u16);
        // The sizes are below that of the table.
        let entry = Entry { start, name_len: name_len as u16, value_len: (len - name_len) as u16, known };
        self.bytes.extend_from_slice(line);
        self.entries.push(entry);
        self.size += entry.size();
    }

    /// Evicts the oldest entries until the others have at most `size` bytes.
    fn evict_to(&mut self, size: usize) {
        while self.size > size
            && let Some(entry) = self.entries.get(self.gone)
        {
            self.size -= entry.size();
            self.evicted += entry.line_len();
            self.gone += 1;
        }
    }

    /// Makes room for an entry: removes evicted entries if they are many, and grows the buffers.
    fn make_room(&mut self, len: usize) {
        let max = usize::from(self.max);
        if self.evicted > max / 4 || self.evicted == self.bytes.len() {
            self.bytes.drain(..self.evicted);
            self.base = self.base.wrapping_add(self.evicted as u16);
            self.evicted = 0;
        }
        if self.gone > max / 4 / OVERHEAD || self.gone == self.entries.len() {
            self.entries.drain(..self.gone);
            self.gone = 0;
        }
        let most = max + max / 4;
        reserve(&mut self.bytes, len, most);
        reserve(&mut self.entries, 1, most / OVERHEAD);
    }

    /// Returns the memory held, in bytes.
    pub(super) fn held(&self) -> usize {
        self.bytes.capacity() + self.entries.capacity() * size_of::<Entry>()
    }
}

/// Reserves twice the memory as long as that is less than `most` elements.
fn reserve<T>(buffer: &mut Vec<T>, more: usize, most: usize) {
    let needed = buffer.len() + more;
    if needed > buffer.capacity() {
        let capacity = needed.max(most.min(2 * needed));
        buffer.reserve_exact(capacity - buffer.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn insert(table: &mut Table, name: &str, value: &str) {
        table.insert(format!("{name}: {value}\r\n").as_bytes(), name.len(), KnownName::find(name.as_bytes()));
    }

    fn lines(table: &Table) -> Vec<String> {
        let line = |index| String::from_utf8(table.line(table.get(index).unwrap()).to_vec()).unwrap();
        (0..table.len()).map(line).collect()
    }

    #[test]
    fn an_entry_that_is_too_large_empties_the_table() {
        let mut table = Table::new(100);
        insert(&mut table, "a", "b");
        insert(&mut table, "c", &"d".repeat(100 - OVERHEAD));
        assert_eq!((table.len(), table.size), (0, 0));
        insert(&mut table, "c", &"d".repeat(99 - OVERHEAD));
        assert_eq!((table.len(), table.size), (1, 100));
        assert!(table.get(1).is_none());
    }

    #[test]
    fn an_empty_table_has_no_memory() {
        let mut table = Table::new(4096);
        assert_eq!(table.held(), 0);
        insert(&mut table, "a", "b");
        assert!(table.held() > 0);
        table.set_max(0);
        assert_eq!((table.held(), table.len()), (0, 0));
        insert(&mut table, "a", "b");
        assert_eq!((table.held(), table.len()), (0, 0));
    }

    #[test]
    fn a_full_table_has_little_more_memory_than_its_size() {
        for len in [0, 1, 7, 20, 28, 100, 1000] {
            let mut table = Table::new(4096);
            for _ in 0..10_000 {
                insert(&mut table, "", &"v".repeat(len));
            }
            assert!(table.held() <= 6 << 10, "{} bytes for values of {len}", table.held());
        }
    }

    proptest! {
        #[test]
        fn entries_are_those_of_a_list(
            max in 0u16..400,
            steps in proptest::collection::vec((0usize..40, 0usize..60, 0u16..900), 0..200),
        ) {
            let (mut table, mut list): (_, Vec<(String, usize)>) = (Table::new(max), vec![]);
            let mut max = usize::from(max);
            for (i, (name, value, resize)) in steps.into_iter().enumerate() {
                // The offsets of a long connection wrap.
                table.base = if i == 0 { u16::MAX - 50 } else { table.base };
                if resize < 400 {
                    max = usize::from(resize);
                    table.set_max(resize);
                } else {
                    let (name, value) = ("n".repeat(name), format!("{i}{}", "v".repeat(value)));
                    insert(&mut table, &name, &value);
                    list.insert(0, (format!("{name}: {value}\r\n"), name.len() + value.len() + 32));
                }
                while list.iter().map(|(_, size)| size).sum::<usize>() > max {
                    list.pop();
                }
                let expected: Vec<_> = list.iter().map(|(line, _)| line.clone()).collect();
                prop_assert_eq!(lines(&table), expected);
            }
        }
    }
}
