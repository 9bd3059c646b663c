//! The Coverages of a beneficiary: the newest version of each, and of all of them one value for each column.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use jiff::Timestamp;
use jiff::civil::Date;

use super::kept::text;
use super::lines::Place;
use crate::crosswalk::row::{Cells, Packed, Row};

/// One Coverage as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage<'c> {
    /// Coverage.id
    pub id: &'c str,
    /// meta.lastUpdated; `None` if it does not say
    pub updated: Option<Timestamp>,
    /// where it stands
    pub place: Place,
    /// period.start
    pub start: &'c str,
    /// it has no period.end: still in force
    pub is_open: bool,
    /// first and last day of enrolment
    pub span: Option<(Date, Option<Date>)>,
    /// a column of the beneficiary table and its text, by turns
    pub cells: Cells<'c>,
}

/// A Coverage in the least memory: a beneficiary has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCoverage(Packed);

impl KeptCoverage {
    /// Packs what was read.
    pub fn new(coverage: &Coverage<'_>) -> KeptCoverage {
        let Coverage { id, updated, place, start, is_open, span, cells } = coverage;
        let mut row = Row::default();
        row.push(id.as_bytes());
        row.push(start.as_bytes());
        row.push(if *is_open { b"open" } else { b"" });
        row.push(updated.map(|updated| updated.as_nanosecond().to_le_bytes()).as_ref().map_or(&[], |bytes| bytes));
        for number in [place.source as u64, place.line, place.byte] {
            row.push(&number.to_le_bytes());
        }
        for date in [span.map(|(start, _)| start), span.and_then(|(_, end)| end)] {
            row.push(date.map_or(String::new(), |date| date.to_string()).as_bytes());
        }
        cells.clone().for_each(|cell| row.push(cell));
        KeptCoverage(row.pack())
    }

    /// All of it.
    pub fn coverage(&self) -> Coverage<'_> {
        let mut cells = self.0.cells();
        let [id, start, open, updated, source, line, byte, first, last] =
            std::array::from_fn(|_| cells.next().unwrap_or_default());
        let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        let nanoseconds = <[u8; 16]>::try_from(updated).ok().map(i128::from_le_bytes);
        let date = |bytes: &[u8]| text(bytes).parse::<Date>().ok();
        Coverage {
            id: text(id),
            updated: nanoseconds.and_then(|nanoseconds| Timestamp::from_nanosecond(nanoseconds).ok()),
            place: Place { source: number(source) as usize, line: number(line), byte: number(byte) },
            start: text(start),
            is_open: !open.is_empty(),
            span: date(first).map(|first| (first, date(last))),
            cells,
        }
    }
}

impl<'c> Coverage<'c> {
    /// What it says, wherever it stands.
    fn content(&self) -> impl Eq + Hash + use<'c> {
        let Coverage { id, updated, place: _, start, is_open, span, cells } = self;
        (*id, *updated, *start, *is_open, *span, cells.clone())
    }

    /// The text for a column.
    fn text(&self, column: usize) -> Option<&'c str> {
        let mut cells = self.cells.clone();
        while let (Some(known), Some(cell)) = (cells.next(), cells.next()) {
            if <[u8; 2]>::try_from(known).map(u16::from_le_bytes).is_ok_and(|known| usize::from(known) == column) {
                return Some(text(cell));
            }
        }
        None
    }
}

/// All of one beneficiary.
#[derive(Debug, Default)]
pub struct Coverages {
    all: Vec<KeptCoverage>,
    /// settled when there are so many
    limit: usize,
}

/// Beneficiaries have fewer; more are those of several deliveries.
const MANY: usize = 8;

impl Coverages {
    /// Keeps a Coverage, until [`settle`](Coverages::settle) tells which count.
    pub fn add(&mut self, new: KeptCoverage) {
        self.all.push(new);
    }

    /// Settles many now and then, for every delivery brings all of them again.
    pub fn settle_many(&mut self) {
        if self.all.len() >= self.limit.max(MANY) {
            self.settle();
            self.limit = 2 * self.all.len();
        }
    }

    /// Forgets older versions, and what came again as it was. Several of one delivery may have one id and time of update and
    /// differ: all of them count.
    pub fn settle(&mut self) {
        if self.all.len() < 2 {
            return;
        }
        let mut newest: HashMap<&str, Option<Timestamp>> = HashMap::new();
        let all: Vec<Coverage<'_>> = self.iter().collect();
        for coverage in all.iter().filter(|coverage| !coverage.id.is_empty()) {
            let known = newest.entry(coverage.id).or_default();
            *known = (*known).max(coverage.updated);
        }
        if newest.len() == all.len() {
            return;
        }
        let mut met = HashSet::new();
        let counts = all.iter().map(|coverage| {
            let is_newest = |updated: &Option<Timestamp>| *updated == coverage.updated;
            newest.get(coverage.id).is_none_or(|updated| is_newest(updated) && met.insert(coverage.content()))
        });
        let mut counting = counts.collect::<Vec<_>>().into_iter();
        // It looks into those that go.
        drop(met);
        self.all.retain(|_| counting.next().unwrap_or(true));
    }

