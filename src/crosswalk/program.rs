//! A compiled crosswalk: cells as programs that turn captures into text.
//!
//! The [`Crosswalk`] is everything a worker needs, shared and read-only; `compile` makes it. Rules
//! of rows (diagnoses, skips) come from the schemas too; what is left to code is how rows are enumerated
//! ([`rows`](super::rows)).

use std::collections::BTreeMap;

use super::codes::{self, Map};
use super::compile::Compiler;
use super::diagnosis::DiagnosisRules;
use super::path::{Link, Root};
use super::picture::Picture;
use super::plan::{Plan, Slot};
use super::schema::{Adjustment, Schemas, Status};
use crate::api::Api;
use crate::error::Result;

/// Types of one diagnosis that are looked at.
pub(super) const DIAGNOSIS_TYPES: usize = 4;

/// The claim family whose admissions are a beneficiary's hospice stays.
pub const HOSPICE: &str = "HOSPICE";

/// A compiled crosswalk of one API version.
#[derive(Debug, Clone)]
pub struct Crosswalk {
    /// which version
    pub api: Api,
    /// in order of tables.csv
    pub tables: Vec<TableProgram>,
    /// claim families, in order of first mention
    pub families: Vec<String>,
    /// tree of the ExplanationOfBenefit
    pub eob: Plan,
    /// tree of the Patient
    pub patient: Plan,
    /// tree of the Coverage
    pub coverage: Plan,
    /// facts about a claim
    pub claim: ClaimFacts,
    /// facts about a diagnosis of a claim
    pub diagnosis: DiagnosisFacts,
    /// facts about a Patient and its MBIs
    pub beneficiary: BeneficiaryFacts,
    /// facts about a Coverage
    pub enrollment: EnrollmentFacts,
    /// how rows point to elements
    pub links: Vec<LinkProgram>,
    /// claims that give no rows
    pub skips: Vec<SkipProgram>,
    /// `table.field` of each capture of the three trees, for messages
    pub(super) names: [Names; 3],
}

/// Tables and columns that use a capture, by its id.
pub(super) type Names = BTreeMap<usize, Vec<(usize, usize)>>;

/// Slots of the claim facts (`purpose` is `use`, a word Rust keeps for itself).
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "each is the fact of the same name in the crosswalk")]
pub struct ClaimFacts {
    pub resource: Slot,
    pub id: Slot,
    pub updated: Slot,
    pub patient: Slot,
    pub purpose: Slot,
    pub family: Slot,
    pub paid: Slot,
    pub group: [Option<Slot>; 2],
    pub prior: Option<Slot>,
}

/// What a run needs: what nobody wants is not looked for in claims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wants {
    /// the facts `group` and `prior`, which tell a claim's predecessors
    pub groups: bool,
    /// indices of the tables of which rows are made; `None`: all. Of others there is only the column that tells the month.
    pub tables: Option<Vec<usize>>,
}

impl Wants {
    /// All of them.
    pub const ALL: Wants = Wants { groups: true, tables: None };

    /// Whether rows of the table are made.
    pub fn has(&self, table: usize) -> bool {
        self.tables.as_ref().is_none_or(|tables| tables.contains(&table))
    }
}

/// Slots of the diagnosis facts.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "each is the fact of the same name in the crosswalk")]
pub struct DiagnosisFacts {
    pub kind: Slot,
    pub sequence: Slot,
    pub code: Slot,
}

/// Slots of the beneficiary facts; those of MBIs are in the identifier's frames.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "each is the fact of the same name in the crosswalk")]
pub struct BeneficiaryFacts {
    pub id: Slot,
    pub updated: Slot,
    pub replaced_by: Option<Slot>,
    pub system: Slot,
    pub value: Slot,
    pub start: Slot,
    pub end: Slot,
    pub currency: [Option<Slot>; 2],
}

/// Slots of the Coverage facts.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "each is the fact of the same name in the crosswalk")]
pub struct EnrollmentFacts {
    pub id: Slot,
    pub beneficiary: Slot,
    pub updated: Slot,
    pub start: Slot,
    pub end: Slot,
}

/// One table's columns and the rules of its rows.
#[derive(Debug, Clone)]
pub struct TableProgram {
    /// e.g. `CCLF1`
    pub name: String,
    /// what a row is made of
    pub row: Root,
    /// whose frames are the rows; 0 if a row is the whole record
    pub scope: u16,
    /// indices into [`Crosswalk::families`]
    pub families: Vec<usize>,
    /// in layout order
    pub columns: Vec<Column>,
    /// columns one of which must have a value
    pub only_with: Vec<usize>,
    /// columns whose blanks are counted
    pub keys: Vec<usize>,
    /// the column whose sum is compared with the input's
    pub control: Option<usize>,
    /// the column that tells a claim's cancellation from its original
    pub cancels: Option<usize>,
    /// the date whose month a claim counts in
    pub month: Option<usize>,
    /// no column of `only_with` can ever have a value in this version
    pub never: bool,
    /// rules for `%dx`
    pub diagnoses: DiagnosisRules,
}

/// One column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    /// CCLF label
    pub label: String,
    /// `TABLE.FIELD`
    pub name: String,
    /// how the value is written
    pub picture: Picture,
    /// how the version provides it
    pub status: Status,
    /// alternatives in order of preference
    pub programs: Vec<Program>,
    /// the slot of the first of them, if it gives the value as it is served
    pub plain: Option<Slot>,
    /// may be shortened to the picture's width
    pub cut: bool,
    /// the same for all rows of a record
    pub fixed: bool,
    /// which resource it is read from
    pub origin: Origin,
}

