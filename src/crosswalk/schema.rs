//! Reads `schemas/`: layouts, crosswalks, value maps and rules, embedded in the binary or from a folder.
//!
//! Everything a claims analyst may want to correct is in these files; a folder given with `--schemas` replaces the
//! embedded files it has and leaves the others. This module checks form (columns, references by name); whether a
//! path makes sense in its table is checked by [`program`](super::program).

mod files;

use std::path::{Path as FilePath, PathBuf};

use self::files::{diagnoses_sheet, mappings, skips, skips_sheet, tables, version};
use super::codes::Codes;
use super::kinds::{Kinds, OWN_PSEUDONYMS};
use super::layout::Layout;
use super::own;
pub use super::own::ENROLLMENT;
use super::path::{Cell, Root};
use super::sheet::{EMBEDDED, Sheet, files_of};
use crate::api::Api;
use crate::error::{Error, Result};

/// How a version provides a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// the value is served
    Mapped,
    /// a constant, a translation or a stand-in
    Derived,
    /// not served: always blank
    Absent,
}

impl Status {
    /// As in the crosswalk files.
    pub fn name(self) -> &'static str {
        match self {
            Status::Mapped => "mapped",
            Status::Derived => "derived",
            Status::Absent => "absent",
        }
    }
}

/// One table: layout and how its rows arise.
#[derive(Debug, Clone)]
pub struct Table {
    /// fields and pictures
    pub layout: Layout,
    /// CMS's file description
    pub title: String,
    /// what a row is made of
    pub row: Root,
    /// claim families that feed it
    pub families: Vec<String>,
    /// if any: a row exists only with a value in one of these fields
    pub only_with: Vec<String>,
    /// fields that loaders join or filter by; blanks in them are counted
    pub keys: Vec<String>,
    /// the amount whose sum is compared with the input's
    pub control: Option<String>,
    /// the field that tells a claim's cancellation (1) from its original; `None`: the table has no cancellations
    pub cancels: Option<String>,
    /// the date whose month a claim of its families counts in
    pub month: Option<String>,
    /// of the user's own: CMS's file summary does not list it
    pub own: bool,
}

/// One row of a crosswalk file.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// table name, or `%root` for a fact
    pub table: String,
    /// CCLF label or fact name
    pub field: String,
    /// `None` for a fact
    pub status: Option<Status>,
    /// as written
    pub text: String,
    /// as parsed
    pub cell: Cell,
    /// why, or what to know
    pub note: String,
    /// the file it is from
    pub file: String,
    /// 1-based row of the file
    pub row: usize,
    /// the column its path stands in
    pub column: &'static str,
}

/// The product of diagnoses that have no row.
pub const NO_ROW: &str = "-";

/// One row of diagnoses.csv: what becomes of diagnoses of a type.
#[derive(Debug, Clone)]
pub struct DiagnosisRule {
    /// table whose rows or slots it is about
    pub table: String,
    /// FHIR type code; empty: none given; `*`: any
    pub kind: String,
    /// CLM_PROD_TYPE_CD; [`NO_ROW`]: they are left out
    pub product: String,
    /// lower comes first; equal ones by `sequence`
    pub order: u32,
    /// leave out if a rule without this mark gives the same code
    pub unless_repeated: bool,
    /// the first of the product comes once more under this product, number 1
    pub first_also: String,
}

/// One row of skips.csv: claims that give no rows.
#[derive(Debug, Clone)]
pub struct Skip {
    /// name of a fact of the crosswalk
    pub fact: String,
    /// patterns of codes.csv's kind
    pub values: Vec<String>,
    /// only these claim families; empty: all
    pub families: Vec<String>,
    /// as counted in the summary
    pub reason: String,
    /// what the claim is in a history of adjustments
    pub adjustment: Option<Adjustment>,
}

/// What a claim that is left out is in a history of adjustments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjustment {
    /// it was paid and is no longer in force
    Cancelled,
    /// it takes another claim back
    Void,
    /// partially adjudicated claims with its control number are no longer wanted
    Adjudicated,
}

/// One API version's files.
#[derive(Debug, Clone)]
pub struct Version {
    /// which
    pub api: Api,
    /// fields and facts in file order
    pub mappings: Vec<Mapping>,
    /// in file order
    pub diagnoses: Vec<DiagnosisRule>,
    /// in file order: the first that applies counts
    pub skips: Vec<Skip>,
}

impl Version {
    /// Where a field of a table comes from.
    pub fn mapping(&self, table: &str, field: &str) -> Option<&Mapping> {
        // Most names of tables are of one length, which tells nothing apart; those of fields are not.
        self.mappings.iter().find(|mapping| mapping.field == field && mapping.table == table)
    }
}

/// All schemas.
#[derive(Debug, Clone)]
pub struct Schemas {
    /// in order of tables.csv
    pub tables: Vec<Table>,
    /// where files are that replace embedded ones
    folder: Option<PathBuf>,
    /// value maps
    pub codes: Codes,
    /// v1, v2, v3
    pub versions: Vec<Version>,
    /// they are of partially adjudicated claims
    is_partial: bool,
}

/// Version of CMS's information packet whose layouts these are.
pub const LAYOUT_VERSION: &str = "CCLF IP v42";

/// Files that add to the embedded ones in place of replacing them.
const OWN: &[&str] = &[own::COLUMNS, own::TABLES, OWN_PSEUDONYMS];

impl Schemas {
    /// The schemas in the binary.
    pub fn embedded() -> Result<Schemas> {
        Schemas::read(None)
    }

