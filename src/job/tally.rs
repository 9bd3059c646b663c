//! Counts of one chunk, and of a run: what the workers report and the merge adds up.

use std::collections::BTreeMap;

use crate::report::Issue;

/// What a worker counted in one chunk.
#[derive(Debug, Default)]
pub struct Tally {
    /// index of the input file
    pub source: usize,
    /// all lines
    pub lines: u64,
    /// of these, blank
    pub blank_lines: u64,
    /// uncompressed bytes of the lines, with their ends
    pub bytes: u64,
    /// bytes of the file done, for progress
    pub consumed: u64,
    /// by resource type
    pub resources: BTreeMap<&'static str, u64>,
    /// by index of the claim family
    pub families: Vec<FamilyTally>,
    /// claims in no family of CCLF, by reason
    pub skipped: BTreeMap<String, u64>,
    /// by index of the table
    pub rows: Vec<u64>,
    /// blanks in key columns, by table and position in its keys
    pub blank_keys: BTreeMap<(usize, usize), u64>,
    /// lines that are no JSON document, and breaks of the file
    pub unread: u64,
    /// in order of the lines
    pub issues: Vec<Issue>,
}

/// Counts and sums of one claim family; amounts in cents.
#[derive(Debug, Default, Clone, Copy)]
pub struct FamilyTally {
    /// claims read
    pub claims: u64,
    /// of these, left out by a rule
    pub skipped: u64,
    /// claims whose payment amount cannot be read
    pub unreadable: u64,
    /// payment amounts of all claims
    pub paid: i128,
    /// payment amounts of the skipped ones
    pub paid_skipped: i128,
    /// the control column as written
    pub written: i128,
}

impl FamilyTally {
    /// Adds another one.
    pub fn add(&mut self, other: &FamilyTally) {
        self.claims += other.claims;
        self.skipped += other.skipped;
        self.unreadable += other.unreadable;
        self.paid += other.paid;
        self.paid_skipped += other.paid_skipped;
        self.written += other.written;
    }
}