    /// Gives all of them to somebody else.
    pub fn take(&mut self) -> impl Iterator<Item = KeptCoverage> + use<> {
        std::mem::take(&mut self.all).into_iter()
    }

    /// All of them, in input order.
    pub fn iter(&self) -> impl Iterator<Item = Coverage<'_>> {
        self.all.iter().map(KeptCoverage::coverage)
    }
}

/// What the Coverages of one beneficiary say together.
#[derive(Debug, Default)]
pub struct Enrollment<'c>(Vec<Coverage<'c>>);

impl<'c> Enrollment<'c> {
    /// By all that count.
    pub fn of(coverages: &'c Coverages) -> Enrollment<'c> {
        Enrollment(coverages.iter().collect())
    }

    /// The text for a column; empty if none has one. An open period counts before an ended one, then a later start, a
    /// later update, the first in the input.
    pub fn text(&self, column: usize) -> &'c str {
        let texts = self.0.iter().filter_map(|coverage| {
            Some(((coverage.is_open, coverage.start, coverage.updated), coverage.text(column)?))
        });
        texts.reduce(|best, other| if other.0 > best.0 { other } else { best }).map_or("", |(_, text)| text)
    }

    /// First and last days of enrolment in order; a last day that is not there is yet to come.
    pub fn spans(&self) -> Vec<(Date, Option<Date>)> {
        joined(self.0.iter().filter_map(|coverage| coverage.span).collect())
    }
}

