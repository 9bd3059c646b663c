//! Whole exports: into files, or one table into memory.

use std::path::{Path, PathBuf};

use claimfeed::crosswalk::schema::ENROLLMENT;
use claimfeed::disk::write_whole;
use claimfeed::job::{Adjustments, Job, Observer};
use claimfeed::reconcile::{Reconciliation, page};
use claimfeed::report::Report;
use claimfeed::split::{self, Options};
use claimfeed::write::Sink;
use claimfeed::write::batches::{BatchSink, Container};
use claimfeed::write::csv::{CsvOptions, CsvSink};
use claimfeed::write::folder::Folder;
use claimfeed::write::tee::Tee;
use claimfeed::{Error, Result};
use pyo3::prelude::*;

use crate::error::{OrRaise, usage};
use crate::rows::{Origin, Rows, json};
use crate::take::{self, Names, Paths};
use crate::wait;

/// Files that stand beside the tables.
const SUMMARY: &str = "summary.json";
const PAGE: &str = "report.html";

/// A form of the tables.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Csv,
    Batches(Container),
}

impl Format {
    fn parse(name: &str) -> PyResult<Format> {
        Ok(match name {
            "csv" => Format::Csv,
            "parquet" => Format::Batches(Container::Parquet),
            "arrow" => Format::Batches(Container::Arrow),
            "arrow-stream" => Format::Batches(Container::ArrowStream),
            other => {
                return Err(usage(format!(
                    "expected formats of csv, parquet, arrow, arrow-stream, found `{other}`\n  hint: fixed-width files come from the command `claimfeed convert --format cclf`"
                )));
            }
        })
    }

    fn sink(self, folder: &Path) -> Box<dyn Sink> {
        match self {
            Format::Csv => Box::new(CsvSink::with(folder, CsvOptions::default())),
            Format::Batches(container) => Box::new(BatchSink::new(folder, container)),
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "what both functions take")]
fn job(
    inputs: Vec<PathBuf>,
    api: Option<&str>,
    lineage: bool,
    threads: Option<usize>,
    strict: bool,
    schemas: Option<PathBuf>,
    adjustments: &str,
    verify: &str,
) -> PyResult<Job> {
    let mut job = Job::new(&inputs).or_raise()?;
    job.api = take::api(api)?;
    (job.lineage, job.strict, job.verify) = (lineage, strict, take::verify(verify)?);
    job.threads = threads.unwrap_or(job.threads).max(1);
    if let Some(schemas) = take::schemas(schemas)? {
        job.schemas = schemas;
    }
    job.adjustments = match adjustments {
        "final" => Adjustments::Final,
        "cclf-pairs" => Adjustments::CclfPairs,
        "raw" => Adjustments::Raw,
        other => {
            return Err(usage(format!("expected adjustments to be `final`, `cclf-pairs` or `raw`, found `{other}`")));
        }
    };
    Ok(job)
}

/// The table that CMS's set does not have is there if it is named.
fn add_enrollment(job: &mut Job, tables: &[String]) -> PyResult<()> {
    if tables.iter().any(|name| name.eq_ignore_ascii_case(ENROLLMENT)) {
        job.schemas.add_enrollment().or_raise()?;
    }
    Ok(())
}

/// See the package.
#[pyfunction]
#[pyo3(signature = (inputs, output, *, tables=None, format=None, api=None, lineage=false, threads=None, strict=false,
    schemas=None, adjustments="final", verify="used"))]
