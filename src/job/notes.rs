//! What a pass has to tell of a record, as issues with its place: resources that are none of ours or too large, values that
//! stand where others were expected, cells that did not fit, rows that a format could not hold as they were.

use std::borrow::Cow;

use crate::crosswalk::frames::{Frames, MAX_FRAMES};
use crate::crosswalk::picture::WIDEST;
use crate::crosswalk::program::Crosswalk;
use crate::crosswalk::rows::{Note, Remark};
use crate::report::{Issue, Weight};
use crate::write::{CellNote, Encoder};

use super::lines::Place;
use super::tally::Tally;

/// What is told about: a resource and its place.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// where it stands
    pub place: Place,
    /// its type
    pub resource: &'static str,
    /// empty if it has none
    pub id: &'a str,
}

impl About<'_> {
    /// An issue about no field.
    pub fn issue(self, kind: &'static str, weight: Weight, message: impl Into<Cow<'static, str>>) -> Issue {
        let mut issue = self.place.issue(kind, weight, message);
        issue.resource = self.resource;
        issue.id = self.id.to_string();
        issue
    }

    fn field_issue(
        self,
        field: String,
        kind: &'static str,
        weight: Weight,
        message: impl Into<Cow<'static, str>>,
    ) -> Issue {
        Issue { field, ..self.issue(kind, weight, message) }
    }
}

/// A resource that would take more memory and time than any real one.
pub fn crowded(resource: &'static str, place: Place) -> Issue {
    let message =
        format!("expected fewer than {MAX_FRAMES} lines and other elements in a resource, found more: left out");
    About { place, resource, id: "" }.issue("crowded", Weight::Loss, message)
}

/// An id that nobody gives, and that every row would repeat.
pub fn long_id(id: &str, resource: &'static str, place: Place) -> Option<Issue> {
    (id.len() > WIDEST).then(|| {
        let message = format!("expected an id of at most {WIDEST} bytes, found a longer one: left out");
        About { place, resource, id: "" }.issue("long-id", Weight::Loss, message)
    })
}

/// Partially adjudicated claims of v2 come as Claim and ClaimResponse; everything else is not of an export.
pub fn other_resource(name: &str, place: Place, tally: &mut Tally) {
    let partial = match name {
        "Claim" => Some("Claim"),
        "ClaimResponse" => Some("ClaimResponse"),
        _ => None,
    };
    if let Some(name) = partial {
        *tally.resources.entry(name).or_default() += 1;
        *tally.skipped.entry("partially-adjudicated".to_string()).or_default() += 1;
        let about = About { place, resource: name, id: "" };
        tally.issues.push(about.issue("skipped", Weight::Skipped, "partially-adjudicated"));
        return;
    }
    *tally.resources.entry("other").or_default() += 1;
    if name == "OperationOutcome" {
        let message = "expected a claim, Patient or Coverage, found an OperationOutcome: the server reports trouble with the export";
        tally.issues.push(place.issue("server-error", Weight::Loss, message));
        return;
    }
    let what = if name.is_empty() { "JSON without a resourceType" } else { "another resource" };
    let message = format!("expected ExplanationOfBenefit, Patient or Coverage, found {what}: left out");
    tally.issues.push(place.issue("unknown-resource", Weight::Loss, message));
}

/// Turns what an encoder changed in its last row into issues about its record.
pub fn changes(crosswalk: &Crosswalk, table: usize, encoder: &dyn Encoder, about: About<'_>, issues: &mut Vec<Issue>) {
    for CellNote { column, change } in encoder.notes() {
        let weight = if change.is_loss() { Weight::Loss } else { Weight::Notice };
        let field = crosswalk.field_name(table, *column);
        issues.push(about.field_issue(field, change.kind(), weight, change.message()));
    }
}

/// Tells, once for each field, of objects where a text or number should stand, and the reverse: they count as absent, and
/// would be lost without a word.
pub fn note_misplaced(
    crosswalk: &Crosswalk,
    (tree, family): (usize, Option<usize>),
    frames: &Frames,
    about: About<'_>,
    tally: &mut Tally,
) {
    const OBJECT: &str = "expected a text or a number, found an object: as if it were not there";
    const SCALAR: &str = "expected an object, found a text or a number: as if it were not there";
    let mut told: Vec<Option<usize>> = Vec::new();
    for capture in &frames.misplaced {
        if told.contains(capture) {
            continue;
        }
        told.push(*capture);
        let field = capture.map_or(String::new(), |capture| crosswalk.name_of(tree, capture, family));
        let message = if capture.is_some() { OBJECT } else { SCALAR };
        tally.issues.push(about.field_issue(field, "misplaced-value", Weight::Loss, message));
    }
}

/// Turns the notes of a record into issues about it; the tree tells whose captures `ambiguous` names.
pub fn note_issues(
    crosswalk: &Crosswalk,
    (tree, family): (usize, Option<usize>),
    ambiguous: &[usize],
    notes: &mut Vec<Note>,
    about: About<'_>,
    tally: &mut Tally,
) {
    let mut push = |kind, weight, field: String, message: Cow<'static, str>| {
        tally.issues.push(about.field_issue(field, kind, weight, message));
    };
    const AMBIGUOUS: &str = "expected one value, found several different ones: the first is used";
    let mut told: Vec<usize> = Vec::new();
    for capture in ambiguous {
        if !told.contains(capture) {
            told.push(*capture);
            push("ambiguous-value", Weight::Loss, crosswalk.name_of(tree, *capture, family), AMBIGUOUS.into());
        }
    }
    for note in notes.drain(..) {
        let field = crosswalk.field_name(note.table, note.column);
        match note.what {
            Remark::UnknownCode => push(
                "unknown-code",
                Weight::Loss,
                field,
                "expected a code of the value map, found another: blank unless there is a fallback".into(),
            ),
            Remark::Ambiguous => push("ambiguous-value", Weight::Loss, field, AMBIGUOUS.into()),
            Remark::Misfit(misfit) => push("misfit", Weight::Loss, field, misfit.blank().into()),
            Remark::AsServed(misfit) => push("written-as-served", Weight::Notice, field, misfit.as_served().into()),
            Remark::Cut => push("cut", Weight::Notice, field, "expected fewer characters: cut to the width".into()),
        }
    }
}
