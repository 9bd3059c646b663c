//! The pass over claims: one walk, all rows of all wanted tables.

use std::path::PathBuf;
use std::sync::Arc;

use crate::api::Api;
use crate::crosswalk::picture::{Picture, scaled};
use crate::crosswalk::plan::Slot;
use crate::crosswalk::program::{Crosswalk, HOSPICE, Origin};
use crate::crosswalk::row::Row;
use crate::crosswalk::rows::{Note, Remark, RowMaker, Walked};
use crate::crosswalk::walk::{Frames, Walker};
use crate::error::{Error, Result};
use crate::parse::Cursor;
use crate::parse::tape::{TapeParser, TapeRecord};
use crate::parse::view::{Resource, reference_id};
use crate::read::Chunk;
use crate::report::Weight;
use crate::write::{Encoder, Part};

use super::beneficiaries::{Beneficiaries, Stay};
use super::lines::{Place, each_record};
use super::tally::{FamilyTally, Tally};

/// Amounts of control sums are cents.
const CENTS: Picture = Picture::Decimal { whole: 30, scale: 2 };

/// What all workers of the pass share.
pub struct ClaimPass<'x> {
    /// the compiled crosswalk
    pub crosswalk: &'x Crosswalk,
    /// who the claims belong to
    pub beneficiaries: &'x Beneficiaries,
    /// per input file: its Patients and Coverages were read before
    pub people_read: &'x [bool],
    /// names of the input files for lineage; empty: no lineage
    pub names: &'x [Arc<str>],
    /// claim tables to write, by index
    pub tables: &'x [usize],
    /// the beneficiary table, if it is wanted
    pub beneficiary_table: Option<usize>,
}

/// Makes rows of the lines of chunks.
pub struct ClaimWorker<'x> {
    pass: &'x ClaimPass<'x>,
    parser: TapeParser,
    walker: Walker<u32>,
    /// its fills are read at the end
    pub maker: RowMaker<'x>,
    /// one per table of the pass
    encoders: Vec<Box<dyn Encoder>>,
    lineage: Row,
    scratch: String,
}

/// What came of one chunk.
pub struct ClaimOutput {
    /// one per table of the pass
    pub parts: Vec<Part>,
    /// hospice stays with the beneficiary's id
    pub stays: Vec<(Box<str>, Stay)>,
    /// a Patient or Coverage came up in a file taken for claims only
    pub late_people: bool,
    /// counts
    pub tally: Tally,
}

impl<'x> ClaimWorker<'x> {
    /// `encoders`: one per table of the pass.
    pub fn new(pass: &'x ClaimPass<'x>, encoders: Vec<Box<dyn Encoder>>) -> Self {
        ClaimWorker {
            pass,
            parser: TapeParser::default(),
            walker: Walker::default(),
            maker: RowMaker::new(pass.crosswalk),
            encoders,
            lineage: Row::default(),
            scratch: String::new(),
        }
    }

    /// Converts one chunk.
    pub fn work(&mut self, chunk: &mut Chunk) -> Result<ClaimOutput> {
        let mut tally = Tally {
            families: vec![FamilyTally::default(); self.pass.crosswalk.families.len()],
            rows: vec![0; self.pass.crosswalk.tables.len()],
            ..Tally::default()
        };
        let mut stays = Vec::new();
        let mut late_people = false;
        let mut parser = std::mem::take(&mut self.parser);
        let result = each_record(&mut parser, chunk, &mut tally, |record, place, tally| {
            self.walker.walk(&self.pass.crosswalk.eob, record);
            let mut scratch = std::mem::take(&mut self.scratch);
            let resource = self.fact(record, self.pass.crosswalk.claim.resource, &mut scratch);
            let result = match resource {
                "ExplanationOfBenefit" => {
                    *tally.resources.entry("ExplanationOfBenefit").or_default() += 1;
                    self.claim(record, place, tally, &mut stays)
                }
                "Patient" | "Coverage" => {
                    late_people |= !self.pass.people_read[place.source];
                    Ok(())
                }
                other => {
                    other_resource(other, place, tally);
                    Ok(())
                }
            };
            self.scratch = scratch;
            result
        });
        self.parser = parser;
        result?;
        let parts = self.encoders.iter_mut().map(|encoder| encoder.take()).collect::<Result<_>>()?;
        Ok(ClaimOutput { parts, stays, late_people, tally })
    }

