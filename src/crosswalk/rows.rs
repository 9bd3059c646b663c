//! Makes table rows of what a walk captured.
//!
//! A row is an element of the claim (`item`, `procedure`, `diagnosis`) or the claim itself; each cell runs its
//! alternatives until one gives a value, then its picture; most are a value as it is served and take a shorter way. What could not be written is noted, never guessed:
//! a [`Note`] says which cell and why, the caller knows the place.

mod calls;
mod links;

use self::calls::apply;
use self::links::Links;
use super::diagnosis::{Diagnoses, Diagnosis};
use super::frames::Frames;
use super::path::Root;
use super::picture::{Fit, Misfit};
use super::plan::Slot;
use super::program::{Column, Crosswalk, Program, Source};
use super::row::Row;
use crate::parse::tape::INEXACT;
use crate::parse::{Captured, Cursor};

/// Something to tell about one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// index into [`Crosswalk::tables`]
    pub table: usize,
    /// index into the table's columns
    pub column: usize,
    /// what
    pub what: Remark,
}

/// What a note says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Remark {
    /// a code that the value map does not know; the cell went on to its next alternative
    UnknownCode,
    /// several different values where one was expected; the first was used
    Ambiguous,
    /// the value does not fit its picture; the cell is blank
    Misfit(Misfit),
    /// the value does not fit its picture; the cell has it all the same
    AsServed(Misfit),
    /// cut to the width, as the crosswalk allows
    Cut,
}

/// One record ready for rows.
pub struct Walked<'a, C> {
    /// the parsed record
    pub record: &'a C,
    /// what its walk captured
    pub frames: &'a Frames,
    /// the beneficiary's MBI in force; empty if unknown
    pub mbi: &'a str,
}

/// Makes rows, reusing its memory.
pub struct RowMaker<'x> {
    crosswalk: &'x Crosswalk,
    /// cells that stood in for a value that is not served, by table and column
    pub fills: Vec<Vec<u64>>,
    /// notes since they were last taken
    pub notes: Vec<Note>,
    links: Links,
    diagnoses: Diagnoses<'x>,
    row: Row,
    /// the record's first row of the table: cells that are the same for all of them are taken from it
    first: Row,
    /// those of them that stood in for a value that is not served
    fixed_fills: Vec<usize>,
    /// per table: columns in order, and whether they are the same for all rows of a record
    runs: Vec<Vec<(std::ops::Range<usize>, bool)>>,
    spare: Row,
    work: Work,
}

/// What all cells of one row share.
struct Site<'a, C> {
    walked: &'a Walked<'a, C>,
    base: u32,
    product: &'a str,
    number: usize,
    diagnoses: &'a [Diagnosis<'a>],
}

impl<C> Site<'_, C> {
    /// What stands in a slot of the record's frame or of the row's; 0: nothing.
    #[inline(always)]
    fn value(&self, slot: Slot) -> Captured {
        self.walked.frames.get(if slot.scope == 0 { 0 } else { self.base }, slot.at)
    }
}

#[derive(Default)]
struct Work {
    scratch: String,
    text: String,
    other: String,
}

impl<'x> RowMaker<'x> {
    /// For tables of one crosswalk.
    pub fn new(crosswalk: &'x Crosswalk) -> Self {
        RowMaker {
            crosswalk,
            fills: crosswalk.tables.iter().map(|table| vec![0; table.columns.len()]).collect(),
            notes: Vec::new(),
            links: Links::new(crosswalk),
            diagnoses: Diagnoses::default(),
            first: Row::default(),
            fixed_fills: Vec::new(),
            runs: crosswalk.tables.iter().map(|table| runs(&table.columns)).collect(),
            spare: Row::default(),
            row: Row::default(),
            work: Work::default(),
        }
    }

    /// Must be called once per record before its rows are made.
    pub fn begin(&mut self) {
        self.links.new_record();
    }

