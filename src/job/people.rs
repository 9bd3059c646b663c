//! The pass over Patients and Coverages.
//!
//! It makes everything of a Patient that does not need claims: the MBI in force, the former ones, the cells of the
//! beneficiary tables. Lines of other kinds are only counted here; the pass over claims reads those files again.

mod mbi;

use jiff::civil::Date;

use crate::api::Api;
use crate::crosswalk::frames::Frames;
use crate::crosswalk::picture::WIDEST;
use crate::crosswalk::program::{Crosswalk, Origin};
use crate::crosswalk::row::{Packed, Row};
use crate::crosswalk::rows::{RowMaker, Walked};
use crate::crosswalk::walk::Walker;
use crate::error::Result;
use crate::parse::Cursor;
use crate::parse::view::{Resource, reference_id};
use crate::read::{Chunk, Source};
use crate::report::{Issue, Weight};

use self::mbi::{current, mbis, period_end};
use super::beneficiaries::PatientEntry;
use super::claims::wrong_version;
use super::coverages::{Coverage, KeptCoverage};
use super::lines::{Place, Reader, Take};
use super::notes::{About, crowded, long_id, note_issues, note_misplaced};
use super::pipeline::Yield;
use super::tally::Tally;

/// Tables of beneficiaries that are wanted, by index.
#[derive(Debug, Clone, Copy, Default)]
pub struct PeopleTables {
    /// one row for each beneficiary or hospice stay
    pub demographics: Option<usize>,
    /// one row for each former MBI
    pub former: Option<usize>,
    /// one row for each span of enrolment
    pub enrollment: Option<usize>,
}

/// Makes entries of the lines of chunks.
pub struct PeopleWorker<'x> {
    reader: Reader,
    /// what it makes of records
    pub people: People<'x>,
}

/// Makes entries of records.
pub struct People<'x> {
    crosswalk: &'x Crosswalk,
    sources: &'x [Source],
    walker: Walker<u32>,
    /// its fills are read at the end
    pub maker: RowMaker<'x>,
    tables: PeopleTables,
    /// what was walked last
    walked: Option<Walk>,
    row: Row,
    out: PeopleOutput,
}

/// A record that was walked.
#[derive(Clone, Copy)]
struct Walk {
    is_patient: bool,
    /// the API version it shows, if it shows one
    api: Option<Api>,
}

/// What came of one chunk.
#[derive(Default)]
pub struct PeopleOutput {
    /// in order of the lines
    pub patients: Vec<PatientEntry>,
    /// in order of the lines, each with the id of its Patient
    pub coverages: Vec<(Box<str>, KeptCoverage)>,
    /// lines that are neither
    pub others: u64,
    /// counts
    pub tally: Tally,
}

impl Yield for PeopleOutput {
    /// What comes of people is kept for the whole run, merged or not; issues may be dropped.
    fn held(&self) -> usize {
        self.tally.issues.len() * size_of::<Issue>()
    }
}

impl<'x> PeopleWorker<'x> {
    /// For the tables that are wanted.
    pub fn new(crosswalk: &'x Crosswalk, sources: &'x [Source], tables: PeopleTables, reader: Reader) -> Self {
        let people = People {
            crosswalk,
            sources,
            walker: Walker::default(),
            maker: RowMaker::new(crosswalk),
            tables,
            walked: None,
            row: Row::default(),
            out: PeopleOutput::default(),
        };
        PeopleWorker { reader, people }
    }

    /// Reads one chunk.
    pub fn work(&mut self, chunk: &mut Chunk) -> Result<PeopleOutput> {
        let mut tally = Tally::default();
        self.reader.each_record(chunk, &mut tally, &mut self.people)?;
        let mut out = std::mem::take(&mut self.people.out);
        // Lines that are no JSON are nobody's: the pass over claims reports them.
        out.others += tally.unread;
        out.tally = tally;
        Ok(out)
    }
}

