//! One HTTP request off the wire.
//!
//! The head is parsed by `httparse`. What matters here and is hidden by most server libraries: the target exactly as it
//! was sent (BCDA repeats it in its manifests), every header as it came, and that the same connection may carry another
//! request afterwards.

use std::io::{self, Read};
use std::net::TcpStream;

use percent_encoding::percent_decode_str;

/// More head or body than any client of BCDA sends.
const LIMIT: usize = 1 << 20;

pub struct Request {
    pub method: String,
    /// As sent, query included, still encoded.
    pub target: String,
    /// Without the query, decoded: `%24export` is `$export`.
    pub path: String,
    pub body: Vec<u8>,
    /// HTTP/1.0: no chunks in the answer.
    pub old: bool,
    headers: Vec<(String, String)>,
}

/// What a connection had to say.
pub enum Heard {
    Request(Request),
    /// Not HTTP, or too much of it.
    Noise,
    /// The other side has gone, or says nothing for longer than the server waits.
    Nothing,
}

impl Request {
    /// Waits for the next request; `spare` keeps bytes that came behind it.
    pub fn read(stream: &mut TcpStream, spare: &mut Vec<u8>) -> io::Result<Heard> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut head = httparse::Request::new(&mut headers);
            match head.parse(spare) {
                Ok(httparse::Status::Complete(end)) => {
                    let mut request = Request::new(&head);
                    let length = request.header("content-length").map_or(Ok(0), str::parse::<usize>);
                    let Ok(length) = length else { return Ok(Heard::Noise) };
                    if length > LIMIT {
                        return Ok(Heard::Noise);
                    }
                    while spare.len() < end + length {
                        if !more(stream, spare)? {
                            return Ok(Heard::Nothing);
                        }
                    }
                    request.body = spare[end..end + length].to_vec();
                    spare.drain(..end + length);
                    return Ok(Heard::Request(request));
                }
                Ok(httparse::Status::Partial) if spare.len() < LIMIT => {
                    if !more(stream, spare)? {
                        return Ok(Heard::Nothing);
                    }
                }
                _ => return Ok(Heard::Noise),
            }
        }
    }

    fn new(head: &httparse::Request<'_, '_>) -> Request {
        let target = head.path.unwrap_or("/").to_owned();
        let path = target.split('?').next().unwrap_or_default();
        Request {
            method: head.method.unwrap_or_default().to_owned(),
            path: percent_decode_str(path).decode_utf8_lossy().into_owned(),
            target,
            body: Vec::new(),
            old: head.version == Some(0),
            headers: head
                .headers
                .iter()
                .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned()))
                .collect(),
        }
    }

    /// The first header of that name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The parameters, decoded once, in their order. What does not decode is left out, as Go does.
    pub fn query(&self) -> Vec<(String, String)> {
        let Some((_, query)) = self.target.split_once('?') else { return Vec::new() };
        query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.contains(';'))
            .filter_map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((unescape(key)?, unescape(value)?))
            })
            .collect()
    }
}

/// Go's `url.QueryUnescape`: `+` is a space, a `%` without two hexadecimal digits is an error.
pub fn unescape(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let sound = text
        .match_indices('%')
        .all(|(at, _)| bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8_lossy();
    sound.then(|| decoded.into_owned())
}

/// False at the end of the stream or of the server's patience.
fn more(stream: &mut TcpStream, spare: &mut Vec<u8>) -> io::Result<bool> {
    let mut piece = [0; 4096];
    match stream.read(&mut piece) {
        Ok(0) => Ok(false),
        Ok(length) => {
            spare.extend_from_slice(&piece[..length]);
            Ok(true)
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
    }
}
