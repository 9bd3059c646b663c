//! From a claim to its rows in all wanted tables, with what they add to the counts.

use crate::crosswalk::amount::scaled;
use crate::crosswalk::path::Root;
use crate::crosswalk::program::{Crosswalk, TableProgram};
use crate::crosswalk::row::Row;
use crate::crosswalk::rows::{RowMaker, Walked};
use crate::error::Result;
use crate::parse::Cursor;
use crate::report::Weight;
use crate::write::{Encoder, Part};

use super::ClaimPass;
use crate::job::history::Pair;
use crate::job::notes::{About, changes};
use crate::job::responses::{Cell, joined};
use crate::job::tail::Tail;
use crate::job::tally::{FamilyTally, Filled, Month, MonthTally, Months, Tally};

/// A claim that gives rows.
pub struct Claim<'a, C> {
    /// the record and what its walk captured
    pub walked: &'a Walked<'a, C>,
    /// its place and id
    pub about: About<'a>,
    /// index of its family
    pub family: usize,
    /// where it counts
    pub month: Month,
    /// it was in force once: its rows come as original and as cancellation
    pub paired: bool,
}

/// Writes the rows of claims, reusing its memory.
pub struct ClaimWriter<'x> {
    pass: &'x ClaimPass<'x>,
    /// its fills are read at the end
    pub maker: RowMaker<'x>,
    /// cells that are not blank; read at the end
    pub filled: Filled,
    /// counts and sums by family and month; read at the end
    pub months: Months,
    /// one per table of the pass
    encoders: Vec<Box<dyn Encoder>>,
    tail: Tail,
    pair: Pair,
    /// a row with the cells of its answer
    joined: Row,
}

/// What the rows of one claim came to.
#[derive(Default)]
struct Written {
    /// the control columns, in cents
    amount: i128,
    /// it has a row that counts
    in_force: bool,
    /// table and column of the keys that some row lacks
    blank: Vec<(usize, usize)>,
}

impl<'x> ClaimWriter<'x> {
    /// `encoders`: one per table of the pass.
    pub fn new(pass: &'x ClaimPass<'x>, encoders: Vec<Box<dyn Encoder>>) -> Self {
        ClaimWriter {
            pass,
            maker: RowMaker::new(pass.crosswalk),
            filled: Filled::new(&pass.crosswalk.widths()),
            months: Months::default(),
            encoders,
            tail: pass.tail.clone(),
            pair: Pair::default(),
            joined: Row::default(),
        }
    }

    /// What was written since the last time, one part per table of the pass.
    pub fn parts(&mut self) -> Result<Vec<Part>> {
        self.filled.settle();
        self.encoders.iter_mut().map(|encoder| encoder.take()).collect()
    }

    /// Counts in the claim's family, as a whole and in its month.
    pub fn count(&mut self, tally: &mut Tally, family: Option<usize>, month: Month, one: &FamilyTally) {
        if let Some(family) = family {
            tally.families[family].add(one);
            self.months.of(family, month).sums.add(one);
        }
    }

    /// Writes all rows of a claim.
    pub fn write<C: Cursor>(&mut self, claim: &Claim<'_, C>, tally: &mut Tally) -> Result<()> {
        let pass = self.pass;
        let answer = pass.answers.cells(claim.about.id);
        let mut written = Written::default();
        let mut months = std::mem::take(&mut self.months);
        let in_month = months.of(claim.family, claim.month);
        for (at, &table) in pass.tables.iter().enumerate() {
            if pass.crosswalk.tables[table].families.contains(&claim.family) {
                self.table(at, claim, answer, &mut written, in_month, tally)?;
            }
        }
        tally.families[claim.family].written += written.amount;
        in_month.sums.written += written.amount;
        in_month.written += u64::from(written.in_force);
        self.months = months;
        for (table, column) in written.blank {
            let message = "expected a value in a column that loaders join or filter by, found none: blank";
            let mut issue = claim.about.issue("blank-key", Weight::Notice, message);
            issue.field = pass.crosswalk.field_name(table, column);
            tally.issues.push(issue);
        }
        Ok(())
    }

    /// Writes its rows in the table at this position of the pass.
    fn table<C: Cursor>(
        &mut self,
        at: usize,
        claim: &Claim<'_, C>,
        answer: &[Cell],
        written: &mut Written,
        in_month: &mut MonthTally,
        tally: &mut Tally,
    ) -> Result<()> {
        let pass = self.pass;
        let crosswalk = pass.crosswalk;
        let table = pass.tables[at];
        let program = &crosswalk.tables[table];
        let about = claim.about;
        let encoder = self.encoders[at].as_mut();
        let (tail, pair, made) = (&mut self.tail, &mut self.pair, &mut self.joined);
        let filled = self.filled.of(table);
        let mut trouble = None;
        let mut taken_back = 0;
        let rows = self.maker.claim_rows(table, claim.walked, |row| {
            let mut write = |row: &Row, sign: i128| {
                row.count_filled(filled);
                for (at, key) in program.keys.iter().enumerate() {
                    if row.cell(*key).is_empty() {
                        *tally.blank_keys.entry((table, at)).or_default() += 1;
                        if !written.blank.contains(&(table, *key)) {
                            written.blank.push((table, *key));
                        }
                    }
                }
                if let Some(control) = program.control
                    && let Some(amount) = scaled(row.cell(control), 2)
                {
                    written.amount += sign * amount;
                }
                let result = encoder.row(tail.of(row, table, about.id, about.place));
                changes(crosswalk, table, encoder, about, &mut tally.issues);
                if let Err(error) = result {
                    trouble.get_or_insert(error);
                }
            };
            let row = if pass.partial { joined(crosswalk, table, row, answer, made) } else { row };
            match program.cancels.filter(|_| claim.paired) {
                None => write(row, 1),
                Some(column) => {
                    taken_back += 1;
                    pair.of(row, column).into_iter().for_each(|(row, sign)| write(row, sign));
                }
            }
        }) + taken_back;
        if let Some(error) = trouble {
            return Err(error);
        }
        tally.rows[table] += rows;
        if rows > 0 {
            written.in_force = !claim.paired;
            in_month.add_rows(table, rows);
        }
        let is_lines = program.row == Root::Item && program.only_with.is_empty();
        if rows == 0 && is_lines && !has_header(crosswalk, claim.family) {
            let message = format!("expected a claim with lines, found none: no row in {}", program.name);
            tally.issues.push(about.issue("no-lines", Weight::Loss, message));
        }
        Ok(())
    }
}

/// Whether some table has a row for each claim of the family, lines or not.
fn has_header(crosswalk: &Crosswalk, family: usize) -> bool {
    let header =
        |table: &TableProgram| table.row == Root::Eob && table.only_with.is_empty() && table.families.contains(&family);
    crosswalk.tables.iter().any(header)
}