impl Take for People<'_> {
    fn walk<C: Cursor<At = u32>>(&mut self, record: &C) -> Option<u32> {
        let resource = Resource::of(record);
        let (plan, is_patient) = match resource {
            Resource::Patient(_) => (&self.crosswalk.patient, true),
            Resource::Coverage(_) => (&self.crosswalk.coverage, false),
            _ => {
                self.walked = None;
                return Some(record.skip(record.root()));
            }
        };
        self.walked = Some(Walk { is_patient, api: resource.api() });
        Some(self.walker.walk(plan, record))
    }

    fn take<C: Cursor<At = u32>>(&mut self, record: &C, place: Place, tally: &mut Tally) -> Result<()> {
        let Some(Walk { is_patient, api }) = self.walked else {
            self.out.others += 1;
            return Ok(());
        };
        if let Some(found) = api.filter(|api| *api != self.crosswalk.api) {
            return Err(wrong_version(self.sources, self.crosswalk.api, found, place));
        }
        *tally.resources.entry(if is_patient { "Patient" } else { "Coverage" }).or_default() += 1;
        if is_patient {
            let patient = self.patient(record, place, tally);
            self.out.patients.extend(patient);
        } else {
            let coverage = self.coverage(record, place, tally);
            self.out.coverages.extend(coverage);
        }
        Ok(())
    }
}

impl People<'_> {
    fn patient<C: Cursor<At = u32>>(&mut self, record: &C, place: Place, tally: &mut Tally) -> Option<PatientEntry> {
        let crosswalk = self.crosswalk;
        if self.walker.frames.is_full() {
            tally.issues.push(crowded("Patient", place));
            return None;
        }
        let frames = &self.walker.frames;
        let facts = crosswalk.beneficiary;
        let text = |base, at| owned(record, frames, base, at);
        let id = text(0, facts.id.at);
        if let Some(issue) = long_id(&id, "Patient", place) {
            tally.issues.push(issue);
            return None;
        }
        let about = About { place, resource: "Patient", id: &id };
        if id.is_empty() {
            tally.issues.push(about.issue(
                "no-id",
                Weight::Loss,
                "expected a Patient with an id, found none: left out",
            ));
            return None;
        }
        let replaced_by = facts.replaced_by.map(|slot| text(0, slot.at)).filter(|reference| !reference.is_empty());
        let (mbis, are_long) = mbis(crosswalk, record, frames);
        if are_long {
            let message = format!("expected MBIs of at most {WIDEST} bytes, found longer ones: left out");
            tally.issues.push(about.issue("long-id", Weight::Loss, message));
        }
        let current = current(&mbis);
        let mbi = current.map_or("", |at| &mbis[at].value);

        let walked = Walked { record, frames, mbi };
        self.maker.begin();
        self.row.clear();
        if let Some(table) = self.tables.demographics {
            for (at, column) in crosswalk.tables[table].columns.iter().enumerate() {
                match column.origin {
                    Origin::Patient | Origin::Claim => self.maker.cell(table, at, &walked, 0, &mut self.row),
                    Origin::Coverage | Origin::Hospice | Origin::Response => self.row.end_cell(),
                }
            }
        }
        let cells = self.row.pack();
        let mut numbers: Vec<(Box<str>, Packed)> = Vec::new();
        if let Some(table) = self.tables.former {
            for one in &mbis {
                if numbers.iter().any(|(known, _)| **known == *one.value) {
                    continue;
                }
                self.row.clear();
                let notes = self.maker.notes.len();
                for at in 0..crosswalk.tables[table].columns.len() {
                    self.maker.cell(table, at, &walked, one.base, &mut self.row);
                }
                if mbi.is_empty() || one.value == mbi {
                    // It has no row yet, so there is nothing to tell of it.
                    self.maker.notes.truncate(notes);
                }
                numbers.push((one.value.as_str().into(), self.row.pack()));
            }
        }
        let entry = PatientEntry {
            updated: text(0, facts.updated.at).into(),
            replaced_by: replaced_by.map(|reference| reference_id(&reference).into()),
            mbi: mbi.into(),
            cells,
            numbers,
            source: place.source as u32,
            line: place.line,
            id: id.as_str().into(),
        };
        note_misplaced(crosswalk, (1, None), &self.walker.frames, about, tally);
        let ambiguous = &self.walker.frames.ambiguous;
        note_issues(crosswalk, (1, None), ambiguous, &mut self.maker.notes, about, tally);
        Some(entry)
    }

    /// With the id of its Patient.
    fn coverage<C: Cursor<At = u32>>(
        &mut self,
        record: &C,
        place: Place,
        tally: &mut Tally,
    ) -> Option<(Box<str>, KeptCoverage)> {
        let crosswalk = self.crosswalk;
        if self.walker.frames.is_full() {
            tally.issues.push(crowded("Coverage", place));
            return None;
        }
        let frames = &self.walker.frames;
        let facts = crosswalk.enrollment;
        let text = |at| owned(record, frames, 0, at);
        let id = text(facts.id.at);
        if let Some(issue) = long_id(&id, "Coverage", place) {
            tally.issues.push(issue);
            return None;
        }
        let about = About { place, resource: "Coverage", id: &id };
        let beneficiary = text(facts.beneficiary.at);
        if beneficiary.is_empty() {
            let message = "expected a Coverage with a beneficiary, found none: left out";
            tally.issues.push(about.issue("no-beneficiary", Weight::Loss, message));
            return None;
        }
        let mut cells = Row::default();
        if let Some(table) = self.tables.demographics {
            let walked = Walked { record, frames, mbi: "" };
            self.maker.begin();
            for (at, column) in crosswalk.tables[table].columns.iter().enumerate() {
                if column.origin == Origin::Coverage {
                    self.row.clear();
                    self.maker.cell(table, at, &walked, 0, &mut self.row);
                    let cell = self.row.cell(0);
                    if !cell.is_empty() {
                        cells.push(&(at as u16).to_le_bytes());
                        cells.push(cell);
                    }
                }
            }
        }
        let (updated, start, end) = (text(facts.updated.at), text(facts.start.at), text(facts.end.at));
        let cells = cells.pack();
        let coverage = Coverage {
            id: &id,
            updated: updated.parse().ok(),
            place,
            start: &start,
            is_open: period_end(&end).is_empty(),
            span: self.tables.enrollment.and_then(|table| self.span(table, record, about, tally)),
            cells: cells.cells(),
        };
        note_misplaced(crosswalk, (2, None), &self.walker.frames, about, tally);
        let ambiguous = &self.walker.frames.ambiguous;
        note_issues(crosswalk, (2, None), ambiguous, &mut self.maker.notes, about, tally);
        Some((reference_id(&beneficiary).into(), KeptCoverage::new(&coverage)))
    }
}

