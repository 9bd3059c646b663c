//! One line by the scanner and by the tape; the tests of the scanner and its fuzz target both hold them together.

use std::cell::RefCell;
use std::ops::Range;

use claimfeed::crosswalk::program::Crosswalk;
use claimfeed::crosswalk::rows::{Note, RowMaker, Walked};
use claimfeed::crosswalk::walk::Walker;
use claimfeed::parse::scan::Scanner;
use claimfeed::parse::tape::{PADDING, TapeParser};
use claimfeed::parse::{Cursor, Kind, Name, Scalar, Step};

/// Everything that the product makes of a claim.
#[derive(Debug, PartialEq, Clone)]
pub struct Made {
    family: String,
    ambiguous: Vec<usize>,
    notes: Vec<Note>,
    rows: Vec<Vec<Vec<u8>>>,
}

/// Scanner and tape with the memory of one run.
pub struct Both<'x> {
    pub crosswalk: &'x Crosswalk,
    pub scanner: Scanner,
    pub tape: TapeParser,
    pub walker: Walker<u32>,
    maker: RowMaker<'x>,
}

fn make<C: Cursor<At = u32>>(
    crosswalk: &Crosswalk,
    walker: &mut Walker<u32>,
    maker: &mut RowMaker<'_>,
    record: &C,
) -> Made {
    let frames = &walker.frames;
    let captured = frames.get(0, crosswalk.claim.family.at);
    let family = if captured == 0 { String::new() } else { record.text(captured, &mut String::new()).to_string() };
    let feeds = crosswalk.family(&family);
    let mut rows = Vec::new();
    maker.begin();
    maker.notes.clear();
    for (at, table) in crosswalk.tables.iter().enumerate() {
        if feeds.is_some_and(|family| table.families.contains(&family)) {
            let walked = Walked { record, frames, mbi: "1S00E00AA01" };
            maker.claim_rows(at, &walked, |row| rows.push(row.cells().map(<[u8]>::to_vec).collect()));
        }
    }
    Made { family, ambiguous: frames.ambiguous.clone(), notes: maker.notes.clone(), rows }
}

impl<'x> Both<'x> {
    pub fn new(crosswalk: &'x Crosswalk) -> Both<'x> {
        Both {
            crosswalk,
            scanner: Scanner::default(),
            tape: TapeParser::default(),
            walker: Walker::default(),
            maker: RowMaker::new(crosswalk),
        }
    }

    /// `None`: left to the tape.
    pub fn scanned(&mut self, line: &[u8]) -> Option<Made> {
        self.scanned_in(line, 0..line.len())
    }

    /// The same for one line of a group of them.
    pub fn scanned_in(&mut self, lines: &[u8], line: Range<usize>) -> Option<Made> {
        let group = self.scanner.group(lines)?;
        let record = group.record(line.start, line.end);
        let end = self.walker.walk(&self.crosswalk.eob, &record);
        record.is_sound(end).then(|| make(self.crosswalk, &mut self.walker, &mut self.maker, &record))
    }

    /// `None`: no JSON.
    pub fn taped(&mut self, line: &[u8]) -> Option<Made> {
        let mut buffer = line.to_vec();
        buffer.resize(line.len() + PADDING, 0);
        let record = self.tape.parse(&mut buffer, line.len()).ok()?;
        self.walker.walk(&self.crosswalk.eob, &record);
        let made = make(self.crosswalk, &mut self.walker, &mut self.maker, &record);
        self.tape.recycle(record);
        Some(made)
    }

    /// Whether the scanner took the line; panics if it took it for something else than the tape does.
    pub fn same(&mut self, line: &[u8]) -> bool {
        let Some(scanned) = self.scanned(line) else { return false };
        let text = || String::from_utf8_lossy(line).into_owned();
        let Some(taped) = self.taped(line) else { panic!("the tape refuses {}", text()) };
        assert_eq!(scanned, taped, "{}", text());
        true
    }
}

/// A cursor that remembers what was read of a record and what was only skipped.
struct Watched<'c, C> {
    cursor: &'c C,
    read: RefCell<Vec<u32>>,
    skipped: RefCell<Vec<(u32, u32)>>,
    /// what followed in objects that were left
    left: RefCell<Vec<(u32, u32)>>,
}

