//! A claim in the history of its adjustments: what tells its predecessors, and the row that takes it back.
//!
//! BCDA serves claims as they stand; CCLF has a row when a claim is paid and one when it is taken back, with the same
//! amounts and another CLM_ADJSMT_TYPE_CD. Loaders that net subtract the second.

use super::claims::ClaimPass;
use super::lines::Place;
use super::versions::{Kin, Standing};
use crate::crosswalk::frames::Frames;
use crate::crosswalk::plan::Slot;
use crate::crosswalk::program::SkipProgram;
use crate::crosswalk::row::Row;
use crate::crosswalk::schema::Adjustment;
use crate::parse::Cursor;
use crate::parse::view::reference_id;

/// CLM_ADJSMT_TYPE_CD of a claim that was paid, and of the row that takes it back.
const ORIGINAL: &[u8] = b"0";
const CANCELLATION: &[u8] = b"1";

/// A row as original and as cancellation, reusing its memory.
#[derive(Debug, Default)]
pub struct Pair {
    original: Row,
    cancellation: Row,
}

impl Pair {
    /// Both; `column` is the adjustment type, and an original keeps the one it has, for it may be an adjustment.
    pub fn of(&mut self, row: &Row, column: usize) -> [(&Row, i128); 2] {
        let kept = if row.cell(column) == CANCELLATION { ORIGINAL } else { row.cell(column) };
        with_cell(row, column, kept, &mut self.original);
        with_cell(row, column, CANCELLATION, &mut self.cancellation);
        [(&self.original, 1), (&self.cancellation, -1)]
    }
}

fn with_cell(row: &Row, column: usize, text: &[u8], made: &mut Row) {
    made.clear();
    for (at, cell) in row.cells().enumerate() {
        made.push(if at == column { text } else { cell });
    }
}

/// What tells a claim's predecessors; `rule` leaves the claim out.
pub fn kin<C: Cursor>(
    pass: &ClaimPass<'_>,
    record: &C,
    frames: &Frames,
    family: &str,
    rule: Option<&SkipProgram>,
    place: Place,
) -> Kin {
    let facts = pass.crosswalk.claim;
    let text = |slot: Option<Slot>| {
        let mut scratch = String::new();
        slot.map_or(String::new(), |slot| match frames.get(0, slot.at) {
            0 => String::new(),
            captured => record.text(captured, &mut scratch).to_string(),
        })
    };
    let control = facts.group.iter().map(|slot| text(*slot)).find(|number| !number.is_empty()).unwrap_or_default();
    if pass.partial {
        let standing = match rule.map(|rule| rule.adjustment) {
            None => Standing::Partial,
            Some(Some(Adjustment::Adjudicated)) => Standing::Adjudicated,
            Some(_) => Standing::LeftOut,
        };
        return Kin::partial(&control, &text(facts.prior), standing);
    }
    let patient = text(Some(facts.patient));
    let patient = reference_id(&patient);
    // Merged Patients have one MBI.
    let owner = pass.beneficiaries.mbi(patient).filter(|mbi| !mbi.is_empty()).unwrap_or(patient);
    let standing = match rule.map(|rule| rule.adjustment) {
        None => Standing::InForce,
        Some(Some(Adjustment::Void)) => Standing::Void,
        Some(_) => Standing::LeftOut,
    };
    let delivery = pass.deliveries.get(place.source).copied().unwrap_or(0);
    Kin::new(delivery, owner, family, &control, &text(facts.prior), standing)
}
