//! The state of the site: the drawings, their files, the feed of news, and the number of visitors.
//!
//! The files are in a temporary folder, which is removed when the server stops.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use stelo::events::{Event, Replay};
use stelo::websocket::Broadcast;

use crate::art::{self, Style};

/// The largest number of drawings. More are refused, because the folder must not grow for ever.
const MAX_DRAWINGS: usize = 500;

/// The time after which a browser that has lost the feed connects again.
const RETRY: Duration = Duration::from_secs(1);

/// The drawings of an empty gallery: title, artist, style, seed.
const FIRST: [(&str, &str, Style, u64); 12] = [
    ("Evening over three valleys", "Ada", Style::Hills, 11),
    ("Fabric", "Grace", Style::Scales, 4),
    ("A floor in Lisbon", "Katherine", Style::Tiles, 8),
    ("The town waits up", "Hedy", Style::Town, 21),
    ("Pressed between pages", "Mary", Style::Stems, 5),
    ("What the telescope saw", "Caroline", Style::Orbits, 3),
    ("Night shift", "Hedy", Style::Town, 9),
    ("Morning, the same valleys", "Ada", Style::Hills, 2),
    ("Seven small worlds", "Caroline", Style::Orbits, 14),
    ("Meadow after rain", "Mary", Style::Stems, 12),
    ("A floor in Porto", "Katherine", Style::Tiles, 17),
    ("Koi", "Grace", Style::Scales, 15),
];

/// A drawing on the wall.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Drawing {
    pub(crate) id: u64,
    pub(crate) title: String,
    pub(crate) artist: String,
    /// The colours, once they have been found.
    pub(crate) colours: Vec<String>,
    /// This program has written the file. Of other files, it is only known that they claim to be SVG.
    #[serde(skip)]
    pub(crate) is_ours: bool,
}

/// The state that all handlers share. Clones are the same gallery.
#[derive(Clone)]
pub(crate) struct Gallery(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    drawings: Mutex<Vec<Drawing>>,
    news: Replay,
    counts: Broadcast<usize>,
    visitors: AtomicUsize,
}

impl Gallery {
    /// Creates the folder and the first drawings. Blocks.
    pub(crate) fn open() -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("stelo-gallery-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let gallery = Self(Arc::new(Shared {
            folder,
            drawings: Mutex::default(),
            news: Replay::new(100),
            counts: Broadcast::new(4),
            visitors: AtomicUsize::new(0),
        }));
        for (title, artist, style, seed) in FIRST {
            let drawing = gallery.add_svg(title, artist, &art::draw(style, seed))?;
            gallery.find_colours(drawing.id);
        }
        Ok(gallery)
    }

    /// Removes the folder. Blocks.
    pub(crate) fn close(&self) -> io::Result<()> {
        std::fs::remove_dir_all(&self.0.folder)
    }

    fn drawings(&self) -> MutexGuard<'_, Vec<Drawing>> {
        self.0.drawings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether there is room for another drawing.
    pub(crate) fn has_room(&self) -> bool {
        self.drawings().len() < MAX_DRAWINGS
    }

    /// A new path in the folder, for a drawing that is not complete.
    pub(crate) fn temporary(&self) -> PathBuf {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        self.0.folder.join(format!("new-{}", COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// Adds the drawing in the file at `temporary`, and tells the visitors. Blocks.
    pub(crate) fn add(&self, title: &str, artist: &str, temporary: &Path) -> io::Result<Drawing> {
        self.hang(title, artist, temporary, false)
    }

    /// As [`add`](Self::add), with a picture of this program.
    pub(crate) fn add_svg(&self, title: &str, artist: &str, svg: &str) -> io::Result<Drawing> {
        let temporary = self.temporary();
        std::fs::write(&temporary, svg)?;
        self.hang(title, artist, &temporary, true)
    }

    fn hang(&self, title: &str, artist: &str, temporary: &Path, is_ours: bool) -> io::Result<Drawing> {
        let mut drawings = self.drawings();
        let id = drawings.len() as u64 + 1;
        // Before the drawing is listed, so that every listed drawing has a file.
        std::fs::rename(temporary, self.file(id))?;
        let drawing =
            Drawing { id, title: title.into(), artist: artist.into(), colours: Vec::new(), is_ours };
        drawings.push(drawing.clone());
        drop(drawings);
        self.tell(id);
        Ok(drawing)
    }

    /// Finds the colours of a drawing, and tells the visitors. Blocks.
    pub(crate) fn find_colours(&self, id: u64) {
        let Ok(svg) = std::fs::read_to_string(self.file(id)) else { return };
        let found = art::colours(&svg);
        if let Some(drawing) = self.drawings().iter_mut().find(|drawing| drawing.id == id) {
            drawing.colours = found;
        }
        self.tell(id);
    }

    /// The path of the file of a drawing.
    pub(crate) fn file(&self, id: u64) -> PathBuf {
        self.0.folder.join(format!("{id}.svg"))
    }

    /// The drawing with this id.
    pub(crate) fn drawing(&self, id: u64) -> Option<Drawing> {
        self.drawings().iter().find(|drawing| drawing.id == id).cloned()
    }

    /// All drawings, the newest first.
    pub(crate) fn all(&self) -> Vec<Drawing> {
        self.drawings().iter().rev().cloned().collect()
    }

    /// The feed of news: a drawing is new or has changed.
    pub(crate) fn news(&self) -> &Replay {
        &self.0.news
    }

    fn tell(&self, id: u64) {
        self.0.news.send(Event::data(id.to_string()).name("drawing").retry(RETRY));
    }

    /// The feed of the number of visitors.
    pub(crate) fn counts(&self) -> &Broadcast<usize> {
        &self.0.counts
    }

    /// Counts a visitor that opens a page.
    pub(crate) fn arrive(&self) {
        self.0.counts.send(self.0.visitors.fetch_add(1, Ordering::Relaxed) + 1);
    }

    /// Counts a visitor that closes a page.
    pub(crate) fn leave(&self) {
        self.0.counts.send(self.0.visitors.fetch_sub(1, Ordering::Relaxed) - 1);
    }

    /// The number of visitors with an open page.
    pub(crate) fn visitors(&self) -> usize {
        self.0.visitors.load(Ordering::Relaxed)
    }
}
