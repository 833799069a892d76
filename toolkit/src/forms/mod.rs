//! Forms: urlencoded ones, and multipart ones with files (RFC 7578).
//!
//! | to | use |
//! |---|---|
//! | read a form as a struct, files included | [`Form`](crate::Form) |
//! | read whatever fields a form has | [`FormData`], as an argument or from [`Request::form`](crate::Request::form) |
//! | handle files while they arrive | [`Multipart`] |
//! | change the limits | [`FormLimits`], on an application, a router or a route |
//!
//! Fields are kept in memory. Files are kept in memory up to 1 MiB for each form; beyond it, they go to a temporary file,
//! which has no name and is gone with the last [`UploadFile`] of the form. Files are written and read on the threads for
//! blocking work.
//!
//! ```
//! use stelo_toolkit::forms::FormData;
//! use stelo_toolkit::{App, TestClient, post};
//!
//! async fn save(form: FormData) -> String {
//!     let size = form.file("photo").map_or(0, |photo| photo.size());
//!     format!("{}: {size} bytes", form.text("title").unwrap_or("untitled"))
//! }
//!
//! let client = TestClient::new(App::new().route("/", post(save)));
//! let body = "--B\r\ncontent-disposition: form-data; name=\"title\"\r\n\r\nsea\r\n\
//!             --B\r\ncontent-disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\n\r\n\x01\x02\r\n--B--\r\n";
//! let response = client.post("/").header("content-type", "multipart/form-data; boundary=B").body(body).send();
//! assert_eq!(response.text(), "sea: 2 bytes");
//! ```
//!
//! | file | contents |
//! |---|---|
//! | `data.rs` | `FormData` |
//! | `upload.rs` | `UploadFile` |
//! | `spool.rs` | where the content of files goes: memory or a temporary file |
//! | `multipart.rs` | parts as a stream |
//! | `urlencoded.rs` | urlencoded bodies |
//! | `read.rs` | from a request to a form |
//! | `typed.rs` | from a form to a struct |
//! | `limits.rs`, `rejection.rs` | the limits, and the responses beyond them |

mod data;
mod limits;
mod multipart;
mod read;
mod rejection;
mod spool;
mod typed;
mod upload;
mod urlencoded;

pub use self::data::{FormData, FormValue};
pub use self::limits::FormLimits;
pub use self::multipart::{Multipart, Part};
pub(crate) use self::read::{Kind, kind};
pub(crate) use self::typed::read as typed;
pub use self::upload::UploadFile;
pub(crate) use self::urlencoded::collect as urlencoded;
