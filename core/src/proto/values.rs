//! A macro for structs of named values with defaults: the limits and timeouts of a protocol.

/// Declares a struct that can grow: `#[non_exhaustive]`, with a `DEFAULT` constant, `Default`, and a setter of the same
/// name for each field.
macro_rules! values {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$doc:meta])* pub $field:ident: $type:ty = $default:expr,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl $name {
            /// The defaults, as a constant.
            pub const DEFAULT: Self = Self { $($field: $default,)* };

            $(
                #[doc = concat!("Sets the [field `", stringify!($field), "`](field@Self::", stringify!($field), ").")]
                #[must_use]
                pub const fn $field(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self::DEFAULT
            }
        }
    };
}

pub(crate) use values;
