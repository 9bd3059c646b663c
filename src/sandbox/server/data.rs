//! `GET /data/{job}/{file}`, in all the variants of BCDA's file server.
//!
//! Files are gzip at rest. A client that takes gzip gets them in chunks with an empty gzip member behind them, without a
//! length; with a Range it gets bytes of the stored gzip and no such member; a client that does not take gzip gets text
//! and no Range at all. `warnings-and-info.ndjson` is stored as text, and there gzip with a Range is broken.

use std::io::{Cursor, Read};
use std::time::Duration;

use jiff::{Timestamp, Unit};

use super::faults::{Faults, Kind, position};
use super::jobs::{self, Content, Job, State};
use super::outcome::{body, outcome};
use super::reply::{Body, Harm, Reply, http_date};
use super::request::Request;
use super::shelf::{self, Stored};
use super::{Bcda, held};
use crate::Api;

/// What Go's gzip writer leaves when it is closed without a byte written.
pub const EMPTY_MEMBER: [u8; 23] = [
    0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, // head
    1, 0, 0, 0xFF, 0xFF, // an empty last block
    0, 0, 0, 0, 0, 0, 0, 0, // checksum and length
];
const STALL: Duration = Duration::from_secs(600);

pub fn serve(bcda: &Bcda, request: &Request, job: &str, name: &str) -> Reply {
    let Ok(id) = job.parse::<u64>() else { return outcome(Api::V1, 400, "") };
    let found = {
        let jobs = held(&bcda.jobs);
        match jobs.get(&id) {
            _ if id == jobs::FOREIGN => return outcome(Api::V1, 401, ""),
            None => return outcome(Api::V1, 404, ""),
            Some(job) if job.state(&bcda.settings, jobs::now()) == State::Archived => return archived(),
            Some(job) => file(bcda, job, name),
        }
    };
    let Some((mut stored, mut modified)) = found else { return outcome(Api::V1, 404, "Job not found") };
    let mut faults = bcda.fault();
    let path = request.path.as_str();
    if let Some(url) = faults.strike(Kind::Redirect, path) {
        return Reply::new(307).with("Location", url);
    }
    if faults.strike(Kind::NotFound, path).is_some() {
        return Reply::text(404, "Not Found");
    }
    if faults.strike(Kind::Archived, path).is_some() {
        return archived();
    }
    if faults.strike(Kind::Changed, path).is_some() {
        modified = jobs::after(modified, Duration::from_secs(60));
    }
    let broken = || Reply::text(500, "Internal Server Error");
    if let Content::Gzip(gzip) = &mut stored {
        match damaged(&mut faults, path, gzip) {
            Ok(Some(bytes)) => *gzip = Stored::Memory(bytes.into()),
            Ok(None) => {}
            Err(_) => return broken(),
        }
    }
    let size = match &stored {
        Content::Gzip(stored) => stored.size(),
        Content::Plain(text) => text.len() as u64,
    };
    let harm = harm(&mut faults, path, size);
    let range = Ask { request, size, modified }.range(&mut faults);
    drop(faults);
    if size == 0 {
        return broken();
    }
    let since = request.header("if-modified-since").is_some_and(|since| since == http_date(modified));
    if since {
        return Reply::new(304).with("Last-Modified", http_date(modified));
    }
    // Even `gzip;q=0` counts.
    let takes_gzip = request.header("accept-encoding").is_some_and(|list| list.contains("gzip"));
    let reply = match stored {
        Content::Gzip(stored) if takes_gzip => of_gzip(&stored, range, modified),
        Content::Gzip(stored) => stored.text().map(|source| typed(200).stream(source, &[], None)),
        Content::Plain(text) => Ok(of_plain(text, range, takes_gzip, modified)),
    };
    let mut reply = reply.unwrap_or_else(|_| broken());
    reply.harm = harm;
    reply
}