    fn fact<'a>(&self, record: &'a TapeRecord<'_>, slot: Slot, scratch: &'a mut String) -> &'a str {
        fact(record, &self.walker.frames, slot, scratch)
    }

    fn claim(
        &mut self,
        record: &TapeRecord<'_>,
        place: Place,
        tally: &mut Tally,
        stays: &mut Vec<(Box<str>, Stay)>,
    ) -> Result<()> {
        let pass = self.pass;
        let crosswalk = pass.crosswalk;
        let facts = crosswalk.claim;
        let frames = &self.walker.frames;
        let (mut s1, mut s2, mut s3) = (String::new(), String::new(), String::new());
        let family_name = fact(record, frames, facts.family, &mut s1);
        let id = fact(record, frames, facts.id, &mut s2);
        check_version(crosswalk, record, family_name, fact(record, frames, facts.purpose, &mut s3), place)?;

        let family = crosswalk.family(family_name);
        let paid = self.paid(record);
        if let Some(family) = family {
            let family = &mut tally.families[family];
            family.claims += 1;
            family.paid += paid;
        }
        let issue = |kind, weight, message: String| {
            let mut issue = place.issue(kind, weight, message);
            issue.resource = "ExplanationOfBenefit";
            issue.id = id.to_string();
            issue
        };
        for skip in &crosswalk.skips {
            let mut scratch = String::new();
            let value = fact(record, frames, skip.fact(), &mut scratch);
            if !value.is_empty() && skip.applies(value, family_name) {
                *tally.skipped.entry(skip.reason.clone()).or_default() += 1;
                if let Some(family) = family {
                    tally.families[family].skipped += 1;
                    tally.families[family].paid_skipped += paid;
                }
                tally.issues.push(issue("skipped", Weight::Skipped, skip.reason.clone()));
                return Ok(());
            }
        }
        let Some(family) = family else {
            let what = if family_name.is_empty() { "none" } else { "one that no table knows" };
            let message = format!("expected a claim with an EOB type, found {what}: left out");
            tally.issues.push(issue("unknown-claim-family", Weight::Loss, message));
            return Ok(());
        };

        let mut s4 = String::new();
        let patient = reference_id(fact(record, frames, facts.patient, &mut s4));
        let mbi = match pass.beneficiaries.mbi(patient) {
            Some(mbi) => mbi,
            None => {
                let message = "expected the claim's Patient in the input, found none: rows have no BENE_MBI_ID";
                tally.issues.push(issue("unknown-patient", Weight::Loss, message.to_string()));
                ""
            }
        };

        self.maker.begin();
        let walked = Walked { record, frames, mbi };
        for (encoder, &table) in self.encoders.iter_mut().zip(pass.tables) {
            let program = &crosswalk.tables[table];
            if !program.families.contains(&family) {
                continue;
            }
            let mut trouble = None;
            let lineage = &mut self.lineage;
            let rows = self.maker.claim_rows(table, &walked, |row| {
                for (at, key) in program.keys.iter().enumerate() {
                    if row.cell(*key).is_empty() {
                        *tally.blank_keys.entry((table, at)).or_default() += 1;
                    }
                }
                if let Some(control) = program.control
                    && let Some(amount) = scaled(row.cell(control), 2)
                {
                    tally.families[family].written += amount;
                }
                let result = if pass.names.is_empty() {
                    encoder.row(row)
                } else {
                    lineage.clone_from(row);
                    lineage.push(id.as_bytes());
                    lineage.push(pass.names[place.source].as_bytes());
                    lineage.push(place.line.to_string().as_bytes());
                    encoder.row(lineage)
                };
                if let Err(error) = result {
                    trouble.get_or_insert(error);
                }
            });
            if let Some(error) = trouble {
                return Err(error);
            }
            tally.rows[table] += rows;
        }
        if family_name == HOSPICE
            && let Some(table) = pass.beneficiary_table
        {
            stays.push((patient.into(), stay(crosswalk, &mut self.maker, table, &walked)));
        }
        let ambiguous = &self.walker.frames.ambiguous;
        note_issues(
            crosswalk,
            (0, Some(family)),
            ambiguous,
            &mut self.maker.notes,
            place,
            "ExplanationOfBenefit",
            id,
            tally,
        );
        Ok(())
    }

    /// The claim's payment amount in cents; one that is no amount counts as nothing and is an issue of its cell.
    fn paid(&self, record: &TapeRecord<'_>) -> i128 {
        let mut scratch = String::new();
        let text = self.fact(record, self.pass.crosswalk.claim.paid, &mut scratch);
        let mut cents = Vec::new();
        match CENTS.fit(text, false, &mut cents) {
            Ok(_) => scaled(&cents, 2).unwrap_or(0),
            Err(_) => 0,
        }
    }
}

fn fact<'a>(record: &'a TapeRecord<'_>, frames: &Frames, slot: Slot, scratch: &'a mut String) -> &'a str {
    match frames.get(0, slot.at) {
        0 => "",
        captured => record.text(captured, scratch),
    }
}

