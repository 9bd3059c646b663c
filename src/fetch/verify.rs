//! Whether a file is whole.
//!
//! BCDA tells no length, no count and no checksum, and cuts a transfer after fifteen minutes with status 200. A file is whole
//! when its compression ends with the right sum, its text with a line feed, and every line is a JSON object of the type that
//! the manifest says (strings and brackets closed, UTF-8: what the conversion's scanner checks; what it does not vouch for is
//! parsed as a whole); and, where a server tells them, count, length and checksum agree. No value of a line is ever shown.

use std::borrow::Cow;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use serde::Deserialize;

use crate::parse::scan::Scanner;
use crate::parse::{Cursor, Name, Step};
use crate::read::MAX_LINE;
use crate::read::codec::{Codec, MAGIC};

/// What is known of a file that should be whole.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// type of every line
    pub resource: &'a str,
    /// lines, if told
    pub count: Option<u64>,
    /// SHA-256 of the file as stored or as text, if told
    pub sha256: Option<&'a str>,
    /// bytes as stored or as text, if told
    pub length: Option<u64>,
    /// a last line without its end is a cut one
    pub line_feed: bool,
}

/// A file that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// as stored
    pub bytes: u64,
    /// as stored, hexadecimal
    pub sha256: String,
    /// resources
    pub lines: u64,
    /// as text
    pub text_bytes: u64,
    /// how it is stored
    pub codec: Codec,
    /// of OperationOutcomes: lines with an issue that is an error
    pub errors: u64,
    /// of OperationOutcomes: lines with none
    pub warnings: u64,
}

/// Bytes that are read at once.
const READ: usize = 256 << 10;

/// A line that is longer is looked at in pieces.
const PIECE: usize = MAX_LINE * 4;

/// Expectation and finding, without a value.
pub type Flaw = String;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "resourceType", borrow)]
    resource: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct OutcomeLine {
    #[serde(default)]
    issue: Vec<Issue>,
}

#[derive(Deserialize)]
struct Issue {
    #[serde(default)]
    severity: String,
}

/// Reads the whole file. The outer error is the disk's.
pub fn verify(path: &Path, expected: Expected<'_>) -> std::io::Result<Result<Whole, Flaw>> {
    let mut file = File::open(path)?;
    let mut magic = [0; MAGIC];
    let first = file.by_ref().take(MAGIC as u64).read(&mut magic)?;
    let codec = Codec::detect(&magic[..first]);
    file.rewind()?;
    let (bytes, sha256) = digest(&file)?;
    file.rewind()?;
    let scanner = Scanner::default();
    let mut lines = Lines { expected, whole: Whole::of(bytes, sha256, codec), text: None, scanner };
    if expected.sha256.is_some() {
        lines.text = Some(Context::new(&SHA256));
    }
    match each_line(&mut codec.reader(file)?, |line| lines.take(line)) {
        Ok(Ok(())) => Ok(lines.end()),
        Ok(Err(flaw)) => Ok(Err(flaw)),
        Err(_) if codec != Codec::Plain => Ok(Err(format!(
            "expected compressed text with a right sum at its end, found it cut or damaged in line {}",
            lines.whole.lines + 1
        ))),
        Err(error) => Err(error),
    }
}

/// Hands over each line with its end, and a longer piece of text without one in pieces of [`PIECE`] bytes.
fn each_line(
    reader: &mut dyn Read,
    mut take: impl FnMut(&[u8]) -> Result<(), Flaw>,
) -> std::io::Result<Result<(), Flaw>> {
    let mut text = vec![0; READ];
    let mut filled = 0;
    loop {
        let read = match reader.read(&mut text[filled..]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        let (mut start, mut searched) = (0, filled);
        filled += read;
        while let Some(at) = memchr::memchr(b'\n', &text[searched..filled]) {
            if let Err(flaw) = take(&text[start..=searched + at]) {
                return Ok(Err(flaw));
            }
            searched += at + 1;
            start = searched;
        }
        let is_rest = read == 0 && start < filled || filled - start >= PIECE;
        if is_rest {
            if let Err(flaw) = take(&text[start..filled]) {
                return Ok(Err(flaw));
            }
            start = filled;
        }
        if read == 0 {
            return Ok(Ok(()));
        }
        text.copy_within(start..filled, 0);
        filled -= start;
        if filled == text.len() {
            text.resize(text.len() * 2, 0);
        }
    }
}

impl Whole {
    fn of(bytes: u64, sha256: String, codec: Codec) -> Whole {
        Whole { bytes, sha256, codec, lines: 0, text_bytes: 0, errors: 0, warnings: 0 }
    }
}

struct Lines<'a> {
    expected: Expected<'a>,
    whole: Whole,
    text: Option<Context>,
    scanner: Scanner,
}