    /// Hands every row of a claim table to `emit`; returns how many there were.
    pub fn claim_rows<C: Cursor>(&mut self, table: usize, walked: &Walked<'_, C>, mut emit: impl FnMut(&Row)) -> u64 {
        let crosswalk = self.crosswalk;
        let program = &crosswalk.tables[table];
        if program.never {
            return 0;
        }
        let mut diagnoses = std::mem::take(&mut self.diagnoses);
        diagnoses.order(&program.diagnoses, crosswalk.diagnosis, walked.record, walked.frames);
        let list = &diagnoses.list;
        let mut rows = 0;
        let mut one = |maker: &mut Self, base: u32, product: &str, number: usize| {
            let site = Site { walked, base, product, number, diagnoses: list };
            maker.links.new_row();
            if !program.only_with.is_empty() && !maker.any_value(table, &site) {
                return;
            }
            match rows {
                0 => maker.make_first_row(table, &site),
                _ => maker.make_row(table, &site, rows),
            }
            emit(&maker.row);
            rows += 1;
        };
        match program.row {
            Root::Eob => one(self, 0, "", 0),
            Root::Diagnosis => {
                for diagnosis in list {
                    one(self, diagnosis.base, diagnosis.product, diagnosis.number);
                }
            }
            _ => {
                for base in walked.frames.of(program.scope) {
                    one(self, *base, "", 0);
                }
            }
        }
        self.diagnoses = diagnoses;
        rows
    }

    /// One cell of a beneficiary table, read from the record its origin names; appended to `row`.
    ///
    /// `base` is the frame of the MBI for `%former` paths, else 0.
    pub fn cell<C: Cursor>(&mut self, table: usize, column: usize, walked: &Walked<'_, C>, base: u32, row: &mut Row) {
        let site = Site { walked, base, product: "", number: 0, diagnoses: &[] };
        let fill = self.write_cell(table, column, &site, row);
        self.fills[table][column] += u64::from(fill);
    }

    fn any_value<C: Cursor>(&mut self, table: usize, site: &Site<'_, C>) -> bool {
        let columns = &self.crosswalk.tables[table].only_with;
        columns.iter().any(|column| {
            let mut row = std::mem::take(&mut self.spare);
            row.clear();
            let notes = self.notes.len();
            self.write_cell(table, *column, site, &mut row);
            // The row itself, if there is one, notes it again.
            self.notes.truncate(notes);
            let any = !row.cell(0).is_empty();
            self.spare = row;
            any
        })
    }

    fn make_first_row<C: Cursor>(&mut self, table: usize, site: &Site<'_, C>) {
        let columns = &self.crosswalk.tables[table].columns;
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        self.fixed_fills.clear();
        for (at, column) in columns.iter().enumerate() {
            if self.write_cell(table, at, site, &mut row) {
                self.fills[table][at] += 1;
                if column.fixed {
                    self.fixed_fills.push(at);
                }
            }
        }
        self.row = row;
    }

    /// A row behind others of its record, so many of them.
    fn make_row<C: Cursor>(&mut self, table: usize, site: &Site<'_, C>, before: u64) {
        if before == 1 {
            std::mem::swap(&mut self.row, &mut self.first);
        }
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        for run in 0..self.runs[table].len() {
            let (columns, fixed) = self.runs[table][run].clone();
            if fixed {
                row.push_cells(&self.first, columns);
                continue;
            }
            for at in columns {
                let fill = self.write_cell(table, at, site, &mut row);
                self.fills[table][at] += u64::from(fill);
            }
        }
        for at in &self.fixed_fills {
            self.fills[table][*at] += 1;
        }
        self.row = row;
    }

    /// Appends one cell; tells whether a fill was used.
    #[inline(always)]
    fn write_cell<C: Cursor>(&mut self, table: usize, at: usize, site: &Site<'_, C>, row: &mut Row) -> bool {
        let column: &Column = &self.crosswalk.tables[table].columns[at];
        if let Some(slot) = column.plain {
            let captured = site.value(slot);
            if captured == 0 && column.programs.len() == 1 {
                row.end_cell();
                return false;
            }
            if captured != 0 {
                let text = site.walked.record.text(captured, &mut self.work.scratch);
                // What is marked as inexact does not fit plainly, so nobody has to ask.
                if column.picture.fit_plain(text, row.buffer()) {
                    row.end_cell();
                    return column.programs[0].fill;
                }
            }
        }
        self.write_any_cell(table, at, site, row)
    }

