//! What a run tells about itself: counts that add up, and every trouble with its place.
//!
//! An [`Issue`] is about the data and does not end a run. A [`Report`] is what `summary.json` holds: everything
//! read, written, skipped, filled and left blank, countable and comparable. Neither ever holds a value of the
//! data, only places and counts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::Api;

/// Version of the shape of summary.json; changes only when a reader would break.
pub const SUMMARY_VERSION: u32 = 2;

/// How much an issue weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// something was left out or left blank: exit code 3
    Loss,
    /// written, but worth knowing
    Notice,
    /// a resource that a rule leaves out
    Skipped,
}

/// One trouble with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// a short stable name, e.g. `broken-line`
    pub kind: &'static str,
    /// how much it weighs
    pub weight: Weight,
    /// index of the input file
    pub source: usize,
    /// 1-based; 0 if it is about the whole file
    pub line: u64,
    /// position of the line's first byte in the uncompressed file
    pub byte: u64,
    /// resource type, if known
    pub resource: &'static str,
    /// resource id, if known
    pub id: String,
    /// `TABLE.FIELD`, if it is about one
    pub field: String,
    /// expectation and finding
    pub message: Cow<'static, str>,
}

/// A place in the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// the file as the user named it
    pub file: String,
    /// 1-based
    pub line: u64,
    /// position of the line's first byte in the uncompressed file
    pub byte: u64,
    /// resource type, empty if unknown
    pub resource: String,
}

/// All issues of one kind about one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueCount {
    /// a short stable name
    pub kind: String,
    /// how much it weighs
    pub weight: Weight,
    /// `TABLE.FIELD`, empty if it is about none
    pub field: String,
    /// how many
    pub count: u64,
    /// expectation and finding of the first one
    pub message: String,
    /// where the first one is
    pub example: Place,
}

/// One input file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputReport {
    /// as the user named it
    pub file: String,
    /// on disk
    pub bytes: u64,
    /// after inflating
    pub uncompressed_bytes: u64,
    /// lines, blank ones too
    pub lines: u64,
    /// blank lines
    pub blank_lines: u64,
    /// by resource type
    pub resources: BTreeMap<String, u64>,
    /// claims by family
    pub claims: BTreeMap<String, u64>,
}

/// Amounts of one claim family, as decimal text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payments {
    /// claims read
    pub claims: u64,
    /// of these, left out by a rule, or written as original and cancellation
    pub claims_skipped: u64,
    /// claims whose payment amount cannot be read
    pub claims_unreadable: u64,
    /// sum of the claims' payment amounts as read, skipped ones too
    pub read: String,
    /// the part of it in skipped claims
    pub skipped: String,
    /// `TABLE.FIELD` of the control column
    pub written_field: String,
    /// sum of the control column as written, of cancellations with the other sign
    pub written: String,
    /// read less skipped is written; absent where the control column is another amount or some cannot be read
    pub equal: Option<bool>,
    /// `TABLE.FIELD` of the date whose month a claim counts in: its last day, of a drug event the day of the fill
    pub dated_by: String,
    /// by that month, `YYYY-MM` or [`NO_MONTH`]; they add up to the above
    pub months: BTreeMap<String, MonthSums>,
}

/// The key of claims without a readable date of service; behind all months in order.
pub const NO_MONTH: &str = "unknown";

/// Claims of one family and month; amounts as decimal text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthSums {
    /// claims read
    pub claims: u64,
    /// of these, left out by a rule, or written as original and cancellation
    pub claims_skipped: u64,
    /// of these, not skipped and with a row in a table that was written
    pub claims_written: u64,
    /// rows written, by table
    pub rows: BTreeMap<String, u64>,
    /// sum of the claims' payment amounts as read, skipped ones too
    pub read: String,
    /// the part of it in skipped claims
    pub skipped: String,
    /// sum of the control column as written; empty where the family's table was not asked for
    pub written: String,
}

/// How often a column has a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldFill {
    /// CCLF label
    pub field: String,
    /// what the version provides: `mapped`, `derived` or `absent`
    pub status: String,
    /// rows with a value
    pub filled: u64,
}

