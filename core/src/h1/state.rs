//! The states of an HTTP/1.1 exchange and all transitions between them.
//!
//! The table is the same for a client and a server. Each of the two has a state, and each step of a side moves its
//! state ([`next`]). Then the joint rules apply (`Exchange::settle`): when both sides are done, the next exchange
//! begins or the connection has to close.
//!
//! Two tables with joint rules are smaller than one table of pairs, and show which side caused a change. Pipelining
//! needs no state: the next request stays in the input until both sides are idle. A server answers from `Idle` only a
//! request that could not be parsed.
//!
//! The machine only reports steps; all transitions are in this file.
//!
//! A test compares this table with the diagram in `docs/core/http1.md`.

use crate::fault::FaultKind;

/// The two sides of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Sends requests.
    Client,
    /// Sends responses.
    Server,
}

/// The state of one side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// The exchange has not begun.
    Idle,
    /// The server has received a request, and its response is due.
    SendResponse,
    /// The head was sent, the body follows.
    SendBody,
    /// The message is complete.
    Done,
    /// The message is complete and this side must close.
    MustClose,
    /// This side has ended.
    Closed,
    /// The connection has switched to another protocol.
    Switched,
    /// This side broke a rule; its further input is ignored.
    Error,
}

/// An action of one side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The head of a request. (The server step means that it was received.)
    Request,
    /// An informational response.
    Informational,
    /// The head of the final response.
    Response,
    /// A piece of the body.
    Data,
    /// The end of the message.
    End,
    /// The end of this side.
    Close,
    /// The response that switches protocols. (The client step means that it asked for it.) Without a request, the preface
    /// of HTTP/2.
    Switch,
    /// A broken rule.
    Fail,
}

/// Returns the state of `role` after `step`, or `None` if the step is not allowed.
#[inline(always)]
pub const fn next(role: Role, state: State, step: Step) -> Option<State> {
    use State::{Closed, Done, Error, Idle, MustClose, SendBody, SendResponse, Switched};
    Some(match (role, state, step) {
        (_, _, Step::Fail) => Error,
        (_, Idle | Done | MustClose | Closed, Step::Close) => Closed,
        (_, SendBody, Step::Data) => SendBody,
        (_, SendBody, Step::End) => Done,
        (Role::Client, Idle, Step::Request) => SendBody,
        // From `Idle`: the preface of HTTP/2.
        (Role::Client, Idle | Done, Step::Switch) => Switched,
        (Role::Server, Idle, Step::Request) => SendResponse,
        (Role::Server, SendResponse, Step::Informational) => SendResponse,
        // From `Idle`: the answer to a request that could not be parsed.
        (Role::Server, Idle | SendResponse, Step::Response) => SendBody,
        (Role::Server, Idle | SendResponse, Step::Switch) => Switched,
        _ => return None,
    })
}

/// The states of both sides of an exchange.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// The state of the client.
    pub client: State,
    /// The state of the server.
    pub server: State,
    /// Whether another exchange may follow.
    pub keep_alive: bool,
}

impl Exchange {
    /// Creates the state of a new connection.
    pub const fn new() -> Self {
        Self { client: State::Idle, server: State::Idle, keep_alive: true }
    }

    /// Moves `role` by `step`, then applies the joint rules.
    ///
    /// # Errors
    /// The step is not allowed in this state, which is unchanged.
    #[inline(always)]
    pub fn step(&mut self, role: Role, step: Step) -> Result<(), FaultKind> {
        let side = match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        };
        *side = next(role, *side, step).ok_or(FaultKind::State)?;
        self.settle();
        Ok(())
    }

    /// Prevents another exchange.
    pub fn forbid_keep_alive(&mut self) {
        self.keep_alive = false;
        self.settle();
    }

    /// The joint rules: the effects of the state of one side on the other.
    #[inline(always)]
    fn settle(&mut self) {
        use State::{Closed, Done, Error, Idle, MustClose};
        if self.server != Done {
            return;
        }
        (self.client, self.server) = match self.client {
            Done if self.keep_alive => (Idle, Idle),
            Done => (MustClose, MustClose),
            client if !self.keep_alive || matches!(client, Closed | Error) => (client, MustClose),
            client => (client, Done),
        };
    }
}

impl Default for Exchange {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    use crate::proto::page;

    const PAGE: &str = include_str!("../../../docs/core/http1.md");

    const STATES: [State; 8] = [
        State::Idle,
        State::SendResponse,
        State::SendBody,
        State::Done,
        State::MustClose,
        State::Closed,
        State::Switched,
        State::Error,
    ];

    /// Without `Fail`, which is allowed in every state and leads to `Error`.
    const STEPS: [Step; 7] = [
        Step::Request,
        Step::Informational,
        Step::Response,
        Step::Data,
        Step::End,
        Step::Close,
        Step::Switch,
    ];

    /// Formats the diagram of one side, then its table.
    fn side(role: Role) -> String {
        page::side(&STATES, &STEPS, |state, step| next(role, state, step))
    }

    /// Formats the effect of the joint rules for each state of the client at the end of a response.
    fn joint() -> String {
        let clients = [State::Idle, State::SendBody, State::Done, State::Closed, State::Error];
        let mut table = String::from("| client | server | keep-alive | | client | server |\n");
        table += "|---|---|---|---|---|---|\n";
        for keep_alive in [true, false] {
            for (client, server) in clients.iter().flat_map(|client| STATES.map(|s| (*client, s))) {
                let mut both = Exchange { client, server, keep_alive };
                both.settle();
                if (both.client, both.server) != (client, server) {
                    let keep_alive = if keep_alive { "yes" } else { "no" };
                    let to = format!("{:?} | {:?}", both.client, both.server);
                    table += &format!("| {client:?} | {server:?} | {keep_alive} | → | {to} |\n");
                }
            }
        }
        table
    }

    #[test]
    fn the_page_shows_the_table() {
        for part in [side(Role::Client), side(Role::Server), joint()] {
            assert!(PAGE.contains(&part), "docs/core/http1.md has to say:\n{part}");
        }
        for (role, state) in [Role::Client, Role::Server].iter().flat_map(|role| STATES.map(|s| (*role, s))) {
            assert_eq!(next(role, state, Step::Fail), Some(State::Error));
        }
    }
}
