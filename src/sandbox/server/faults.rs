//! What goes wrong on purpose.
//!
//! A list such as `cut=1000,data-503/3,start-lost` is parsed once; every request then asks whether something strikes it.
//! A fault at a place strikes each path once, so that a second try succeeds; `/N` makes it strike every N-th request of
//! its kind (`/1` all of them), `@N` only the N-th. The table below is also the text of `--help`.

use std::collections::HashSet;

use crate::Error;
use crate::Result;

/// Which requests a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Token,
    Start,
    Poll,
    List,
    Data,
}

const PLACES: [(&str, Place); 5] = [
    ("token", Place::Token),
    ("start", Place::Start),
    ("poll", Place::Poll),
    ("list", Place::List),
    ("data", Place::Data),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An answer of that status from something in front of BCDA.
    Status(Place, u16),
    Reset(Place),
    Lost(Place),
    Hang(Place),
    Expired(Place),
    Cut,
    Stall,
    Slow,
    Truncated,
    Corrupt,
    HalfLine,
    WrongType,
    RangeStart,
    RangeShort,
    RangeIgnored,
    RangeRefused,
    Changed,
    NotFound,
    Archived,
    Redirect,
    JobFailed,
    PollWait,
    NoOutput,
    ErrorFile,
    Warnings,
    ForeignHost,
    Relative,
    OpenFiles,
    NoAuth,
    January,
    NoAttribution,
    RunoutGone,
    SinceTooOld,
    AcoUnknown,
    AcoDenied,
    AcoDisabled,
}

/// What has to stand behind `=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    None,
    /// bytes from the start, or `end`, `end-N`, `end+N` of the stored file
    Place,
    Number,
    Text,
    /// seconds, or `date`, `past`, `epoch`, `millis`; may be missing
    Wait,
}

/// Name, kind, value, whether it strikes always (or each path once) by default, and what it does.
const TABLE: &[(&str, Kind, Value, bool, &str)] = &[
    ("cut", Kind::Cut, Value::Place, false, "=AT: the connection ends after AT bytes of a file's body"),
    ("stall", Kind::Stall, Value::Place, false, "=AT: nothing more comes after AT bytes, for ten minutes"),
    ("slow", Kind::Slow, Value::Number, true, "=N: files come at N bytes a second"),
    ("truncated", Kind::Truncated, Value::Place, false, "=AT: the stored gzip ends at AT, the HTTP body is whole"),
    ("corrupt", Kind::Corrupt, Value::Place, false, "=AT: the stored gzip's byte AT is wrong"),
    ("half-line", Kind::HalfLine, Value::None, false, ": whole gzip, but its last line is cut"),
    ("wrong-type", Kind::WrongType, Value::None, false, ": a line of another resource type ends the file"),
    ("range-start", Kind::RangeStart, Value::None, false, ": 206 that starts a byte before what was asked"),
    ("range-short", Kind::RangeShort, Value::None, false, ": 206 with the first half of what was asked"),
    ("range-ignored", Kind::RangeIgnored, Value::None, false, ": 200 with the whole file to a Range"),
    ("range-416", Kind::RangeRefused, Value::None, false, ": 416 to any Range"),
    ("changed", Kind::Changed, Value::None, false, ": the file has another Last-Modified"),
    ("data-404", Kind::NotFound, Value::None, false, ": plain 404 for a file that is there"),
    ("data-archived", Kind::Archived, Value::None, false, ": the 404 with two documents for a file that is there"),
    ("data-redirect", Kind::Redirect, Value::Text, false, "=URL: 307 to URL"),
    ("job-failed", Kind::JobFailed, Value::None, true, ": jobs end with BCDA's 500"),
    ("poll-wait", Kind::PollWait, Value::Wait, true, "=WAIT: Retry-After on 202 of a running job"),
    ("no-output", Kind::NoOutput, Value::None, true, ": jobs end well and without a file"),
    ("error-file", Kind::ErrorFile, Value::None, true, ": the manifest lists an error file with (invented) MBIs"),
    ("warnings", Kind::Warnings, Value::None, true, ": v1 and v2 list v3's file of warnings too"),
    (
        "foreign-host",
        Kind::ForeignHost,
        Value::Text,
        true,
        "=URL: the manifest's files are at URL, e.g. http://other:80",
    ),
    ("relative", Kind::Relative, Value::None, true, ": URLs are paths, as some other Bulk FHIR servers have them"),
    ("open-files", Kind::OpenFiles, Value::None, true, ": requiresAccessToken is false, and a token is refused"),
    ("no-auth", Kind::NoAuth, Value::None, true, ": no token needed anywhere"),
    ("january", Kind::January, Value::None, true, ": 404, no attribution for the new year yet"),
    ("no-attribution", Kind::NoAttribution, Value::None, true, ": 404, no attribution file"),
    ("runout-gone", Kind::RunoutGone, Value::None, true, ": 404 to Group/runout"),
    ("since-too-old", Kind::SinceTooOld, Value::None, true, ": 404 to Group/all with _since"),
    ("aco-unknown", Kind::AcoUnknown, Value::None, true, ": 403 to every token"),
    ("aco-denied", Kind::AcoDenied, Value::None, true, ": 403, on the deny list"),
    ("aco-disabled", Kind::AcoDisabled, Value::None, true, ": 401 without text to exports and the list of jobs"),
];

