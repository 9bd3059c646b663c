//! What ClaimResponses say of partially adjudicated claims of v2: status and outcome, joined to the Claim they answer.
//!
//! A ClaimResponse may stand before or behind its Claim, so all are read before rows are made with them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

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

/// The answer to each Claim, by its id.
#[derive(Debug, Default)]
pub struct Answers(HashMap<Box<str>, Answer>);

impl Answers {
    /// Keeps an answer, unless a newer one is known; of equally new ones the later in the input counts, as with claims.
    pub fn add(&mut self, id: Box<str>, new: Answer) {
        match self.0.entry(id) {
            Entry::Occupied(known) if known.get().updated > new.updated => {}
            Entry::Occupied(mut known) => *known.get_mut() = new,
            Entry::Vacant(place) => {
                place.insert(new);
            }
        }
    }

    /// The cells of the answer to a Claim; none if there is no answer.
    pub fn cells(&self, id: &str) -> &[Cell] {
        self.0.get(id).map_or(&[], |answer| &answer.cells)
    }

    /// Nobody has answered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
