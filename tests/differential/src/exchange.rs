//! Puts a case to a peer, and hears what the peer made of it.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::account::{Account, FIELD};
use crate::corpus::{Case, NEXT};

/// The time after which a peer without an answer counts as silent.
const PATIENCE: Duration = Duration::from_secs(3);

/// The outcome of a case.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) answers: Vec<Answer>,
    pub(crate) end: End,
}

/// A final response.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    Understood(Account),
    Refused(u16),
}

/// The state of the connection at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// The request behind the case was understood.
    Next,
    /// The peer closed it.
    Closed,
    /// Neither.
    Silent,
}

/// The parts of two outcomes that must be equal: method, body and trailers of the accepted requests, and whether the next one
/// begins at the same byte.
///
/// How a refusal looks is nothing of that, whether it has another status or none at all; nor is the target, which each
/// server tells in a way of its own.
#[derive(PartialEq, Eq)]
pub(crate) struct Reading {
    /// Without their targets.
    requests: Vec<Account>,
    end: End,
}

impl Outcome {
    pub(crate) fn reading(&self) -> Reading {
        let is_refused = matches!(self.answers.last(), Some(Answer::Refused(_)));
        let accounts = self.answers.iter().filter_map(Answer::account);
        Reading {
            requests: accounts.map(|account| Account { target: Vec::new(), ..account.clone() }).collect(),
            end: if self.end == End::Silent && is_refused { End::Closed } else { self.end },
        }
    }
}

impl Answer {
    fn account(&self) -> Option<&Account> {
        match self {
            Self::Understood(account) => Some(account),
            Self::Refused(_) => None,
        }
    }
}

/// As the page has it: requests that were understood, the status of a refusal, and what became of the connection.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for answer in &self.answers {
            match answer {
                Answer::Understood(account) => write!(f, "`{account}`, ")?,
                Answer::Refused(status) => write!(f, "{status}, ")?,
            }
        }
        f.write_str(match self.end {
            End::Next => "next",
            End::Closed => "closed",
            End::Silent => "silent",
        })
    }
}

/// Sends a case in one piece, and reads until the request behind it is answered, the peer closes, or patience ends.
pub(crate) fn exchange(address: SocketAddr, case: &Case) -> Result<Outcome, String> {
    let mut stream = TcpStream::connect(address).map_err(|error| format!("cannot connect: {error}"))?;
    // A peer that has closed already says more to the reader below.
    let sent = stream.write_all(&case.bytes);
    if sent.is_ok() && case.ends {
        drop(stream.shutdown(Shutdown::Write));
    }
    let (mut received, mut answers) = (Vec::new(), Vec::new());
    let until = Instant::now() + PATIENCE;
    let end = loop {
        while let Some(answer) = take_answer(&mut received)? {
            match answer.account() {
                Some(account)
                    if !case.ends && account.target == NEXT.as_bytes() && account.body.is_empty() =>
                {
                    return Ok(Outcome { answers, end: End::Next });
                }
                _ => answers.push(answer),
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break End::Silent;
        }
        stream.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
        let mut piece = [0; 4096];
        match stream.read(&mut piece) {
            Ok(0) => break End::Closed,
            Ok(n) => received.extend_from_slice(&piece[..n]),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => break End::Silent,
                ErrorKind::ConnectionReset => break End::Closed,
                ErrorKind::Interrupted => {}
                _ => return Err(format!("cannot read: {error}")),
            },
        }
    };
    Ok(Outcome { answers, end })
}

/// Takes the first final response from the bytes that have come, if it is complete.
///
/// That of a refusal may have a body, which has a length or ends with the connection.
fn take_answer(received: &mut Vec<u8>) -> Result<Option<Answer>, String> {
    let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let no_response = || format!("this is no response: {head}");
    let mut lines = head.split("\r\n");
    let status: u16 = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok())
        .ok_or_else(no_response)?;
    let field = |name: &str| {
        let mut fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        fields.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let answer = match field(FIELD) {
        Some(account) => Answer::Understood(Account::decode(account).ok_or_else(no_response)?),
        None => Answer::Refused(status),
    };
    let body = match (status, field("content-length")) {
        (100..=199, _) | (_, None) => 0,
        (_, Some(length)) => length.parse().map_err(|_| no_response())?,
    };
    received.drain(..(end + 4 + body).min(received.len()));
    if (100..=199).contains(&status) { take_answer(received) } else { Ok(Some(answer)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_one_by_one() {
        let account = Account::new("GET", "/", []);
        let text = format!(
            "HTTP/1.1 100 Continue\r\n\r\n\
             HTTP/1.1 200 OK\r\nUnderstood: {}\r\ncontent-length: 0\r\n\r\n\
             HTTP/1.1 400 \r\ncontent-length: 4\r\n\r\nwhy?\
             HTTP/1.1 408",
            account.encode()
        );
        let mut received = text.into_bytes();
        assert_eq!(take_answer(&mut received), Ok(Some(Answer::Understood(account))));
        assert_eq!(take_answer(&mut received), Ok(Some(Answer::Refused(400))));
        assert_eq!(take_answer(&mut received), Ok(None));
        assert_eq!(received, b"HTTP/1.1 408");
        assert!(take_answer(&mut b"something else\r\n\r\n".to_vec()).is_err());
    }

    #[test]
    fn a_refusal_is_a_refusal() {
        let refused = |status, end| Outcome { answers: vec![Answer::Refused(status)], end };
        let silent = Outcome { answers: Vec::new(), end: End::Silent };
        assert!(refused(400, End::Closed).reading() == refused(501, End::Silent).reading());
        assert!(refused(400, End::Closed).reading() != refused(417, End::Next).reading());
        assert!(refused(400, End::Closed).reading() != silent.reading());
    }

    #[test]
    fn a_body_is_compared_and_a_target_is_not() {
        let understood = |target: &str, body: &str| Outcome {
            answers: vec![Answer::Understood(Account::new("GET", target, body))],
            end: End::Next,
        };
        assert!(understood("/", "a").reading() == understood("http://a/", "a").reading());
        assert!(understood("/", "a").reading() != understood("/", "b").reading());
    }
}
