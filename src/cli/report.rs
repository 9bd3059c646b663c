//! `claimfeed report`

use std::path::{Path, PathBuf};

use claimfeed::disk::write_whole;
use claimfeed::reconcile::{Flow, Reconciliation, Trouble, Verdict, grouped, page, share, size, thousands};
use claimfeed::report::{Report, SUMMARY_VERSION};
use claimfeed::{Api, Error, Result};

use super::table::Columns;
use super::target::SUMMARY;

/// Reconcile a finished conversion: in against out, fill rates, what was left out
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claimfeed report tables                      for a person
  claimfeed report tables --json | jq .verdict for a program
  claimfeed report tables --html page.html     one page with charts, readable offline

Reads summary.json and nothing else, so it works with any output format. `convert` writes the same page as report.html.
The exit code is that of these tables: 0 complete, 3 something was lost, 4 sums differ. `partial` has a summary of its own.")]
pub struct ReportCommand {
    /// Output folder of `convert`, or its summary.json
    output: PathBuf,
    /// As one JSON document
    #[arg(long, conflicts_with = "html")]
    json: bool,
    /// As a page with charts; `-` for standard output
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Every month and every field too
    #[arg(long)]
    full: bool,
}

impl ReportCommand {
    /// Runs it.
    pub fn run(self) -> Result<u8> {
        let report = read(&self.output)?;
        let told = Reconciliation::of(&report);
        match &self.html {
            Some(target) if target.as_os_str() == "-" => super::print(page(&told).as_bytes())?,
            Some(target) => {
                write_whole(target, page(&told).as_bytes())?;
                0
            }
            None if self.json => {
                let mut text = serde_json::to_string_pretty(&told)
                    .map_err(|error| Error::Usage(format!("expected a report that JSON can hold, found {error}")))?;
                text.push('\n');
                super::print(text.as_bytes())?
            }
            None => super::print(show(&told, self.full).as_bytes())?,
        };
        Ok(report.exit_code())
    }
}

/// The report of a finished run.
pub fn read(output: &Path) -> Result<Report> {
    let path = if output.is_dir() { output.join(SUMMARY) } else { output.to_path_buf() };
    if !path.exists() {
        return Err(Error::Usage(format!(
            "expected {SUMMARY} at `{}`, found none\n  hint: name the output folder of a `claimfeed convert` that has finished",
            path.display()
        )));
    }
    let text = std::fs::read(&path).map_err(|error| Error::file("read", &path, error))?;
    let wrong = |found: String| {
        Error::Usage(format!(
            "expected a summary of version {SUMMARY_VERSION}, found {found}: `{}`\n  hint: convert again with this version of claimfeed",
            path.display()
        ))
    };
    let value: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| wrong(format!("no JSON (line {})", error.line())))?;
    match value["summary_version"].as_u64() {
        Some(version) if version == u64::from(SUMMARY_VERSION) => {}
        Some(version) => return Err(wrong(format!("version {version}"))),
        None => return Err(wrong("a document without `summary_version`".to_string())),
    }
    serde_json::from_value(value).map_err(|error| wrong(format!("one that does not read ({error})")))
}

/// The reconciliation for a person.
fn show(told: &Reconciliation, full: bool) -> String {
    let mut text = format!(
        "BCDA {} to CCLF, finished {}, {}, {}\n{} files, {}, {} inflated\n{}\n",
        told.api.map_or("?", Api::name),
        told.finished,
        told.producer,
        told.layout,
        thousands(told.input.files),
        size(told.input.bytes),
        size(told.input.uncompressed_bytes),
        match told.verdict {
            Verdict::Complete => "complete: nothing was lost, and every sum that can be compared is equal",
            Verdict::Losses => "done with losses: something was left out or left blank that no rule leaves out",
            Verdict::SumsDiffer => "sums differ: what was written is not what was read, and no issue explains it",
        }
    );
    let mut part = |columns: Columns| {
        if columns.len() > 0 {
            text.push_str(&format!("\n{columns}"));
        }
    };
    let heads = ["claims in", "left out", "claims out", "no row", "paid in", "left out", "written", "difference"];
    let mut families = Columns::new(&[&["claim type"], &heads[..], &["written in"]].concat());
    for family in &told.families {
        families.row([vec![family.family.clone()], flow(&family.total), vec![family.control.clone()]].concat());
    }
    part(families);
    if full {
        let mut months = Columns::new(&[&["claim type", "month"], &heads[..]].concat());
        for family in &told.families {
            for (month, sums) in &family.months {
                months.row([vec![family.family.clone(), month.clone()], flow(sums)].concat());
            }
        }
        part(months);
    }
    part(tables(told));
    let mut fields = Columns::new(&["field", "status", "filled", "of rows", "share"]);
    for table in &told.tables {
        for field in table.fields.iter().filter(|field| full || field.never_filled) {
            fields.row([
                format!("{}.{}", table.table, field.field),
                if field.never_filled { format!("{}, never filled", field.status) } else { field.status.clone() },
                thousands(field.filled),
                thousands(table.rows),
                share(field.filled, field.per_mille),
            ]);
        }
    }
    part(fields);
    let counts = |title: &str, map: &std::collections::BTreeMap<String, u64>| {
        let mut columns = Columns::new(&[title, "count"]);
        map.iter().for_each(|(name, count)| columns.row([name.clone(), thousands(*count)]));
        columns
    };
    let troubles = |title: &str, troubles: &[Trouble]| {
        let mut columns = Columns::new(&[title, "field", "count", "what"]);
        for trouble in troubles {
            let count = thousands(trouble.count);
            columns.row([&trouble.kind, &trouble.field, &count, &trouble.message]);
        }
        columns
    };
    part(counts("left out by rule", &told.skipped));
    part(counts("written as original and cancellation", &told.cancelled));
    part(troubles("lost", &told.losses));
    part(troubles("unknown codes", &told.unknown_codes));
    part(troubles("worth knowing", &told.notices));
    part(counts("filled in", &told.fills));
    part(counts("blank in a key column", &told.blank_keys));
    text
}

fn flow(flow: &Flow) -> Vec<String> {
    let counts = [flow.claims_in, flow.claims_skipped, flow.claims_out, flow.claims_without_rows];
    let amounts = [&flow.paid_in, &flow.paid_skipped, &flow.paid_out, &flow.difference];
    counts.into_iter().map(thousands).chain(amounts.into_iter().map(|text| grouped(text))).collect()
}

/// Per table: rows, and how many of its fields are filled how far.
fn tables(told: &Reconciliation) -> Columns {
    let mut columns = Columns::new(&["table", "rows", "fields", "full", "partly", "never", "not served", "what it is"]);
    for table in &told.tables {
        let count = |of: &dyn Fn(&claimfeed::reconcile::Field) -> bool| {
            table.fields.iter().filter(|field| of(field)).count().to_string()
        };
        columns.row([
            table.table.clone(),
            thousands(table.rows),
            table.fields.len().to_string(),
            count(&|field| field.per_mille == 1000),
            count(&|field| field.filled > 0 && field.per_mille < 1000),
            count(&|field| field.filled == 0 && field.status != "absent"),
            count(&|field| field.filled == 0 && field.status == "absent"),
            table.title.clone(),
        ]);
    }
    columns
}
