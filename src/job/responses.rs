//! What ClaimResponses say of partially adjudicated claims of v2: status and outcome, joined to the Claim they answer.
//!
//! A ClaimResponse may stand before or behind its Claim, so all are read before rows are made with them.

use std::collections::HashMap;

use crate::crosswalk::program::{Crosswalk, Origin};
use crate::crosswalk::row::Row;
use crate::crosswalk::rows::{RowMaker, Walked};
use crate::parse::Cursor;

/// The cells of one ClaimResponse: table, column and text.
pub type Answer = Vec<(u16, u16, Box<str>)>;

/// The answer to each Claim, by its id.
pub type Answers = HashMap<Box<str>, Answer>;

/// The cells that come from a ClaimResponse, which was walked as a claim is; blank ones are left out.
pub fn answer<C: Cursor>(crosswalk: &Crosswalk, maker: &mut RowMaker<'_>, walked: &Walked<'_, C>) -> Answer {
    let mut answer = Answer::new();
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
pub fn joined<'a>(crosswalk: &Crosswalk, table: usize, row: &Row, answer: &Answer, made: &'a mut Row) -> &'a Row {
    made.clear();
    for ((at, column), cell) in crosswalk.tables[table].columns.iter().enumerate().zip(row.cells()) {
        let is_it = |(of, column, _): &&(u16, u16, Box<str>)| (usize::from(*of), usize::from(*column)) == (table, at);
        match column.origin {
            Origin::Response => made.push(answer.iter().find(is_it).map_or(&b""[..], |(_, _, text)| text.as_bytes())),
            _ => made.push(cell),
        }
    }
    made
}
