//! The states of a WebSocket and all transitions between them (RFC 6455 sections 5.4, 5.5.1 and 7).
//!
//! The table is the same for a client and a server. Each side has a state, and each step of a side moves its state
//! ([`next`]). [`close_state`] derives from both states what to do with the socket.
//!
//! The machine only reports steps; all transitions are in this file.
//!
//! A test compares this table with the diagram in `docs/core/websocket.md`.

use crate::proto::CloseState;

/// The two sides of a WebSocket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Requested the WebSocket, and masks its frames.
    Client,
    /// Accepted the WebSocket.
    Server,
}

/// The state of one side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Between two messages.
    Open,
    /// Inside a fragmented message.
    Message,
    /// This side has sent its close frame.
    Closed,
    /// This side has ended its direction of the connection.
    Ended,
    /// This side broke a rule, or the connection was lost; its further input is ignored.
    Error,
}

/// An action of one side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// A message in one frame.
    Whole,
    /// The first frame of a fragmented message.
    First,
    /// A further fragment.
    More,
    /// The last fragment.
    Last,
    /// A ping or a pong.
    Control,
    /// A close frame.
    Close,
    /// The end of its direction of the connection.
    End,
    /// A broken rule.
    Fail,
}

/// Returns the state of a side after `step`, or `None` if the step is not allowed.
pub const fn next(state: State, step: Step) -> Option<State> {
    use State::{Closed, Ended, Error, Message, Open};
    Some(match (state, step) {
        (_, Step::Fail) => Error,
        (_, Step::End) => Ended,
        (Open, Step::Whole | Step::Control) => Open,
        (Open, Step::First) => Message,
        (Message, Step::More | Step::Control) => Message,
        (Message, Step::Last) => Open,
        (Open | Message, Step::Close) => Closed,
        _ => return None,
    })
}

/// Returns what to do with the socket, once all output is written and the application knows of the end.
pub const fn close_state(role: Role, ours: State, theirs: State) -> CloseState {
    use State::{Closed, Ended, Error, Message, Open};
    match (ours, theirs) {
        (Error, _) | (_, Ended) => CloseState::Close,
        (Ended, _) => CloseState::Linger,
        // The server closes first (section 7.1.1), so that the client has no port in TIME-WAIT.
        (Closed, Closed) => match role {
            Role::Server => CloseState::HalfClose,
            Role::Client => CloseState::Linger,
        },
        // A peer that broke a rule may not understand a close frame.
        (Closed, Error) => CloseState::HalfClose,
        (Closed, Open | Message) | (Open | Message, _) => CloseState::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    use crate::proto::page;

    const PAGE: &str = include_str!("../../../docs/core/websocket.md");

    const STATES: [State; 5] = [State::Open, State::Message, State::Closed, State::Ended, State::Error];

    /// Without `Fail` and `End`, which are allowed in every state and always lead to the same one.
    const STEPS: [Step; 6] = [Step::Whole, Step::First, Step::More, Step::Last, Step::Control, Step::Close];

    /// Formats the diagram of one side, then its table.
    fn side() -> String {
        page::side(&STATES, &STEPS, next)
    }

    /// Formats the states in which the socket is not simply kept open.
    fn joint() -> String {
        let mut table = String::from("| we | the peer | server | client |\n|---|---|---|---|\n");
        for ours in STATES {
            for theirs in STATES {
                let [server, client] =
                    [Role::Server, Role::Client].map(|role| close_state(role, ours, theirs));
                if (server, client) != (CloseState::Open, CloseState::Open) {
                    table += &format!("| {ours:?} | {theirs:?} | {server:?} | {client:?} |\n");
                }
            }
        }
        table
    }

    #[test]
    fn the_page_shows_the_table() {
        for part in [side(), joint()] {
            assert!(PAGE.contains(&part), "docs/core/websocket.md has to say:\n{part}");
        }
        for state in STATES {
            assert_eq!(next(state, Step::Fail), Some(State::Error));
            assert_eq!(next(state, Step::End), Some(State::Ended));
        }
    }
}
