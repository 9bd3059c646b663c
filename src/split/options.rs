//! How splits are read: the part of a [`Job`] that makes sense for a piece of it.

use crate::api::Api;
use crate::crosswalk::layout::Field;
use crate::crosswalk::path::{Cell, Root};
use crate::crosswalk::picture::Picture;
use crate::crosswalk::schema::{Mapping, Schemas, Status, Table};
use crate::error::{Error, Result};
use crate::job::{Job, LINEAGE, SUMMARY_TABLE};
use crate::parse::Verify;

/// Columns that joins and windows need, behind the table's own: whose claim it is, what versions of it share (v1, v2:
/// CCW's claim group; v3: the control number), and when the server last changed it (RFC 3339 text, as served).
pub const KEYS: [&str; 3] = ["patient_id", "claim_group_id", "last_updated"];

/// Columns behind the keys: id of the resource, name of its file, first byte of its line (of the uncompressed file), and
/// position of the file among the plan's, from 0. Of equally new versions of a claim the one counts that is last in the
/// input, by the last two.
pub const PLACE: [&str; 4] = ["fhir_id", "source_file", "source_byte", "source_number"];

/// A reference is `Patient/` and the id.
const PATIENT: &str = KEYS[0];
const OF_REFERENCE: &str = ".replace('Patient/','')";

/// The facts of a claim that are the [`KEYS`].
const FACTS: [&str; 3] = ["patient", "group", "updated"];

/// How splits are read.
#[derive(Debug, Clone)]
pub struct Options {
    /// only these columns, in this order; empty: all. What is not asked for is not looked for.
    pub columns: Vec<String>,
    /// append [`KEYS`] and [`PLACE`]
    pub keys: bool,
    /// end at the first loss
    pub strict: bool,
    /// workers inside one split; engines that own the cores want 1
    pub threads: usize,
    /// how much of a claim must be sound
    pub verify: Verify,
    /// look for Patients in every file, also in those that begin with a claim
    pub thorough: bool,
    /// layouts, crosswalks and rules; `None`: the embedded ones
    pub schemas: Option<Schemas>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            columns: Vec::new(),
            keys: false,
            strict: false,
            threads: 1,
            verify: Verify::default(),
            thorough: false,
            schemas: None,
        }
    }
}

impl Options {
    fn schemas(&self) -> Result<Schemas> {
        self.schemas.clone().map_or_else(Schemas::embedded, Ok)
    }

    /// The job whose pieces are read: of one table of claims, or of none.
    pub(crate) fn job(&self, table: Option<&str>, api: Api) -> Result<Job> {
        let mut schemas = self.schemas()?;
        let name = match table {
            Some(table) => Some(claim_table(&schemas, table)?),
            None => None,
        };
        if self.keys {
            add_keys(&mut schemas)?;
        }
        if let Some(name) = &name {
            check_columns(&self.columns, &schemas, name, if self.keys { &PLACE } else { &[] })?;
        }
        prune(&mut schemas, name.as_deref(), &self.columns);
        let mut job = Job::new([""; 0])?;
        job.api = Some(api);
        // The file summary alone is no table that a pass would write.
        job.tables = vec![name.unwrap_or_else(|| SUMMARY_TABLE.to_string())];
        job.lineage = self.keys;
        job.threads = self.threads.max(1);
        job.verify = self.verify;
        job.schemas = schemas;
        Ok(job)
    }
}

impl Options {
    /// Makes a job one of a single table and of the columns asked for; gives the table's name.
    pub(crate) fn whole(&self, job: &mut Job, table: &str) -> Result<String> {
        if let Some(schemas) = &self.schemas {
            job.schemas = schemas.clone();
        }
        let known = job.schemas.table(table).map(|table| table.layout.table.clone());
        let Some(name) = known else {
            job.tables = vec![table.to_string()];
            job.wanted_tables()?;
            return Ok(SUMMARY_TABLE.to_string());
        };
        check_columns(&self.columns, &job.schemas, &name, if job.lineage { &LINEAGE } else { &[] })?;
        prune(&mut job.schemas, Some(&name), &self.columns);
        job.tables = vec![name.clone()];
        Ok(name)
    }
}