fn file(bcda: &Bcda, job: &Job, name: &str) -> Option<(Content, Timestamp)> {
    job.done(&bcda.settings).filter(|done| *done <= jobs::now())?;
    let outcome = job.outcome.get()?;
    let product = outcome.products.as_ref()?.iter().find(|product| product.name == name)?;
    Some((product.stored.clone(), jobs::truncated(outcome.at, Unit::Second)))
}

fn archived() -> Reply {
    let mut both = body(Api::V1, 404, "");
    both.extend_from_slice(b"Not Found\n");
    outcome(Api::V1, 404, "").body(both)
}

/// The stored bytes as a fault would have them; `None` is as they are.
fn damaged(faults: &mut Faults, path: &str, stored: &Stored) -> std::io::Result<Option<Vec<u8>>> {
    let size = stored.size();
    let mut bytes = None;
    if let Some(at) = faults.strike(Kind::Truncated, path).and_then(|at| position(&at, size)) {
        let mut short = stored.bytes()?;
        short.truncate(at as usize);
        bytes = Some(short);
    }
    if let Some(at) = faults.strike(Kind::Corrupt, path).and_then(|at| position(&at, size)) {
        let mut wrong = stored.bytes()?;
        if let Some(byte) = wrong.get_mut(at as usize) {
            *byte ^= 0x10;
        }
        bytes = Some(wrong);
    }
    for kind in [Kind::HalfLine, Kind::WrongType] {
        if faults.strike(kind, path).is_some() {
            let mut text = Vec::new();
            stored.text()?.read_to_end(&mut text)?;
            match kind {
                Kind::HalfLine => text.truncate(text.len().saturating_sub(20)),
                _ => text.extend_from_slice(b"{\"id\":\"1\",\"resourceType\":\"Basic\"}\n"),
            }
            bytes = Some(shelf::gzip(&text));
        }
    }
    Ok(bytes)
}

fn harm(faults: &mut Faults, path: &str, size: u64) -> Harm {
    let mut at = |kind| faults.strike(kind, path).and_then(|at| position(&at, size));
    let (cut, stall) = (at(Kind::Cut), at(Kind::Stall));
    Harm {
        cut,
        stall: stall.map(|at| (at, STALL)),
        pace: faults.strike(Kind::Slow, path).and_then(|pace| pace.parse().ok()),
    }
}

/// What a request wants of a stored file, before anybody asks how it is stored.
struct Ask<'a> {
    request: &'a Request,
    size: u64,
    modified: Timestamp,
}

/// What it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// First byte; end, exclusive.
    Bytes(u64, u64),
    /// Nothing of it is there.
    Beyond,
}

impl Ask<'_> {
    fn range(&self, faults: &mut Faults) -> Part {
        let Some(range) = self.request.header("range") else { return Part::Whole };
        let path = self.request.path.as_str();
        if faults.strike(Kind::RangeRefused, path).is_some() {
            return Part::Beyond;
        }
        let other = self.request.header("if-range").is_some_and(|date| date != http_date(self.modified));
        if other || faults.strike(Kind::RangeIgnored, path).is_some() {
            return Part::Whole;
        }
        match part(range, self.size) {
            Part::Bytes(start, end) if faults.strike(Kind::RangeStart, path).is_some() => {
                Part::Bytes(start.saturating_sub(1), end)
            }
            Part::Bytes(start, end) if faults.strike(Kind::RangeShort, path).is_some() => {
                Part::Bytes(start, start + (end - start).div_ceil(2))
            }
            part => part,
        }
    }
}

