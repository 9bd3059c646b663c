//! `CREATE TABLE`, in four dialects.

use super::{Described, Options, header, typed};
use crate::crosswalk::picture::Picture;

/// What differs between databases.
pub struct Dialect {
    name: &'static str,
    /// around a name that needs it
    quote: char,
    /// type of text of a width; `None`: the database has none that it keeps
    sized: Option<&'static str>,
    /// type of any text
    text: &'static str,
    /// a longer one is an error
    strict: bool,
    /// words that cannot be a bare name
    reserved: &'static [&'static str],
    /// how a file of ours is loaded, where there is one way; `{table}` and `{name}` are put in
    load: Option<&'static str>,
}

/// Words that SQL itself keeps for itself, in all four.
const SQL: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "cross",
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "desc",
    "distinct",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "in",
    "inner",
    "intersect",
    "into",
    "is",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "natural",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "primary",
    "references",
    "right",
    "select",
    "session_user",
    "some",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "when",
    "where",
    "window",
    "with",
];

/// DuckDB takes a width and does not mind it.
pub const DUCKDB: Dialect = Dialect {
    name: "DuckDB",
    quote: '"',
    sized: Some("VARCHAR"),
    text: "VARCHAR",
    strict: false,
    reserved: &["describe", "pivot", "qualify", "show", "summarize", "unpivot"],
    load: Some("COPY {table} FROM '{name}.csv' (HEADER)"),
};

/// PostgreSQL folds bare names to lower case.
pub const POSTGRES: Dialect = Dialect {
    name: "PostgreSQL",
    quote: '"',
    sized: Some("VARCHAR"),
    text: "TEXT",
    strict: true,
    reserved: &["analyse", "analyze", "do", "placing", "returning", "symmetric", "variadic"],
    load: Some("\\copy {table} FROM '{name}.csv' WITH (FORMAT csv, HEADER)"),
};

/// Snowflake folds bare names to upper case.
pub const SNOWFLAKE: Dialect = Dialect {
    name: "Snowflake",
    quote: '"',
    sized: Some("VARCHAR"),
    text: "VARCHAR",
    strict: true,
    reserved: &[
        "account",
        "alter",
        "between",
        "by",
        "connection",
        "database",
        "delete",
        "drop",
        "exists",
        "following",
        "gscluster",
        "ilike",
        "increment",
        "insert",
        "issue",
        "localtime",
        "localtimestamp",
        "minus",
        "of",
        "organization",
        "qualify",
        "regexp",
        "revoke",
        "rlike",
        "row",
        "rows",
        "sample",
        "schema",
        "set",
        "start",
        "tablesample",
        "trigger",
        "try_cast",
        "update",
        "values",
        "view",
        "whenever",
    ],
    load: Some(
        "COPY INTO {table} FROM @your_stage/{name}.csv FILE_FORMAT = (TYPE = CSV SKIP_HEADER = 1 FIELD_OPTIONALLY_ENCLOSED_BY = '\"' EMPTY_FIELD_AS_NULL = TRUE)",
    ),
};

/// Spark has no text of a width that all its table formats keep.
pub const SPARK: Dialect = Dialect {
    name: "Spark SQL",
    quote: '`',
    sized: None,
    text: "STRING",
    strict: false,
    reserved: &["anti", "minus", "semi"],
    load: None,
};

/// One statement per table.
pub fn describe(dialect: &Dialect, tables: &[Described<'_>], options: Options) -> String {
    let mut sql = format!("-- {}, for {}\n", header(), dialect.name);
    if dialect.strict && !options.open_text {
        sql.push_str(
            "-- Codes wider than their picture are written as served, and counted in summary.json (`written-as-served`).\n\
             -- If there are any, a load into these columns ends with an error: `--open-text` gives columns that take them.\n",
        );
    }
    for table in tables {
        let name = identifier(dialect, &table.out.name);
        sql.push_str(&format!("\n-- {}\n", table.title));
        if let Some(load) = dialect.load {
            sql.push_str(&format!("-- {};\n", load.replace("{table}", &name).replace("{name}", &table.out.name)));
        }
        sql.push_str(&format!("CREATE TABLE {name} (\n"));
        let columns = table.out.columns.iter().map(|column| {
            let kind = typed(column.picture).unwrap_or_else(|| text(dialect, column.picture, options));
            format!("    {} {kind}", identifier(dialect, &column.label))
        });
        sql.push_str(&columns.collect::<Vec<_>>().join(",\n"));
        sql.push_str("\n);\n");
    }
    sql
}

fn text(dialect: &Dialect, picture: Picture, options: Options) -> String {
    match dialect.sized.filter(|_| !options.open_text) {
        Some(sized) => format!("{sized}({})", picture.width()),
        None => dialect.text.to_string(),
    }
}

/// A name, quoted if the database would not take it bare.
fn identifier(dialect: &Dialect, name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    if is_plain && !SQL.contains(&lower.as_str()) && !dialect.reserved.contains(&lower.as_str()) {
        return name.to_string();
    }
    let quote = dialect.quote;
    format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_only_where_needed() {
        assert_eq!(identifier(&POSTGRES, "CLM_FROM_DT"), "CLM_FROM_DT");
        assert_eq!(identifier(&POSTGRES, "File Number"), "\"File Number\"");
        assert_eq!(identifier(&SPARK, "Order"), "`Order`");
        assert_eq!(identifier(&SNOWFLAKE, "rows"), "\"rows\"");
        assert_eq!(identifier(&DUCKDB, "1ST"), "\"1ST\"");
        assert_eq!(identifier(&DUCKDB, "a\"b"), "\"a\"\"b\"");
    }
}
