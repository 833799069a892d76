//! The reasons to reject a multipart body.

use core::fmt;

/// The reason to reject a body, and the place of the fault. Every one is answered with 400.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Error {
    /// The kind of fault.
    pub kind: ErrorKind,
    /// The offset in the body of the line, the part or the byte at fault. Zero for a fault of the `Content-Type`.
    pub at: u64,
}

macro_rules! kinds {
    ($($name:ident, $text:literal;)*) => {
        /// The kind of fault.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $( #[doc = $text] $name, )*
        }

        impl ErrorKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

kinds! {
    BoundaryMissing, "the content type has no boundary";
    BoundaryInvalid, "the boundary has an invalid character, or is longer than 70 characters";
    PreambleTooLarge, "more bytes before the first boundary than the limit";
    BoundaryLine, "a boundary is not on a line of its own that ends with CR LF";
    LineEnding, "a header line of a part does not end with CR LF";
    HeaderName, "a part has an invalid header name";
    HeaderValue, "a part has an invalid header value";
    Folding, "a header of a part is folded over several lines";
    HeaderTooLong, "a header line of a part is longer than the limit";
    HeadTooLarge, "the headers of a part are larger than the limit";
    TooManyHeaders, "a part has more headers than the limit";
    Disposition, "a part has a malformed or repeated content-disposition, or a parameter of it twice";
    NameMissing, "a part has no name in its content-disposition";
    TooManyFields, "more fields than the limit";
    TooManyFiles, "more files than the limit";
    FieldTooLarge, "a field is larger than the limit";
    Truncated, "the body ends before its closing boundary";
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ErrorKind::BoundaryMissing | ErrorKind::BoundaryInvalid => self.kind.fmt(f),
            kind => write!(f, "{kind} (at byte {})", self.at),
        }
    }
}

impl core::error::Error for Error {}
