//! Tables and columns of the user's own, beside CMS's: `own-tables.csv` and `own-columns.csv` of a schemas folder.
//!
//! They add and never change: a column comes behind the last one of its table, a table behind the last table. So a
//! copy of the whole crosswalk is not needed to add a field, and a loader of CMS's columns finds them where they were.

use std::path::Path as FilePath;

use super::layout::{Field, Layout};
use super::path::{Cell, Root};
use super::picture::Picture;
use super::schema::{Mapping, Schemas, Status, Table};
use super::sheet::{Sheet, SheetRow};
use crate::api::Api;
use crate::error::Result;

/// One column a row.
pub const COLUMNS: &str = "own-columns.csv";

const COLUMNS_HEADER: &[&str] = &["table", "field", "picture", "type", "v1", "v2", "v3", "note"];

/// One table a row; its columns are in [`COLUMNS`].
pub const TABLES: &str = "own-tables.csv";

/// The table of spans of enrolment, in the form of own-columns.csv: as loaders of CCLF want it beside CMS's tables.
pub const ENROLLMENT: &str = "enrollment";

/// What a table of claims can have a row for.
const CLAIM_ROWS: [Root; 4] = [Root::Eob, Root::Item, Root::Procedure, Root::Diagnosis];

/// Adds what the folder has.
pub(super) fn add(folder: &FilePath, schemas: &mut Schemas) -> Result<()> {
    let first = schemas.tables.len();
    let sheet = |name: &str, header| {
        if folder.join(name).exists() {
            Sheet::open(Some(folder), name, header).map(|sheet| sheet.rows)
        } else {
            Ok(Vec::new())
        }
    };
    let tables = sheet(TABLES, &["table", "title", "row", "families", "keys", "note"])?;
    for row in &tables {
        let table = table(row, schemas)?;
        schemas.tables.push(table);
    }
    for row in &sheet(COLUMNS, COLUMNS_HEADER)? {
        column(row, schemas)?;
    }
    for (row, table) in tables.iter().zip(&schemas.tables[first..]) {
        let name = &table.layout.table;
        if table.layout.fields.is_empty() {
            return Err(row.fault(name, &format!("expected columns of the table in {COLUMNS}, found none")));
        }
        if let Some(key) = table.keys.iter().find(|key| table.layout.position(key).is_none()) {
            return Err(row.fault(name, &format!("keys, expected fields of the table, found `{key}`")));
        }
    }
    Ok(())
}

/// Adds the table `enrollment`.
pub(super) fn add_enrollment(schemas: &mut Schemas) -> Result<()> {
    let file = format!("{ENROLLMENT}.csv");
    let sheet = Sheet::open(schemas.folder(), &file, COLUMNS_HEADER)?;
    schemas.tables.push(Table {
        layout: Layout { table: ENROLLMENT.to_string(), fields: Vec::new() },
        title: "Spans of enrolment in Part A or Part B".to_string(),
        row: Root::Coverage,
        families: Vec::new(),
        only_with: Vec::new(),
        keys: Vec::new(),
        control: None,
        cancels: None,
        month: None,
        own: true,
    });
    sheet.rows.iter().try_for_each(|row| column(row, schemas))
}

/// Adds the columns of a file in the form of [`COLUMNS`].
pub(super) fn add_columns(schemas: &mut Schemas, file: &str) -> Result<()> {
    let sheet = Sheet::open(schemas.folder(), file, COLUMNS_HEADER)?;
    sheet.rows.iter().try_for_each(|row| column(row, schemas))
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_string).collect()
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn table(row: &SheetRow, schemas: &Schemas) -> Result<Table> {
    let name = row.get("table");
    if !is_name(name) {
        return Err(row.fault(name, "table, expected letters, digits and `_`, a letter first: it names a file"));
    }
    if schemas.table(name).is_some() || name.eq_ignore_ascii_case("CCLF0") {
        return Err(row.fault(name, "table, expected a name of its own, found one that is taken"));
    }
    let root = row.get("row").strip_prefix('%').and_then(Root::parse).filter(|root| CLAIM_ROWS.contains(root));
    let root = root.ok_or_else(|| row.fault(name, "row, expected %eob, %item or %px: what a row is made of"))?;
    if root == Root::Diagnosis {
        return Err(
            row.fault(name, "row, expected %eob, %item or %px, found %dx: its rows are what diagnoses.csv orders")
        );
    }
    let known: Vec<&String> = schemas.tables.iter().flat_map(|table| &table.families).collect();
    let families = words(row.get("families"));
    if families.is_empty() {
        return Err(row.fault(name, "families, expected the claim types that feed the table, found none"));
    }
    if let Some(family) = families.iter().find(|family| !known.contains(family)) {
        return Err(row.fault(name, &format!("families, expected claim types of tables.csv, found `{family}`")));
    }
    Ok(Table {
        layout: Layout { table: name.to_string(), fields: Vec::new() },
        title: row.get("title").to_string(),
        row: root,
        families,
        only_with: Vec::new(),
        keys: words(row.get("keys")),
        // Sums are compared with one column of a claim type, which CMS's tables have.
        control: None,
        cancels: None,
        month: None,
        own: true,
    })
}

fn column(row: &SheetRow, schemas: &mut Schemas) -> Result<()> {
    let (table, label) = (row.get("table"), row.get("field"));
    let Some(at) = schemas.tables.iter().position(|known| known.layout.table == table) else {
        return Err(row.fault(label, &format!("table, expected a table of tables.csv or {TABLES}, found `{table}`")));
    };
    if !is_name(label) {
        return Err(row.fault(label, "field, expected letters, digits and `_`, a letter first"));
    }
    let layout = &mut schemas.tables[at].layout;
    if layout.fields.iter().any(|field| field.label.eq_ignore_ascii_case(label)) {
        return Err(row.fault(label, &format!("field, expected a name that `{table}` does not have yet")));
    }
    let picture = Picture::parse(row.get("picture"), row.get("type"))
        .map_err(|message| row.fault(label, &format!("picture, {message}")))?;
    let start = layout.record_length() + 1;
    layout.fields.push(Field {
        label: label.to_string(),
        start,
        end: start + picture.width() - 1,
        printed: row.get("picture").to_string(),
        picture,
        own: true,
    });
    for (version, column) in schemas.versions.iter_mut().zip(["v1", "v2", "v3"]) {
        debug_assert_eq!(Some(version.api), Api::parse(column));
        let cell = Cell::parse(row.get(column)).map_err(|fault| row.fault(label, &format!("{column}, {fault}")))?;
        if cell.alternatives.is_empty() && row.get("note").is_empty() {
            return Err(
                row.fault(label, &format!("{column}, expected a path, or a note that says why there is none (`-`)"))
            );
        }
        let status = if cell.alternatives.is_empty() { Status::Absent } else { Status::Mapped };
        version.mappings.push(Mapping {
            table: table.to_string(),
            field: label.to_string(),
            status: Some(status),
            text: row.get(column).to_string(),
            cell,
            note: row.get("note").to_string(),
            file: COLUMNS.to_string(),
            row: row.number,
            column,
        });
    }
    Ok(())
}
