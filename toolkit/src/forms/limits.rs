//! The limits of forms.

use std::path::{Path, PathBuf};

use stelo_core::multipart::Limits;

/// The limits of a form. Sizes are in bytes. An application, a router or a route has its own by
/// [`form_limits`](crate::Router::form_limits); inner limits replace outer ones as a whole.
///
/// The fields of a form together are also limited by [`body_limit`](crate::Router::body_limit), because they are kept in
/// memory.
///
/// ```
/// use stelo_toolkit::forms::{FormData, FormLimits};
/// use stelo_toolkit::{App, TestClient, post};
///
/// async fn count(form: FormData) -> String { form.len().to_string() }
///
/// let app = App::new().route("/", post(count).form_limits(FormLimits::new().max_fields(1)));
/// let client = TestClient::new(app);
/// assert_eq!(client.post("/").form(&[("a", "1")]).send().text(), "1");
/// let response = client.post("/").form(&[("a", "1"), ("b", "2")]).send();
/// assert_eq!(response.status().code(), 400);
/// assert_eq!(response.text(), "Too many fields. Maximum number of fields is 1.");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct FormLimits {
    /// The number of fields. Default 1000; more are answered with 400.
    pub max_fields: usize,
    /// The number of files. Default 1000; more are answered with 400.
    pub max_files: usize,
    /// The size of one field; in an urlencoded form together with its name, as encoded. Default 1 MiB; a larger one is
    /// answered with 400.
    pub max_part_size: usize,
    /// The size of one file. Default: no limit; a larger one is answered with 413.
    pub max_file_size: Option<u64>,
    /// The size of the whole body. Default: no limit but that of the server; a larger one is answered with 413.
    pub max_body_size: Option<u64>,
    /// The number of headers of one part. Default 8; more are answered with 400.
    pub max_header_count: usize,
    /// The size of one header line of a part. Default 4 KiB; a longer one is answered with 400.
    pub max_header_size: usize,
    /// The size of all headers of one part. Default 8 KiB; more is answered with 400.
    pub max_head_size: usize,
    /// The number of bytes before the first boundary. Default 4 KiB; more is answered with 400.
    pub max_preamble_size: usize,
    /// The number of bytes of all files of a form that are kept in memory. Default 1 MiB; the rest goes to a temporary
    /// file.
    pub spool_max_size: usize,
    /// The directory of temporary files. Default: that of the system ([`std::env::temp_dir`]).
    pub spool_directory: Option<PathBuf>,
}

macro_rules! setters {
    ($($name:ident: $type:ty,)*) => {$(
        #[doc = concat!("Sets the [field `", stringify!($name), "`](field@Self::", stringify!($name), ").")]
        #[must_use]
        pub fn $name(self, $name: $type) -> Self {
            Self { $name, ..self }
        }
    )*};
}

impl FormLimits {
    /// Returns the default limits.
    pub const fn new() -> Self {
        const LIMITS: Limits = Limits::DEFAULT;
        Self {
            max_fields: LIMITS.fields,
            max_files: LIMITS.files,
            max_part_size: LIMITS.field,
            max_file_size: None,
            max_body_size: None,
            max_header_count: LIMITS.headers,
            max_header_size: LIMITS.header_line,
            max_head_size: LIMITS.head,
            max_preamble_size: LIMITS.preamble,
            spool_max_size: 1 << 20,
            spool_directory: None,
        }
    }

    setters! {
        max_fields: usize,
        max_files: usize,
        max_part_size: usize,
        max_file_size: Option<u64>,
        max_body_size: Option<u64>,
        max_header_count: usize,
        max_header_size: usize,
        max_head_size: usize,
        max_preamble_size: usize,
        spool_max_size: usize,
    }

    /// Sets the [field `spool_directory`](field@Self::spool_directory).
    #[must_use]
    pub fn spool_directory(self, directory: impl Into<PathBuf>) -> Self {
        Self { spool_directory: Some(directory.into()), ..self }
    }

    /// Returns the limits of the parser.
    pub(super) fn parser(&self) -> Limits {
        Limits::DEFAULT
            .fields(self.max_fields)
            .files(self.max_files)
            .field(self.max_part_size)
            .headers(self.max_header_count)
            .header_line(self.max_header_size)
            .head(self.max_head_size)
            .preamble(self.max_preamble_size)
    }

    /// Returns the directory of temporary files.
    pub(super) fn directory(&self) -> PathBuf {
        self.spool_directory.as_deref().map_or_else(std::env::temp_dir, Path::to_owned)
    }
}

impl Default for FormLimits {
    fn default() -> Self {
        Self::new()
    }
}