/// Periods, joined where they touch or overlap.
///
/// Only what the crosswalk's `enrollment` table takes a date from is a period here, so which parts of Medicare count is the
/// schemas' business.
fn joined(mut periods: Vec<(Date, Option<Date>)>) -> Vec<(Date, Option<Date>)> {
    periods.sort_by_key(|(start, _)| *start);
    let mut joined: Vec<(Date, Option<Date>)> = Vec::new();
    for (start, end) in periods {
        match joined.last_mut() {
            Some((_, None)) => {}
            Some((_, Some(last))) if start <= last.tomorrow().unwrap_or(*last) => match end {
                Some(end) => *last = end.max(*last),
                None => joined.last_mut().into_iter().for_each(|period| period.1 = None),
            },
            _ => joined.push((start, end)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(id: &'static str, updated: &str, start: &'static str, end: &str) -> Coverage<'static> {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let place = Place { source: 0, line: 1, byte: 0 };
        let span = Some((date(start), (!end.is_empty()).then(|| date(end))));
        let updated = format!("{updated}-01-01T00:00:00Z").parse().ok();
        Coverage { id, updated, place, start, is_open: end.is_empty(), cells: Cells::of(&[]), span }
    }

    /// Cells with a text for column 5.
    fn cells(text: &str) -> Packed {
        let mut row = Row::default();
        [&5u16.to_le_bytes(), text.as_bytes()].into_iter().for_each(|cell| row.push(cell));
        row.pack()
    }

    fn with<'c>(cells: &'c Packed, coverage: Coverage<'c>) -> Coverage<'c> {
        Coverage { cells: cells.cells(), ..coverage }
    }

    #[test]
    fn what_is_kept_is_what_was_read() {
        let place = Place { source: 70_000, line: 5_000_000_000, byte: u64::MAX };
        let updated = "2026-01-05T23:30:00.123456789-05:00".parse().ok();
        for one in [
            with(&cells("Zoë"), Coverage { place, updated, ..coverage("part-a-1", "", "2020-01-01", "") }),
            Coverage { span: None, ..coverage("", "", "2020-01-01", "2020-12-31") },
            coverage("b", "2025", "1999-12-31", "2020-12-31"),
        ] {
            assert_eq!(KeptCoverage::new(&one).coverage(), one);
        }
        assert_eq!(size_of::<KeptCoverage>(), 16);
    }

    fn all(coverages: &[Coverage<'_>]) -> Coverages {
        let mut all = Coverages::default();
        coverages.iter().for_each(|coverage| all.add(KeptCoverage::new(coverage)));
        all.settle();
        all
    }

    fn texts(coverages: &Coverages) -> Vec<String> {
        let end = |end: Option<Date>| end.map_or(String::new(), |end| end.to_string());
        Enrollment::of(coverages).spans().into_iter().map(|(start, last)| format!("{start} {}", end(last))).collect()
    }

    #[test]
    fn periods_that_touch_or_overlap_are_one() {
        assert!(texts(&all(&[])).is_empty());
        let (a, b) = (coverage("a", "", "2020-01-01", "2020-12-31"), coverage("b", "", "2021-01-01", "2021-06-30"));
        assert_eq!(texts(&all(&[b.clone(), a.clone()])), ["2020-01-01 2021-06-30"]);
        let within = coverage("c", "", "2020-02-01", "2020-03-01");
        assert_eq!(texts(&all(&[a.clone(), within])), ["2020-01-01 2020-12-31"]);
        let open = coverage("c", "", "2020-02-01", "");
        assert_eq!(texts(&all(&[a.clone(), open, b.clone()])), ["2020-01-01 "]);
        let later = coverage("d", "", "2021-07-02", "");
        assert_eq!(texts(&all(&[a, b, later])), ["2020-01-01 2021-06-30", "2021-07-02 "]);
    }

    #[test]
    fn the_newest_version_of_a_coverage_counts() {
        let mut all = all(&[
            coverage("a", "2025", "2020-01-01", ""),
            coverage("b", "2025", "2010-01-01", "2011-01-01"),
            coverage("a", "2026", "2020-01-01", "2025-12-31"),
            coverage("a", "2024", "2019-01-01", ""),
            coverage("", "2024", "2000-01-01", "2000-01-31"),
            coverage("", "2024", "2001-01-01", "2001-01-31"),
        ]);
        let expected =
            ["2000-01-01 2000-01-31", "2001-01-01 2001-01-31", "2010-01-01 2011-01-01", "2020-01-01 2025-12-31"];
        assert_eq!(texts(&all), expected);
        all.add(KeptCoverage::new(&coverage("a", "2026", "2027-01-01", "")));
        all.settle();
        assert_eq!(texts(&all).len(), 5, "two periods of one delivery");
        all.add(KeptCoverage::new(&coverage("a", "2027", "2028-01-01", "")));
        all.settle();
        assert_eq!(texts(&all)[3], "2028-01-01 ", "in place of both");
    }

    #[test]
    fn what_every_delivery_brings_again_is_kept_once() {
        let four = ["a", "b", "c", ""].map(|id| coverage(id, "2025", "2020-01-01", ""));
        let mut many = Coverages::default();
        for line in 1..=100 {
            for one in &four[..3] {
                let place = Place { source: line as usize, line, byte: 0 };
                many.add(KeptCoverage::new(&Coverage { place, ..one.clone() }));
                many.settle_many();
                assert!(many.all.len() <= MANY);
            }
        }
        many.settle();
        assert_eq!(many.iter().map(|one| (one.id, one.place.line)).collect::<Vec<_>>(), [("a", 1), ("b", 1), ("c", 1)]);
        // Without an id there is no telling.
        assert_eq!(all(&[four[3].clone(), four[3].clone()]).all.len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn forgetting_now_and_then_is_forgetting_in_the_end(
            drawn in proptest::collection::vec((0..4usize, 1..4u8, 0..3usize, 0..3usize, 0..3usize), 0..60),
        ) {
            let texts_of = ["x", "y", "z"].map(cells);
            let coverages: Vec<Coverage<'_>> = drawn
                .iter()
                .map(|(id, year, start, end, text)| {
                    let start = ["2001-01-01", "2003-06-01", "2005-12-31"][*start];
                    let one = coverage(["", "a", "b", "c"][*id], &format!("202{year}"), start, ["", "2005-12-31", "2006-01-01"][*end]);
                    with(&texts_of[*text], one)
                })
                .collect();
            let counts = |one: &&Coverage<'_>| {
                one.id.is_empty() || coverages.iter().all(|other| other.id != one.id || other.updated <= one.updated)
            };
            let in_the_end = Coverages { all: coverages.iter().filter(counts).map(KeptCoverage::new).collect(), limit: 0 };
            let mut now_and_then = Coverages::default();
            for one in &coverages {
                now_and_then.add(KeptCoverage::new(one));
                now_and_then.settle_many();
            }
            now_and_then.settle();
            proptest::prop_assert_eq!(texts(&now_and_then), texts(&in_the_end));
            let text = |all: &Coverages| Enrollment::of(all).text(5).to_string();
            proptest::prop_assert_eq!(text(&now_and_then), text(&in_the_end));
        }
    }

    #[test]
    fn an_open_coverage_wins_then_the_later_one() {
        let [a, b, c, d] = ["a", "b", "c", "d"].map(cells);
        let some = all(&[
            with(&a, coverage("a", "", "2020-01-01", "2021-01-01")),
            with(&b, coverage("b", "", "2019-01-01", "")),
            with(&c, coverage("c", "", "2019-01-01", "")),
            with(&d, coverage("d", "", "2022-01-01", "2023-01-01")),
            coverage("e", "", "2022-01-01", ""),
        ]);
        let some = Enrollment::of(&some);
        assert_eq!((some.text(5), some.text(6)), ("b", ""));
    }

    #[test]
    fn an_older_version_counts_for_nothing_in_any_order() {
        let [in_force, over, others] = ["open", "ended", "other"].map(cells);
        let open = with(&in_force, coverage("a", "2024", "2021-01-01", ""));
        let ended = with(&over, coverage("a", "2025", "2021-01-01", "2024-12-31"));
        let blank = coverage("a", "2026", "2021-01-01", "");
        let other = with(&others, coverage("b", "2024", "2020-01-01", ""));
        for order in [[&open, &other, &ended], [&open, &ended, &other], [&ended, &other, &open]] {
            assert_eq!(Enrollment::of(&all(&order.map(Clone::clone))).text(5), "other");
        }
        assert_eq!(Enrollment::of(&all(&[open.clone(), blank.clone()])).text(5), "");
        let without = Coverage { span: None, ..blank };
        assert!(texts(&all(&[open, without])).is_empty());
    }
}