/// Partially adjudicated claims of v2 come as Claim and ClaimResponse; everything else is not of an export.
fn other_resource(name: &str, place: Place, tally: &mut Tally) {
    let partial = match name {
        "Claim" => Some("Claim"),
        "ClaimResponse" => Some("ClaimResponse"),
        _ => None,
    };
    if let Some(name) = partial {
        *tally.resources.entry(name).or_default() += 1;
        *tally.skipped.entry("partially-adjudicated".to_string()).or_default() += 1;
        let mut issue = place.issue("skipped", Weight::Skipped, "partially-adjudicated");
        issue.resource = name;
        tally.issues.push(issue);
        return;
    }
    *tally.resources.entry("other").or_default() += 1;
    let what = if name.is_empty() { "JSON without a resourceType" } else { "another resource" };
    let message = format!("expected ExplanationOfBenefit, Patient or Coverage, found {what}: left out");
    tally.issues.push(place.issue("unknown-resource", Weight::Loss, message));
}

/// Looks closer at a claim that does not look like one of the run's version.
fn check_version(
    crosswalk: &Crosswalk,
    record: &TapeRecord<'_>,
    family: &str,
    purpose: &str,
    place: Place,
) -> Result<()> {
    if !family.is_empty() && purpose.is_empty() == (crosswalk.api == Api::V1) {
        return Ok(());
    }
    match Resource::of(record).api() {
        Some(found) if found != crosswalk.api => Err(wrong_version(crosswalk.api, found, place)),
        _ => Ok(()),
    }
}

/// The run's version and another one; the file is named by whoever knows it.
pub fn wrong_version(expected: Api, found: Api, place: Place) -> Error {
    Error::MixedVersions {
        expected: expected.name(),
        found: found.name(),
        file: PathBuf::from(place.source.to_string()),
        line: place.line,
    }
}

fn stay(crosswalk: &Crosswalk, maker: &mut RowMaker<'_>, table: usize, walked: &Walked<'_, TapeRecord<'_>>) -> Stay {
    let mut dates = [String::new(), String::new()];
    let mut row = Row::default();
    let columns = crosswalk.tables[table].columns.iter().enumerate();
    for (date, (at, _)) in dates.iter_mut().zip(columns.filter(|(_, column)| column.origin == Origin::Hospice)) {
        row.clear();
        maker.cell(table, at, walked, 0, &mut row);
        *date = String::from_utf8_lossy(row.cell(0)).into_owned();
    }
    let [start, end] = dates;
    Stay { start: start.into(), end: end.into() }
}

/// Turns the notes of a record into issues with its place; the tree tells whose captures `ambiguous` names.
#[allow(clippy::too_many_arguments, reason = "a record's identity has this many parts")]
pub fn note_issues(
    crosswalk: &Crosswalk,
    (tree, family): (usize, Option<usize>),
    ambiguous: &[usize],
    notes: &mut Vec<Note>,
    place: Place,
    resource: &'static str,
    id: &str,
    tally: &mut Tally,
) {
    let mut push = |kind, weight, field: String, message: String| {
        let mut issue = place.issue(kind, weight, message);
        issue.resource = resource;
        issue.id = id.to_string();
        issue.field = field;
        tally.issues.push(issue);
    };
    const AMBIGUOUS: &str = "expected one value, found several different ones: the first is used";
    let mut told: Vec<usize> = Vec::new();
    for capture in ambiguous {
        if !told.contains(capture) {
            told.push(*capture);
            push("ambiguous-value", Weight::Loss, crosswalk.name_of(tree, *capture, family), AMBIGUOUS.to_string());
        }
    }
    for note in notes.drain(..) {
        let table = &crosswalk.tables[note.table];
        let field = format!("{}.{}", table.name, table.columns[note.column].label);
        match note.what {
            Remark::UnknownCode => push(
                "unknown-code",
                Weight::Loss,
                field,
                "expected a code of the value map, found another: blank unless there is a fallback".to_string(),
            ),
            Remark::Ambiguous => push("ambiguous-value", Weight::Loss, field, AMBIGUOUS.to_string()),
            Remark::Misfit(misfit) => push(
                "misfit",
                Weight::Loss,
                field,
                format!("expected a value that fits its picture, found one that is {misfit}: blank"),
            ),
            Remark::AsServed(misfit) => push(
                "written-as-served",
                Weight::Notice,
                field,
                format!("expected a code that fits its picture, found one that is {misfit}: written as served"),
            ),
            Remark::Cut => {
                push("cut", Weight::Notice, field, "expected fewer characters: cut to the width".to_string())
            }
        }
    }
}