/// `bytes=a-b`, `bytes=a-`, `bytes=-n`. Several ranges are answered with everything, which HTTP allows.
fn part(range: &str, size: u64) -> Part {
    let Some(range) = range.strip_prefix("bytes=") else { return Part::Beyond };
    if range.contains(',') {
        return Part::Whole;
    }
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match range.split_once('-') {
        Some(("", last)) => match number(last) {
            Some(last) if last > 0 => Part::Bytes(size.saturating_sub(last), size),
            _ => Part::Beyond,
        },
        Some((start, end)) => match (number(start), end, number(end)) {
            (Some(start), "", _) if start < size => Part::Bytes(start, size),
            (Some(start), _, Some(end)) if start < size && start <= end => {
                Part::Bytes(start, size.min(end.saturating_add(1)))
            }
            _ => Part::Beyond,
        },
        None => Part::Beyond,
    }
}

fn typed(status: u16) -> Reply {
    Reply::new(status).with("Content-Type", "application/fhir+ndjson")
}

fn beyond(size: u64) -> Reply {
    Reply::text(416, "invalid range: failed to overlap").with("Content-Range", format!("bytes */{size}"))
}

fn of_gzip(stored: &Stored, part: Part, modified: Timestamp) -> std::io::Result<Reply> {
    let size = stored.size();
    let ranged = |status| {
        typed(status)
            .with("Content-Encoding", "gzip")
            .with("Accept-Ranges", "bytes")
            .with("Last-Modified", http_date(modified))
    };
    Ok(match part {
        Part::Beyond => beyond(size),
        Part::Whole => ranged(200).stream(stored.open(0, size)?, &EMPTY_MEMBER, None),
        Part::Bytes(start, end) => ranged(206)
            .with("Content-Range", format!("bytes {start}-{}/{size}", end - 1))
            .stream(stored.open(start, end - start)?, &[], Some(end - start)),
    })
}

fn of_plain(text: Vec<u8>, part: Part, takes_gzip: bool, modified: Timestamp) -> Reply {
    let size = text.len() as u64;
    let ranged = |status| typed(status).with("Accept-Ranges", "bytes").with("Last-Modified", http_date(modified));
    let whole = |text: Vec<u8>| Box::new(Cursor::new(text));
    match (part, takes_gzip) {
        (Part::Beyond, _) => beyond(size),
        (Part::Whole, true) => {
            ranged(200).with("Content-Encoding", "gzip").stream(whole(shelf::gzip(&text)), &[], None)
        }
        (Part::Whole, false) => ranged(200).stream(whole(text), &[], Some(size)),
        (Part::Bytes(start, end), _) => {
            let piece = text[start as usize..end as usize].to_vec();
            let reply = ranged(206).with("Content-Range", format!("bytes {start}-{}/{size}", end - 1));
            if takes_gzip {
                // The length is that of the text, the body is its gzip, and the connection ends before the length.
                let squeezed = shelf::gzip(&piece);
                reply.with("Content-Encoding", "gzip").stream(whole(squeezed), &[], Some(end - start))
            } else {
                reply.stream(whole(piece), &[], Some(end - start))
            }
        }
    }
}

impl Reply {
    fn stream(mut self, source: Box<dyn Read + Send>, after: &'static [u8], length: Option<u64>) -> Reply {
        self.body = Body::Stream { source, after, length };
        self
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{EMPTY_MEMBER, Part, part};

    #[test]
    fn the_empty_member_is_gzip() {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&EMPTY_MEMBER[..]).read_to_end(&mut text).unwrap();
        assert!(text.is_empty());
    }

    #[test]
    fn ranges() {
        for (range, expected) in [
            ("bytes=0-", Part::Bytes(0, 10)),
            ("bytes=3-4", Part::Bytes(3, 5)),
            ("bytes=9-99", Part::Bytes(9, 10)),
            ("bytes=-3", Part::Bytes(7, 10)),
            ("bytes=-99", Part::Bytes(0, 10)),
            ("bytes=10-", Part::Beyond),
            ("bytes=5-4", Part::Beyond),
            ("lines=1-2", Part::Beyond),
            ("bytes=0-1,3-4", Part::Whole),
        ] {
            assert_eq!(part(range, 10), expected, "{range}");
        }
    }
}
