//! The pass over claims: one walk, then what becomes of the claim: who it belongs to, whether it counts, its rows.

mod writer;

use crate::api::Api;
use crate::crosswalk::amount::scaled;
use crate::crosswalk::frames::Frames;
use crate::crosswalk::picture::Picture;
use crate::crosswalk::plan::Slot;
use crate::crosswalk::program::{Crosswalk, HOSPICE, Origin, SkipProgram};
use crate::crosswalk::row::Row;
use crate::crosswalk::rows::{RowMaker, Walked};
use crate::crosswalk::schema::Adjustment;
use crate::crosswalk::walk::Walker;
use crate::error::{Error, Result};
use crate::parse::view::{Resource, reference_id};
use crate::parse::{Cursor, Parser, Verify};
use crate::read::{Chunk, Source};
use crate::report::{Issue, Weight};
use crate::write::{Encoder, Part};

use self::writer::{Claim, ClaimWriter};
use super::beneficiaries::{Beneficiaries, Stay};
use super::history::kin;
use super::lines::{Place, Reader, Take};
use super::notes::{About, crowded, long_id, note_issues, note_misplaced, other_resource};
use super::pipeline::Yield;
use super::responses::{Answer, Answers, answer};
use super::tail::Tail;
use super::tally::{FamilyTally, Month, Tally};
use super::versions::{Adjustments, Older, Version};

/// Amounts of control sums are cents.
const CENTS: Picture = Picture::Decimal { whole: 30, scale: 2 };

/// What all workers of the pass share.
pub struct ClaimPass<'x> {
    /// the compiled crosswalk
    pub crosswalk: &'x Crosswalk,
    /// the input files
    pub sources: &'x [Source],
    /// who the claims belong to
    pub beneficiaries: &'x Beneficiaries,
    /// per input file: its Patients and Coverages were read before
    pub people_read: &'x [bool],
    /// what rows end with
    pub tail: &'x Tail,
    /// claim tables to write, by index
    pub tables: &'x [usize],
    /// the beneficiary table, if it is wanted
    pub beneficiary_table: Option<usize>,
    /// claims that count no more; `None` as long as that is not known
    pub older: Option<&'x Older>,
    /// per input file: whose claims the server vouches for together; empty: there is one delivery
    pub deliveries: &'x [u32],
    /// which versions of a claim are written
    pub adjustments: Adjustments,
    /// claims that are partially adjudicated are wanted, and no others
    pub partial: bool,
    /// what ClaimResponses say, once all are read
    pub answers: &'x Answers,
    /// what reads the records
    pub parser: Parser,
    /// how much of them must be sound
    pub verify: Verify,
}

/// Makes rows of the lines of chunks.
pub struct ClaimWorker<'x> {
    reader: Reader,
    /// what it makes of records
    pub claims: Claims<'x>,
}

/// Makes rows of records.
pub struct Claims<'x> {
    pass: &'x ClaimPass<'x>,
    walker: Walker<u32>,
    /// its counts are read at the end
    pub writer: ClaimWriter<'x>,
    /// table and column that date a claim, by claim family
    dated_by: Vec<Option<(usize, usize)>>,
    scratch: String,
    stays: Vec<(Box<str>, Stay)>,
    answers: Vec<(Box<str>, Answer)>,
    late_people: bool,
    versions: Vec<Version>,
}

/// What came of one chunk.
pub struct ClaimOutput {
    /// one per table of the pass
    pub parts: Vec<Part>,
    /// hospice stays with the beneficiary's id
    pub stays: Vec<(Box<str>, Stay)>,
    /// of ClaimResponses, with the id of the Claim
    pub answers: Vec<(Box<str>, Answer)>,
    /// a Patient or Coverage came up in a file taken for claims only
    pub late_people: bool,
    /// of the claims, if the pass tells them apart
    pub versions: Vec<Version>,
    /// counts
    pub tally: Tally,
}

impl Yield for ClaimOutput {
    fn held(&self) -> usize {
        let parts: usize = self.parts.iter().map(Part::held).sum();
        // Versions and issues are kept or written after the merge, but may be many until then.
        parts + self.versions.len() * size_of::<Version>() + self.tally.issues.len() * size_of::<Issue>()
    }
}