    /// The same for any cell.
    #[inline(never)]
    fn write_any_cell<C: Cursor>(&mut self, table: usize, at: usize, site: &Site<'_, C>, row: &mut Row) -> bool {
        let column: &Column = &self.crosswalk.tables[table].columns[at];
        let mut filled = false;
        for program in &column.programs {
            let note = |notes: &mut Vec<Note>, what| notes.push(Note { table, column: at, what });
            let Some(text) = source_text(self.crosswalk, program, site, &mut self.links, &mut self.work.scratch) else {
                continue;
            };
            if self.links.ambiguous {
                note(&mut self.notes, Remark::Ambiguous);
            }
            // Before the calls, which could cut the mark off: the last digit of such a number is no code either.
            if text.starts_with(INEXACT) {
                note(&mut self.notes, Remark::Misfit(Misfit::Inexact));
                break;
            }
            let text = match apply(&program.steps, text, site.walked, &mut self.work.text, &mut self.work.other) {
                Ok(text) => text,
                Err(()) => {
                    note(&mut self.notes, Remark::UnknownCode);
                    continue;
                }
            };
            match column.picture.fit(text, column.cut, row.buffer()) {
                Ok(Fit::Blank) => continue,
                Ok(Fit::Written) => {}
                Ok(Fit::Cut) => note(&mut self.notes, Remark::Cut),
                Ok(Fit::AsServed(misfit)) => note(&mut self.notes, Remark::AsServed(misfit)),
                Err(misfit) => note(&mut self.notes, Remark::Misfit(misfit)),
            }
            filled = program.fill;
            break;
        }
        row.end_cell();
        filled
    }
}

/// Stretches of columns that are the same for all rows of a record, or not.
fn runs(columns: &[Column]) -> Vec<(std::ops::Range<usize>, bool)> {
    let mut runs: Vec<(std::ops::Range<usize>, bool)> = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        match runs.last_mut() {
            Some((run, fixed)) if *fixed == column.fixed => run.end = at + 1,
            _ => runs.push((at..at + 1, column.fixed)),
        }
    }
    runs
}

/// The text of a program's source; `None` if there is none.
fn source_text<'a, C: Cursor>(
    crosswalk: &'a Crosswalk,
    program: &'a Program,
    site: &Site<'a, C>,
    links: &mut Links,
    scratch: &'a mut String,
) -> Option<&'a str> {
    let (record, frames) = (site.walked.record, site.walked.frames);
    links.ambiguous = false;
    let captured = match &program.source {
        Source::Literal(text) => return Some(text),
        Source::Mbi => return (!site.walked.mbi.is_empty()).then_some(site.walked.mbi),
        Source::Product => return (!site.product.is_empty()).then_some(site.product),
        Source::Number => {
            scratch.clear();
            scratch.push_str(&site.number.to_string());
            return Some(scratch);
        }
        Source::Value(slot) => site.value(*slot),
        Source::Join(slot, count) => {
            let base = if slot.scope == 0 { 0 } else { site.base };
            let mut joined = String::new();
            for at in 0..*count as u16 {
                match frames.get(base, slot.at + at) {
                    0 => break,
                    captured => joined.push_str(record.text(captured, scratch)),
                }
            }
            *scratch = joined;
            return (!scratch.is_empty()).then_some(scratch);
        }
        Source::Diagnosis(nth, slot) => frames.get(site.diagnoses.get(*nth)?.base, slot.at),
        Source::Linked { link, slot, nth, single } => {
            let bases = links.resolve(crosswalk, *link, site);
            let mut ambiguous = false;
            let mut values = bases.iter().map(|base| frames.get(*base, slot.at)).filter(|value| *value != 0);
            let value = values.nth(*nth).unwrap_or(0);
            if *single && value != 0 {
                let (mut one, mut two) = (String::new(), String::new());
                let first = record.text(value, &mut one);
                if values.any(|other| record.text(other, &mut two) != first) {
                    ambiguous = true;
                }
            }
            links.ambiguous = ambiguous;
            value
        }
    };
    if captured == 0 { None } else { Some(record.text(captured, scratch)) }
}

#[cfg(test)]
mod tests;
