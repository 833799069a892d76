//! Property tests of a client and a server, connected by a wire that splits at random offsets.

use super::*;
use crate::ws::Deflate;
use proptest::collection::vec;
use proptest::prelude::*;

/// An action of one side.
#[derive(Clone, Debug)]
enum Act {
    Message(Message),
    Parts(Kind, Vec<Vec<u8>>),
    Ping(Vec<u8>),
}

fn act() -> impl Strategy<Value = Act> {
    let size = prop_oneof![4 => 0usize..200, 1 => 200usize..70_000];
    let bytes =
        size.prop_flat_map(|size| (any::<u8>(), Just(size))).prop_map(|(b, size)| alloc::vec![b; size]);
    prop_oneof![
        any::<String>().prop_map(|text| Act::Message(text.into())),
        bytes.prop_map(|bytes| Act::Message(bytes.into())),
        vec(vec(any::<u8>(), 0..300), 1..6).prop_map(|parts| Act::Parts(Kind::Binary, parts)),
        vec(any::<char>(), 1..9).prop_map(|text| {
            // Pieces that may end inside a character.
            let bytes = text.into_iter().collect::<String>().into_bytes();
            Act::Parts(Kind::Text, bytes.chunks(3).map(Vec::from).collect())
        }),
        vec(any::<u8>(), 0..126).prop_map(Act::Ping),
    ]
}

impl Act {
    fn by(&self, connection: &mut Connection) {
        match self {
            Self::Message(message) => connection.send(NOW, Command::Message(message.clone())).unwrap(),
            Self::Ping(payload) => connection.send(NOW, Command::Ping(payload)).unwrap(),
            Self::Parts(kind, parts) => {
                for (i, data) in parts.iter().enumerate() {
                    let (data, last) = (data.clone().into(), i + 1 == parts.len());
                    connection.send(NOW, Command::Part { kind: *kind, data, last }).unwrap();
                    connection.send(NOW, Command::Pong(b"between")).unwrap();
                }
            }
        }
    }

    /// The events that the other side must get, except pongs.
    fn heard(&self) -> Seen {
        match self {
            Self::Message(message) => Seen::Message(message.clone()),
            Self::Parts(Kind::Binary, parts) => binary(&parts.concat()),
            Self::Parts(Kind::Text, parts) => text(core::str::from_utf8(&parts.concat()).unwrap()),
            Self::Ping(payload) => Seen::Ping(payload.clone()),
        }
    }
}

/// Passes all output of one side to the other, in pieces of these sizes. Returns the events.
fn carry(from: &mut Connection, to: &mut Connection, sizes: &[usize], in_parts: bool) -> Vec<Seen> {
    let bytes = written(from, NOW);
    let (mut rest, mut all, mut sizes) = (&*bytes, Vec::new(), sizes.iter().cycle());
    while !rest.is_empty() {
        let size = sizes.next().copied().unwrap_or(1).min(rest.len());
        let taken = to.receive(NOW, &rest[..size]);
        rest = &rest[taken..];
        while let Some(seen) = see(if in_parts { to.next_part() } else { to.next_event() }) {
            all.push(seen);
            if all.last() == Some(&Seen::Ended) {
                break;
            }
        }
    }
    all.retain(|seen| !matches!(seen, Seen::Pong(_)));
    if in_parts { join(all) } else { all }
}

/// Joins parts.
fn join(all: Vec<Seen>) -> Vec<Seen> {
    let (mut joined, mut begun) = (Vec::new(), Vec::new());
    for seen in all {
        match seen {
            Seen::Part(kind, data, last) => {
                begun.extend(data);
                if last {
                    let whole = core::mem::take(&mut begun);
                    joined.push(match kind {
                        Kind::Text => text(core::str::from_utf8(&whole).expect("checked")),
                        Kind::Binary => binary(&whole),
                    });
                }
            }
            other => joined.push(other),
        }
    }
    joined
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn each_side_receives_the_messages_of_the_other(
        acts in vec((any::<bool>(), act()), 0..12),
        sizes in vec(1usize..20_000, 1..8),
        small in any::<bool>(),
        in_parts in any::<bool>(),
        compressed in any::<bool>(),
    ) {
        let sizes: Vec<usize> = if small { sizes.iter().map(|size| size % 40 + 1).collect() } else { sizes };
        let config = Arc::new(Config::DEFAULT);
        let mut agreed = Agreed::default();
        if compressed {
            let mut headers = crate::http::Headers::new();
            let offer = Deflate::DEFAULT.offer();
            headers.try_append("sec-websocket-extensions", alloc::format!("{offer}")).unwrap();
            agreed.deflate = Deflate::DEFAULT.answer(&headers);
            assert!(agreed.deflate.is_some());
        }
        let mut client = Connection::client(config.clone(), agreed, [1; 20], NOW);
        let mut server = Connection::server(config, agreed, NOW);
        let (mut by_client, mut by_server) = (Vec::new(), Vec::new());
        for (from_client, act) in &acts {
            let (from, to) = if *from_client { (&mut client, &mut server) } else { (&mut server, &mut client) };
            act.by(from);
            let heard = carry(from, to, &sizes, in_parts);
            if *from_client { &mut by_client } else { &mut by_server }.extend(heard);
        }
        for (from_client, heard) in [(true, &by_client), (false, &by_server)] {
            let said: Vec<_> = acts.iter().filter(|(by, _)| *by == from_client).map(|(_, act)| act.heard()).collect();
            prop_assert_eq!(heard, &said);
        }
        client.send(NOW, Command::Close { code: CloseCode(4321), reason: "bye" }).unwrap();
        prop_assert_eq!(events(&mut client), [closed(4321, "bye")]);
        let heard = carry(&mut client, &mut server, &sizes, in_parts);
        prop_assert!(heard.ends_with(&[closed(4321, "bye"), Seen::Ended]));
        let heard = carry(&mut server, &mut client, &sizes, in_parts);
        prop_assert_eq!(heard.last(), Some(&Seen::Ended));
    }

    #[test]
    fn any_input_gives_the_same_result_in_any_pieces(
        bytes in vec(any::<u8>(), 0..400),
        masked in any::<bool>(),
        cut in 0usize..400,
    ) {
        // With frame headers, more input is parsed: random bytes end the connection at once.
        let bytes = if masked {
            bytes.chunks(9).flat_map(|chunk| frame(chunk[0] & 0x8f, &chunk[1..])).collect()
        } else {
            bytes
        };
        let run = |pieces: [&[u8]; 2]| {
            let mut server = server(Config::DEFAULT);
            let mut all = pieces.map(|piece| deliver(&mut server, piece)).concat();
            all.dedup_by(|a, b| *a == Seen::Ended && *b == Seen::Ended);
            (all, written(&mut server, NOW))
        };
        prop_assert_eq!(run([&bytes, b""]), run(bytes.split_at(cut.min(bytes.len())).into()));
    }
}