impl<'x> ClaimWorker<'x> {
    /// `encoders`: one per table of the pass.
    pub fn new(pass: &'x ClaimPass<'x>, encoders: Vec<Box<dyn Encoder>>) -> Self {
        let claims = Claims {
            pass,
            walker: Walker::default(),
            writer: ClaimWriter::new(pass, encoders),
            dated_by: (0..pass.crosswalk.families.len()).map(|family| pass.crosswalk.month(family)).collect(),
            scratch: String::new(),
            stays: Vec::new(),
            answers: Vec::new(),
            late_people: false,
            versions: Vec::new(),
        };
        ClaimWorker { reader: Reader::new(pass.parser, pass.verify), claims }
    }

    /// Converts one chunk.
    pub fn work(&mut self, chunk: &mut Chunk) -> Result<ClaimOutput> {
        let claims = &mut self.claims;
        let mut tally = Tally {
            families: vec![FamilyTally::default(); claims.pass.crosswalk.families.len()],
            rows: vec![0; claims.pass.crosswalk.tables.len()],
            ..Tally::default()
        };
        self.reader.each_record(chunk, &mut tally, claims)?;
        let parts = claims.writer.parts()?;
        let stays = std::mem::take(&mut claims.stays);
        let versions = std::mem::take(&mut claims.versions);
        let answers = std::mem::take(&mut claims.answers);
        Ok(ClaimOutput { parts, stays, answers, late_people: std::mem::take(&mut claims.late_people), versions, tally })
    }
}

impl Take for Claims<'_> {
    fn walk<C: Cursor<At = u32>>(&mut self, record: &C) -> Option<u32> {
        let crosswalk = self.pass.crosswalk;
        let end = self.walker.walk(&crosswalk.eob, record);
        // A claim of unclear version is looked at more closely, and other resources are few.
        let mut scratch = String::new();
        let is_claim = self.fact(record, crosswalk.claim.resource, &mut scratch) == "ExplanationOfBenefit";
        (is_claim && self.is_of_version(record)).then_some(end)
    }

    fn take<C: Cursor<At = u32>>(&mut self, record: &C, place: Place, tally: &mut Tally) -> Result<()> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let resource = self.fact(record, self.pass.crosswalk.claim.resource, &mut scratch);
        let result = match resource {
            "ExplanationOfBenefit" => {
                *tally.resources.entry("ExplanationOfBenefit").or_default() += 1;
                self.claim(record, "ExplanationOfBenefit", place, tally)
            }
            "Claim" if self.pass.partial => {
                *tally.resources.entry("Claim").or_default() += 1;
                self.claim(record, "Claim", place, tally)
            }
            "ClaimResponse" if self.pass.partial => {
                *tally.resources.entry("ClaimResponse").or_default() += 1;
                self.answer(record, place, tally);
                Ok(())
            }
            "Patient" | "Coverage" => {
                self.late_people |= !self.pass.people_read[place.source];
                Ok(())
            }
            other => {
                other_resource(other, place, tally);
                Ok(())
            }
        };
        self.scratch = scratch;
        result
    }
}

impl<'x> Claims<'x> {
    /// Whether a claim looks like one of the run's version at first sight.
    fn is_of_version<C: Cursor>(&self, record: &C) -> bool {
        let facts = self.pass.crosswalk.claim;
        let (mut one, mut two) = (String::new(), String::new());
        let family = self.fact(record, facts.family, &mut one);
        let purpose = self.fact(record, facts.purpose, &mut two);
        !family.is_empty() && purpose.is_empty() == (self.pass.crosswalk.api == Api::V1)
    }

    fn fact<'a, C: Cursor>(&self, record: &'a C, slot: Slot, scratch: &'a mut String) -> &'a str {
        fact(record, &self.walker.frames, slot, scratch)
    }

