//! Enums that are written as words.

/// Declares an enum with a word for each variant, with `Display` and `FromStr`. The words of another server that mean the
/// same follow the word, after `|`.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal $(| $synonym:literal)*,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        #[non_exhaustive]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $crate::config::codec::Words for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad($crate::config::codec::Words::word(*self))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::config::ConfigError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $(if [$word $(, $synonym)*].iter().any(|word| text.eq_ignore_ascii_case(word)) {
                    return Ok(Self::$variant);
                })+
                Err($crate::config::ConfigError::Word(<Self as $crate::config::codec::Words>::WORDS))
            }
        }
    };
}

pub(crate) use words;
