//! Codecs between the values of settings and their text.

use std::borrow::Cow;
use std::fmt::Display;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use super::ConfigError;
use super::http::{check_field, check_root_path};
use super::listen::{check_descriptor, check_host};
use super::process::cores;
use super::table::{Kind, Value};

/// Reads and writes values of a type.
pub(crate) trait Codec<T> {
    fn read(text: &str) -> Result<T, ConfigError>;
    fn show(value: &T) -> Value;
}

/// An enum that is written as a word.
pub(crate) trait Words: Copy + FromStr<Err = ConfigError> {
    const WORDS: &'static [&'static str];

    fn word(self) -> &'static str;
}

/// The word that switches a limit or a timer off.
const OFF: &str = "off";

fn plain(value: impl Display) -> Value {
    Value::Plain(value.to_string())
}

fn or_off<T>(value: Option<&T>, show: impl FnOnce(&T) -> Value) -> Value {
    value.map_or_else(|| Value::Text(OFF.into()), show)
}

/// Reads a number of at least `least`, without a sign.
fn number<T: FromStr>(text: &str, least: u64, error: ConfigError) -> Result<T, ConfigError> {
    match (text.parse::<u64>(), text.parse()) {
        (Ok(number), Ok(value)) if number >= least && !text.starts_with('+') => Ok(value),
        _ => Err(error),
    }
}

/// Declares codecs for all types of numbers, each with its smallest number, its kind and its error.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident: $least:literal, $kind:expr, $error:ident;)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl $name {
            pub(crate) const KIND: Kind = $kind;
        }

        impl<T: FromStr + Display> Codec<T> for $name {
            fn read(text: &str) -> Result<T, ConfigError> {
                number(text, $least, ConfigError::$error)
            }

            fn show(value: &T) -> Value {
                plain(value)
            }
        }
    )+};
}

numbers! {
    /// A whole number, 1 or more.
    Count: 1, Kind::Number("NUMBER"), Count;
    /// A whole number.
    Number: 0, Kind::Number("NUMBER"), Number;
    /// A number of bytes, 1 or more.
    Size: 1, Kind::Bytes, Size;
    /// A number of bytes.
    Bytes: 0, Kind::Bytes, Bytes;
    /// A TCP port.
    Port: 0, Kind::Number("PORT"), Port;
}

/// A number of processes; `auto` means one for each core.
pub(crate) struct CountOrCores;

impl CountOrCores {
    pub(crate) const KIND: Kind = Kind::Number("NUMBER");
}

impl Codec<NonZeroUsize> for CountOrCores {
    fn read(text: &str) -> Result<NonZeroUsize, ConfigError> {
        match text.eq_ignore_ascii_case(Executor::AUTO) {
            true => Ok(cores()),
            false => Count::read(text).map_err(|_| ConfigError::CountOrCores),
        }
    }

    fn show(value: &NonZeroUsize) -> Value {
        plain(value)
    }
}

/// A number of threads; `auto` means the default, which depends on the number of processes.
pub(crate) struct CountOrAuto;

impl CountOrAuto {
    pub(crate) const KIND: Kind = Kind::Number("NUMBER");
}

impl Codec<Option<NonZeroUsize>> for CountOrAuto {
    fn read(text: &str) -> Result<Option<NonZeroUsize>, ConfigError> {
        match text.eq_ignore_ascii_case(Executor::AUTO) {
            true => Ok(None),
            false => Count::read(text).map(Some).map_err(|_| ConfigError::CountOrCores),
        }
    }

    fn show(value: &Option<NonZeroUsize>) -> Value {
        value.map_or_else(|| Value::Text(Executor::AUTO.into()), plain)
    }
}

/// The number of waiting connections, which the system takes as a signed number.
pub(crate) struct Backlog;

impl Backlog {
    pub(crate) const KIND: Kind = Kind::Number("NUMBER");
}

impl Codec<u32> for Backlog {
    fn read(text: &str) -> Result<u32, ConfigError> {
        <Count as Codec<i32>>::read(text).map(i32::unsigned_abs)
    }

    fn show(value: &u32) -> Value {
        plain(value)
    }
}

/// A number from one to another.
pub(crate) struct Within<const LEAST: u64, const MOST: u64>;

impl<const LEAST: u64, const MOST: u64> Within<LEAST, MOST> {
    pub(crate) const KIND: Kind = Kind::Bytes;
}

impl<T: FromStr + Display + Copy + Into<u64>, const LEAST: u64, const MOST: u64> Codec<T>
    for Within<LEAST, MOST>
{
    fn read(text: &str) -> Result<T, ConfigError> {
        let error = ConfigError::Range { least: LEAST, most: MOST };
        let value: T = number(text, LEAST, error.clone())?;
        if value.into() <= MOST { Ok(value) } else { Err(error) }
    }

    fn show(value: &T) -> Value {
        plain(value)
    }
}