    /// Keeps what a ClaimResponse says until its Claim is written; once all are known there is only what is odd to tell.
    fn answer<C: Cursor>(&mut self, record: &C, place: Place, tally: &mut Tally) {
        let pass = self.pass;
        if self.walker.frames.is_full() {
            tally.issues.push(crowded("ClaimResponse", place));
            return;
        }
        let mut scratch = String::new();
        let id = self.fact(record, pass.crosswalk.claim.id, &mut scratch).to_string();
        if let Some(issue) = long_id(&id, "ClaimResponse", place) {
            tally.issues.push(issue);
            return;
        }
        let frames = &self.walker.frames;
        let maker = &mut self.writer.maker;
        let cells = answer(pass.crosswalk, maker, &Walked { record, frames, mbi: "" });
        let about = About { place, resource: "ClaimResponse", id: &id };
        note_misplaced(pass.crosswalk, (0, None), frames, about, tally);
        note_issues(pass.crosswalk, (0, None), &frames.ambiguous, &mut maker.notes, about, tally);
        if pass.older.is_none() {
            let updated = fact(record, frames, pass.crosswalk.claim.updated, &mut scratch);
            // Both have one id: `f-` and the DCN, or `m-` and the ICN.
            self.answers.push((id.into(), Answer { updated: updated.parse().ok(), cells }));
        }
    }

    /// `resource`: an ExplanationOfBenefit, or a Claim that is partially adjudicated.
    fn claim<C: Cursor>(&mut self, record: &C, resource: &'static str, place: Place, tally: &mut Tally) -> Result<()> {
        let pass = self.pass;
        let crosswalk = pass.crosswalk;
        let facts = crosswalk.claim;
        let frames = &self.walker.frames;
        if frames.is_full() {
            tally.issues.push(crowded(resource, place));
            return Ok(());
        }
        let (mut s1, mut s2, mut s3) = (String::new(), String::new(), String::new());
        let family_name = fact(record, frames, facts.family, &mut s1);
        let id = fact(record, frames, facts.id, &mut s2);
        if let Some(issue) = long_id(id, resource, place) {
            tally.issues.push(issue);
            return Ok(());
        }
        let about = About { place, resource, id };
        if !self.is_of_version(record)
            && let Some(found) = Resource::of(record).api().filter(|api| *api != crosswalk.api)
        {
            return Err(wrong_version(pass.sources, crosswalk.api, found, place));
        }
        let rule = self.rule(record, family_name);
        if pass.older.is_none() {
            let version = self.version(record, id, family_name, rule, place);
            self.versions.extend(version);
        }
        if rule.is_some_and(|rule| rule.adjustment == Some(Adjustment::Adjudicated)) {
            // It is in the tables of adjudicated claims, and counted there.
            return Ok(());
        }

        let family = crosswalk.family(family_name);
        let paid = self.paid(record);
        self.writer.maker.begin();
        let dated = family.and_then(|family| self.dated_by[family]);
        let month = dated.map_or(Month::default(), |column| month(&mut self.writer.maker, column, record, frames));
        let unreadable = u64::from(paid.is_none());
        let paid = paid.unwrap_or(0);
        self.writer.count(tally, family, month, &FamilyTally { claims: 1, unreadable, paid, ..FamilyTally::default() });
        // Why it gives no rows, and whether it was in force once: what is delivered anew was never taken back.
        let out = match pass.older.and_then(|older| older.reason(place)) {
            Some(reason) => Some((reason.name(), reason.is_cancelled())),
            None => rule.map(|rule| (rule.reason.as_str(), rule.adjustment.is_some())),
        };
        let paired = out.is_some_and(|(_, was_in_force)| was_in_force)
            && pass.adjustments == Adjustments::CclfPairs
            && family.is_some_and(|family| crosswalk.has_cancellations(family));
        if let Some((reason, _)) = out {
            let (counts, what) =
                if paired { (&mut tally.cancelled, "cancelled") } else { (&mut tally.skipped, "skipped") };
            *counts.entry(reason.to_string()).or_default() += 1;
            self.writer.count(
                tally,
                family,
                month,
                &FamilyTally { skipped: 1, paid_skipped: paid, ..FamilyTally::default() },
            );
            tally.issues.push(about.issue(what, Weight::Skipped, reason.to_string()));
            if !paired {
                return Ok(());
            }
        }
        let Some(family) = family else {
            let what = if family_name.is_empty() { "none" } else { "one that no table knows" };
            let message = format!("expected a claim with an EOB type, found {what}: left out");
            tally.issues.push(about.issue("unknown-claim-family", Weight::Loss, message));
            return Ok(());
        };

        let patient = reference_id(fact(record, frames, facts.patient, &mut s3));
        let mbi = match pass.beneficiaries.mbi(patient) {
            Some(mbi) => mbi,
            // A contained Patient's MBI has a path of its own.
            None if patient.starts_with('#') => "",
            None => {
                let message = "expected the claim's Patient in the input, found none: rows have no BENE_MBI_ID";
                tally.issues.push(about.issue("unknown-patient", Weight::Loss, message));
                ""
            }
        };
        let walked = Walked { record, frames, mbi };
        self.writer.write(&Claim { walked: &walked, about, family, month, paired }, tally)?;
        if family_name == HOSPICE
            && !paired
            && let Some(table) = pass.beneficiary_table
        {
            self.stays.push((patient.into(), stay(crosswalk, &mut self.writer.maker, table, &walked)));
        }
        let tree = (0, Some(family));
        note_misplaced(crosswalk, tree, frames, about, tally);
        note_issues(crosswalk, tree, &frames.ambiguous, &mut self.writer.maker.notes, about, tally);
        Ok(())
    }

