//! The states of a WebSocket, and every transition between them (RFC 6455 sections 5.4, 5.5.1 and 7).
//!
//! The table does not know which side it is on: we and the peer each have a state, and what one side says moves it along
//! the same table ([`next`]). What the two mean together for the socket is said by [`close_state`]. All of it is in this
//! file; the machine only reports steps.
//!
//! The diagram in `docs/core/websocket.md` is written from this table, and a test keeps it so.

use crate::proto::CloseState;

/// The two sides of a WebSocket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Has asked for the WebSocket. Masks what it sends.
    Client,
    /// Has accepted it.
    Server,
}

/// Where one side stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Between two messages.
    Open,
    /// Inside a message that comes in fragments.
    Message,
    /// It has said its close frame.
    Closed,
    /// It has ended its side of the connection.
    Ended,
    /// A rule was broken, or the connection lost: nothing from this side counts any more.
    Error,
}

/// What one side does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// A message in one frame.
    Whole,
    /// The first frame of a message in fragments.
    First,
    /// A further fragment.
    More,
    /// The last fragment.
    Last,
    /// A ping or a pong.
    Control,
    /// A close frame.
    Close,
    /// The end of its side of the connection.
    End,
    /// A broken rule.
    Fail,
}

/// The state that a side is in after `step`; `None` where the step is not allowed.
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

/// What to do with the socket, once nothing is left to write and the application knows.
pub const fn close_state(role: Role, ours: State, theirs: State) -> CloseState {
    use State::{Closed, Ended, Error, Message, Open};
    match (ours, theirs) {
        (Error, _) | (_, Ended) => CloseState::Close,
        (Ended, _) => CloseState::Linger,
        // The server ends first (section 7.1.1), so that the client is not left with a port in TIME-WAIT.
        (Closed, Closed) => match role {
            Role::Server => CloseState::HalfClose,
            Role::Client => CloseState::Linger,
        },
        // Who has broken a rule may not know what a close frame is.
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

    /// Without `Fail` and `End`, which are possible everywhere and always lead to the same.
    const STEPS: [Step; 6] = [Step::Whole, Step::First, Step::More, Step::Last, Step::Control, Step::Close];

    /// The diagram of one side, then its table.
    fn side() -> String {
        page::side(&STATES, &STEPS, next)
    }

    /// What is to be done with the socket, where that is not to go on.
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
