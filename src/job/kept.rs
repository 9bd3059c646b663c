//! A Patient as it is kept until the end: one allocation, for there may be millions.
//!
//! It is taken apart when it is asked; what the pass over claims asks for comes first.

use super::beneficiaries::PatientEntry;
use crate::crosswalk::row::{Cells, Packed, Row};

/// A Patient in the least memory.
#[derive(Debug)]
pub struct Kept(Packed);

/// A kept Patient taken apart.
#[derive(Debug)]
pub struct Patient<'k> {
    /// the MBI in force; empty if there is none
    pub mbi: &'k str,
    /// Patient.id
    pub id: &'k str,
    /// meta.lastUpdated
    pub updated: &'k str,
    /// index of the input file
    pub source: u32,
    /// 1-based
    pub line: u64,
    /// cells of the beneficiary table that come from the Patient; others are blank
    pub cells: Cells<'k>,
    numbers: Cells<'k>,
}

impl Kept {
    /// Packs what was read.
    pub fn new(entry: &PatientEntry) -> Kept {
        let mut row = Row::default();
        for text in [&*entry.mbi, entry.replaced_by.as_deref().unwrap_or_default(), &entry.id, &entry.updated] {
            row.push(text.as_bytes());
        }
        row.push(&entry.source.to_le_bytes());
        row.push(&entry.line.to_le_bytes());
        row.push(entry.cells.bytes());
        for (number, cells) in &entry.numbers {
            row.push(number.as_bytes());
            row.push(cells.bytes());
        }
        Kept(row.pack())
    }

    /// The MBI in force; empty if there is none.
    pub fn mbi(&self) -> &str {
        text(self.0.cells().next().unwrap_or_default())
    }

    /// Id of the Patient this one was merged into; empty: none.
    pub fn replaced_by(&self) -> &str {
        text(self.0.cells().nth(1).unwrap_or_default())
    }

    /// All of it.
    pub fn patient(&self) -> Patient<'_> {
        let mut cells = self.0.cells();
        let mut next = || cells.next().unwrap_or_default();
        let [mbi, _, id, updated] = std::array::from_fn(|_| text(next()));
        let source = u32::from_le_bytes(next().try_into().unwrap_or_default());
        let line = u64::from_le_bytes(next().try_into().unwrap_or_default());
        let row = Cells::of(next());
        Patient { mbi, id, updated, source, line, cells: row, numbers: cells }
    }
}

impl<'k> Patient<'k> {
    /// All MBIs, each with its row as if it were a former one.
    pub fn numbers(&self) -> impl Iterator<Item = (&'k str, Cells<'k>)> + use<'k> {
        let mut cells = self.numbers.clone();
        std::iter::from_fn(move || Some((text(cells.next()?), Cells::of(cells.next()?))))
    }
}

/// It went in as text.
pub(super) fn text(cell: &[u8]) -> &str {
    std::str::from_utf8(cell).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_read() {
        let row = |cells: &[&str]| {
            let mut row = Row::default();
            cells.iter().for_each(|cell| row.push(cell.as_bytes()));
            row.pack()
        };
        let long = "Zoë".repeat(100);
        let entry = PatientEntry {
            id: "100".into(),
            updated: "2025-01-01".into(),
            replaced_by: Some("7".into()),
            mbi: "1S00A00AA00".into(),
            cells: row(&["", &long, "", "MD"]),
            numbers: vec![("1S00A00AA00".into(), row(&["a", ""])), ("".into(), row(&[]))],
            source: 65_537,
            line: u64::MAX,
        };
        let kept = Kept::new(&entry);
        assert_eq!((kept.mbi(), kept.replaced_by()), ("1S00A00AA00", "7"));
        let patient = kept.patient();
        assert_eq!((patient.mbi, patient.id, patient.updated), ("1S00A00AA00", "100", "2025-01-01"));
        assert_eq!((patient.source, patient.line), (65_537, u64::MAX));
        assert!(patient.cells.clone().eq(entry.cells.cells()));
        let numbers: Vec<_> = patient.numbers().map(|(number, cells)| (number, cells.count())).collect();
        assert_eq!(numbers, [("1S00A00AA00", 2), ("", 0)]);
        assert_eq!(size_of::<Kept>(), 16);
    }
}
