//! `--reload`: a thread of the supervisor looks at the source files, and builds the program when they change.
//!
//! | file | contents |
//! |---|---|
//! | `tree.rs` | which files are watched, and which have changed |
//! | `build.rs` | the command that builds, and its output |
//! | `page.rs` | the side of the worker: a page with the errors of a build that has failed |

mod build;
mod page;
mod tree;

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::config::Reload;
use crate::{ServeError, messages};

use build::Build;
pub(super) use page::Notice;
use tree::{Filter, Snapshot};

/// The end of a build.
#[derive(Debug)]
pub(super) enum Built {
    /// The program is new.
    Done,
    /// The build has failed, with this output.
    Failed(String),
}

/// The thread that watches and builds.
pub(super) struct Reloader {
    /// Readable when a build has ended.
    socket: UnixStream,
    builds: Receiver<Built>,
}

impl Reloader {
    /// Begins to watch, if the setting says so. `program` is the file that is built, in the directory of the start.
    ///
    /// # Errors
    /// A directory cannot be read, no command builds the program, or the system refuses a thread.
    pub(super) fn start(
        config: &Reload,
        program: &Path,
        directory: Option<&Path>,
    ) -> Result<Option<Self>, ServeError> {
        if !config.on {
            return Ok(None);
        }
        let build = Build::of(config.command.as_deref(), program, directory).ok_or(ServeError::NoBuild)?;
        let here = [PathBuf::from(".")];
        let dirs = if config.dirs.is_empty() { &here[..] } else { &config.dirs };
        let absolute = |dir: &PathBuf| {
            dir.canonicalize().map_err(|source| ServeError::Watched { path: dir.clone(), source })
        };
        let dirs: Vec<_> = dirs.iter().map(absolute).collect::<Result<_, _>>()?;
        messages::watching(&dirs);
        let filter = Filter::new(&config.include, &config.exclude);
        let (socket, teller) = UnixStream::pair().map_err(ServeError::Supervisor)?;
        let (sender, builds) = channel();
        let seen = Snapshot::of(&dirs, &filter);
        let watch = Watch { dirs, filter, seen, delay: config.delay, build, teller, sender };
        let thread = thread::Builder::new().name("stelo-reload".into()).spawn(move || watch.run());
        thread.map_err(ServeError::Supervisor)?;
        Ok(Some(Self { socket, builds }))
    }

    /// Returns a descriptor that is readable when a build has ended.
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Returns the builds that have ended, once the descriptor is readable.
    ///
    /// # Errors
    /// The thread has ended.
    pub(super) fn ended(&mut self) -> io::Result<Vec<Built>> {
        match self.socket.read(&mut [0; 16])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(self.builds.try_iter().collect()),
        }
    }
}

/// The work of the thread.
struct Watch {
    dirs: Vec<PathBuf>,
    filter: Filter,
    /// The files as they were built last.
    seen: Snapshot,
    delay: Duration,
    build: Build,
    teller: UnixStream,
    sender: Sender<Built>,
}

impl Watch {
    fn run(mut self) {
        loop {
            thread::sleep(self.delay);
            let now = Snapshot::of(&self.dirs, &self.filter);
            let changed = now.changes_since(&self.seen);
            if changed.is_empty() {
                continue;
            }
            messages::changed(&changed);
            // What changes during the build is built after it.
            self.seen = now;
            let built = match self.build.run() {
                Ok(None) => Built::Done,
                Ok(Some(output)) => Built::Failed(output),
                Err(error) => Built::Failed(format!("cannot run `{}`: {error}", self.build)),
            };
            // Fails once the supervisor has ended.
            if self.sender.send(built).is_err() || self.teller.write_all(&[1]).is_err() {
                return;
            }
        }
    }
}