/// A number of bytes; none means that of `--limit-head`.
pub(crate) struct SizeOrHead;

impl SizeOrHead {
    pub(crate) const KIND: Kind = Kind::Bytes;
}

impl Codec<Option<usize>> for SizeOrHead {
    fn read(text: &str) -> Result<Option<usize>, ConfigError> {
        Size::read(text).map(Some)
    }

    fn show(value: &Option<usize>) -> Value {
        value.map_or(Value::Unset, plain)
    }
}

/// Declares a codec that adds the word `off` to another one.
macro_rules! or_off {
    ($($name:ident: $codec:ident, $kind:expr, $error:ident;)+) => {$(
        pub(crate) struct $name;

        impl $name {
            pub(crate) const KIND: Kind = $kind;
        }

        impl<T: FromStr + Display> Codec<Option<T>> for $name {
            fn read(text: &str) -> Result<Option<T>, ConfigError> {
                match text.eq_ignore_ascii_case(OFF) {
                    true => Ok(None),
                    false => $codec::read(text).map(Some).map_err(|_| ConfigError::$error),
                }
            }

            fn show(value: &Option<T>) -> Value {
                or_off(value.as_ref(), $codec::show)
            }
        }
    )+};
}

or_off! {
    CountOrOff: Count, Kind::Number("NUMBER"), CountOrOff;
    BytesOrOff: Bytes, Kind::Bytes, BytesOrOff;
}

/// A number of bytes; 0 means no limit, as in Uvicorn.
pub(crate) struct SizeOrUnlimited;

impl SizeOrUnlimited {
    pub(crate) const KIND: Kind = Kind::Bytes;
}

impl Codec<usize> for SizeOrUnlimited {
    fn read(text: &str) -> Result<usize, ConfigError> {
        let size = number(text, 0, ConfigError::SizeOrUnlimited)?;
        Ok(if size == 0 { usize::MAX } else { size })
    }

    fn show(value: &usize) -> Value {
        plain(if *value == usize::MAX { 0 } else { *value })
    }
}

/// A duration, as a decimal number of seconds.
pub(crate) struct Seconds;

impl Seconds {
    pub(crate) const KIND: Kind = Kind::Seconds;
}

impl Codec<Duration> for Seconds {
    /// Reads digits, not a float: the tables of `f64::from_str` are 14 KB of the program.
    fn read(text: &str) -> Result<Duration, ConfigError> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) {
            return Err(ConfigError::Seconds);
        }
        let nanos = part.bytes().chain(std::iter::repeat(b'0')).take(9);
        let nanos = nanos.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
        whole.parse().map(|whole| Duration::new(whole, nanos)).map_err(|_| ConfigError::Seconds)
    }

    fn show(value: &Duration) -> Value {
        let text = format!("{}.{:09}", value.as_secs(), value.subsec_nanos());
        plain(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A duration; `off`, zero or less switches the timer off. Uvicorn has only the latter.
pub(crate) struct SecondsOrOff;

impl SecondsOrOff {
    pub(crate) const KIND: Kind = Kind::Seconds;
}

impl Codec<Option<Duration>> for SecondsOrOff {
    fn read(text: &str) -> Result<Option<Duration>, ConfigError> {
        let (below, number) = text.strip_prefix('-').map_or((false, text), |number| (true, number));
        match Seconds::read(number) {
            _ if text.eq_ignore_ascii_case(OFF) => Ok(None),
            Ok(time) => Ok(Some(time).filter(|time| !below && !time.is_zero())),
            Err(_) => Err(ConfigError::SecondsOrOff),
        }
    }

    fn show(value: &Option<Duration>) -> Value {
        or_off(value.as_ref(), Seconds::show)
    }
}

/// A truth value, in the words that Uvicorn takes.
pub(crate) struct Boolean;

impl Boolean {
    pub(crate) const KIND: Kind = Kind::Boolean;
}

impl Codec<bool> for Boolean {
    fn read(text: &str) -> Result<bool, ConfigError> {
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => Ok(true),
            "0" | "false" | "f" | "no" | "n" | OFF => Ok(false),
            _ => Err(ConfigError::Boolean),
        }
    }

    fn show(value: &bool) -> Value {
        plain(value)
    }
}

/// A truth value that is two options, `--x` and `--no-x`.
pub(crate) struct Switch;

impl Switch {
    pub(crate) const KIND: Kind = Kind::Switch;
}

impl Codec<bool> for Switch {
    fn read(text: &str) -> Result<bool, ConfigError> {
        Boolean::read(text)
    }

    fn show(value: &bool) -> Value {
        plain(value)
    }
}

/// One of the words of an enum.
pub(crate) struct Word<T>(PhantomData<T>);

impl<T: Words> Word<T> {
    pub(crate) const KIND: Kind = Kind::Word(T::WORDS);
}

impl<T: Words> Codec<T> for Word<T> {
    fn read(text: &str) -> Result<T, ConfigError> {
        text.parse()
    }

    fn show(value: &T) -> Value {
        Value::Text(value.word().into())
    }
}

/// The name of an executor. Whether it is compiled in is checked against the runners.
pub(crate) struct Executor;

impl Executor {
    /// The word for the first executor that is compiled in.
    pub(crate) const AUTO: &str = "auto";
    /// The event loops of Uvicorn, which mean the same here.
    const OF_PYTHON: [&str; 2] = ["asyncio", "uvloop"];
    pub(crate) const KIND: Kind = Kind::Executor;
}

impl Codec<Option<Cow<'static, str>>> for Executor {
    fn read(text: &str) -> Result<Option<Cow<'static, str>>, ConfigError> {
        let name = text.to_ascii_lowercase();
        let is_auto = name == Self::AUTO || Self::OF_PYTHON.contains(&&*name);
        Ok((!is_auto).then(|| name.into()))
    }

    fn show(value: &Option<Cow<'static, str>>) -> Value {
        Value::Text(value.as_deref().unwrap_or(Self::AUTO).into())
    }
}

