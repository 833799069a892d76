//! Multipart forms (RFC 7578).

use stelo_core::multipart::Limits;

use super::{Fields, Halt, field, trim};

const LINE: &[u8] = b"\r\n--B";

/// A part, and whether it has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    pub(crate) headers: Fields,
    pub(crate) name: Vec<u8>,
    pub(crate) filename: Option<Vec<u8>>,
    pub(crate) data: Vec<u8>,
    pub(crate) ended: bool,
}

/// Parses a body with the boundary `B`. The parts before an error are in `parts`.
pub(crate) fn read(body: &[u8], limits: &Limits, parts: &mut Vec<Part>) -> Result<(), Halt> {
    if body.is_empty() {
        return Ok(());
    }
    let preamble = data(body);
    if preamble.data.len() > limits.preamble {
        return Err(Halt::Refused);
    }
    if preamble.ends && preamble.data.windows(3).any(|bytes| bytes == &LINE[2..]) {
        return Err(Halt::Refused);
    }
    let mut next = preamble.next;
    let (mut fields, mut files) = (0, 0);
    loop {
        let Some((mut input, mut taken)) = after(next?, limits.head)? else { return Ok(()) };
        let mut headers = Fields::new();
        loop {
            let line = line(input, limits.header_line.min(limits.head - taken))?;
            (input, taken) = (&input[line.len()..], taken + line.len());
            let line = line.strip_suffix(b"\r\n").ok_or(Halt::Refused)?;
            if line.is_empty() {
                break;
            }
            headers.push(field(line)?);
            if headers.len() > limits.headers {
                return Err(Halt::Refused);
            }
        }
        let (name, filename) = names(&headers).ok_or(Halt::Refused)?;
        let (count, most) =
            if filename.is_some() { (&mut files, limits.files) } else { (&mut fields, limits.fields) };
        *count += 1;
        if *count > most {
            return Err(Halt::Refused);
        }
        let limit = if filename.is_some() { usize::MAX } else { limits.field };
        let found = data(input);
        let is_whole = found.data.len() <= limit;
        let kept = found.data[..found.data.len().min(limit)].to_vec();
        parts.push(Part { headers, name, filename, data: kept, ended: is_whole && found.ends });
        if !is_whole {
            return Err(Halt::Refused);
        }
        next = found.next;
    }
}

/// Data up to a delimiter, whether it ends there for certain, and everything after the delimiter.
struct Data<'a> {
    data: &'a [u8],
    ends: bool,
    next: Result<&'a [u8], Halt>,
}

/// Reads data. Its beginning counts as that of a line.
fn data(input: &[u8]) -> Data<'_> {
    for at in 0..input.len() {
        let (data, rest) = input.split_at(at);
        let line = if at == 0 && rest.starts_with(b"-") { &LINE[2..] } else { LINE };
        let Some(behind) = rest.strip_prefix(line) else {
            if line.starts_with(rest) {
                return Data { data, ends: false, next: Err(Halt::Incomplete) };
            }
            continue;
        };
        let (ends, next) = match behind {
            [] | [b'-'] => (false, Err(Halt::Incomplete)),
            [b'\n', ..] => (false, Err(Halt::Refused)),
            [b'-', b'-', ..] | [b'\r' | b' ' | b'\t', ..] => (true, Ok(behind)),
            _ => continue,
        };
        return Data { data, ends, next };
    }
    Data { data: input, ends: false, next: Err(Halt::Incomplete) }
}

/// Reads everything up to the end of the line of a delimiter. Returns the rest and the number of bytes of white space;
/// `None` for the closing one.
fn after(input: &[u8], most: usize) -> Result<Option<(&[u8], usize)>, Halt> {
    if input.starts_with(b"--") {
        return Ok(None);
    }
    let blank = input.iter().take_while(|&&b| matches!(b, b' ' | b'\t')).count();
    match &input[blank..] {
        _ if blank > most => Err(Halt::Refused),
        [] | [b'\r'] => Err(Halt::Incomplete),
        [b'\r', b'\n', rest @ ..] => Ok(Some((rest, blank))),
        _ => Err(Halt::Refused),
    }
}

/// Returns a line with its end.
fn line(input: &[u8], most: usize) -> Result<&[u8], Halt> {
    match input.iter().position(|&b| b == b'\n') {
        Some(end) if end < most => Ok(&input[..=end]),
        None if input.len() <= most => Err(Halt::Incomplete),
        _ => Err(Halt::Refused),
    }
}

/// Returns name and file name.
fn names(headers: &Fields) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let mut all = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"content-disposition"));
    let (first, second) = (all.next(), all.next());
    if second.is_some() {
        return None;
    }
    let parameters = parameters(&first?.1)?;
    let one = |name: &[u8]| {
        let mut values = parameters.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.clone());
        values.next().is_none().then_some(value)
    };
    Some((one(b"name")??, one(b"filename")?))
}

fn parameters(value: &[u8]) -> Option<Fields> {
    let mut parameters = Fields::new();
    let mut rest = &value[until(value, b";")..];
    while let [b';', piece @ ..] = rest {
        let (name, behind) = piece.split_at(until(piece, b";="));
        let [b'=', value @ ..] = behind else {
            rest = behind;
            continue;
        };
        let blank = value.iter().take_while(|&&b| matches!(b, b' ' | b'\t')).count();
        let read = match &value[blank..] {
            [b'"', quoted @ ..] => {
                let (text, behind) = unquote(quoted)?;
                let end = until(behind, b";");
                if !trim(&behind[..end]).is_empty() {
                    return None;
                }
                rest = &behind[end..];
                text
            }
            _ => {
                let end = until(value, b";");
                rest = &value[end..];
                trim(&value[..end]).to_vec()
            }
        };
        if !trim(name).is_empty() {
            parameters.push((trim(name).to_vec(), read));
        }
    }
    Some(parameters)
}

fn unquote(quoted: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (mut text, mut rest) = (Vec::new(), quoted);
    loop {
        rest = match rest {
            [] => return None,
            [b'"', rest @ ..] => return Some((text, rest)),
            [b'\\', byte @ (b'"' | b'\\'), rest @ ..] | [byte, rest @ ..] => {
                text.push(*byte);
                rest
            }
        };
    }
}

fn until(text: &[u8], ends: &[u8]) -> usize {
    text.iter().position(|b| ends.contains(b)).unwrap_or(text.len())
}