/// Its name as the schemas write it.
fn claim_table(schemas: &Schemas, name: &str) -> Result<String> {
    let claims: Vec<&Table> = schemas.tables.iter().filter(|table| !is_population(table)).collect();
    if let Some(table) = claims.iter().find(|table| table.layout.table.eq_ignore_ascii_case(name)) {
        return Ok(table.layout.table.clone());
    }
    let names: Vec<&str> = claims.iter().map(|table| table.layout.table.as_str()).collect();
    let is_whole = schemas.table(name).is_some() || name.eq_ignore_ascii_case(SUMMARY_TABLE);
    let hint =
        if is_whole { "\n  hint: a row of this table needs the whole export: read it without splits" } else { "" };
    Err(Error::Usage(format!("expected one table of {}, found `{name}`{hint}", names.join(", "))))
}

/// Whether a row of the table needs everything that is known of a beneficiary, claims too.
pub(crate) fn is_population(table: &Table) -> bool {
    !has_splits(table)
}

/// Whether rows of the table can be made split by split: they are made of claims.
pub fn has_splits(table: &Table) -> bool {
    matches!(table.row, Root::Eob | Root::Item | Root::Procedure | Root::Diagnosis)
}

/// `more`: columns behind those of the layout.
fn check_columns(columns: &[String], schemas: &Schemas, name: &str, more: &[&str]) -> Result<()> {
    let Some(table) = schemas.table(name) else { return Ok(()) };
    let is_there = |column: &&String| more.contains(&column.as_str()) || table.layout.position(column).is_some();
    match columns.iter().find(|column| !is_there(column)) {
        Some(column) => Err(Error::Usage(format!("expected columns of {name}, found `{column}`"))),
        None => Ok(()),
    }
}

/// Takes out of the schemas what nobody asks for: the walk leaves a claim as soon as nothing more can come of it.
///
/// What rules, keys and control sums need stays. Tables stay too, for they tell which claims there are.
fn prune(schemas: &mut Schemas, wanted: Option<&str>, columns: &[String]) {
    for table in &mut schemas.tables {
        let is_wanted = wanted == Some(&*table.layout.table);
        // How many rows of a beneficiary there are hangs on other columns; they are cut from the rows instead.
        if is_wanted && (columns.is_empty() || !has_splits(table)) {
            continue;
        }
        let needed = table.only_with.iter().chain(&table.month).chain(&table.cancels);
        let needed: Vec<String> = match is_wanted {
            true => needed.chain(&table.keys).chain(&table.control).chain(columns).cloned().collect(),
            false => needed.cloned().collect(),
        };
        table.layout.fields.retain(|field| needed.contains(&field.label));
    }
}

/// [`KEYS`] as columns of every table of claims, each made like the fact of the same kind.
fn add_keys(schemas: &mut Schemas) -> Result<()> {
    let Schemas { tables, versions, .. } = schemas;
    for table in tables.iter_mut().filter(|table| !is_population(table)) {
        for (label, fact) in KEYS.into_iter().zip(FACTS) {
            if table.layout.position(label).is_some() {
                continue;
            }
            let start = table.layout.record_length() + 1;
            let picture = Picture::Text { width: 64 };
            let end = start + picture.width() - 1;
            table.layout.fields.push(Field {
                label: label.to_string(),
                start,
                end,
                printed: "X(64)".to_string(),
                picture,
                own: true,
            });
            for version in versions.iter_mut() {
                let is_fact = |mapping: &&Mapping| mapping.table == "%eob" && mapping.field == fact;
                let none = || Error::Usage(format!("expected the fact `{fact}` of a claim, found none"));
                let fact = version.mappings.iter().find(is_fact).cloned().ok_or_else(none)?;
                let text = if label == PATIENT { format!("{}{OF_REFERENCE}", fact.text) } else { fact.text.clone() };
                let cell = Cell::parse(&text).map_err(|fault| Error::Usage(format!("`{label}`: {fault}")))?;
                let (table, field) = (table.layout.table.clone(), label.to_string());
                version.mappings.push(Mapping { table, field, status: Some(Status::Mapped), text, cell, ..fact });
            }
        }
    }
    Ok(())
}
