//! `claimfeed convert`

use std::fs::DirBuilder;
use std::io::{BufWriter, IsTerminal, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use claimfeed::job::{Job, Observer};
use claimfeed::parse::{Parser, Verify};
use claimfeed::reconcile::{Reconciliation, page};
use claimfeed::report::{Issue, Report, Weight};
use claimfeed::write::Sink;
use claimfeed::write::csv::CsvSink;
use claimfeed::write::fixed::{FixedOptions, FixedSink};
use claimfeed::{Api, Error, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::file::write_whole;
use super::fixed::FixedArgs;
use super::table::Columns;

/// Convert an export into CCLF tables
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claimfeed convert export/ -o tables
  claimfeed convert ExplanationOfBenefit.ndjson.gz Patient.ndjson.gz Coverage.ndjson.gz -o tables --lineage
  cat export/*.ndjson | claimfeed convert - -o tables --tables CCLF1,CCLF5
  claimfeed convert export/ -o delivery --format cclf --entity A0001 --performance-year 2026 --delivered 2026-11-20 --zip

Writes one CSV per table, summary.json, the same as a page (report.html), and issues.csv with every resource left out
and every value left blank.")]
pub struct Convert {
    /// Files or folders of an export (plain, gzip or zstd), or `-` for standard input
    #[arg(required = true)]
    input: Vec<PathBuf>,
    /// Folder to write to; made if it is not there
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Only these tables, e.g. CCLF1,CCLF5
    #[arg(long, value_delimiter = ',', value_name = "TABLES")]
    tables: Vec<String>,
    /// API version of the export
    #[arg(long, value_parser = ["auto", "v1", "v2", "v3"], default_value = "auto")]
    api: String,
    /// Append the columns fhir_id, source_file and source_line
    #[arg(long)]
    lineage: bool,
    /// Workers [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// End at the first resource or value that would be lost
    #[arg(long)]
    strict: bool,
    /// Write into a folder that is not empty, replacing files of the same names
    #[arg(long)]
    force: bool,
    /// Folder with own layouts, crosswalks or value maps
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
    /// How much of a claim must be sound JSON: what is used of it, or every byte (slower)
    #[arg(long, value_parser = ["used", "full"], default_value = "used")]
    verify: String,
    /// What reads the claims
    #[arg(long, value_parser = ["scan", "tape"], default_value = "scan", hide = true)]
    parser: String,
    /// CSV files, or fixed-width files as CMS delivers them
    #[arg(long, value_parser = ["csv", "cclf"], default_value = "csv")]
    format: String,
    #[command(flatten)]
    fixed: FixedArgs,
}

/// File names of what stands beside the tables.
pub const SUMMARY: &str = "summary.json";
const ISSUES: &str = "issues.csv";
const PAGE: &str = "report.html";

impl Convert {
    /// Runs it.
    pub fn run(self) -> Result<u8> {
        let fixed = self.fixed_options()?;
        let mut job = Job::new(&self.input)?;
        job.api = Api::parse(&self.api);
        job.tables = self.tables.iter().map(|name| name.trim().to_string()).filter(|name| !name.is_empty()).collect();
        job.lineage = self.lineage;
        job.strict = self.strict;
        job.verify = if self.verify == "full" { Verify::Full } else { Verify::Used };
        job.parser = if self.parser == "tape" { Parser::Tape } else { Parser::Scan };
        if let Some(threads) = self.threads {
            job.threads = usize::from(threads);
        }
        if let Some(folder) = &self.schemas {
            job.schemas = claimfeed::crosswalk::schema::Schemas::with_folder(folder)?;
        }
        for input in self.input.iter().filter(|input| input.as_os_str() != "-") {
            std::fs::metadata(input).map_err(|error| Error::file("read", input, error))?;
        }
        let made = prepare(&self.output, self.force)?;
        job.spool = self.output.clone();
        let result = self.convert(&job, fixed);
        if result.is_err() && made {
            // Removes it only if it is empty.
            let _ = std::fs::remove_dir(&self.output);
        }
        result
    }

    /// Options of fixed-width files, if they are to be written.
    fn fixed_options(&self) -> Result<Option<FixedOptions>> {
        if self.format != "cclf" {
            let message = "expected `--format cclf` with options of fixed-width files, found it missing";
            return if self.fixed.given() { Err(Error::Usage(message.to_string())) } else { Ok(None) };
        }
        if self.lineage {
            return Err(Error::Usage(
                "expected no `--lineage` with `--format cclf`: CMS's layouts have no columns for it\n  hint: write CSV in another run".to_string(),
            ));
        }
        self.fixed.options().map(Some)
    }

    fn convert(&self, job: &Job, fixed: Option<FixedOptions>) -> Result<u8> {
        let mut listing = Listing::new(&self.output)?;
        let is_fixed = fixed.is_some();
        let mut sink: Box<dyn Sink> = match fixed {
            Some(options) => Box::new(FixedSink::new(&self.output, options)),
            None => Box::new(CsvSink::new(&self.output)),
        };
        let report = job.run(sink.as_mut(), &mut listing)?;
        // Tables of an earlier run that this one did not write would stand beside a summary that knows nothing of them.
        for table in job.schemas.tables.iter().map(|table| &table.layout.table) {
            if is_fixed || !report.tables.contains_key(table) {
                let _ = std::fs::remove_file(self.output.join(format!("{table}.csv")));
            }
        }
        listing.finish(&self.output.join(ISSUES))?;
        write_whole(&self.output.join(PAGE), page(&Reconciliation::of(&report)).as_bytes())?;
        write_summary(&report, &self.output.join(SUMMARY))?;
        super::tell(&show(&report, &self.output));
        Ok(report.exit_code())
    }
}

/// Makes the output folder (then true), or checks that nothing in it would be mixed with the new tables.
fn prepare(folder: &Path, force: bool) -> Result<bool> {
    let trouble = |verb| move |error| Error::file(verb, folder, error);
    if !folder.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(trouble("create"))?;
        return Ok(true);
    }
    if !folder.is_dir() {
        return Err(Error::Usage(format!(
            "expected a folder to write to, found a file at `{}`\n  hint: name a folder",
            folder.display()
        )));
    }
    let mut entries = std::fs::read_dir(folder).map_err(trouble("read"))?;
    if !force && entries.next().is_some() {
        return Err(Error::Usage(format!(
            "expected an empty output folder, found files in `{}`\n  hint: name another folder, or add `--force` to replace files of the same names",
            folder.display()
        )));
    }
    // The summary comes last: where it is, everything is complete. The page would tell of other tables.
    for old in [SUMMARY, PAGE].map(|name| folder.join(name)) {
        if old.exists() {
            std::fs::remove_file(&old).map_err(|error| Error::file("replace", &old, error))?;
        }
    }
    Ok(false)
}

/// Lists every issue in issues.csv and shows progress on a terminal.
struct Listing {
    folder: PathBuf,
    file: BufWriter<tempfile::NamedTempFile>,
    bar: ProgressBar,
    /// set by SIGINT and SIGTERM: the job ends at the next chunk and its unfinished files go with it
    interrupted: Arc<AtomicBool>,
}

impl Listing {
    fn new(folder: &Path) -> Result<Listing> {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let style = "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, interrupted.clone())
                .map_err(|error| Error::file("listen for signals in", folder, error))?;
        }
        Ok(Listing { folder: folder.to_path_buf(), file: Listing::open(folder)?, bar, interrupted })
    }

    fn open(folder: &Path) -> Result<BufWriter<tempfile::NamedTempFile>> {
        let trouble = |error| Error::file("create a file in", folder, error);
        let mut file = BufWriter::new(tempfile::NamedTempFile::with_prefix_in(".claimfeed-", folder).map_err(trouble)?);
        writeln!(file, "weight,kind,file,line,byte,resource,id,field,message").map_err(trouble)?;
        Ok(file)
    }

    fn finish(self, target: &Path) -> Result<()> {
        self.bar.finish_and_clear();
        let file = self.file.into_inner().map_err(|error| Error::file("write", target, error.into_error()))?;
        file.persist(target).map_err(|error| Error::file("rename to", target, error.error))?;
        Ok(())
    }
}

impl Observer for Listing {
    fn progress(&mut self, done: u64, total: u64) -> Result<()> {
        self.bar.set_length(total);
        self.bar.set_position(done);
        if self.interrupted.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    fn issue(&mut self, issue: &Issue, file: &str) -> Result<()> {
        let weight = match issue.weight {
            Weight::Loss => "loss",
            Weight::Skipped => "skipped",
            // Nothing is missing; the summary counts them.
            Weight::Notice => return Ok(()),
        };
        let mut line = csv::Writer::from_writer(&mut self.file);
        let trouble = |error: csv::Error| Error::Write { table: ISSUES.to_string(), message: error.to_string() };
        line.write_record([
            weight,
            issue.kind,
            file,
            &issue.line.to_string(),
            &issue.byte.to_string(),
            issue.resource,
            &issue.id,
            &issue.field,
            &issue.message,
        ])
        .map_err(trouble)?;
        line.flush().map_err(|error| Error::file("write", &self.folder.join(ISSUES), error))
    }

    fn restart(&mut self) -> Result<()> {
        self.file = Listing::open(&self.folder)?;
        Ok(())
    }
}

fn write_summary(report: &Report, target: &Path) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(report).map_err(|error| Error::file("write", target, error.into()))?;
    text.push(b'\n');
    write_whole(target, &text)
}

/// The summary for a person.
fn show(report: &Report, folder: &Path) -> String {
    let mut text = String::new();
    let mut add = |part: String| text.push_str(&part);
    let resources: u64 = report.inputs.iter().flat_map(|input| input.resources.values()).sum();
    let bytes: u64 = report.inputs.iter().map(|input| input.uncompressed_bytes).sum();
    add(format!(
        "{} resources, {:.1} MB of API {} in {:.2} s ({:.2} GB/s)\n\n",
        resources,
        bytes as f64 / 1e6,
        report.api.map_or("?", Api::name),
        report.elapsed_seconds,
        report.gigabytes_per_second
    ));
    let mut tables = Columns::new(&["table", "rows"]);
    for (table, rows) in &report.tables {
        tables.row([table.clone(), rows.to_string()]);
    }
    add(tables.to_string());
    let mut payments = Columns::new(&["family", "claims", "skipped", "CLM_PMT_AMT read", "skipped", "written", "in"]);
    for (family, sums) in &report.payments {
        payments.row([
            family.clone(),
            sums.claims.to_string(),
            sums.claims_skipped.to_string(),
            sums.read.clone(),
            sums.skipped.clone(),
            sums.written.clone(),
            sums.written_field.clone(),
        ]);
    }
    if payments.len() > 0 {
        add(format!("\n{payments}"));
    }
    let list = |title: &str, counts: Vec<(String, u64)>| {
        let mut columns = Columns::new(&[title, "count"]);
        counts.into_iter().for_each(|(name, count)| columns.row([name, count.to_string()]));
        if columns.len() > 0 { format!("\n{columns}") } else { String::new() }
    };
    let counts = |map: &std::collections::BTreeMap<String, u64>| map.iter().map(|(k, v)| (k.clone(), *v)).collect();
    add(list("left out by rule", counts(&report.skipped)));
    add(list("filled", counts(&report.fills)));
    add(list("blank in a key column", counts(&report.blank_keys)));
    let mut issues = Columns::new(&["issue", "field", "count", "first at"]);
    for issue in &report.issues {
        let place = &issue.example;
        issues.row([
            issue.kind.clone(),
            issue.field.clone(),
            issue.count.to_string(),
            format!("{}, line {}, byte {}", place.file, place.line, place.byte),
        ]);
    }
    if issues.len() > 0 {
        add(format!("\n{issues}"));
    }
    add(format!("\nwritten to `{}`: tables, {SUMMARY}, {PAGE}, {ISSUES}\n", folder.display()));
    text
}
