//! What a column tells of a person: `schemas/pseudonyms.csv`, and `own-pseudonyms.csv` beside own columns.
//!
//! Every column has a line there, those that stay as well. So a column that is added later is an error until somebody has
//! decided about it, and never a name that slips through. What becomes of a kind is known to [`pseudonym`](crate::pseudonym).

use std::path::Path as FilePath;

use super::own;
use super::picture::Picture;
use super::schema::Schemas;
use super::sheet::Sheet;
use crate::error::{Error, Result};

/// The shipped file.
pub const PSEUDONYMS: &str = "pseudonyms.csv";

/// Lines for a user's own columns, beside the shipped ones.
pub const OWN_PSEUDONYMS: &str = "own-pseudonyms.csv";

/// In place of a table: a column that any table can have, such as those of lineage.
const ANY: &str = "*";

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// nothing that tells who somebody is
    Kept,
    /// the MBI of whom the row is about, from which its dates are shifted; replaced as [`Mbi`](Kind::Mbi)
    Beneficiary,
    /// an MBI
    Mbi,
    /// a number from before MBIs
    Hicn,
    /// of a claim, a resource, a prescription
    Id,
    /// of a person
    Name,
    /// a line of an address
    Street,
    /// of an address
    City,
    /// of an address, a code
    County,
    /// a ZIP code, or its last four digits
    Postcode,
    /// of birth, of death, of a service
    Date,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 11] = [
        Kind::Kept,
        Kind::Beneficiary,
        Kind::Mbi,
        Kind::Hicn,
        Kind::Id,
        Kind::Name,
        Kind::Street,
        Kind::City,
        Kind::County,
        Kind::Postcode,
        Kind::Date,
    ];

    /// As in the file.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Kept => "kept",
            Kind::Beneficiary => "beneficiary",
            Kind::Mbi => "mbi",
            Kind::Hicn => "hicn",
            Kind::Id => "id",
            Kind::Name => "name",
            Kind::Street => "street",
            Kind::City => "city",
            Kind::County => "county",
            Kind::Postcode => "postcode",
            Kind::Date => "date",
        }
    }

    /// Whether a column of this picture can hold what stands for the kind.
    fn fits(self, picture: Picture) -> bool {
        match (self, picture) {
            (Kind::Kept, _) | (_, Picture::Text { .. }) => self != Kind::Date,
            (Kind::Date, picture) => picture == Picture::Date,
            (Kind::Name | Kind::Street | Kind::City, _) => false,
            (_, picture) => matches!(picture, Picture::Digits { .. }),
        }
    }
}

/// The kind of every column.
#[derive(Debug, Clone)]
pub struct Kinds {
    lines: Vec<Line>,
}

#[derive(Debug, Clone)]
struct Line {
    table: String,
    field: String,
    kind: Kind,
}

