//! The tables in other people's words: what a database, a dbt project or a program must know to take them.
//!
//! All of it is generated from the layouts, so that it cannot differ from what is written. Types: an amount is an
//! exact decimal of its picture's digits, a date a date, everything else text, because codes have leading zeros.
//! Names are quoted only where a database demands it.

mod arrow;
mod dbt;
mod ddl;
mod json;

use super::OutTable;
use crate::crosswalk::picture::Picture;
use crate::crosswalk::schema::{LAYOUT_VERSION, Schemas, Table};

/// In whose words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// everything that is known of each field, also where it comes from in each API version
    Json,
    /// Arrow schemas in the JSON of Arrow's integration format, by table
    Arrow,
    /// `CREATE TABLE` for DuckDB
    DuckDb,
    /// `CREATE TABLE` for PostgreSQL
    Postgres,
    /// `CREATE TABLE` for Snowflake
    Snowflake,
    /// `CREATE TABLE` for Spark SQL
    Spark,
    /// a sources file of a dbt project
    DbtSources,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 7] =
        [Form::Json, Form::Arrow, Form::DuckDb, Form::Postgres, Form::Snowflake, Form::Spark, Form::DbtSources];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Form::Json => "json",
            Form::Arrow => "arrow",
            Form::DuckDb => "duckdb",
            Form::Postgres => "postgres",
            Form::Snowflake => "snowflake",
            Form::Spark => "spark",
            Form::DbtSources => "dbt-sources",
        }
    }

    /// The form of a name.
    pub fn parse(name: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.name() == name)
    }
}

/// What a description says besides the layouts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// with the columns of lineage
    pub lineage: bool,
    /// with FILE_NAME and FILE_DATE
    pub file_columns: bool,
    /// text of any width in place of the picture's: codes wider than their picture are written as served, and a
    /// database that minds would refuse their rows
    pub open_text: bool,
}

/// A table to describe.
struct Described<'a> {
    out: OutTable,
    title: &'a str,
    /// `None` for the file summary, which no crosswalk knows
    table: Option<&'a Table>,
}

/// Describes tables; `summary` adds CCLF0.
pub fn describe(form: Form, schemas: &Schemas, tables: &[&Table], summary: bool, options: Options) -> String {
    let mut described: Vec<Described<'_>> = Vec::new();
    if summary {
        described.push(Described { out: OutTable::summary(), title: super::SUMMARY_TITLE, table: None });
    }
    described.extend(tables.iter().map(|table| Described {
        out: OutTable::of(table, options.lineage, options.file_columns),
        title: &table.title,
        table: Some(table),
    }));
    match form {
        Form::Json => json::describe(schemas, &described),
        Form::Arrow => arrow::describe(&described),
        Form::DbtSources => dbt::describe(&described),
        Form::DuckDb => ddl::describe(&ddl::DUCKDB, &described, options),
        Form::Postgres => ddl::describe(&ddl::POSTGRES, &described, options),
        Form::Snowflake => ddl::describe(&ddl::SNOWFLAKE, &described, options),
        Form::Spark => ddl::describe(&ddl::SPARK, &described, options),
    }
}

/// The SQL type of an amount or date; `None` for text.
fn typed(picture: Picture) -> Option<String> {
    match picture {
        Picture::Decimal { whole, scale } => Some(format!("DECIMAL({}, {scale})", whole + scale)),
        Picture::Date => Some("DATE".to_string()),
        Picture::Text { .. } | Picture::Digits { .. } => None,
    }
}

fn header() -> String {
    format!("claimfeed {}, {LAYOUT_VERSION}", env!("CARGO_PKG_VERSION"))
}

fn pretty(value: &serde_json::Value) -> String {
    // A value of texts and numbers always writes.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}