impl Lines<'_> {
    fn take(&mut self, line: &[u8]) -> Result<(), Flaw> {
        let whole = &mut self.whole;
        whole.text_bytes += line.len() as u64;
        if let Some(sum) = &mut self.text {
            sum.update(line);
        }
        let number = whole.lines + 1;
        if self.expected.line_feed && line.last() != Some(&b'\n') {
            return Err(format!("expected a line feed at the end, found line {number} cut"));
        }
        let record = line.trim_ascii();
        if record.is_empty() {
            return Ok(());
        }
        whole.lines = number;
        let resource = self.expected.resource;
        if !is_certainly(&mut self.scanner, record, resource) {
            let Ok(read) = serde_json::from_slice::<Line>(record) else {
                return Err(format!("expected a {resource} in each line, found line {number} to be no JSON object"));
            };
            let found = match read.resource {
                Some(found) if found == resource => None,
                Some(_) => Some("another resource"),
                None => Some("no resourceType"),
            };
            if let Some(found) = found {
                return Err(format!("expected a {resource} in each line, found {found} in line {number}"));
            }
        }
        if resource == "OperationOutcome" {
            let issues = serde_json::from_slice::<OutcomeLine>(record).map(|line| line.issue).unwrap_or_default();
            // An outcome that does not say how bad it is counts as bad.
            let mild = |issue: &Issue| matches!(&*issue.severity, "warning" | "information" | "success");
            if !issues.is_empty() && issues.iter().all(mild) { whole.warnings += 1 } else { whole.errors += 1 }
        }
        Ok(())
    }

    fn end(self) -> Result<Whole, Flaw> {
        let (whole, expected) = (self.whole, self.expected);
        if whole.lines == 0 && expected.count != Some(0) {
            return Err(format!("expected lines of {}, found none", expected.resource));
        }
        if let Some(count) = expected.count.filter(|count| *count != whole.lines) {
            return Err(format!("expected {count} lines as the manifest says, found {}", whole.lines));
        }
        if let Some(length) = expected.length.filter(|length| ![whole.bytes, whole.text_bytes].contains(length)) {
            return Err(format!("expected {length} bytes as the manifest says, found {}", whole.text_bytes));
        }
        if let (Some(sum), Some(text)) = (expected.sha256, self.text)
            && ![whole.sha256.as_str(), &hex(text.finish().as_ref())].contains(&sum)
        {
            return Err("expected the checksum that the manifest says, found another".to_string());
        }
        Ok(whole)
    }
}

/// Whether the scanner vouches for the line and its type; false says nothing.
fn is_certainly(scanner: &mut Scanner, line: &[u8], resource: &str) -> bool {
    let Some(group) = scanner.group(line) else { return false };
    let record = group.record(0, line.len());
    let (mut is_it, name) = (false, Name::new(b"resourceType"));
    let end = record.members(record.root(), |key, value| {
        if !key.is(name) {
            return Step::Past(record.skip(value));
        }
        is_it = record.string(value) == Some(resource);
        Step::Leave(record.skip(value))
    });
    is_it && record.is_sound(end)
}

fn digest(mut file: &File) -> std::io::Result<(u64, String)> {
    let mut sum = Context::new(&SHA256);
    let mut buffer = vec![0; 256 << 10];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((bytes, hex(sum.finish().as_ref()))),
            read => {
                bytes += read as u64;
                sum.update(&buffer[..read]);
            }
        }
    }
}