const AT_PLACES: &str = "  PLACE-403, PLACE-500, PLACE-502, PLACE-504
                  HTML of that status; PLACE is token, start, poll, list or data
  PLACE-429[=WAIT], PLACE-503[=WAIT]
                  empty, with Retry-After: seconds, or date, past, epoch, millis
  PLACE-reset     the connection ends without a byte, nothing was done
  PLACE-lost      the same, but everything was done: start-lost is a job whose 202 nobody saw
  PLACE-hang      no answer for ten minutes
  PLACE-expired   the token ends early: 401 Expired Token
";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    EachPathOnce,
    Every(u64),
    Only(u64),
}

#[derive(Clone, Debug)]
struct Fault {
    kind: Kind,
    value: String,
    when: When,
    seen: u64,
    struck: HashSet<String>,
}

/// A list of faults, with what they have struck already.
#[derive(Clone, Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Reads `cut=1000,data-503/3,start-lost`; the empty text is no fault at all.
    ///
    /// # Errors
    /// An unknown name or a value that does not fit it.
    pub fn parse(list: &str) -> Result<Faults> {
        list.split(',')
            .filter(|text| !text.trim().is_empty())
            .map(|text| Fault::parse(text.trim()))
            .collect::<Result<_>>()
            .map(Faults)
    }

    /// What `--help` says: a line per fault.
    pub fn help() -> String {
        let mut text = String::new();
        for (name, _, _, _, help) in TABLE {
            let (value, told) = help.split_once(": ").unwrap_or(("", help));
            text.push_str(&format!("  {:<15} {told}\n", format!("{name}{value}")));
        }
        text + AT_PLACES
    }

    /// The value of the first fault of that kind that strikes now. Asking counts as a request of the kind.
    pub(super) fn strike(&mut self, kind: Kind, path: &str) -> Option<String> {
        self.0.iter_mut().find_map(|fault| (fault.kind == kind && fault.strikes(path)).then(|| fault.value.clone()))
    }

    /// The first fault at a place of those that answer instead of BCDA.
    pub(super) fn at(&mut self, place: Place, path: &str) -> Option<(Kind, String)> {
        self.0.iter_mut().find_map(|fault| {
            let here = match fault.kind {
                Kind::Status(at, _) | Kind::Reset(at) | Kind::Lost(at) | Kind::Hang(at) | Kind::Expired(at) => {
                    at == place
                }
                _ => false,
            };
            (here && fault.strikes(path)).then(|| (fault.kind, fault.value.clone()))
        })
    }
}

