//! The states of a stream (RFC 9113 section 5.1), and all transitions between them.
//!
//! [`received`] says what a frame of the peer does in a state, and [`sent`] what a frame of the server does. A stream that the
//! machine has forgotten is `Closed`; one that this side has reset not long ago is `Reset`, since frames may be in flight.
//!
//! A test compares these tables with those in `docs/core/http2.md`.

use super::{ErrorCode, Scope};

/// The state of a stream, seen from this side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Not used yet.
    Idle,
    /// Both sides may send.
    Open,
    /// This side has ended, the peer has not.
    HalfClosedLocal,
    /// The peer has ended, this side has not.
    HalfClosedRemote,
    /// Both sides have ended, or the peer has reset the stream.
    Closed,
    /// This side has reset the stream.
    Reset,
}

/// A frame on a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// HEADERS
    Headers,
    /// DATA
    Data,
    /// END_STREAM, a flag of both
    End,
    /// RST_STREAM
    Reset,
    /// WINDOW_UPDATE
    Window,
}

/// The effect of a frame of the peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The stream is in this state now.
    To(State),
    /// None. A header block is decoded, and DATA counts for the window of the connection.
    Ignored,
    /// It breaks a rule.
    Error(Scope, ErrorCode),
}

/// Returns the effect of a frame of the peer. A server is meant: its peer opens the streams.
pub const fn received(state: State, step: Step) -> Effect {
    use State::{Closed, HalfClosedLocal, HalfClosedRemote, Idle, Open, Reset};
    match (state, step) {
        (Idle, Step::Headers) => Effect::To(Open),
        (Idle, _) => Effect::Error(Scope::Connection, ErrorCode::PROTOCOL_ERROR),
        (Open, Step::End) => Effect::To(HalfClosedRemote),
        (HalfClosedLocal, Step::End) => Effect::To(Closed),
        (Open | HalfClosedLocal | HalfClosedRemote, Step::Reset) => Effect::To(Closed),
        (Open | HalfClosedLocal, _) | (HalfClosedRemote, Step::Window) => Effect::To(state),
        (HalfClosedRemote, _) => Effect::Error(Scope::Stream, ErrorCode::STREAM_CLOSED),
        (Closed, Step::Reset | Step::Window) | (Reset, _) => Effect::Ignored,
        (Closed, _) => Effect::Error(Scope::Connection, ErrorCode::STREAM_CLOSED),
    }
}

/// Returns the state after a frame of this side, or `None` if it may not be sent.
pub const fn sent(state: State, step: Step) -> Option<State> {
    use State::{Closed, HalfClosedLocal, HalfClosedRemote, Open, Reset};
    Some(match (state, step) {
        (Open | HalfClosedRemote, Step::Headers | Step::Data) => state,
        (Open, Step::End) => HalfClosedLocal,
        (HalfClosedRemote, Step::End) => Closed,
        (Open | HalfClosedLocal | HalfClosedRemote, Step::Reset) => Reset,
        (Open | HalfClosedLocal, Step::Window) => state,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    const PAGE: &str = include_str!("../../../docs/core/http2.md");

    const STATES: [State; 6] = [
        State::Idle,
        State::Open,
        State::HalfClosedLocal,
        State::HalfClosedRemote,
        State::Closed,
        State::Reset,
    ];

    const STEPS: [Step; 5] = [Step::Headers, Step::Data, Step::End, Step::Reset, Step::Window];

    fn table(states: &[State], cell: impl Fn(State, Step) -> Option<String>) -> String {
        let mut table =
            String::from("| | Headers | Data | End | Reset | Window |\n|---|---|---|---|---|---|\n");
        for &state in states {
            table += &format!("| {state:?} |");
            for step in STEPS {
                match cell(state, step) {
                    Some(text) => table += &format!(" {text} |"),
                    None => table += " |",
                }
            }
            table += "\n";
        }
        table
    }

    #[test]
    fn the_page_shows_the_tables() {
        let theirs = table(&STATES, |state, step| {
            Some(match received(state, step) {
                Effect::To(state) => format!("{state:?}"),
                Effect::Ignored => "ignored".into(),
                Effect::Error(Scope::Stream, code) => format!("stream error {code}"),
                Effect::Error(Scope::Connection, code) => format!("connection error {code}"),
            })
        });
        let ours = table(&STATES[1..4], |state, step| sent(state, step).map(|state| format!("{state:?}")));
        for part in [theirs, ours] {
            assert!(PAGE.contains(&part), "docs/core/http2.md has to say:\n{part}");
        }
    }
}
