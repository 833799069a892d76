//! Opening handshakes of WebSockets (RFC 6455 section 4).

use stelo_core::http::{Headers, Method, RequestHead};
use stelo_core::ws::{Agreed, ClientHandshake, Config, Handshake, HandshakeError, Opened, Refusal};

use crate::peer::{MOST, alike};
use crate::reference::{is_text, trim};
use crate::source::Source;

const KEY: &str = "c3RlbG8gc3RlbG8gc3RlbA==";

/// Checks both sides of the handshake. The server accepts the same requests as the reference, with the same answer.
/// The result of the client does not depend on the pieces of the response. The client consumes only the response.
///
/// The input: two sizes of pieces; whether the method is GET; the fields; the digit `0`; the bytes from a server. A
/// field is a digit for its name and a digit for its value. After the digit `0` the value has its length and bytes.
pub fn handshake(input: &[u8]) {
    let mut source = Source::new(input);
    let sizes = [source.byte(), source.byte()];
    let is_get = !source.flag();
    let mut head = RequestHead::new(if is_get { Method::Get } else { Method::Post }, "/").expect("a target");
    let mut fields: Vec<(&str, Vec<u8>)> = Vec::new();
    for _ in 0..16 {
        const NAMES: [&str; 5] = ["", "version", "key", "extensions", "protocol"];
        let name = source.pick(&NAMES);
        if name.is_empty() {
            break;
        }
        let value = match source.pick(&[
            "",
            "13",
            KEY,
            "permessage-deflate; client_max_window_bits",
            "chat, superchat",
        ]) {
            "" => source.bytes(),
            usual => usual.as_bytes(),
        };
        if value.iter().all(|&byte| is_text(byte)) {
            let name_of_field = format!("Sec-WebSocket-{name}");
            head.headers_mut().try_append(&name_of_field, trim(value)).expect("a field");
            fields.push((name, trim(value).to_vec()));
        }
    }
    let all = |wanted: &str| -> Vec<&[u8]> {
        fields.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| &**value).collect()
    };

    let expected = match (&*all("version"), &*all("key")) {
        _ if !is_get => Err(Refusal::Method),
        ([], _) => Err(Refusal::VersionMissing),
        ([b"13"], []) => Err(Refusal::KeyMissing),
        ([b"13"], [key]) if is_key(key) => Ok(()),
        ([b"13"], _) => Err(Refusal::Key),
        _ => Err(Refusal::Version),
    };
    let checked = Handshake::check(&head);
    assert_eq!(checked.as_ref().map(|_| ()).map_err(|refusal| *refusal), expected);
    if let Ok(handshake) = checked {
        accepts(&handshake, &all("key"), &all("extensions"), &all("protocol"));
    }

    let answer = source.rest();
    let answer = &answer[..answer.len().min(MOST)];
    let heard = alike(sizes, |cut| {
        let mut client = client(&Config::DEFAULT);
        let mut pieces = cut.pieces(answer).into_iter();
        while let Some(piece) = pieces.next() {
            match client.receive(piece) {
                Ok(None) => {}
                Ok(Some(opened)) => {
                    let ahead = [&opened.ahead, &*pieces.collect::<Vec<_>>().concat()].concat();
                    return Ok(Some(Opened { ahead, ..opened }));
                }
                Err(HandshakeError::Refused { status, headers, ahead }) => {
                    let ahead = [&ahead, &*pieces.collect::<Vec<_>>().concat()].concat();
                    return Err(HandshakeError::Refused { status, headers, ahead });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    });
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    match heard {
        Ok(None) => assert_eq!(end, None),
        Ok(Some(opened)) => {
            let end = end.expect("the end of a head");
            assert_eq!(opened.ahead, answer[end + 4..]);
            assert!(answer.starts_with(b"HTTP/1.1 101"));
            assert_eq!(opened.headers.get_str("sec-websocket-accept").map(str::trim), Some(ACCEPT));
            assert!(opened.protocol.is_none_or(|protocol| ["chat", "superchat"].contains(&&*protocol)));
        }
        Err(_) => assert!(end.is_some()),
    }
}

/// The accept value for the key of [`client`].
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn client(config: &Config) -> ClientHandshake {
    ClientHandshake::new("a", "/", &["chat", "superchat"], *b"the sample nonce", config).expect("a request")
}

/// Whether `key` is 16 bytes in base64.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == 24 && key[..22].iter().all(is_digit) && key.ends_with(b"==")
}

/// Checks the answer to a valid request.
fn accepts(handshake: &Handshake, keys: &[&[u8]], extensions: &[&[u8]], protocols: &[&[u8]]) {
    let mut headers = Headers::new();
    headers.append("sec-websocket-protocol", "longer-than-any-protocol-in-an-input");
    assert!(handshake.accept(&mut headers, &Config::DEFAULT).is_err());

    let mut headers = Headers::new();
    let chosen = protocols.iter().flat_map(|value| value.split(|&byte| byte == b',')).map(trim);
    let chosen = chosen.filter_map(|name| std::str::from_utf8(name).ok()).find(|name| !name.is_empty());
    if let Some(chosen) = chosen {
        headers.try_append("sec-websocket-protocol", chosen).expect("a field");
    }
    let agreed = handshake.accept(&mut headers, &Config::DEFAULT).expect("the protocol was offered");
    assert_eq!(headers.get_str("sec-websocket-protocol"), chosen);
    let accept = headers.get_str("sec-websocket-accept").expect("the accept value");
    assert!(
        accept.len() == 28 && (keys == [KEY.as_bytes()]) == (accept == "bmaUZPcbJdZbpkzKslXgAUIRalk="),
        "{accept}"
    );
    let answer = headers.get_str("sec-websocket-extensions");
    assert_eq!(answer.is_some(), agreed != Agreed::default());
    if extensions.iter().all(|value| !value.contains(&b'"')) {
        let expected =
            extensions.iter().flat_map(|value| value.split(|&byte| byte == b',')).find_map(answer_to);
        assert_eq!(answer, expected.as_deref());
    }
}

/// Returns the answer to an offer without quotes, `None` if it is declined (RFC 7692 section 7.1).
fn answer_to(offer: &[u8]) -> Option<String> {
    let offer = std::str::from_utf8(offer).ok()?;
    let mut parts = offer.split(';').map(|part| part.trim_matches([' ', '\t']));
    if !parts.next()?.eq_ignore_ascii_case("permessage-deflate") {
        return None;
    }
    let parameters: Vec<(&str, Option<&str>)> = parts
        .map(|part| match part.split_once('=') {
            Some((name, value)) => (name.trim_matches([' ', '\t']), Some(value.trim_matches([' ', '\t']))),
            None => (part, None),
        })
        .collect();
    let bits = |value: &str| (8..=15).find(|bits: &u8| bits.to_string() == value);
    let (mut afresh, mut windows) = (String::new(), [12, 12]);
    for (i, (name, value)) in parameters.iter().enumerate() {
        if parameters[..i].iter().any(|(other, _)| other == name) {
            return None;
        }
        match (*name, value) {
            (
                "server_no_context_takeover" | "client_no_context_takeover" | "client_max_window_bits",
                None,
            ) => {}
            ("server_max_window_bits", Some(value)) => windows[0] = windows[0].min(bits(value)?),
            ("client_max_window_bits", Some(value)) => windows[1] = windows[1].min(bits(value)?),
            _ => return None,
        }
    }
    let has = |wanted: &str| parameters.iter().any(|(name, _)| *name == wanted);
    for name in ["server_no_context_takeover", "client_no_context_takeover"] {
        if has(name) {
            afresh += &format!("; {name}");
        }
    }
    let mut answer = format!("permessage-deflate{afresh}; server_max_window_bits={}", windows[0]);
    if has("client_max_window_bits") {
        answer += &format!("; client_max_window_bits={}", windows[1]);
    }
    Some(answer)
}