impl Fault {
    fn parse(text: &str) -> Result<Fault> {
        let (named, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        // The count stands behind the value, if there is one; a URL has slashes of its own.
        let counted = value.unwrap_or(named);
        let count = |sign: char| {
            counted
                .rsplit_once(sign)
                .and_then(|(rest, count)| Some((rest, count.parse::<u64>().ok().filter(|n| *n > 0)?)))
        };
        let (rest, when) = match (count('/'), count('@')) {
            (Some((rest, n)), _) => (rest, Some(When::Every(n))),
            (_, Some((rest, n))) => (rest, Some(When::Only(n))),
            _ => (counted, None),
        };
        let (name, value) = if value.is_some() { (named, rest) } else { (rest, "") };
        let (kind, wants, always) = known(name).ok_or_else(|| {
            Error::Usage(format!(
                "expected the name of a fault, found `{name}`\n  hint: `claimfeed sandbox --help` lists them"
            ))
        })?;
        let fits = match wants {
            Value::None => value.is_empty(),
            Value::Number => value.parse::<u64>().is_ok_and(|number| number > 0),
            Value::Place => position(value, 1 << 40).is_some(),
            Value::Text => value.starts_with("http://") || value.starts_with("https://"),
            Value::Wait => ["", "date", "past", "epoch", "millis"].contains(&value) || value.parse::<u64>().is_ok(),
        };
        if !fits {
            let expected = match wants {
                Value::None => "no value",
                Value::Number => "a number above 0",
                Value::Place => "a number of bytes, `end`, `end-N` or `end+N`",
                Value::Text => "a URL",
                Value::Wait => "seconds, `date`, `past`, `epoch` or `millis`",
            };
            return Err(Error::Usage(format!(
                "expected {expected}, found `{value}`: fault `{name}`\n  hint: `claimfeed sandbox --help` lists them"
            )));
        }
        let when = when.unwrap_or(if always { When::Every(1) } else { When::EachPathOnce });
        Ok(Fault { kind, value: value.to_owned(), when, seen: 0, struck: HashSet::new() })
    }

    fn strikes(&mut self, path: &str) -> bool {
        self.seen += 1;
        match self.when {
            When::Every(n) => self.seen.is_multiple_of(n),
            When::Only(n) => self.seen == n,
            When::EachPathOnce => self.struck.insert(path.to_owned()),
        }
    }
}

fn known(name: &str) -> Option<(Kind, Value, bool)> {
    if let Some((_, kind, value, always, _)) = TABLE.iter().find(|row| row.0 == name) {
        return Some((*kind, *value, *always));
    }
    let (place, act) = name.split_once('-')?;
    let (_, place) = PLACES.into_iter().find(|(known, _)| *known == place)?;
    Some(match act {
        "403" | "500" | "502" | "504" => (Kind::Status(place, act.parse().ok()?), Value::None, false),
        "429" | "503" => (Kind::Status(place, act.parse().ok()?), Value::Wait, false),
        "reset" => (Kind::Reset(place), Value::None, false),
        "lost" => (Kind::Lost(place), Value::None, false),
        "hang" => (Kind::Hang(place), Value::None, false),
        "expired" => (Kind::Expired(place), Value::None, false),
        _ => return None,
    })
}

/// `1000`, `end`, `end-5`, `end+5` in a file of so many bytes.
pub(super) fn position(text: &str, end: u64) -> Option<u64> {
    match text.strip_prefix("end") {
        None => text.parse().ok(),
        Some("") => Some(end),
        Some(rest) => match (rest.strip_prefix('-'), rest.strip_prefix('+')) {
            (Some(distance), _) => Some(end.saturating_sub(distance.parse().ok()?)),
            (_, Some(distance)) => end.checked_add(distance.parse().ok()?),
            _ => None,
        },
    }
}

/// A `Retry-After` of any form seen in the wild; `None` when the fault names none.
pub(super) fn wait(value: &str) -> Option<String> {
    let now = super::jobs::now();
    let soon = now.as_second() + 2;
    Some(match value {
        "" => return None,
        "date" => super::reply::http_date(jiff::Timestamp::from_second(soon).unwrap_or(now)),
        "past" => "Fri, 31 Dec 1999 23:59:59 GMT".to_owned(),
        "epoch" => soon.to_string(),
        "millis" => (soon * 1000).to_string(),
        seconds => seconds.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Faults, Kind, Place, position};

    #[test]
    fn each_path_once_every_nth_and_only_the_nth() {
        let mut faults = Faults::parse("cut=7,slow=5/2,data-503=1@3,data-redirect=http://other:1/x").unwrap();
        assert_eq!(faults.strike(Kind::Cut, "/a"), Some("7".to_owned()));
        assert_eq!(faults.strike(Kind::Cut, "/a"), None);
        assert_eq!(faults.strike(Kind::Cut, "/b"), Some("7".to_owned()));
        let slow: Vec<bool> = (0..4).map(|_| faults.strike(Kind::Slow, "/a").is_some()).collect();
        assert_eq!(slow, [false, true, false, true]);
        let refused: Vec<bool> = (0..4).map(|_| faults.at(Place::Data, "/a").is_some()).collect();
        assert_eq!(refused, [false, false, true, false]);
        assert_eq!(faults.strike(Kind::Redirect, "/a"), Some("http://other:1/x".to_owned()));
    }

    #[test]
    fn wrong_lists_are_told() {
        for (list, expected) in [
            ("explode", "expected the name of a fault, found `explode`"),
            ("cut=x", "expected a number of bytes, `end`, `end-N` or `end+N`, found `x`: fault `cut`"),
            ("half-line=3", "expected no value, found `3`: fault `half-line`"),
        ] {
            let told = Faults::parse(list).unwrap_err().to_string();
            assert!(told.starts_with(expected), "{told}");
        }
    }

    #[test]
    fn places_in_a_file() {
        assert_eq!(
            ["5", "end", "end-1", "end+9", "end*2"].map(|text| position(text, 100)),
            [Some(5), Some(100), Some(99), Some(109), None]
        );
    }
}
