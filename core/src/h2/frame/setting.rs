//! Settings (RFC 9113 section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1): values are checked when they are parsed.

use super::MAX_31;
use crate::h2::{ErrorCode, Violation};

/// A setting with a valid value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setting {
    /// `0x1`: the largest dynamic table of the peer's encoder, in bytes.
    HeaderTableSize(u32),
    /// `0x2`: whether the peer may send PUSH_PROMISE.
    EnablePush(bool),
    /// `0x3`: the largest number of streams that the peer may have open.
    MaxConcurrentStreams(u32),
    /// `0x4`: the flow-control window of each new stream, in bytes, at most 2³¹ − 1.
    InitialWindowSize(u32),
    /// `0x5`: the largest payload of a frame, in bytes, from 16,384 to 16,777,215.
    MaxFrameSize(u32),
    /// `0x6`: the largest header section, in bytes and 32 more for each field. It is advice.
    MaxHeaderListSize(u32),
    /// `0x8`: whether extended CONNECT is accepted (RFC 8441).
    EnableConnectProtocol(bool),
    /// `0x9`: whether the priorities of RFC 7540 are ignored (RFC 9218).
    NoRfc7540Priorities(bool),
}

impl Setting {
    /// Parses an entry of a SETTINGS frame. Returns `None` for an unknown identifier, which is ignored.
    ///
    /// # Errors
    /// The value is not valid for the setting.
    pub const fn read(id: u16, value: u32) -> Result<Option<Self>, Violation> {
        Ok(Some(match (id, value) {
            (0x1, _) => Self::HeaderTableSize(value),
            (0x2, 0 | 1) => Self::EnablePush(value == 1),
            (0x3, _) => Self::MaxConcurrentStreams(value),
            (0x4, 0..=MAX_31) => Self::InitialWindowSize(value),
            (0x5, 16_384..=0xff_ffff) => Self::MaxFrameSize(value),
            (0x6, _) => Self::MaxHeaderListSize(value),
            (0x8, 0 | 1) => Self::EnableConnectProtocol(value == 1),
            (0x9, 0 | 1) => Self::NoRfc7540Priorities(value == 1),
            (0x2, _) => return Err(invalid("SETTINGS_ENABLE_PUSH is not 0 or 1")),
            (0x4, _) => {
                let rule = "SETTINGS_INITIAL_WINDOW_SIZE is above 2^31-1";
                return Err(Violation::connection(ErrorCode::FLOW_CONTROL_ERROR, rule));
            }
            (0x5, _) => return Err(invalid("SETTINGS_MAX_FRAME_SIZE is out of range")),
            (0x8, _) => return Err(invalid("SETTINGS_ENABLE_CONNECT_PROTOCOL is not 0 or 1")),
            (0x9, _) => return Err(invalid("SETTINGS_NO_RFC7540_PRIORITIES is not 0 or 1")),
            _ => return Ok(None),
        }))
    }

    /// Returns identifier and value, as an entry of a SETTINGS frame has them.
    pub const fn entry(self) -> (u16, u32) {
        match self {
            Self::HeaderTableSize(value) => (0x1, value),
            Self::EnablePush(value) => (0x2, value as u32),
            Self::MaxConcurrentStreams(value) => (0x3, value),
            Self::InitialWindowSize(value) => (0x4, value),
            Self::MaxFrameSize(value) => (0x5, value),
            Self::MaxHeaderListSize(value) => (0x6, value),
            Self::EnableConnectProtocol(value) => (0x8, value as u32),
            Self::NoRfc7540Priorities(value) => (0x9, value as u32),
        }
    }
}

const fn invalid(rule: &'static str) -> Violation {
    Violation::connection(ErrorCode::PROTOCOL_ERROR, rule)
}

/// The entries of a SETTINGS frame, in order. Entries with an unknown identifier are left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SettingEntries<'a> {
    payload: &'a [u8],
}

impl<'a> SettingEntries<'a> {
    pub(super) const fn new(payload: &'a [u8]) -> Self {
        Self { payload }
    }

    /// Returns the number of entries that are left, including unknown ones.
    pub const fn len(&self) -> usize {
        self.payload.len() / 6
    }

    /// Returns whether no entry is left.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Iterator for SettingEntries<'_> {
    type Item = Result<Setting, Violation>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((&[i0, i1, v0, v1, v2, v3], rest)) = self.payload.split_first_chunk() {
            self.payload = rest;
            let (id, value) = (u16::from_be_bytes([i0, i1]), u32::from_be_bytes([v0, v1, v2, v3]));
            if let Some(setting) = Setting::read(id, value).transpose() {
                return Some(setting);
            }
        }
        None
    }
}

/// The settings of a peer in force.
///
/// ```
/// use stelo_core::h2::frame::{Setting, Settings};
///
/// let mut settings = Settings::default();
/// assert_eq!(settings.max_frame_size, 16_384);
/// settings.apply(Setting::MaxFrameSize(65_536));
/// assert_eq!(settings.max_frame_size, 65_536);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The largest dynamic table of the peer's encoder, in bytes.
    pub header_table_size: u32,
    /// Whether PUSH_PROMISE is accepted.
    pub enable_push: bool,
    /// The largest number of open streams, if there is a limit.
    pub max_concurrent_streams: Option<u32>,
    /// The flow-control window of new streams, in bytes.
    pub initial_window_size: u32,
    /// The largest payload of a frame, in bytes.
    pub max_frame_size: u32,
    /// The largest header section, in bytes and 32 more for each field, if there is a limit. It is advice.
    pub max_header_list_size: Option<u32>,
    /// Whether extended CONNECT is accepted.
    pub enable_connect_protocol: bool,
    /// Whether the priorities of RFC 7540 are ignored.
    pub no_rfc7540_priorities: bool,
}

impl Settings {
    /// The values before the first SETTINGS frame.
    pub const INITIAL: Self = Self {
        header_table_size: 4_096,
        enable_push: true,
        max_concurrent_streams: None,
        initial_window_size: 65_535,
        max_frame_size: 16_384,
        max_header_list_size: None,
        enable_connect_protocol: false,
        no_rfc7540_priorities: false,
    };

    /// Sets one value. The caller has checked the rules about changes: RFC 8441 section 3 and RFC 9218 section 2.1.
    pub const fn apply(&mut self, setting: Setting) {
        match setting {
            Setting::HeaderTableSize(value) => self.header_table_size = value,
            Setting::EnablePush(value) => self.enable_push = value,
            Setting::MaxConcurrentStreams(value) => self.max_concurrent_streams = Some(value),
            Setting::InitialWindowSize(value) => self.initial_window_size = value,
            Setting::MaxFrameSize(value) => self.max_frame_size = value,
            Setting::MaxHeaderListSize(value) => self.max_header_list_size = Some(value),
            Setting::EnableConnectProtocol(value) => self.enable_connect_protocol = value,
            Setting::NoRfc7540Priorities(value) => self.no_rfc7540_priorities = value,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::INITIAL
    }
}
