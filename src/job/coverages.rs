//! The Coverages of a beneficiary: the newest version of each, and of all of them one value for each column.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::lines::Place;

/// One Coverage, ready to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Coverage.id
    pub id: Box<str>,
    /// meta.lastUpdated; `None` if it does not say
    pub updated: Option<Timestamp>,
    /// where it stands
    pub place: Place,
    /// period.start
    pub start: Box<str>,
    /// it has no period.end: still in force
    pub is_open: bool,
    /// column of the beneficiary table and text, which is never blank
    pub cells: Vec<(u16, Box<str>)>,
    /// first and last day of enrolment
    pub span: Option<(Date, Option<Date>)>,
}

/// All of one beneficiary.
#[derive(Debug, Default)]
pub struct Coverages(Vec<Coverage>);

impl Coverages {
    /// Keeps a Coverage, until [`settle`](Coverages::settle) tells which count.
    pub fn add(&mut self, new: Coverage) {
        self.0.push(new);
    }

    /// Forgets older versions. Several of one delivery may have one id and time of update: all of them count.
    pub fn settle(&mut self) {
        if self.0.len() < 2 {
            return;
        }
        let mut newest: HashMap<Box<str>, Option<Timestamp>> = HashMap::new();
        for coverage in self.0.iter().filter(|coverage| !coverage.id.is_empty()) {
            let known = newest.entry(coverage.id.clone()).or_default();
            *known = (*known).max(coverage.updated);
        }
        self.0.retain(|coverage| newest.get(&coverage.id).is_none_or(|updated| *updated == coverage.updated));
    }

    /// Gives all of them to somebody else.
    pub fn take(&mut self) -> impl Iterator<Item = Coverage> + use<> {
        std::mem::take(&mut self.0).into_iter()
    }

    /// The text for a column; empty if none has one. An open period counts before an ended one, then a later start, a
    /// later update, the first in the input.
    pub fn text(&self, column: usize) -> &str {
        let texts = self.0.iter().filter_map(|coverage| {
            let (_, text) = coverage.cells.iter().find(|(known, _)| usize::from(*known) == column)?;
            Some(((coverage.is_open, &coverage.start, coverage.updated), &**text))
        });
        texts.reduce(|best, other| if other.0 > best.0 { other } else { best }).map_or("", |(_, text)| text)
    }

    /// First and last days of enrolment in order; a last day that is not there is yet to come.
    pub fn spans(&self) -> Vec<(Date, Option<Date>)> {
        joined(self.0.iter().filter_map(|coverage| coverage.span).collect())
    }

    /// All of them, in input order.
    pub fn iter(&self) -> impl Iterator<Item = &Coverage> {
        self.0.iter()
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

    fn coverage(id: &str, updated: &str, start: &str, end: &str) -> Coverage {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let place = Place { source: 0, line: 1, byte: 0 };
        let span = Some((date(start), (!end.is_empty()).then(|| date(end))));
        let updated = format!("{updated}-01-01T00:00:00Z").parse().ok();
        let (id, start) = (id.into(), start.into());
        Coverage { id, updated, place, start, is_open: end.is_empty(), cells: Vec::new(), span }
    }

    fn with(text: &str, coverage: Coverage) -> Coverage {
        Coverage { cells: vec![(5, text.into())], ..coverage }
    }

    fn all(coverages: &[Coverage]) -> Coverages {
        let mut all = Coverages::default();
        coverages.iter().for_each(|coverage| all.add(coverage.clone()));
        all.settle();
        all
    }

    fn texts(coverages: &Coverages) -> Vec<String> {
        let end = |end: Option<Date>| end.map_or(String::new(), |end| end.to_string());
        coverages.spans().into_iter().map(|(start, last)| format!("{start} {}", end(last))).collect()
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
        all.add(coverage("a", "2026", "2027-01-01", ""));
        all.settle();
        assert_eq!(texts(&all).len(), 5, "two periods of one delivery");
        all.add(coverage("a", "2027", "2028-01-01", ""));
        all.settle();
        assert_eq!(texts(&all)[3], "2028-01-01 ", "in place of both");
    }

    #[test]
    fn an_open_coverage_wins_then_the_later_one() {
        let some = all(&[
            with("a", coverage("a", "", "2020-01-01", "2021-01-01")),
            with("b", coverage("b", "", "2019-01-01", "")),
            with("c", coverage("c", "", "2019-01-01", "")),
            with("d", coverage("d", "", "2022-01-01", "2023-01-01")),
            coverage("e", "", "2022-01-01", ""),
        ]);
        assert_eq!((some.text(5), some.text(6)), ("b", ""));
    }

    #[test]
    fn an_older_version_counts_for_nothing_in_any_order() {
        let open = with("open", coverage("a", "2024", "2021-01-01", ""));
        let ended = with("ended", coverage("a", "2025", "2021-01-01", "2024-12-31"));
        let blank = coverage("a", "2026", "2021-01-01", "");
        let other = with("other", coverage("b", "2024", "2020-01-01", ""));
        for order in [[&open, &other, &ended], [&open, &ended, &other], [&ended, &other, &open]] {
            assert_eq!(all(&order.map(Clone::clone)).text(5), "other");
        }
        assert_eq!(all(&[open.clone(), blank.clone()]).text(5), "");
        let without = Coverage { span: None, ..blank };
        assert!(all(&[open, without]).spans().is_empty());
    }
}
