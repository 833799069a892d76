//! The limits of a multipart body, each with its default and the attack that it answers.

use crate::proto::values;

values! {
    /// The sizes and counts that a [`Parser`](super::Parser) accepts. Sizes are in bytes.
    ///
    /// The size of a file has no limit here, because the parser keeps none of it.
    pub struct Limits {
        /// The bytes before the first boundary. Default 4 KiB. Against bodies that never begin.
        pub preamble: usize = 4 << 10,
        /// All header lines of one part together, with their line ends and the white space after the boundary. Default
        /// 8 KiB. Against endless headers.
        pub head: usize = 8 << 10,
        /// One header line of a part, with its line end. Default 4 KiB. Against endless lines.
        pub header_line: usize = 4 << 10,
        /// The number of header lines of one part. Default 8. Against floods of tiny headers.
        pub headers: usize = 8,
        /// The number of parts without a file name. Default 1000. Against floods of tiny fields.
        pub fields: usize = 1000,
        /// The number of parts with a file name. Default 1000. Against floods of tiny files.
        pub files: usize = 1000,
        /// The data of one part without a file name, which most applications keep in memory. Default 1 MiB. Against
        /// endless fields.
        pub field: usize = 1 << 20,
    }
}
