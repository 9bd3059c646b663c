//! The tables of beneficiaries, written when all Patients, Coverages and hospice claims are known.

use jiff::civil::Date;

use super::{Doubt, Run, Totals, add_fills};
use crate::crosswalk::path::Root;
use crate::crosswalk::program::{Column, Crosswalk, Origin, Source};
use crate::crosswalk::row::Row;
use crate::error::Result;
use crate::job::beneficiaries::{Beneficiaries, BeneficiaryRows, Stay};
use crate::job::lines::Place;
use crate::job::notes::{About, changes};
use crate::job::tail::Tail;
use crate::job::tally::{Filled, Tally};
use crate::report::{BeneficiaryReport, Issue};
use crate::write::Encoder;

/// Beneficiaries whose rows are encoded at a time.
const BATCH: u64 = 4096;

/// A table and where its rows go.
struct Out {
    table: usize,
    position: usize,
    encoder: Box<dyn Encoder>,
}

/// What the rows of all tables go through.
struct Desk<'x> {
    crosswalk: &'x Crosswalk,
    tail: Tail,
    filled: Filled,
    issues: Vec<Issue>,
    row: Row,
    /// by index of the table
    rows: Vec<u64>,
}

impl Desk<'_> {
    /// Writes the row that was made.
    fn put(&mut self, out: &mut Out, rows: &BeneficiaryRows<'_>, place: Place) -> Result<()> {
        let (table, id) = (out.table, rows.patient.id);
        self.row.count_filled(self.filled.of(table));
        out.encoder.row(self.tail.of(&self.row, table, id, place))?;
        let about = About { place, resource: "Patient", id };
        changes(self.crosswalk, table, out.encoder.as_ref(), about, &mut self.issues);
        self.rows[table] += 1;
        Ok(())
    }

    fn demographics(&mut self, table: usize, rows: &BeneficiaryRows<'_>, stay: &Stay) {
        self.row.clear();
        let mut dates = [&stay.start, &stay.end].into_iter();
        let columns = self.crosswalk.tables[table].columns.iter().enumerate();
        for ((at, column), cell) in columns.zip(rows.patient.cells.clone()) {
            match column.origin {
                Origin::Coverage => self.row.push(rows.enrollment.text(at).as_bytes()),
                Origin::Hospice => self.row.push(dates.next().map_or("", |date| date).as_bytes()),
                _ => self.row.push(cell),
            }
        }
    }

    /// A former MBI leads to the one in force now, whatever was in force when its Patient was delivered.
    fn former<'a>(&mut self, table: usize, cells: impl Iterator<Item = &'a [u8]>, mbi: &str) {
        self.row.clear();
        for (column, cell) in self.crosswalk.tables[table].columns.iter().zip(cells) {
            self.row.push(if is_mbi(column) { mbi.as_bytes() } else { cell });
        }
    }

    fn enrollment(&mut self, table: usize, mbi: &str, (start, end): (Date, Option<Date>)) {
        self.row.clear();
        let mut dates = [start.to_string(), end.map_or(String::new(), |end| end.to_string())].into_iter();
        for column in &self.crosswalk.tables[table].columns {
            match column.origin {
                Origin::Coverage => self.row.push(dates.next().unwrap_or_default().as_bytes()),
                _ if is_mbi(column) => self.row.push(mbi.as_bytes()),
                _ => self.row.push(b""),
            }
        }
    }
}

fn is_mbi(column: &Column) -> bool {
    column.programs.first().is_some_and(|program| matches!(program.source, Source::Mbi))
}

impl Run<'_> {
    /// Writes them; counts who the beneficiaries are.
    pub(super) fn beneficiary_tables(
        &mut self,
        beneficiaries: &Beneficiaries,
        totals: &mut Totals,
    ) -> Result<BeneficiaryReport> {
        let mut people = BeneficiaryReport {
            merged: beneficiaries.merged(),
            older_versions: beneficiaries.older_versions(),
            ..BeneficiaryReport::default()
        };
        let mut outs = [self.out(Root::Patient)?, self.out(Root::Former)?, self.out(Root::Coverage)?];
        let mut desk = Desk {
            crosswalk: self.crosswalk,
            tail: self.tail(),
            filled: Filled::new(&self.crosswalk.widths()),
            issues: Vec::new(),
            row: Row::default(),
            rows: vec![0; self.crosswalk.tables.len()],
        };
        for rows in beneficiaries.rows() {
            let place = Place { source: rows.patient.source as usize, line: rows.patient.line, byte: 0 };
            let mbi = rows.patient.mbi;
            people.beneficiaries += 1;
            people.without_mbi += u64::from(mbi.is_empty());
            let [demographics, former, enrollment] = &mut outs;
            if let Some(out) = demographics {
                for stay in &rows.stays {
                    desk.demographics(out.table, &rows, stay);
                    desk.put(out, &rows, place)?;
                }
            }
            if let Some(out) = former {
                for cells in rows.former() {
                    desk.former(out.table, cells, mbi);
                    desk.put(out, &rows, place)?;
                }
            }
            if let Some(out) = enrollment {
                for span in rows.enrollment.spans() {
                    desk.enrollment(out.table, mbi, span);
                    desk.put(out, &rows, place)?;
                }
            }
            if people.beneficiaries.is_multiple_of(BATCH) {
                self.hand_on(&mut outs)?;
                desk.filled.settle();
            }
            if !desk.issues.is_empty() {
                let issues = std::mem::take(&mut desk.issues);
                self.add(totals, Tally { source: place.source, issues, ..Tally::default() }, Doubt::default())?;
            }
        }
        self.hand_on(&mut outs)?;
        desk.filled.settle();
        add_fills(&mut totals.filled, desk.filled.sums());
        totals.rows.iter_mut().zip(&desk.rows).for_each(|(total, rows)| *total += rows);
        Ok(people)
    }

    fn out(&self, row: Root) -> Result<Option<Out>> {
        let Some((table, position)) = self.table_of(row).and_then(|table| Some((table, self.position(table)?))) else {
            return Ok(None);
        };
        Ok(Some(Out { table, position, encoder: self.sink.encoder(position)? }))
    }

    /// Gives the encoded rows to the sink.
    fn hand_on(&mut self, outs: &mut [Option<Out>]) -> Result<()> {
        for out in outs.iter_mut().flatten() {
            self.sink.part(out.position, out.encoder.take()?)?;
        }
        Ok(())
    }
}