#[allow(clippy::too_many_arguments, reason = "Python names them")]
pub fn convert(
    py: Python<'_>,
    inputs: Paths,
    output: PathBuf,
    tables: Option<Names>,
    format: Option<Names>,
    api: Option<&str>,
    lineage: bool,
    threads: Option<usize>,
    strict: bool,
    schemas: Option<PathBuf>,
    adjustments: &str,
    verify: &str,
) -> PyResult<String> {
    let mut job = job(inputs.into(), api, lineage, threads, strict, schemas, adjustments, verify)?;
    job.tables = tables.map_or(Vec::new(), Into::into);
    let tables = job.tables.clone();
    add_enrollment(&mut job, &tables)?;
    let names: Vec<String> = format.map_or(vec!["csv".to_string()], Into::into);
    let mut formats: Vec<Format> = Vec::new();
    for name in &names {
        let format = Format::parse(name)?;
        if !formats.contains(&format) {
            formats.push(format);
        }
    }
    job.spool = output.clone();
    let report = wait::interruptible(py, |stop| {
        let held = prepare(&output)?;
        let written = write(&job, &formats, &output, stop);
        if written.is_err() && held.made {
            // Removes it only if it is empty.
            let _ = std::fs::remove_dir(&output);
        }
        written
    })?;
    json(&report)
}

/// Writes the tables, the page and, when all is complete, the summary. What is unfinished is gone when it returns.
fn write(job: &Job, formats: &[Format], output: &Path, observer: &mut dyn Observer) -> Result<Report> {
    let mut sink = Tee::of(formats.iter().map(|format| format.sink(output)).collect());
    let report = job.run(sink.as_mut(), observer)?;
    write_whole(&output.join(PAGE), page(&Reconciliation::of(&report)).as_bytes())?;
    let target = output.join(SUMMARY);
    let text = serde_json::to_vec_pretty(&report).map_err(|error| Error::file("write", &target, error.into()))?;
    write_whole(&target, &text)?;
    Ok(report)
}

/// Makes and holds the folder, which must be empty: nothing of another run is mixed with the new tables.
fn prepare(folder: &Path) -> Result<Folder> {
    let held = Folder::hold(folder)?;
    let mut entries = std::fs::read_dir(folder).map_err(|error| Error::file("read", folder, error))?;
    if entries.next().is_some() {
        return Err(Error::Usage(format!(
            "expected an empty output folder, found files in `{}`\n  hint: name another folder",
            folder.display()
        )));
    }
    Ok(held)
}

/// See the package.
#[pyfunction]
#[pyo3(signature = (inputs, table, *, columns=None, api=None, lineage=false, threads=None, strict=false, schemas=None,
    adjustments="final", verify="used", spool=None))]
#[allow(clippy::too_many_arguments, reason = "Python names them")]
pub fn read(
    py: Python<'_>,
    inputs: Paths,
    table: &str,
    columns: Option<Vec<String>>,
    api: Option<&str>,
    lineage: bool,
    threads: Option<usize>,
    strict: bool,
    schemas: Option<PathBuf>,
    adjustments: &str,
    verify: &str,
    spool: Option<PathBuf>,
) -> PyResult<Rows> {
    let mut job = job(inputs.into(), api, lineage, threads, strict, schemas, adjustments, verify)?;
    job.spool = spool.unwrap_or(job.spool);
    add_enrollment(&mut job, &[table.to_string()])?;
    let options = Options { columns: columns.unwrap_or_default(), ..Options::default() };
    let whole = wait::interruptible(py, |stop| split::read(&job, table, &options, stop))?;
    Ok(Rows::new(Origin::Whole(Box::new(whole))))
}

fn report(text: &str) -> PyResult<Report> {
    serde_json::from_str(text).map_err(|error| usage(format!("expected a report of claimfeed: {error}")))
}

/// What the command would end with, of a report as JSON.
#[pyfunction]
pub fn exit_code(text: &str) -> PyResult<u8> {
    Ok(report(text)?.exit_code())
}

/// In against out, of a report as JSON: as JSON, or as a page.
#[pyfunction]
#[pyo3(signature = (text, *, html=false))]
pub fn reconcile(text: &str, html: bool) -> PyResult<String> {
    let report = report(text)?;
    let told = Reconciliation::of(&report);
    if html { Ok(page(&told)) } else { json(&told) }
}
