//! What ClaimResponses say of partially adjudicated claims of v2: status and outcome, joined to the Claim they answer.
//!
//! A ClaimResponse may stand before or behind its Claim, so all are read before rows are made with them. There may be
//! millions, but they say few different things, so each of these is kept once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::crosswalk::program::{Crosswalk, Origin};
use crate::crosswalk::row::Row;
use crate::crosswalk::rows::{RowMaker, Walked};
use crate::parse::Cursor;

/// A cell of a ClaimResponse: table, column and text.
pub type Cell = (u16, u16, Box<str>);

/// One ClaimResponse.
#[derive(Debug, Default)]
pub struct Answer {
    /// meta.lastUpdated; `None` if it does not say
    pub updated: Option<Timestamp>,
    /// those that are not blank
    pub cells: Vec<Cell>,
}

/// The answer to each Claim.
#[derive(Debug, Default)]
pub struct Answers {
    /// by its id
    of: HashMap<Box<str>, Known>,
    /// the different cells that there are
    cells: HashSet<Arc<[Cell]>>,
}

/// An [`Answer`] that is kept.
#[derive(Debug)]
struct Known {
    updated: Option<Timestamp>,
    cells: Arc<[Cell]>,
}

impl Answers {
    /// Keeps an answer, unless a newer one is known; of equally new ones the later in the input counts, as with claims.
    pub fn add(&mut self, id: Box<str>, new: Answer) {
        let Answer { updated, cells } = new;
        let cells = match self.cells.get(&cells[..]) {
            Some(known) => known.clone(),
            None => {
                let cells: Arc<[Cell]> = cells.into();
                self.cells.insert(cells.clone());
                cells
            }
        };
        match self.of.entry(id) {
            Entry::Occupied(known) if known.get().updated > updated => {}
            Entry::Occupied(mut known) => *known.get_mut() = Known { updated, cells },
            Entry::Vacant(place) => {
                place.insert(Known { updated, cells });
            }
        }
    }

    /// The cells of the answer to a Claim; none if there is no answer.
    pub fn cells(&self, id: &str) -> &[Cell] {
        self.of.get(id).map_or(&[], |known| &known.cells)
    }

    /// Nobody has answered.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }
}

/// The cells that come from a ClaimResponse, which was walked as a claim is; blank ones are left out.
pub fn answer<C: Cursor>(crosswalk: &Crosswalk, maker: &mut RowMaker<'_>, walked: &Walked<'_, C>) -> Vec<Cell> {
    let mut answer = Vec::new();
    let mut row = Row::default();
    maker.begin();
    for (table, program) in crosswalk.tables.iter().enumerate() {
        for (column, _) in program.columns.iter().enumerate().filter(|(_, column)| column.origin == Origin::Response) {
            row.clear();
            maker.cell(table, column, walked, 0, &mut row);
            // Cells are made of JSON strings, which are UTF-8.
            let text = std::str::from_utf8(row.cell(0)).unwrap_or_default();
            if !text.is_empty() {
                answer.push((table as u16, column as u16, text.into()));
            }
        }
    }
    answer
}

/// The row with the cells of the answer in their places; without an answer these are blank.
pub fn joined<'a>(crosswalk: &Crosswalk, table: usize, row: &Row, answer: &[Cell], made: &'a mut Row) -> &'a Row {
    made.clear();
    for ((at, column), cell) in crosswalk.tables[table].columns.iter().enumerate().zip(row.cells()) {
        let is_it = |(of, column, _): &&Cell| (usize::from(*of), usize::from(*column)) == (table, at);
        match column.origin {
            Origin::Response => made.push(answer.iter().find(is_it).map_or(&b""[..], |(_, _, text)| text.as_bytes())),
            _ => made.push(cell),
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_often_is_kept_once() {
        let mut answers = Answers::default();
        let answer = |day: u8, text: &str| Answer {
            updated: format!("2026-01-{day:02}T00:00:00Z").parse().ok(),
            cells: vec![(0, 1, "P".into()), (0, 2, text.into())],
        };
        for (id, day, text) in [("a", 1, "queued"), ("b", 1, "queued"), ("b", 2, "complete"), ("a", 0, "complete")] {
            answers.add(id.into(), answer(day, text));
        }
        let said = |id: &str| answers.cells(id).iter().map(|(_, _, text)| &**text).collect::<Vec<_>>();
        assert_eq!([said("a"), said("b"), said("c")], [vec!["P", "queued"], vec!["P", "complete"], vec![]]);
        assert_eq!(answers.cells.len(), 2);
    }
}