/// The name of an application. Whether there is such an application is checked against those of the program.
pub(crate) struct Name;

impl Name {
    pub(crate) const KIND: Kind = Kind::Text("APP");
}

impl Codec<Option<String>> for Name {
    fn read(text: &str) -> Result<Option<String>, ConfigError> {
        Ok(Some(text.into()))
    }

    fn show(value: &Option<String>) -> Value {
        value.clone().map_or(Value::Unset, Value::Text)
    }
}

/// A name or an address.
pub(crate) struct Host;

impl Host {
    pub(crate) const KIND: Kind = Kind::Texts("HOST");

    pub(crate) fn read(text: &str) -> Result<String, ConfigError> {
        check_host(text).map(|()| text.into())
    }
}

/// A file descriptor.
pub(crate) struct Descriptor;

impl Descriptor {
    pub(crate) const KIND: Kind = Kind::Number("FD");
}

impl Codec<i32> for Descriptor {
    fn read(text: &str) -> Result<i32, ConfigError> {
        let fd = text.parse().map_err(|_| ConfigError::Descriptor)?;
        check_descriptor(fd).map(|()| fd)
    }

    fn show(value: &i32) -> Value {
        plain(value)
    }
}

/// The name or the number of a user or a group.
pub(crate) struct Account;

impl Account {
    pub(crate) const KIND: Kind = Kind::Text("NAME");
}

impl Codec<Option<String>> for Account {
    fn read(text: &str) -> Result<Option<String>, ConfigError> {
        if text.is_empty() { Err(ConfigError::Account) } else { Ok(Some(text.into())) }
    }

    fn show(value: &Option<String>) -> Value {
        value.clone().map_or(Value::Unset, Value::Text)
    }
}

/// The permissions that new files lack, as an octal number, with `0o` or not.
pub(crate) struct Umask;

impl Umask {
    pub(crate) const KIND: Kind = Kind::Text("MASK");
}

impl Codec<Option<u32>> for Umask {
    fn read(text: &str) -> Result<Option<u32>, ConfigError> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        match u32::from_str_radix(digits, 8) {
            Ok(mask) if mask <= 0o777 && !digits.starts_with('+') => Ok(Some(mask)),
            _ => Err(ConfigError::Umask),
        }
    }

    fn show(value: &Option<u32>) -> Value {
        value.map_or(Value::Unset, |mask| Value::Text(format!("{mask:03o}")))
    }
}

/// The path under which an application is served.
pub(crate) struct RootPath;

impl RootPath {
    pub(crate) const KIND: Kind = Kind::Text("PATH");
}

impl Codec<String> for RootPath {
    fn read(text: &str) -> Result<String, ConfigError> {
        let path = text.trim_end_matches('/');
        check_root_path(path).map(|()| path.into())
    }

    fn show(value: &String) -> Value {
        Value::Text(value.clone())
    }
}

/// `Name:Value`. White space around the value is dropped; that both are valid is checked where they are set.
pub(crate) struct HeaderField;

impl HeaderField {
    pub(crate) fn read(text: &str) -> Result<(String, String), ConfigError> {
        let (name, value) = text.split_once(':').ok_or(ConfigError::Colon)?;
        check_field(name)?;
        Ok((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).into()))
    }
}