impl<C: Cursor<At = u32>> Cursor for Watched<'_, C> {
    type At = u32;

    fn root(&self) -> u32 {
        self.cursor.root()
    }
    fn kind(&self, at: u32) -> Kind {
        self.cursor.kind(at)
    }
    fn skip(&self, at: u32) -> u32 {
        let end = self.cursor.skip(at);
        self.skipped.borrow_mut().push((at, end));
        end
    }
    fn members(&self, at: u32, mut each: impl FnMut(Name<'_>, u32) -> Step<u32>) -> u32 {
        self.read.borrow_mut().push(at);
        let mut left = None;
        let end = self.cursor.members(at, |name, value| {
            let step = each(name, value);
            if let Step::Leave(end) = step {
                left = Some(end);
            }
            step
        });
        self.left.borrow_mut().extend(left.map(|left| (left, end.saturating_sub(1))));
        end
    }
    fn elements(&self, at: u32, each: impl FnMut(u32) -> u32) -> u32 {
        self.read.borrow_mut().push(at);
        self.cursor.elements(at, each)
    }
    fn scalar(&self, at: u32) -> Scalar<'_, u32> {
        self.read.borrow_mut().push(at);
        self.cursor.scalar(at)
    }
    fn text<'a>(&'a self, captured: u64, scratch: &'a mut String) -> &'a str {
        self.cursor.text(captured, scratch)
    }
    fn integer(&self, captured: u64) -> Option<i64> {
        self.cursor.integer(captured)
    }
}

impl Both<'_> {
    /// The line with every value that the walk never read replaced by a sound one of its kind, if the scanner takes
    /// the line.
    fn without_skipped(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        let group = self.scanner.group(line)?;
        let record = group.record(0, line.len());
        let watched = Watched {
            cursor: &record,
            read: RefCell::default(),
            skipped: RefCell::default(),
            left: RefCell::default(),
        };
        // With a walker of its own: what is remembered of lines before would not be read.
        let end = Walker::default().walk(&self.crosswalk.eob, &watched);
        if !record.is_sound(end) {
            return None;
        }
        let (read, skipped) = (watched.read.into_inner(), watched.skipped.into_inner());
        let mut mended = line.to_vec();
        // Somebody else may have read on in the same object.
        let touched = |start: u32, end: u32| {
            let inside = |at: &u32| (start..end).contains(at);
            read.iter().any(inside) || skipped.iter().any(|(at, _)| inside(at))
        };
        for (start, end) in watched.left.into_inner() {
            if !touched(start, end) {
                mended[start as usize..end as usize].fill(b' ');
            }
        }
        for (start, end) in skipped.iter().copied().filter(|(start, _)| !read.contains(start)) {
            let text: &[u8] = match line[start as usize] {
                b'{' => b"{}",
                b'[' => b"[]",
                b'"' => b"\"\"",
                b't' => b"true",
                b'f' => b"false",
                b'n' => b"null",
                _ => b"0",
            };
            let value = &mut mended[start as usize..end as usize];
            value.fill(b' ');
            value[..text.len()].copy_from_slice(text);
        }
        Some(mended)
    }

    /// What the scanner takes, the tape takes as well, with the same result, once values that nobody reads are
    /// replaced by sound ones. Gives whether the tape takes it only then.
    pub fn damage_is_skipped(&mut self, line: &[u8]) -> bool {
        let Some(scanned) = self.scanned(line) else { return false };
        let mended = self.without_skipped(line).expect("the scanner took it");
        let text = || format!("{}\n{}", String::from_utf8_lossy(line), String::from_utf8_lossy(&mended));
        let taped = self.taped(&mended).unwrap_or_else(|| panic!("damage that is not in a skipped value: {}", text()));
        assert_eq!(scanned, taped, "{}", text());
        match self.taped(line) {
            Some(taped) => assert_eq!(scanned, taped, "{}", text()),
            None => return true,
        }
        false
    }
}
