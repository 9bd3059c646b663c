//! Counts of one chunk, and of a run: what the workers report and the merge adds up.

use std::collections::{BTreeMap, HashMap};

use crate::report::Issue;

/// What a worker counted in one chunk.
#[derive(Debug, Default)]
pub struct Tally {
    /// index of the input file
    pub source: usize,
    /// all lines
    pub lines: u64,
    /// of these, blank
    pub blank_lines: u64,
    /// uncompressed bytes of the lines, with their ends
    pub bytes: u64,
    /// bytes of the file done, for progress
    pub consumed: u64,
    /// by resource type
    pub resources: BTreeMap<&'static str, u64>,
    /// by index of the claim family
    pub families: Vec<FamilyTally>,
    /// claims in no family of CCLF, by reason
    pub skipped: BTreeMap<String, u64>,
    /// claims written as original and cancellation, by reason
    pub cancelled: BTreeMap<String, u64>,
    /// by index of the table
    pub rows: Vec<u64>,
    /// blanks in key columns, by table and position in its keys
    pub blank_keys: BTreeMap<(usize, usize), u64>,
    /// lines that are no JSON document, and breaks of the file
    pub unread: u64,
    /// in order of the lines
    pub issues: Vec<Issue>,
}

/// By index of the claim family and month of service. There are many months in a chunk, so a worker counts them for all of its
/// chunks; a claim's is asked for several times, so the last one is found without looking.
#[derive(Debug, Default)]
pub struct Months {
    /// where in the list
    places: HashMap<(usize, Month), usize>,
    list: Vec<((usize, Month), MonthTally)>,
    /// the one that was asked for last, in the list
    last: usize,
}

impl Months {
    /// The counts of a family in a month.
    pub fn of(&mut self, family: usize, month: Month) -> &mut MonthTally {
        let key = (family, month);
        if self.list.get(self.last).is_none_or(|(last, _)| *last != key) {
            self.last = *self.places.entry(key).or_insert(self.list.len());
            if self.last == self.list.len() {
                self.list.push((key, MonthTally::default()));
            }
        }
        &mut self.list[self.last].1
    }

    /// All that were counted, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Month, &MonthTally)> {
        self.list.iter().map(|((family, month), tally)| (*family, *month, tally))
    }
}

/// Counts and sums of one claim family; amounts in cents.
#[derive(Debug, Default, Clone, Copy)]
pub struct FamilyTally {
    /// claims read
    pub claims: u64,
    /// of these, left out by a rule, or written with a cancellation
    pub skipped: u64,
    /// claims whose payment amount cannot be read
    pub unreadable: u64,
    /// payment amounts of all claims
    pub paid: i128,
    /// payment amounts of the skipped ones
    pub paid_skipped: i128,
    /// the control column as written, of cancellations with the other sign
    pub written: i128,
}

impl FamilyTally {
    /// Adds another one.
    pub fn add(&mut self, other: &FamilyTally) {
        self.claims += other.claims;
        self.skipped += other.skipped;
        self.unreadable += other.unreadable;
        self.paid += other.paid;
        self.paid_skipped += other.paid_skipped;
        self.written += other.written;
    }
}

/// A month of service; 0 where it cannot be read, else months since the year 0.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u32);

impl Month {
    /// The month of an ISO date or timestamp.
    pub fn of(date: &str) -> Month {
        let number = |range: std::ops::Range<usize>| {
            date.get(range).filter(|text| text.bytes().all(|b| b.is_ascii_digit())).and_then(|text| text.parse().ok())
        };
        let known: Option<(u32, u32)> = number(0..4).zip(number(5..7));
        match known {
            Some((year, month @ 1..=12)) if date.as_bytes()[4] == b'-' => Month(year * 12 + month),
            _ => Month(0),
        }
    }

    /// `YYYY-MM`; `None` where it cannot be read.
    pub fn name(self) -> Option<String> {
        let months = self.0.checked_sub(1)?;
        Some(format!("{:04}-{:02}", months / 12, months % 12 + 1))
    }
}

/// Counts and sums of one claim family in one month.
#[derive(Debug, Default, Clone)]
pub struct MonthTally {
    /// as for the family
    pub sums: FamilyTally,
    /// claims in force with a row
    pub written: u64,
    /// by index of the table, in order; few of them, and there are many months
    pub rows: Vec<(usize, u64)>,
}

impl MonthTally {
    /// Adds another one.
    pub fn add(&mut self, other: &MonthTally) {
        self.sums.add(&other.sums);
        self.written += other.written;
        for (table, rows) in &other.rows {
            self.add_rows(*table, *rows);
        }
    }

    /// Adds rows of a table.
    pub fn add_rows(&mut self, table: usize, rows: u64) {
        match self.rows.binary_search_by_key(&table, |(known, _)| *known) {
            Ok(at) => self.rows[at].1 += rows,
            Err(at) => self.rows.insert(at, (table, rows)),
        }
    }
}

/// Cells that are not blank, by table and column: counted small for a while, then added up.
#[derive(Debug)]
pub struct Filled {
    small: Vec<Vec<u32>>,
    sums: Vec<Vec<u64>>,
}

impl Filled {
    /// Of so many columns per table.
    pub fn new(columns: &[usize]) -> Filled {
        Filled {
            small: columns.iter().map(|columns| vec![0; *columns]).collect(),
            sums: columns.iter().map(|columns| vec![0; *columns]).collect(),
        }
    }

    /// What rows of a table are counted in, until they are settled.
    pub fn of(&mut self, table: usize) -> &mut [u32] {
        &mut self.small[table]
    }

    /// Adds up what was counted; due before 2^32 rows of a table, so after every chunk.
    pub fn settle(&mut self) {
        for (small, sum) in self.small.iter_mut().flatten().zip(self.sums.iter_mut().flatten()) {
            *sum += u64::from(std::mem::take(small));
        }
    }

    /// All that was settled.
    pub fn sums(&self) -> &[Vec<u64>] {
        &self.sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_month_of_each_family_has_its_own_counts() {
        let mut months = Months::default();
        let keys = [(0, "2024-01"), (0, "2024-01"), (1, "2024-01"), (0, "2024-02"), (0, "2024-01"), (1, "")];
        for (family, date) in keys {
            months.of(family, Month::of(date)).written += 1;
        }
        let mut all: Vec<_> =
            months.iter().map(|(family, month, tally)| (family, month.name(), tally.written)).collect();
        all.sort();
        let month = |name: &str| Some(name.to_string());
        assert_eq!(all, [(0, month("2024-01"), 3), (0, month("2024-02"), 1), (1, None, 1), (1, month("2024-01"), 1)]);
    }

    #[test]
    fn months_are_read_from_dates_and_nothing_else() {
        for (date, month) in [
            ("2024-01-31", Some("2024-01")),
            ("2023-12", Some("2023-12")),
            ("1999-10-01T00:00:00Z", Some("1999-10")),
            ("2024", None),
            ("2024-13-01", None),
            ("2024-00-01", None),
            ("2024/01/01", None),
            ("20é4-01-01", None),
            ("+024-01-01", None),
            ("", None),
        ] {
            assert_eq!(Month::of(date).name().as_deref(), month, "{date}");
        }
    }
}