impl Kinds {
    /// As the files say; an error if they leave out a column of the schemas.
    pub(super) fn open(schemas: &Schemas) -> Result<Kinds> {
        let header = &["table", "field", "kind", "note"];
        let folder = schemas.folder();
        let mut rows = Sheet::open(folder, PSEUDONYMS, header)?.rows;
        if folder.is_some_and(|folder: &FilePath| folder.join(OWN_PSEUDONYMS).exists()) {
            rows.extend(Sheet::open(folder, OWN_PSEUDONYMS, header)?.rows);
        }
        let mut kinds = Kinds { lines: Vec::new() };
        for row in rows {
            let (table, field) = (row.get("table").to_string(), row.get("field").to_string());
            let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == row.get("kind")) else {
                let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
                return Err(row.fault(&field, &format!("kind, expected one of {}", names.join(", "))));
            };
            if kinds.lines.iter().any(|known| known.table == table && known.field == field) {
                return Err(row.fault(&field, "expected one line for a column, found a second one"));
            }
            kinds.lines.push(Line { table, field, kind });
        }
        schemas.tables.iter().try_for_each(|table| {
            let columns: Vec<(&str, Picture)> =
                table.layout.fields.iter().map(|field| (field.label.as_str(), field.picture)).collect();
            kinds.of_table(&table.layout.table, &columns).map(drop)
        })?;
        Ok(kinds)
    }

    /// The kind of each column of a table, in order.
    pub fn of_table(&self, table: &str, columns: &[(&str, Picture)]) -> Result<Vec<Kind>> {
        let mut kinds = Vec::new();
        for (field, picture) in columns {
            let Some(kind) = self.of(table, field) else {
                return Err(Error::Usage(format!(
                    "expected a line for every column in {PSEUDONYMS} or {OWN_PSEUDONYMS}, found none for `{table}.{field}`\n  hint: add `{table},{field},KIND,` to {OWN_PSEUDONYMS} of the folder that has {}; `kept` as KIND leaves the column as it is",
                    own::COLUMNS
                )));
            };
            if !kind.fits(*picture) {
                return Err(Error::Usage(format!(
                    "expected a kind that fits the column's picture, found `{}` for `{table}.{field}` in {PSEUDONYMS} or {OWN_PSEUDONYMS}\n  hint: `date` is for dates alone, names and addresses are for texts, numbers and codes for texts and digits",
                    kind.name()
                )));
            }
            kinds.push(kind);
        }
        let count = |kind| kinds.iter().filter(|found| **found == kind).count();
        let (people, dates) = (count(Kind::Beneficiary), count(Kind::Date));
        if people > 1 || (people == 0 && dates > 0) {
            return Err(Error::Usage(format!(
                "expected one column of kind `beneficiary` in a table with dates, found {people} for `{table}` in {PSEUDONYMS} or {OWN_PSEUDONYMS}\n  hint: dates are shifted by whom their row is about"
            )));
        }
        Ok(kinds)
    }

    /// The kind of one column; `None` if it has no line.
    pub fn of(&self, table: &str, field: &str) -> Option<Kind> {
        let found = |table: &str| self.lines.iter().find(|line| line.table == table && line.field == field);
        found(table).or_else(|| found(ANY)).map(|line| line.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Api;

    fn all_columns(schemas: &Schemas) -> Vec<(String, String, Picture)> {
        let of = |table: &crate::crosswalk::schema::Table| {
            let name = table.layout.table.clone();
            let fields = table.layout.fields.iter();
            fields.map(|field| (name.clone(), field.label.clone(), field.picture)).collect::<Vec<_>>()
        };
        schemas.tables.iter().flat_map(of).collect()
    }

    #[test]
    fn every_column_has_a_line_and_every_line_a_column() {
        let mut schemas = Schemas::embedded().unwrap();
        schemas.add_enrollment().unwrap();
        let partial = schemas.partial().unwrap();
        let kinds = schemas.kinds().unwrap();
        assert!(partial.kinds().is_ok());
        let columns = [all_columns(&schemas), all_columns(&partial)].concat();
        for line in kinds.lines.iter().filter(|line| line.table != ANY) {
            let known = columns.iter().any(|(table, field, _)| *table == line.table && *field == line.field);
            assert!(known, "{}.{} is no column", line.table, line.field);
        }
        let added: Vec<&str> =
            kinds.lines.iter().filter(|line| line.table == ANY).map(|line| line.field.as_str()).collect();
        assert_eq!(added, ["fhir_id", "source_file", "source_line", "FILE_NAME", "FILE_DATE"]);
        for (table, field, picture) in &columns {
            let kind = kinds.of(table, field).unwrap();
            assert_eq!(kind == Kind::Date, *picture == Picture::Date, "{table}.{field}");
        }
    }

    /// What tells who somebody is, known by its name and by where its values come from, is never kept.
    #[test]
    fn no_column_that_tells_a_person_is_kept() {
        let schemas = Schemas::embedded().unwrap();
        let kinds = schemas.kinds().unwrap();
        let telling = [
            "_NAME",
            "_ADR",
            "MBI_ID",
            "HIC_NUM",
            "HICN_NUM",
            "RRB",
            "UNIQ_ID",
            "CNTL_NUM",
            "RFRNC_NUM",
            "ZIP",
            "CNTY",
            "CRNT_NUM",
            "PRVS_NUM",
        ];
        let sources = ["%patient.name", "%patient.address", "%mbi", "/us-mbi", "%eob.id", "%patient.id"];
        let mut found = 0;
        for api in Api::ALL {
            for mapping in schemas.version(api).mappings.iter().filter(|mapping| mapping.status.is_some()) {
                let (table, field) = (&mapping.table, &mapping.field);
                let is_code = field == "GEO_USPS_STATE_CD" || field == "BENE_FIPS_STATE_CD";
                let tells = telling.iter().any(|part| field.contains(part))
                    || sources.iter().any(|part| mapping.text.contains(part));
                if tells && !is_code {
                    found += 1;
                    assert_ne!(kinds.of(table, field), Some(Kind::Kept), "{table}.{field}");
                }
            }
        }
        assert!(found > 150, "{found}");
    }

    #[test]
    fn columns_of_ones_own_need_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let kinds = || Schemas::with_folder(folder.path()).unwrap().kinds();
        write(
            "own-columns.csv",
            "table,field,picture,type,v1,v2,v3,note\nCCLF1,MY_ID,X(20),char,%eob.id,%eob.id,%eob.id,\n",
        );
        let error = kinds().unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert_eq!(
            error.to_string(),
            "expected a line for every column in pseudonyms.csv or own-pseudonyms.csv, found none for `CCLF1.MY_ID`\n  hint: add `CCLF1,MY_ID,KIND,` to own-pseudonyms.csv of the folder that has own-columns.csv; `kept` as KIND leaves the column as it is"
        );
        write("own-pseudonyms.csv", "table,field,kind,note\nCCLF1,MY_ID,id,\n");
        assert_eq!(kinds().unwrap().of("CCLF1", "MY_ID"), Some(Kind::Id));
        let faults = [
            ("CCLF1,MY_ID,date,\n", "expected a kind that fits the column's picture, found `date` for `CCLF1.MY_ID`"),
            ("CCLF1,MY_ID,number,\n", "own-pseudonyms.csv, row 2, `MY_ID`: kind, expected one of kept, beneficiary"),
            ("CCLF1,MY_ID,id,\nCCLF1,MY_ID,id,\n", "row 3, `MY_ID`: expected one line for a column, found a second"),
            ("CCLF1,MY_ID,beneficiary,\n", "expected one column of kind `beneficiary` in a table with dates, found 2"),
        ];
        for (lines, message) in faults {
            write("own-pseudonyms.csv", &format!("table,field,kind,note\n{lines}"));
            let error = kinds().unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
