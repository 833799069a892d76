//! Files as responses: the files of directories, files embedded in the program, and single files.
//!
//! | module | decides |
//! |---|---|
//! | `static_files`, `embedded` | where the files of a mounted tree are |
//! | `response` | which single file is sent |
//! | `path` | which paths can name a file |
//! | `rules` | which file a path means: index pages, fallbacks, compressed siblings |
//! | `lookup` | which file of the file system has a name |
//! | `media`, `coding`, `disposition` | what header fields say about a file |
//! | `answer` | the response for a file that was found |
//! | `conditional` | whether the client has the file already (RFC 9110 section 13) |
//! | `range`, `byteranges` | which parts of the file the client wants (RFC 9110 section 14) |
//! | `body` | how the bytes of the file are sent |
//! | `kept` | which small files are cached |
//! | `listing` | the page that lists a directory |
//! | `hash` | the entity tag of content in memory |
//!
//! `stelo-os` opens and reads the files. A file that the system has in memory is served at once; other files are opened
//! and read on the executor's threads for blocking work. Validators always describe the file that is sent.

mod answer;
mod body;
mod byteranges;
mod coding;
mod disposition;
mod embedded;
mod hash;
mod kept;
mod listing;
mod lookup;
mod media;
mod path;
mod range;
mod response;
mod rules;
mod static_files;
mod validators;

pub use stelo_os::files::DirectoryError;

pub use self::embedded::{EmbeddedFile, EmbeddedFiles};
pub use self::response::{AsFile, FileError, FileResponse, Source, Streamed};
pub use self::rules::is_hashed;
pub use self::static_files::StaticFiles;