impl People<'_> {
    /// First and last day of enrolment that a Coverage gives; `None` if it is of no part that counts.
    fn span<C: Cursor<At = u32>>(
        &mut self,
        table: usize,
        record: &C,
        about: About<'_>,
        tally: &mut Tally,
    ) -> Option<(Date, Option<Date>)> {
        let walked = Walked { record, frames: &self.walker.frames, mbi: "" };
        self.maker.begin();
        let mut dates = Vec::new();
        for (at, column) in self.crosswalk.tables[table].columns.iter().enumerate() {
            if column.origin == Origin::Coverage {
                self.row.clear();
                self.maker.cell(table, at, &walked, 0, &mut self.row);
                dates.push(std::str::from_utf8(self.row.cell(0)).ok().and_then(|date| date.parse::<Date>().ok()));
            }
        }
        let [Some(start), end] = dates[..] else { return None };
        if end.is_some_and(|end| end < start) {
            let message = "expected a Coverage that ends after its start, found one that ends before: no span of it";
            tally.issues.push(about.issue("backward-period", Weight::Loss, message));
            return None;
        }
        Some((start, end))
    }
}

fn owned<C: Cursor>(record: &C, frames: &Frames, base: u32, at: u16) -> String {
    let mut scratch = String::new();
    match frames.get(base, at) {
        0 => String::new(),
        captured => record.text(captured, &mut scratch).to_string(),
    }
}