/// Which resource a column of a beneficiary table is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// the claim, or nothing at all
    Claim,
    /// the Patient
    Patient,
    /// the Coverages
    Coverage,
    /// hospice claims
    Hospice,
    /// the ClaimResponse that belongs to the claim
    Response,
}

/// One alternative of a cell, compiled.
#[derive(Debug, Clone)]
pub struct Program {
    /// where the text comes from
    pub source: Source,
    /// what is done to it
    pub steps: Vec<Apply>,
    /// stands in for a value that is not served
    pub fill: bool,
}

impl Program {
    /// The slot of a value that is written as it is served.
    pub(super) fn plain(&self) -> Option<Slot> {
        match self.source {
            Source::Value(slot) if self.steps.is_empty() => Some(slot),
            _ => None,
        }
    }
}

/// Where a program's text comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// a constant
    Literal(Box<str>),
    /// a slot of the record's frame (scope 0) or of the row's
    Value(Slot),
    /// so many slots, concatenated
    Join(Slot, usize),
    /// the n-th value in linked frames
    Linked {
        /// index into [`Crosswalk::links`]
        link: usize,
        /// slot of the linked frames
        slot: Slot,
        /// 0-based
        nth: usize,
        /// several different ones are ambiguous
        single: bool,
    },
    /// the n-th diagnosis as the table's rules order them
    Diagnosis(usize, Slot),
    /// the row's product type
    Product,
    /// the row's number
    Number,
    /// the beneficiary's MBI in force
    Mbi,
}

/// One call, with what it refers to resolved.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the calls of the path language")]
pub enum Apply {
    Translate(Map),
    Substring(usize, Option<usize>),
    Right(usize),
    Replace(String, String),
    ZeroPad(usize),
    Select(String),
    AgeOn(Slot),
}

/// How rows or records point to elements, compiled.
#[derive(Debug, Clone)]
pub struct LinkProgram {
    /// scope of the elements pointed to
    pub target: u16,
    /// slot of their `sequence` or `id`
    pub key: Slot,
    /// what points
    pub by: LinkBy,
    pub(super) written: (String, Link),
}

/// What points.
#[derive(Debug, Clone)]
pub enum LinkBy {
    /// the first of these lists of the row that has a member
    Row(Vec<Slot>),
    /// elements that no list of the record names
    Nobody(Vec<Slot>),
    /// a reference of the record, `#` and an id
    Reference(Slot),
}

/// Claims that give no rows, compiled.
#[derive(Debug, Clone)]
pub struct SkipProgram {
    pub(super) fact: Slot,
    pub(super) values: Vec<String>,
    pub(super) families: Vec<String>,
    /// as counted
    pub reason: String,
    /// what such a claim is in a history of adjustments
    pub adjustment: Option<Adjustment>,
}

impl SkipProgram {
    /// The slot of the fact that decides.
    pub fn fact(&self) -> Slot {
        self.fact
    }

    /// Whether a claim of this family (`""`: of none) with this fact is skipped.
    pub fn applies(&self, fact: &str, family: &str) -> bool {
        (self.families.is_empty() || self.families.iter().any(|f| f == family))
            && self.values.iter().any(|pattern| codes::matches(pattern, fact))
    }
}

impl Crosswalk {
    /// Compiles the crosswalk of one version.
    pub fn compile(schemas: &Schemas, api: Api) -> Result<Crosswalk> {
        Crosswalk::compile_with(schemas, api, Wants::default())
    }

    /// The same with facts that not every run needs.
    pub fn compile_with(schemas: &Schemas, api: Api, wants: Wants) -> Result<Crosswalk> {
        Compiler::new(schemas, api, wants).compile()
    }

    /// Whether claims of this family have cancellations in CCLF.
    pub fn has_cancellations(&self, family: usize) -> bool {
        self.tables.iter().any(|table| table.cancels.is_some() && table.families.contains(&family))
    }

    /// Index of a family.
    pub fn family(&self, name: &str) -> Option<usize> {
        self.families.iter().position(|family| family == name)
    }

    /// Columns of each table.
    pub fn widths(&self) -> Vec<usize> {
        self.tables.iter().map(|table| table.columns.len()).collect()
    }

    /// The table and column of the date whose month a claim of this family counts in.
    pub fn month(&self, family: usize) -> Option<(usize, usize)> {
        let of = |(at, table): (usize, &TableProgram)| {
            table.month.filter(|_| table.families.contains(&family)).map(|month| (at, month))
        };
        self.tables.iter().enumerate().find_map(of)
    }

    /// `TABLE.FIELD` of a column.
    pub fn field_name(&self, table: usize, column: usize) -> String {
        self.tables[table].columns[column].name.clone()
    }

    /// `TABLE.FIELD` of a capture of the claim's (0), Patient's (1) or Coverage's (2) tree; of several the first in
    /// a table that the family feeds.
    pub fn name_of(&self, tree: usize, capture: usize, family: Option<usize>) -> String {
        let users = self.names[tree].get(&capture).map_or(&[][..], Vec::as_slice);
        let fed =
            |(table, _): &&(usize, usize)| family.is_some_and(|family| self.tables[*table].families.contains(&family));
        match users.iter().find(fed).or(users.first()) {
            Some((table, column)) => self.field_name(*table, *column),
            None => String::new(),
        }
    }
}

impl LinkProgram {
    /// The array and the link as the crosswalk writes them.
    pub fn written(&self) -> (&str, &Link) {
        (&self.written.0, &self.written.1)
    }
}
