//! What rows end with behind the columns of their table's layout: where a row comes from, and the delivery that loaders
//! want to see in every row.

use std::fmt::Write;

use super::lines::Place;
use crate::crosswalk::program::Crosswalk;
use crate::crosswalk::row::Row;
use crate::read::Source;
use crate::write::fixed::FileName;

/// The last cells of every row.
#[derive(Debug, Clone, Default)]
pub struct Tail {
    /// names of the input files, and whether only a part of each is read; empty: no lineage
    sources: Vec<(String, bool)>,
    /// by index of the table, name and date of CMS's file; empty: no file columns
    files: Vec<[String; 2]>,
    row: Row,
    digits: String,
}

impl Tail {
    /// With lineage, with file columns of this delivery, with both, or neither.
    pub fn new(crosswalk: &Crosswalk, sources: &[Source], lineage: bool, delivery: Option<&FileName>) -> Tail {
        let names = sources.iter().filter(|_| lineage).map(|source| (source.name.clone(), source.is_part())).collect();
        let file = |name: &str, delivery: &FileName| [delivery.named(name), delivery.delivered.date()];
        let files = delivery
            .map_or(Vec::new(), |delivery| crosswalk.tables.iter().map(|table| file(&table.name, delivery)).collect());
        Tail { sources: names, files, ..Tail::default() }
    }

    /// The row with its end.
    pub fn of<'a>(&'a mut self, row: &'a Row, table: usize, id: &str, place: Place) -> &'a Row {
        if self.sources.is_empty() && self.files.is_empty() {
            return row;
        }
        self.row.clone_from(row);
        if let Some((source, is_part)) = self.sources.get(place.source) {
            self.digits.clear();
            // Nobody knows the lines before a part. Writing to a String never fails.
            let _ = write!(self.digits, "{}", if *is_part { place.byte } else { place.line });
            [id, source, &self.digits].iter().for_each(|text| self.row.push(text.as_bytes()));
        }
        if let Some(file) = self.files.get(table) {
            file.iter().for_each(|text| self.row.push(text.as_bytes()));
        }
        &self.row
    }
}
