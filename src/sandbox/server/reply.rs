//! One HTTP answer, byte for byte as Go's server frames it.
//!
//! Headers come in alphabetical order, then `Date`, then the length. A body of up to 2 KB gets a `Content-Length`, a
//! longer one goes out in chunks unless its length was set. Faults of the line (cuts, slowness, silence) happen here,
//! below all sense of what is being said.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

/// Go's buffer: what fits is counted, what does not is sent in chunks.
const COUNTED: usize = 2048;
/// What `io.Copy` moves at a time.
const PIECE: usize = 32 * 1024;

pub enum Body {
    Bytes(Vec<u8>),
    /// `length` is what the header says; the source may well have less, and then the connection just ends.
    Stream {
        source: Box<dyn Read + Send>,
        /// Sent behind the source, in a chunk of its own.
        after: &'static [u8],
        length: Option<u64>,
    },
}

/// What goes wrong on the way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Harm {
    /// The connection ends after so many bytes of the body.
    pub cut: Option<u64>,
    /// Nothing more comes after so many bytes, for so long; then the connection ends.
    pub stall: Option<(u64, Duration)>,
    /// Bytes a second.
    pub pace: Option<u64>,
}

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
    /// BCDA closes nearly always. Where it does not, the header is missing too.
    pub keep: bool,
    pub harm: Harm,
    /// The connection ends and nothing is said, though everything was done.
    pub lost: bool,
}

impl Reply {
    pub fn new(status: u16) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: Body::Bytes(Vec::new()),
            keep: false,
            harm: Harm::default(),
            lost: false,
        }
    }

    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        Reply::new(status).with("Content-Type", "application/json").body(body)
    }

    /// Go's `http.Error`: plain text and a newline.
    pub fn text(status: u16, text: &str) -> Reply {
        Reply::new(status)
            .with("Content-Type", "text/plain; charset=utf-8")
            .with("X-Content-Type-Options", "nosniff")
            .body(format!("{text}\n"))
    }

    /// What stands in front of BCDA speaks HTML.
    pub fn html(status: u16) -> Reply {
        let title = format!("{status} {}", reason(status));
        Reply::new(status)
            .with("Content-Type", "text/html")
            .body(format!("<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"))
    }

    /// A path that nobody serves, or that another server behind the same port serves.
    pub fn nowhere() -> Reply {
        Reply::text(404, "404 page not found")
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Reply {
        self.body = Body::Bytes(body.into());
        self
    }

    /// Sends it; false when the connection is at its end.
    pub fn send(mut self, out: &mut TcpStream, old: bool, head_only: bool) -> io::Result<bool> {
        if self.lost {
            return Ok(false);
        }
        if !self.keep {
            self.headers.push(("Connection", "close".to_owned()));
        }
        self.headers.sort_by_key(|(name, _)| *name);
        let bodyless = head_only || self.status == 304;
        let (mut source, after, length): (Box<dyn Read + Send>, _, _) = match self.body {
            Body::Bytes(bytes) => {
                let length = (bytes.len() <= COUNTED || old).then_some(bytes.len() as u64);
                (Box::new(io::Cursor::new(bytes)), &b""[..], length)
            }
            Body::Stream { source, after, length } => (source, after, length),
        };
        let mut first = Vec::new();
        let (mut after, mut length) = (after, length);
        if length.is_none() && !bodyless {
            // What fits Go's buffer to its end is counted after all.
            source.by_ref().take(COUNTED as u64 + 1).read_to_end(&mut first)?;
            if first.len() + after.len() <= COUNTED {
                first.extend_from_slice(after);
                after = &[];
                length = Some(first.len() as u64);
            }
        }
        let chunked = length.is_none() && !bodyless && !old;
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Date: {}\r\n", http_date(super::jobs::now())));
        match length {
            Some(length) if self.status != 304 => head.push_str(&format!("Content-Length: {length}\r\n")),
            _ if chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
            _ => {}
        }
        head.push_str("\r\n");
        let mut line = Line { out, harm: self.harm, sent: 0, chunked };
        line.out.write_all(head.as_bytes())?;
        if bodyless {
            return Ok(self.keep);
        }
        // Never more than was announced.
        let mut source = io::Cursor::new(first).chain(source).take(length.unwrap_or(u64::MAX));
        let mut piece = vec![0; PIECE];
        loop {
            let mut filled = 0;
            while filled < PIECE {
                match source.read(&mut piece[filled..])? {
                    0 => break,
                    count => filled += count,
                }
            }
            if filled == 0 {
                break;
            }
            if !line.piece(&piece[..filled])? {
                return Ok(false);
            }
        }
        if !after.is_empty() && !line.piece(after)? {
            return Ok(false);
        }
        if chunked {
            if !line.piece(b"")? {
                return Ok(false);
            }
            line.out.write_all(b"0\r\n\r\n")?;
        }
        line.out.flush()?;
        let whole = length.is_none_or(|length| length == line.sent);
        Ok(self.keep && whole)
    }
}

/// The body's way out, with what may befall it.
struct Line<'a> {
    out: &'a mut TcpStream,
    harm: Harm,
    /// Of the body, without the chunks' frames.
    sent: u64,
    chunked: bool,
}

impl Line<'_> {
    /// False when the line is dead.
    fn piece(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let end = self.harm.cut.into_iter().chain(self.harm.stall.map(|(at, _)| at)).min();
        let room = end.map_or(u64::MAX, |end| end.saturating_sub(self.sent));
        // A cut at the very end takes the last chunk only: that piece is empty.
        let dies = room < bytes.len() as u64 || (bytes.is_empty() && room == 0);
        let living = &bytes[..(bytes.len() as u64).min(room) as usize];
        if !living.is_empty() {
            if self.chunked {
                // The frame announces the whole piece: a cut falls into it.
                write!(self.out, "{:x}\r\n", bytes.len())?;
            }
            self.paced(living)?;
            if self.chunked && !dies {
                self.out.write_all(b"\r\n")?;
            }
            self.sent += living.len() as u64;
        }
        if dies {
            self.out.flush()?;
            if let Some((_, pause)) = self.harm.stall {
                std::thread::sleep(pause);
            }
        }
        Ok(!dies)
    }

    fn paced(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(pace) = self.harm.pace else { return self.out.write_all(bytes) };
        let step = (pace / 20).max(1);
        for part in bytes.chunks(step as usize) {
            self.out.write_all(part)?;
            self.out.flush()?;
            std::thread::sleep(Duration::from_secs_f64(part.len() as f64 / pace as f64));
        }
        Ok(())
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
pub fn http_date(time: Timestamp) -> String {
    // It fails for years of more than four digits only.
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap_or_default()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        206 => "Partial Content",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        410 => "Gone",
        416 => "Requested Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
