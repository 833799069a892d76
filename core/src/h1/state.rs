//! The states of an HTTP/1.1 exchange, and every transition between them.
//!
//! The table does not know which side it is on: client and server each have a state, and each step of one side moves
//! it along its own table ([`next`]). Then the joint rules look at both (`Exchange::settle`): when both are done the
//! exchange starts again or the connection has to close. All of it is in this file; the machine only reports steps.
//!
//! The diagram in `docs/core/http1.md` is written from this table, and a test keeps it so.

use crate::fault::FaultKind;

/// The two sides of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Sends requests.
    Client,
    /// Sends responses.
    Server,
}

/// Where one side stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing of this exchange yet.
    Idle,
    /// The server has seen the request and owes a response.
    SendResponse,
    /// The head is out, the body is on its way.
    SendBody,
    /// The message is complete.
    Done,
    /// The message is complete and this side must close.
    MustClose,
    /// This side has ended.
    Closed,
    /// The connection has left HTTP.
    Switched,
    /// A rule was broken: nothing from this side counts any more.
    Error,
}

/// What one side does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The head of a request (for the server: it has seen one).
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
    /// The response that leaves HTTP, or, for the client, having asked for it.
    Switch,
    /// A broken rule.
    Fail,
}

/// The state that `role` is in after `step`; `None` where the step is not allowed.
#[inline(always)]
pub const fn next(role: Role, state: State, step: Step) -> Option<State> {
    use State::{Closed, Done, Error, Idle, MustClose, SendBody, SendResponse, Switched};
    Some(match (role, state, step) {
        (_, _, Step::Fail) => Error,
        (_, Idle | Done | MustClose | Closed, Step::Close) => Closed,
        (_, SendBody, Step::Data) => SendBody,
        (_, SendBody, Step::End) => Done,
        (Role::Client, Idle, Step::Request) => SendBody,
        (Role::Client, Done, Step::Switch) => Switched,
        (Role::Server, Idle, Step::Request) => SendResponse,
        (Role::Server, SendResponse, Step::Informational) => SendResponse,
        // From idle: the answer to a request that could not be understood.
        (Role::Server, Idle | SendResponse, Step::Response) => SendBody,
        (Role::Server, SendResponse, Step::Switch) => Switched,
        _ => return None,
    })
}

/// Both sides of the exchange that a connection is in.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// Where the client stands.
    pub client: State,
    /// Where the server stands.
    pub server: State,
    /// Whether another exchange may follow.
    pub keep_alive: bool,
}

impl Exchange {
    /// A connection on which nothing has been said.
    pub const fn new() -> Self {
        Self { client: State::Idle, server: State::Idle, keep_alive: true }
    }

    /// Moves `role` by `step`, then applies the joint rules.
    ///
    /// # Errors
    /// The step is not allowed in this state; nothing has changed.
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

    /// No exchange follows this one.
    pub fn forbid_keep_alive(&mut self) {
        self.keep_alive = false;
        self.settle();
    }

    /// The joint rules: what the state of one side means for the other.
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

    /// Without `Fail`, which is possible everywhere and always leads to `Error`.
    const STEPS: [Step; 7] = [
        Step::Request,
        Step::Informational,
        Step::Response,
        Step::Data,
        Step::End,
        Step::Close,
        Step::Switch,
    ];

    /// The diagram of one side, then its table.
    fn side(role: Role) -> String {
        page::side(&STATES, &STEPS, |state, step| next(role, state, step))
    }

    /// What the joint rules change, wherever the client can stand when a response ends.
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
