//! `claimfeed schema`

use claimfeed::crosswalk::program::{Crosswalk, Wants};
use claimfeed::crosswalk::schema::{ENROLLMENT, Mapping, Schemas, Status, Table, Version};
use claimfeed::write::describe::{Form, Options, describe};
use claimfeed::write::{OutTable, SUMMARY_TABLE};
use claimfeed::{Api, Error, Result};

use super::table::Columns;

/// Show layouts, and where each field comes from
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claimfeed schema                     fields of each table that each API version provides
  claimfeed schema CCLF5               the layout of one table
  claimfeed schema --coverage CCLF8    where its fields come from, and why a blank is blank
  claimfeed schema --as postgres       CREATE TABLE of every table, to load the CSV into
  claimfeed schema --as json CCLF1     everything that is known of each field, for programs")]
pub struct Schema {
    /// Tables, e.g. CCLF5; all if none is named
    table: Vec<String>,
    /// For each field and API version: mapped, derived or absent, with the path or the reason
    #[arg(long)]
    coverage: bool,
    /// In the words of a database or program; `arrow` is the JSON of Arrow's integration format
    #[arg(long = "as", value_name = "FORM", conflicts_with = "coverage",
        value_parser = ["json", "arrow", "duckdb", "postgres", "snowflake", "spark", "dbt-sources"])]
    form: Option<String>,
    /// With --as: the columns of `convert --lineage` too
    #[arg(long, requires = "form")]
    lineage: bool,
    /// With --as: the columns of `convert --file-columns` too
    #[arg(long, requires = "form")]
    file_columns: bool,
    /// With --as: text of any width, for codes that are wider than their picture
    #[arg(long, requires = "form")]
    open_text: bool,
    /// The tables of `convert --partial`, with the columns of their status
    #[arg(long)]
    partial: bool,
    /// Folder with own layouts, crosswalks or value maps
    #[arg(long, value_name = "DIR")]
    schemas: Option<std::path::PathBuf>,
}

impl Schema {
    /// Runs it.
    pub fn run(self) -> Result<u8> {
        let mut schemas = match &self.schemas {
            Some(folder) => {
                let schemas = Schemas::with_folder(folder)?;
                // A path that makes no sense in its table should not wait for an export of that version.
                let partial = schemas.partial()?;
                for (schemas, apis) in [(&schemas, &Api::ALL[..]), (&partial, &[Api::V2, Api::V3])] {
                    apis.iter().try_for_each(|api| Crosswalk::compile_with(schemas, *api, Wants::ALL).map(drop))?;
                }
                schemas
            }
            None => Schemas::embedded()?,
        };
        if self.table.iter().any(|name| name.eq_ignore_ascii_case(ENROLLMENT)) {
            schemas.add_enrollment()?;
        }
        if self.partial {
            schemas = schemas.partial()?;
            // It has no such claims.
            schemas.versions.retain(|version| version.api != Api::V1);
        }
        for name in &self.table {
            if schemas.table(name).is_none() && !name.eq_ignore_ascii_case(SUMMARY_TABLE) {
                let known = schemas.tables.iter().map(|table| table.layout.table.as_str());
                let names: Vec<&str> = [SUMMARY_TABLE].into_iter().chain(known).collect();
                return Err(Error::Usage(format!("expected tables of {}, found `{name}`", names.join(", "))));
            }
        }
        let wanted = |table: &&Table| {
            self.table.is_empty() || self.table.iter().any(|name| name.eq_ignore_ascii_case(&table.layout.table))
        };
        let tables: Vec<&Table> = schemas.tables.iter().filter(wanted).collect();
        let summary = self.table.is_empty() || self.table.iter().any(|name| name.eq_ignore_ascii_case(SUMMARY_TABLE));
        let text = if let Some(form) = self.form.as_deref().and_then(Form::parse) {
            let options = Options { lineage: self.lineage, file_columns: self.file_columns, open_text: self.open_text };
            describe(form, &schemas, &tables, summary, options)
        } else if self.coverage {
            coverage(&schemas, &tables)
        } else if self.table.is_empty() {
            counts(&schemas, &tables)
        } else {
            layouts(&tables, summary)
        };
        super::print(text.as_bytes())
    }
}

fn mapping<'a>(version: &'a Version, table: &Table, label: &str) -> Option<&'a Mapping> {
    version.mapping(&table.layout.table, label)
}

fn coverage(schemas: &Schemas, tables: &[&Table]) -> String {
    let mut columns = Columns::new(&["table", "field", "api", "status", "path, or why there is none"]);
    for table in tables {
        for field in &table.layout.fields {
            for version in &schemas.versions {
                let Some(mapping) = mapping(version, table, &field.label) else { continue };
                let status = mapping.status.map_or("", Status::name);
                let why = if mapping.status == Some(Status::Absent) { &mapping.note } else { &mapping.text };
                columns.row([&table.layout.table, &field.label, version.api.name(), status, why]);
            }
        }
    }
    columns.to_string()
}

fn counts(schemas: &Schemas, tables: &[&Table]) -> String {
    let mut columns = Columns::new(&[
        "table",
        "fields",
        "length",
        "v1 mapped",
        "derived",
        "absent",
        "v2 mapped",
        "derived",
        "absent",
        "v3 mapped",
        "derived",
        "absent",
        "what it is",
    ]);
    let mut totals = [0usize; 10];
    for table in tables {
        let mut numbers = vec![table.layout.fields.len()];
        for version in &schemas.versions {
            for status in [Status::Mapped, Status::Derived, Status::Absent] {
                let of = |field: &&claimfeed::crosswalk::layout::Field| {
                    mapping(version, table, &field.label).and_then(|m| m.status) == Some(status)
                };
                numbers.push(table.layout.fields.iter().filter(of).count());
            }
        }
        for (total, number) in totals.iter_mut().zip(&numbers) {
            *total += number;
        }
        let mut cells =
            vec![table.layout.table.clone(), numbers[0].to_string(), table.layout.record_length().to_string()];
        cells.extend(numbers[1..].iter().map(ToString::to_string));
        cells.push(table.title.clone());
        columns.row(cells);
    }
    let mut cells = vec!["all".to_string(), totals[0].to_string(), String::new()];
    cells.extend(totals[1..].iter().map(ToString::to_string));
    cells.push(String::new());
    columns.row(cells);
    columns.to_string()
}

fn layouts(tables: &[&Table], summary: bool) -> String {
    let mut columns = Columns::new(&["table", "field", "start", "end", "picture"]);
    if summary {
        let mut end = 0;
        // Between its fields stands a `|`.
        for column in OutTable::summary().columns {
            let (start, width) = (if end == 0 { 1 } else { end + 2 }, column.picture.width());
            end = start + width - 1;
            let picture = format!("X({width})");
            columns.row([SUMMARY_TABLE, &column.label, &start.to_string(), &end.to_string(), &picture]);
        }
    }
    for table in tables {
        for field in &table.layout.fields {
            columns.row([
                table.layout.table.clone(),
                field.label.clone(),
                field.start.to_string(),
                field.end.to_string(),
                field.printed.clone(),
            ]);
        }
    }
    columns.to_string()
}