    /// The schemas in the binary, with files of `folder` in place of those it has, and with the tables and columns of
    /// its `own-tables.csv` and `own-columns.csv`.
    pub fn with_folder(folder: &FilePath) -> Result<Schemas> {
        if !folder.is_dir() {
            return Err(Error::Usage(format!(
                "expected a folder of schemas, found none at `{}`\n  hint: copy the project's `schemas` folder and edit the copy",
                folder.display()
            )));
        }
        let files = files_of(folder)?;
        for name in &files {
            if !EMBEDDED.iter().any(|(known, _)| known == name) && !OWN.contains(&name.as_str()) {
                let names: Vec<&str> = OWN.iter().copied().chain(EMBEDDED.iter().map(|(known, _)| *known)).collect();
                return Err(Error::Usage(format!(
                    "expected schema files of {}, found `{name}` in `{}`\n  hint: a file of another name would be ignored",
                    names.join(", "),
                    folder.display()
                )));
            }
        }
        if files.is_empty() {
            return Err(Error::Usage(format!(
                "expected schema files such as `codes.csv` in `{}`, found none\n  hint: copy the project's `schemas` folder and edit the copy",
                folder.display()
            )));
        }
        Schemas::read(Some(folder))
    }

    fn read(folder: Option<&FilePath>) -> Result<Schemas> {
        let tables = tables(folder, "tables.csv")?;
        let mut codes = Codes::default();
        for row in Sheet::open(folder, "codes.csv", &["map", "from", "to", "note"])?.rows {
            if !codes.add(row.get("map"), row.get("from"), row.get("to")) {
                return Err(row.fault(row.get("map"), "expected each `from` once in a map, found a second one"));
            }
        }
        let (diagnoses, skips) = (diagnoses_sheet(folder)?, skips_sheet(folder, "skips.csv")?);
        let version = |api| version(folder, api, &diagnoses, &skips);
        let versions = Api::ALL.into_iter().map(version).collect::<Result<_>>()?;
        let mut schemas =
            Schemas { tables, folder: folder.map(FilePath::to_path_buf), codes, versions, is_partial: false };
        if let Some(folder) = folder {
            own::add(folder, &mut schemas)?;
        }
        Ok(schemas)
    }

    /// Adds the table `enrollment`, which is not CMS's but wanted by loaders of CCLF, if it is not there yet.
    pub fn add_enrollment(&mut self) -> Result<()> {
        if self.table(own::ENROLLMENT).is_some() { Ok(()) } else { own::add_enrollment(self) }
    }

    /// The schemas of partially adjudicated claims: the same crosswalks with the cells of `partial/` in place of theirs,
    /// tables that such claims have, with columns of their status, and rules that leave the adjudicated ones out.
    pub fn partial(&self) -> Result<Schemas> {
        let folder = self.folder();
        let mut partial = self.clone();
        partial.is_partial = true;
        partial.tables = tables(folder, "partial/tables.csv")?;
        let rules = skips_sheet(folder, "partial/skips.csv")?;
        for version in &mut partial.versions {
            version.skips = skips(&rules, version.api)?;
            if version.api == Api::V1 {
                continue;
            }
            for mapping in mappings(folder, &format!("partial/{}.csv", version.api.name()))? {
                let same = |known: &Mapping| known.table == mapping.table && known.field == mapping.field;
                match version.mappings.iter_mut().find(|known| same(known)) {
                    Some(known) => *known = mapping,
                    None => version.mappings.push(mapping),
                }
            }
        }
        own::add_columns(&mut partial, "partial/columns.csv")?;
        Ok(partial)
    }

    /// They are those of [`partial`](Schemas::partial).
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// What each column tells of a person; an error if a column of these tables has no line.
    pub fn kinds(&self) -> Result<Kinds> {
        Kinds::open(self)
    }

    /// One version's crosswalk.
    pub fn version(&self, api: Api) -> &Version {
        &self.versions[Api::ALL.iter().position(|a| *a == api).unwrap_or(0)]
    }

    pub(super) fn folder(&self) -> Option<&FilePath> {
        self.folder.as_deref()
    }

    /// A table by name, any case.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.layout.table.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_schemas_read_and_have_every_field_once_per_version() {
        let schemas = Schemas::embedded().unwrap();
        assert_eq!(schemas.tables.iter().map(|t| t.layout.fields.len()).sum::<usize>(), 286);
        for version in &schemas.versions {
            for table in &schemas.tables {
                for field in &table.layout.fields {
                    let mappings =
                        version.mappings.iter().filter(|m| m.table == table.layout.table && m.field == field.label);
                    assert_eq!(mappings.count(), 1, "{} {} {}", version.api.name(), table.layout.table, field.label);
                }
            }
        }
    }

    #[test]
    fn record_lengths_are_cms_s() {
        let schemas = Schemas::embedded().unwrap();
        let lengths: Vec<usize> = schemas.tables.iter().map(|table| table.layout.record_length()).collect();
        assert_eq!(lengths, [437, 199, 114, 112, 388, 247, 195, 549, 55, 324, 128]);
    }

    #[test]
    fn a_folder_replaces_the_files_it_has_and_faults_name_row_and_column() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("codes.csv"), "map,from,to,note\nsex,male,9,\n").unwrap();
        let schemas = Schemas::with_folder(folder.path()).unwrap();
        assert_eq!(schemas.codes.map("sex").unwrap().get("male"), Some("9"));
        std::fs::create_dir(folder.path().join("crosswalk")).unwrap();
        std::fs::write(
            folder.path().join("crosswalk/v2.csv"),
            "table,field,status,path,note\nCCLF1,CLM_FROM_DT,mapped,%eob.billablePeriod..start,\n",
        )
        .unwrap();
        let error = Schemas::with_folder(folder.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "crosswalk/v2.csv, row 2, `CLM_FROM_DT`: path, column 21: expected a name, found `.`"
        );
        assert_eq!(error.exit_code(), 2);
    }
}