    /// The rule that leaves the claim out.
    fn rule<C: Cursor>(&self, record: &C, family: &str) -> Option<&'x SkipProgram> {
        self.pass.crosswalk.skips.iter().find(|skip| {
            let mut scratch = String::new();
            let value = self.fact(record, skip.fact(), &mut scratch);
            !value.is_empty() && skip.applies(value, family)
        })
    }

    /// What tells the claim from its other versions; `rule` leaves it out.
    fn version<C: Cursor>(
        &self,
        record: &C,
        id: &str,
        family: &str,
        rule: Option<&SkipProgram>,
        place: Place,
    ) -> Option<Version> {
        let pass = self.pass;
        let kin = (pass.partial || !pass.deliveries.is_empty())
            .then(|| kin(pass, record, &self.walker.frames, family, rule, place));
        // Nobody knows the lines before a part; bytes tell lines apart as well.
        let at = if pass.sources[place.source].is_part() { Place { line: place.byte, ..place } } else { place };
        let mut scratch = String::new();
        Version::new(id, self.fact(record, pass.crosswalk.claim.updated, &mut scratch), at, kin)
    }

    /// The claim's payment amount in cents, 0 if it has none; `None` if it is no amount.
    fn paid<C: Cursor>(&self, record: &C) -> Option<i128> {
        let mut scratch = String::new();
        let text = self.fact(record, self.pass.crosswalk.claim.paid, &mut scratch);
        let mut cents = Vec::new();
        match CENTS.fit(text, false, &mut cents) {
            Ok(_) => Some(scaled(&cents, 2).unwrap_or(0)),
            Err(_) => None,
        }
    }
}

fn fact<'a, C: Cursor>(record: &'a C, frames: &Frames, slot: Slot, scratch: &'a mut String) -> &'a str {
    match frames.get(0, slot.at) {
        0 => "",
        captured => record.text(captured, scratch),
    }
}

/// The run's version and another one.
pub fn wrong_version(sources: &[Source], expected: Api, found: Api, place: Place) -> Error {
    let file = sources[place.source].path.clone();
    Error::MixedVersions { expected: expected.name(), found: found.name(), file, line: place.line }
}

fn stay<C: Cursor>(crosswalk: &Crosswalk, maker: &mut RowMaker<'_>, table: usize, walked: &Walked<'_, C>) -> Stay {
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

/// The month a claim counts in. What is odd about its date is noted when its rows are made.
fn month<C: Cursor>(maker: &mut RowMaker<'_>, column: (usize, usize), record: &C, frames: &Frames) -> Month {
    let mut row = Row::default();
    maker.cell(column.0, column.1, &Walked { record, frames, mbi: "" }, 0, &mut row);
    maker.notes.clear();
    Month::of(std::str::from_utf8(row.cell(0)).unwrap_or_default())
}