/// Beneficiaries of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeneficiaryReport {
    /// Patients that stand for a beneficiary
    pub beneficiaries: u64,
    /// Patients merged into another
    pub merged: u64,
    /// Patients left out for a newer one with the same id
    pub older_versions: u64,
    /// without any MBI
    pub without_mbi: u64,
}

/// By which key persons were replaced in the tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PseudonymReport {
    /// tells keys apart and nothing else of them
    pub key_check: String,
    /// dates too; months of service are not told then, for they would be the true ones
    pub dates_shifted: bool,
}

/// The summary of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// shape of this document
    pub summary_version: u32,
    /// name and version of the program
    pub producer: String,
    /// version of the CCLF layouts
    pub layout: String,
    /// API version of the input
    pub api: Option<Api>,
    /// in input order
    pub inputs: Vec<InputReport>,
    /// files of input folders that are not part of an export
    pub ignored_files: Vec<String>,
    /// when the run ended, UTC, RFC 3339
    pub finished: String,
    /// names of the tables' files
    #[serde(default)]
    pub files: Vec<String>,
    /// rows by table
    pub tables: BTreeMap<String, u64>,
    /// CMS's description by table
    pub titles: BTreeMap<String, String>,
    /// columns in layout order by table
    pub fields: BTreeMap<String, Vec<FieldFill>>,
    /// resources left out by rule, by reason
    pub skipped: BTreeMap<String, u64>,
    /// claims no longer in force that are written as original and cancellation, by reason
    #[serde(default)]
    pub cancelled: BTreeMap<String, u64>,
    /// values that stand in for ones the API does not serve, by `TABLE.FIELD`
    pub fills: BTreeMap<String, u64>,
    /// rows with a blank in a column that loaders join or filter by, by `TABLE.FIELD`
    pub blank_keys: BTreeMap<String, u64>,
    /// by kind and field
    pub issues: Vec<IssueCount>,
    /// by claim family
    pub payments: BTreeMap<String, Payments>,
    /// `None`: the tables have the true values
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudonyms: Option<PseudonymReport>,
    /// counts of the population
    pub beneficiaries: BeneficiaryReport,
    /// wall clock
    pub elapsed_seconds: f64,
    /// uncompressed input per second, 10^9 bytes
    pub gigabytes_per_second: f64,
}

impl Report {
    /// Something was left out or left blank that a rule does not tell to.
    pub fn has_losses(&self) -> bool {
        self.issues.iter().any(|issue| issue.weight == Weight::Loss)
    }

    /// Every control sum that can be compared is equal.
    pub fn reconciles(&self) -> bool {
        self.payments.values().all(|payments| payments.equal != Some(false))
    }

    /// 0 all is well, 3 finished with losses, 4 control sums differ though no loss explains it.
    pub fn exit_code(&self) -> u8 {
        match (self.has_losses(), self.reconciles()) {
            (true, _) => 3,
            (false, false) => 4,
            (false, true) => 0,
        }
    }
}

/// How often, and the first one, by field.
type Fields = BTreeMap<String, (u64, Issue)>;

/// Counts issues by kind and field and keeps the first of each.
#[derive(Debug, Default)]
pub struct IssueCounter {
    /// by weight and kind: looking a field up makes no text
    counts: BTreeMap<(Weight, &'static str), Fields>,
}

impl IssueCounter {
    /// Counts one. Skipped resources are counted by reason elsewhere.
    pub fn add(&mut self, issue: Issue) {
        if issue.weight == Weight::Skipped {
            return;
        }
        let fields = self.counts.entry((issue.weight, issue.kind)).or_default();
        match fields.get_mut(&issue.field) {
            Some((count, _)) => *count += 1,
            None => drop(fields.insert(issue.field.clone(), (1, issue))),
        }
    }

    /// All counts; `file` names a source.
    pub fn counts(&self, file: impl Fn(usize) -> String) -> Vec<IssueCount> {
        self.counts
            .values()
            .flat_map(BTreeMap::values)
            .map(|(count, issue)| IssueCount {
                kind: issue.kind.to_string(),
                weight: issue.weight,
                field: issue.field.clone(),
                count: *count,
                message: issue.message.to_string(),
                example: Place {
                    file: file(issue.source),
                    line: issue.line,
                    byte: issue.byte,
                    resource: issue.resource.to_string(),
                },
            })
            .collect()
    }
}
