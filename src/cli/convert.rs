//! `claimfeed convert`

use std::io::ErrorKind;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use claimfeed::crosswalk::schema::{ENROLLMENT, Schemas};
use claimfeed::disk::write_whole;
use claimfeed::fetch::verify::hex;
use claimfeed::job::{Adjustments, Job};
use claimfeed::parse::{Parser, Verify};
use claimfeed::pseudonym::{Key, Pseudonyms};
use claimfeed::reconcile::{Reconciliation, page};
use claimfeed::report::{PseudonymReport, Report};
use claimfeed::write::csv::{Compression, CsvOptions};
use claimfeed::write::fixed::FixedOptions;
use claimfeed::write::folder::Folder;
use claimfeed::write::pipe::{PipeSink, Stream};
use claimfeed::write::{LineEnd, Sink};
use claimfeed::{Api, Error, Result};

use super::fixed::FixedArgs;
use super::format::{self, Format};
use super::listing::{ISSUES, Listing};
use super::show::show;
use super::stale::Stale;
use super::target::{PAGE, PARTIAL, SUMMARY, Target, prepare, remove_empty, table_names, write_summary};

/// Convert an export into CCLF tables
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claimfeed convert export/ -o tables
  claimfeed convert ExplanationOfBenefit.ndjson.gz Patient.ndjson.gz Coverage.ndjson.gz -o tables --lineage
  cat export/*.ndjson | claimfeed convert - -o tables --tables CCLF1,CCLF5
  claimfeed convert export/ -o delivery --format cclf --entity A0001 --performance-year 2026 --delivered 2026-11-20 --zip
  claimfeed convert export/ -o tables --format parquet
  claimfeed convert export/ -o - --tables CCLF5 --format arrow-stream | python3 load.py
  claimfeed convert export/ -o tables --pseudonymize key --shift-dates

Writes one file per table and format, summary.json, the same as a page (report.html), and issues.csv with every resource left out
and every value left blank.")]
pub struct Convert {
    /// Files or folders of an export (plain, gzip or zstd), or `-` for standard input
    #[arg(required = true)]
    input: Vec<PathBuf>,
    /// Folder to write to, made if it is not there; `-` sends one table to standard output
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// API version of the export
    #[arg(long, value_parser = ["auto", "v1", "v2", "v3"], default_value = "auto")]
    api: String,
    #[command(flatten)]
    how: How,
}

/// How tables are made, whatever they are made of.
#[derive(Debug, Clone, clap::Args)]
pub struct How {
    /// Only these tables, e.g. CCLF1,CCLF5
    #[arg(long, value_delimiter = ',', value_name = "TABLES")]
    tables: Vec<String>,
    /// Append the columns fhir_id, source_file and source_line
    #[arg(long)]
    lineage: bool,
    /// Append the columns FILE_NAME and FILE_DATE, which loaders of CMS's files add; needs the options of a delivery
    #[arg(long)]
    file_columns: bool,
    /// Write the table `enrollment` too: spans of Part A or Part B, which loaders of CCLF want beside CMS's tables
    #[arg(long)]
    enrollment: bool,
    /// Workers [default: one per core that the process may use; a container's limit counts]
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
    /// Of several versions of a claim: the one in force; that and what was in force before as original and cancellation,
    /// for loaders that net; or all that no rule leaves out (cancelled and superseded ones and voids stay out)
    #[arg(long, value_parser = ["final", "cclf-pairs", "raw"], default_value = "final")]
    adjustments: String,
    /// What reads the claims
    #[arg(long, value_parser = ["scan", "tape"], default_value = "scan", hide = true)]
    parser: String,
    /// How the tables are written; several at once, e.g. --format parquet --format csv
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FORMAT", default_value = "csv")]
    format: Vec<Format>,
    /// What ends a line of csv and cclf files
    #[arg(long, value_parser = ["lf", "crlf"], default_value = "lf")]
    eol: String,
    /// Write partially adjudicated claims (v3: SharedSystem; v2: Claim and ClaimResponse) to the folder `partial`, with columns
    /// of their status; they are left out once the adjudicated claim with their control number is there
    #[arg(long)]
    partial: bool,
    /// Rows of a file at most: TABLE-00001.csv, TABLE-00002.csv and so on; not for cclf
    #[arg(long, value_name = "N")]
    rows_per_file: Option<NonZeroU64>,
    /// Compress csv files
    #[arg(long, value_parser = ["gzip", "zstd"], value_name = "CODEC")]
    compress: Option<String>,
    /// Replace MBIs, names, addresses and ids by others, the same in all tables and runs with this key: 64 hexadecimal digits in
    /// a file that only you can read, as `(umask 077; openssl rand -hex 32 > key)` makes it
    #[arg(long, value_name = "KEYFILE")]
    pseudonymize: Option<PathBuf>,
    /// Shift dates too, birth and death as well: for each beneficiary by other days, up to half a year either way
    #[arg(long, requires = "pseudonymize")]
    shift_dates: bool,
    #[command(flatten)]
    fixed: FixedArgs,
}

impl Convert {
    /// Runs it.
    pub fn run(self) -> Result<u8> {
        // What is wrong with the command line is said before anything is read.
        self.how.fixed_options()?;
        let mut job = self.how.job(&self.input)?;
        job.api = Api::parse(&self.api);
        for input in self.input.iter().filter(|input| input.as_os_str() != "-") {
            std::fs::metadata(input).map_err(|error| Error::file("read", input, error))?;
        }
        if self.how.partial {
            self.can_be_read_twice()?;
        }
        if self.output.as_os_str() == "-" {
            return self.how.stream(&mut job);
        }
        let target = self.how.target(&self.output, &job.schemas)?;
        let held = prepare(&self.output, self.how.force)?;
        job.spool = self.output.clone();
        let result = self.how.convert_folder(&mut job, &target);
        if result.is_err() && held.made {
            remove_empty(&self.output);
        }
        result
    }

    /// Partially adjudicated claims are known by the adjudicated ones, so they are converted after these.
    fn can_be_read_twice(&self) -> Result<()> {
        let usage = |message: &str| Err(Error::Usage(message.to_string()));
        for input in &self.input {
            let is_regular = |meta: std::fs::Metadata| meta.is_file() || meta.is_dir();
            if input.as_os_str() == "-" || !std::fs::metadata(input).is_ok_and(is_regular) {
                return usage("expected files or folders with `--partial`, found a pipe: the input is read twice");
            }
        }
        if self.output.as_os_str() == "-" {
            return usage("expected a folder with `--partial`, found `-o -`");
        }
        Ok(())
    }
}

impl How {
    /// A job with these options.
    pub fn job(&self, inputs: &[PathBuf]) -> Result<Job> {
        let mut job = Job::new(inputs)?;
        job.tables = self.tables.iter().map(|name| name.trim().to_string()).filter(|name| !name.is_empty()).collect();
        job.lineage = self.lineage;
        if self.file_columns {
            job.file_columns = Some(self.fixed.name("--file-columns")?);
        }
        job.strict = self.strict;
        job.adjustments = match self.adjustments.as_str() {
            "raw" => Adjustments::Raw,
            "cclf-pairs" => Adjustments::CclfPairs,
            _ => Adjustments::Final,
        };
        job.verify = if self.verify == "full" { Verify::Full } else { Verify::Used };
        job.parser = if self.parser == "tape" { Parser::Tape } else { Parser::Scan };
        if let Some(threads) = self.threads {
            job.threads = usize::from(threads);
        }
        if let Some(folder) = &self.schemas {
            job.schemas = claimfeed::crosswalk::schema::Schemas::with_folder(folder)?;
        }
        let names_it = |name: &String| name.eq_ignore_ascii_case(ENROLLMENT);
        if self.enrollment || job.tables.iter().any(names_it) {
            job.schemas.add_enrollment()?;
            if !job.tables.is_empty() && !job.tables.iter().any(names_it) {
                job.tables.push(ENROLLMENT.to_string());
            }
        }
        let wanted = job.wanted()?;
        if let Some(options) = self.fixed_options()? {
            wanted.into_iter().try_for_each(|name| options.name.table(name).map(drop))?;
        }
        job.pseudonyms = self.pseudonyms()?.map(Arc::new);
        if job.pseudonyms.is_some() {
            // Told before anything is fetched or replaced.
            job.schemas.kinds()?;
            if self.partial {
                job.schemas.partial()?.kinds()?;
            }
        }
        Ok(job)
    }

    /// An error if tables that are there already have persons as they are, or by another key, and this run should not.
    pub fn check_pseudonyms(&self, summary: &Path) -> Result<()> {
        let Some(pseudonyms) = self.pseudonyms()? else { return Ok(()) };
        let text = std::fs::read(summary).map_err(|error| Error::file("read", summary, error))?;
        let told = serde_json::from_slice::<Report>(&text).ok().and_then(|report| report.pseudonyms);
        let same =
            |told: &PseudonymReport| told.key_check == pseudonyms.check() && told.dates_shifted == pseudonyms.shifts();
        if told.as_ref().is_some_and(same) {
            return Ok(());
        }
        let found = if told.is_some() { "others" } else { "none" };
        Err(Error::Usage(format!(
            "expected tables with pseudonyms of this key beside `{}`, found {found}\n  hint: name another folder for the tables",
            summary.display()
        )))
    }

    /// Equal for options that make the same tables of an export.
    pub fn fingerprint(&self) -> String {
        let what = How { threads: None, force: false, strict: false, ..self.clone() };
        let mut sum = Context::new(&SHA256);
        sum.update(format!("{}{what:?}", env!("CARGO_PKG_VERSION")).as_bytes());
        let mut folders: Vec<PathBuf> = self.schemas.iter().cloned().collect();
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            paths.sort();
            for path in paths {
                sum.update(path.as_os_str().as_encoded_bytes());
                sum.update(&std::fs::read(&path).unwrap_or_default());
                folders.extend(path.is_dir().then_some(path));
            }
        }
        hex(sum.finish().as_ref())
    }

    fn pseudonyms(&self) -> Result<Option<Pseudonyms>> {
        let of = |path: &PathBuf| Ok(Pseudonyms::new(&Key::open(path)?, self.shift_dates));
        self.pseudonymize.as_ref().map(of).transpose()
    }

    /// Files of an earlier run may be replaced.
    pub fn replaces(&self) -> bool {
        self.force
    }

    /// Where the tables will go; to be asked before [`prepare`], which removes the earlier summary.
    pub fn target<'a>(&self, folder: &'a Path, schemas: &Schemas) -> Result<Target<'a>> {
        let stale = Stale::of(folder, &folder.join(SUMMARY), &table_names(schemas));
        Ok(Target { folder, stale, fixed: self.fixed_options()? })
    }

    /// Options of fixed-width files, if they are to be written.
    fn fixed_options(&self) -> Result<Option<FixedOptions>> {
        if !self.format.contains(&Format::Cclf) {
            let message = "expected `--format cclf` with options of fixed-width files, found it missing";
            let for_nothing = self.fixed.is_formed() || self.fixed.is_named() && !self.file_columns;
            return if for_nothing { Err(Error::Usage(message.to_string())) } else { Ok(None) };
        }
        if self.rows_per_file.is_some() {
            return Err(Error::Usage(
                "expected no `--rows-per-file` with `--format cclf`: CMS has one name for each table".to_string(),
            ));
        }
        if (self.lineage || self.file_columns) && self.format.iter().all(|format| *format == Format::Cclf) {
            return Err(Error::Usage(
                "expected no `--lineage` or `--file-columns` with `--format cclf` alone: CMS's layouts have no columns for them\n  hint: add `--format csv`, which has them".to_string(),
            ));
        }
        self.fixed.options(self.line_end()).map(Some)
    }

    /// Partially adjudicated claims are to be written too.
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// Converts the job's input into a folder, partially adjudicated claims too if they are wanted.
    pub fn convert_folder(&self, job: &mut Job, target: &Target<'_>) -> Result<u8> {
        let report = self.convert(target, true, |sink, listing| job.run(sink, listing))?;
        self.convert_partial(job, &report, target)
    }

    /// Writes the partially adjudicated claims of a job's input, if they are wanted, beside the tables that were written of it;
    /// else removes those of an earlier run. Gives the exit code of both.
    pub fn convert_partial(&self, job: &mut Job, report: &Report, target: &Target<'_>) -> Result<u8> {
        let folder = target.folder.join(PARTIAL);
        let stale = Stale::folder(&folder, &table_names(&job.schemas), &[SUMMARY, ISSUES, PAGE]);
        if !self.partial || report.api == Some(Api::V1) {
            if self.partial {
                super::tell("API v1 has no partially adjudicated claims\n");
            }
            if folder.is_dir() {
                // Without what a killed run left there.
                Folder::hold(&folder)?;
            }
            stale.remove();
            remove_empty(&folder);
            return Ok(report.exit_code());
        }
        job.api = report.api;
        let partial = job.partial()?;
        let _held = prepare(&folder, true)?;
        let target = Target { folder: &folder, stale, fixed: target.fixed.clone() };
        let result = self.convert(&target, true, |sink, listing| partial.run(sink, listing));
        if result.is_err() {
            remove_empty(&folder);
        }
        // What the adjudicated claims have to tell counts first.
        let code = result?.exit_code();
        Ok(if report.exit_code() == 0 { code } else { report.exit_code() })
    }

    /// Writes all that a conversion writes; `run` does it, `bar`: with progress of its own.
    pub fn convert(
        &self,
        target: &Target<'_>,
        bar: bool,
        run: impl FnOnce(&mut dyn Sink, &mut Listing) -> Result<Report>,
    ) -> Result<Report> {
        let Target { folder: output, stale, fixed } = target;
        let mut listing = Listing::new(output, bar)?;
        let csv = self.csv_options();
        let mut sink = format::sink(&self.format, output, csv, fixed.as_ref());
        let report = run(sink.as_mut(), &mut listing)?;
        stale.remove();
        listing.finish(&output.join(ISSUES))?;
        write_whole(&output.join(PAGE), page(&Reconciliation::of(&report)).as_bytes())?;
        write_summary(&report, &output.join(SUMMARY))?;
        let place = format!("written to `{}`: tables, {SUMMARY}, {PAGE}, {ISSUES}", output.display());
        super::tell(&show(&report, &place));
        Ok(report)
    }

    /// One table to standard output; what else there is to tell goes to standard error.
    fn stream(&self, job: &mut Job) -> Result<u8> {
        let usage = |message: &str| Err(Error::Usage(message.to_string()));
        let [table] = &job.tables[..] else {
            return usage("expected one table for `-o -`, found none or several\n  hint: add e.g. `--tables CCLF5`");
        };
        let stream = match &self.format[..] {
            [Format::Csv] if self.csv_options() == CsvOptions::default() => Stream::Csv,
            [Format::ArrowStream] if self.rows_per_file.is_none() => Stream::Arrow,
            _ => {
                return usage(
                    "expected `--format csv` (plain, LF) or `--format arrow-stream` for `-o -`, found another",
                );
            }
        };
        let known = job.schemas.tables.iter().find(|known| known.layout.table.eq_ignore_ascii_case(table));
        let name = known.map_or(table.clone(), |known| known.layout.table.clone());
        // Its issues are counted in the summary. All that waits there is in unnamed files.
        let folder = std::env::temp_dir();
        job.spool = folder.clone();
        let mut listing = Listing::unnamed(&folder)?;
        let mut sink = PipeSink::new(&name, stream, &folder, std::io::stdout());
        let report = match job.run(&mut sink, &mut listing) {
            // A reader that has seen enough is no failure.
            Err(Error::File { source, .. }) if source.kind() == ErrorKind::BrokenPipe => return Ok(0),
            result => result?,
        };
        super::tell(&show(&report, &format!("{name} written to standard output")));
        Ok(report.exit_code())
    }

    fn csv_options(&self) -> CsvOptions {
        let compression = match self.compress.as_deref() {
            Some("gzip") => Some(Compression::Gzip),
            Some("zstd") => Some(Compression::Zstd),
            _ => None,
        };
        CsvOptions { line_end: self.line_end(), compression, rows_per_file: self.rows_per_file }
    }

    fn line_end(&self) -> LineEnd {
        if self.eol == "crlf" { LineEnd::CrLf } else { LineEnd::Lf }
    }
}