/// Two small hexadecimal digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const PLAIN: Expected<'static> =
        Expected { resource: "Patient", count: None, sha256: None, length: None, line_feed: true };

    fn check(bytes: &[u8], expected: Expected<'_>) -> Result<Whole, Flaw> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        verify(file.path(), expected).unwrap()
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_gzip_file_is_whole_up_to_its_last_byte_or_not_at_all() {
        let text: String = (0..50).map(|n| format!("{{\"id\":\"{n}\",\"resourceType\":\"Patient\"}}\n")).collect();
        let bytes = [gzip(text.as_bytes()), gzip(b"")].concat();
        let whole = check(&bytes, PLAIN).unwrap();
        assert_eq!((whole.lines, whole.bytes, whole.text_bytes), (50, bytes.len() as u64, text.len() as u64));
        let stored = gzip(text.as_bytes()).len();
        for cut in 0..bytes.len() {
            // At the end of the first member nothing is missing: the second one is empty.
            assert_eq!(check(&bytes[..cut], PLAIN).is_ok(), cut == stored, "cut at {cut}");
        }
        let mut damaged = bytes.clone();
        damaged[stored / 2] ^= 1;
        check(&damaged, PLAIN).unwrap_err();
    }

    #[test]
    fn every_line_is_a_resource_of_the_type() {
        let flaw = |text: &str| check(text.as_bytes(), PLAIN).unwrap_err();
        assert!(flaw("").contains("found none"));
        assert!(flaw("\n").contains("found none"));
        assert!(flaw("{\"resourceType\":\"Patient\"}").contains("line 1 cut"));
        assert!(flaw("{\"resourceType\":\"Patient\"}\n{\"resourceType\":\"Pat").contains("line 2 cut"));
        assert!(flaw("{\"resourceType\":\"Patient\"}\n{\"resourceType\":\"Pat\n").contains("line 2 to be no JSON"));
        assert!(flaw("{\"resourceType\":\"Coverage\"}\n").contains("another resource in line 1"));
        assert!(flaw("{\"a\":{\"resourceType\":\"Patient\"}}\n").contains("no resourceType in line 1"));
        assert!(flaw("<html>\n").contains("no JSON"));
        let open = Expected { line_feed: false, ..PLAIN };
        assert_eq!(check(b"{\"resourceType\":\"Patient\"}", open).unwrap().lines, 1);
    }

    #[test]
    fn lines_are_the_same_however_they_are_read() {
        /// Gives so many bytes at once.
        struct Slow<'a>(&'a [u8], usize);
        impl Read for Slow<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let length = self.1.min(self.0.len()).min(buffer.len());
                buffer[..length].copy_from_slice(&self.0[..length]);
                self.0 = &self.0[length..];
                Ok(length)
            }
        }
        let long = "x".repeat(READ * 3);
        let text = format!("a\n\n{long}\nb\r\n{long}{long}\nlast");
        let expected: Vec<&[u8]> = text.as_bytes().split_inclusive(|byte| *byte == b'\n').collect();
        for step in [1000, 4096, READ - 1, READ, READ + 1, usize::MAX] {
            let mut found = Vec::new();
            each_line(&mut Slow(text.as_bytes(), step), |line| {
                found.push(line.to_vec());
                Ok(())
            })
            .unwrap()
            .unwrap();
            assert!(found == expected, "{step} bytes at once");
        }
    }

    #[test]
    fn what_the_manifest_tells_must_agree() {
        let text = b"{\"resourceType\":\"Patient\"}\n";
        let sum = hex(aws_lc_rs::digest::digest(&SHA256, text).as_ref());
        let told = Expected { count: Some(1), sha256: Some(&sum), length: Some(text.len() as u64), ..PLAIN };
        check(text, told).unwrap();
        check(&gzip(text), told).unwrap();
        assert!(check(text, Expected { count: Some(2), ..told }).unwrap_err().contains("2 lines"));
        assert!(check(text, Expected { length: Some(2), ..told }).unwrap_err().contains("2 bytes"));
        assert!(check(text, Expected { sha256: Some("00"), ..told }).unwrap_err().contains("checksum"));
        assert_eq!(check(b"", Expected { count: Some(0), ..PLAIN }).unwrap().lines, 0);
    }

    #[test]
    fn warnings_are_no_errors() {
        let outcome = |severity: &str| {
            format!("{{\"resourceType\":\"OperationOutcome\",\"issue\":[{{\"severity\":\"{severity}\"}}]}}\n")
        };
        let text = ["warning", "information", "error", "fatal", "odd"].map(outcome).concat();
        let expected = Expected { resource: "OperationOutcome", ..PLAIN };
        let whole = check(text.as_bytes(), expected).unwrap();
        assert_eq!((whole.warnings, whole.errors), (2, 3));
    }
}
