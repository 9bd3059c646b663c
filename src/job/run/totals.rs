//! What a run adds up: the tallies of both passes, in input order.

use std::collections::BTreeMap;

use super::Run;
use crate::error::{Error, Result};
use crate::job::tally::{FamilyTally, Month, MonthTally, Months, Tally};
use crate::read::Source;
use crate::report::{InputReport, Issue, IssueCounter, Weight};

/// What is not known before all claims are read: a loss that hangs on it ends no strict run yet.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Doubt {
    /// Patients may still turn up
    pub(super) people: bool,
    /// newer versions of claims may
    pub(super) claims: bool,
}

impl Doubt {
    fn is_about(self, issue: &Issue) -> bool {
        self.people && issue.kind == "unknown-patient"
            || self.claims && ["ExplanationOfBenefit", "Claim", "ClaimResponse"].contains(&issue.resource)
    }
}

/// What both passes add up.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) inputs: Vec<InputReport>,
    pub(super) families: Vec<FamilyTally>,
    pub(super) months: BTreeMap<(usize, Month), MonthTally>,
    /// cells that are not blank, by table and column
    pub(super) filled: Vec<Vec<u64>>,
    pub(super) skipped: BTreeMap<String, u64>,
    pub(super) cancelled: BTreeMap<String, u64>,
    pub(super) rows: Vec<u64>,
    pub(super) blank_keys: BTreeMap<(usize, usize), u64>,
    pub(super) issues: IssueCounter,
    /// with `strict`, the first loss that may yet turn out to be none
    pub(super) waiting: Option<Error>,
    pub(super) done: u64,
}

impl Run<'_> {
    pub(super) fn totals(&self) -> Totals {
        let crosswalk = self.crosswalk;
        Totals {
            inputs: self
                .sources
                .iter()
                .map(|source| InputReport {
                    file: source.path.display().to_string(),
                    bytes: source.size(),
                    ..InputReport::default()
                })
                .collect(),
            families: vec![FamilyTally::default(); crosswalk.families.len()],
            filled: crosswalk.widths().into_iter().map(|columns| vec![0; columns]).collect(),
            rows: vec![0; crosswalk.tables.len()],
            ..Totals::default()
        }
    }

    /// Adds up what a worker counted by month.
    pub(super) fn add_months(&self, totals: &mut Totals, months: &Months) {
        let shifted = self.job.pseudonyms.as_ref().is_some_and(|pseudonyms| pseudonyms.shifts());
        for (family, month, sums) in months.iter() {
            // Sums of a month beside shifted dates would tell by how much they are shifted.
            let month = if shifted { Month::default() } else { month };
            totals.months.entry((family, month)).or_default().add(sums);
        }
    }

    /// Adds up.
    pub(super) fn add(&mut self, totals: &mut Totals, tally: Tally, doubt: Doubt) -> Result<()> {
        let input = &mut totals.inputs[tally.source];
        input.bytes = self.sources[tally.source].size();
        input.lines += tally.lines;
        input.blank_lines += tally.blank_lines;
        input.uncompressed_bytes += tally.bytes;
        for (resource, count) in tally.resources {
            *input.resources.entry(resource.to_string()).or_default() += count;
        }
        for (at, family) in tally.families.iter().enumerate() {
            if family.claims > 0 {
                *input.claims.entry(self.crosswalk.families[at].clone()).or_default() += family.claims;
                totals.families[at].add(family);
            }
        }
        for (reason, count) in tally.skipped {
            *totals.skipped.entry(reason).or_default() += count;
        }
        for (reason, count) in tally.cancelled {
            *totals.cancelled.entry(reason).or_default() += count;
        }
        for (total, rows) in totals.rows.iter_mut().zip(&tally.rows) {
            *total += rows;
        }
        for (key, count) in tally.blank_keys {
            *totals.blank_keys.entry(key).or_default() += count;
        }
        let name = |source: usize| (source, self.sources[source].path.display().to_string());
        let mut file = name(tally.source);
        for mut issue in tally.issues {
            if let Some(pseudonyms) = &self.job.pseudonyms {
                issue.id = pseudonyms.id(&issue.id);
            }
            if issue.source != file.0 {
                file = name(issue.source);
            }
            self.observer.issue(&issue, &file.1)?;
            if self.job.strict && issue.weight == Weight::Loss {
                let error = Error::Strict(strict_message(&issue, &file.1));
                if !doubt.is_about(&issue) {
                    return Err(error);
                }
                totals.waiting.get_or_insert(error);
            }
            totals.issues.add(issue);
        }
        totals.done += tally.consumed;
        self.observer.progress(totals.done, self.sources.iter().map(Source::size).sum())
    }
}

pub(super) fn add_fills(totals: &mut [Vec<u64>], fills: &[Vec<u64>]) {
    for (total, fills) in totals.iter_mut().zip(fills) {
        total.resize(fills.len(), 0);
        for (total, fill) in total.iter_mut().zip(fills) {
            *total += fill;
        }
    }
}

pub(crate) fn strict_message(issue: &Issue, file: &str) -> String {
    let field = if issue.field.is_empty() { String::new() } else { format!("{}: ", issue.field) };
    format!(
        "{field}{}: `{file}`, line {}, byte {}\n  hint: without `--strict` the run goes on and counts it",
        issue.message, issue.line, issue.byte
    )
}
