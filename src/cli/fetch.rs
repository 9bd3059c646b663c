//! `claimfeed fetch`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use claimfeed::fetch::request::utc;
use claimfeed::fetch::{Client, Dialect, Event, Export, Fetch, Fetched, Scope, Since};
use claimfeed::{Error, Result};

use super::server::ServerArgs;
use super::watch::Watch;

/// Fetch an export from a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claimfeed fetch -o export                                everything, from CMS's public sandbox
  claimfeed fetch --server https://api.bcda.cms.gov --api v3 -o export
  claimfeed fetch --since auto -o deliveries               each time what came since the last
  claimfeed fetch --bulk --auth none --server https://bulk.example/fhir --patient -o export

Credentials: BCDA_CLIENT_ID and BCDA_CLIENT_SECRET, or --client-secret-file. A file with its own name is whole. Killed at any
moment, the same command goes on from there: no second job, no file fetched twice.")]
pub struct FetchCommand {
    #[command(flatten)]
    export: ExportArgs,
    /// Folder to write to, made if it is not there; with --since auto each export gets a folder of its own in it
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Claims still in adjudication too, which v3 sends only if asked; for `convert --partial`
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// What is asked for.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// Group: all or runout; with --bulk any id [default: all; with --bulk the whole system]
    #[arg(long, value_name = "ID", conflicts_with = "patient")]
    group: Option<String>,
    /// All patients, by Patient/$export; with --since, newly attributed ones come without their history
    #[arg(long)]
    patient: bool,
    /// Only these resource types, e.g. Patient,Coverage,ExplanationOfBenefit
    #[arg(long = "type", value_name = "TYPES", value_delimiter = ',')]
    types: Vec<String>,
    /// Only what changed after this instant (2026-01-31T00:00:00Z), or since the last export: auto
    #[arg(long, value_name = "TIME|auto")]
    since: Option<String>,
    /// Only claims like this (v3), e.g. 'ExplanationOfBenefit?service-date=ge2025'
    #[arg(long = "type-filter", value_name = "FILTER")]
    filters: Vec<String>,
    /// Downloads at once
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=64))]
    parallel: u16,
    /// Fewer bytes of a broken download are fetched again rather than gone on with
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 10, hide = true)]
    resume_from: u64,
}

impl ExportArgs {
    /// The fetch that these options ask for; `partial`: claims still in adjudication too.
    pub fn fetch<'a>(&self, client: &'a Client, dialect: Dialect, folder: &Path, partial: bool) -> Result<Fetch<'a>> {
        let scope = match (&self.group, self.patient, dialect) {
            (Some(id), ..) => Scope::Group(id.clone()),
            (None, true, _) => Scope::Patient,
            (None, false, Dialect::Bcda(_)) => Scope::Group("all".to_string()),
            (None, false, Dialect::Bulk) => Scope::System,
        };
        let auto = self.since.as_deref() == Some("auto");
        let since = self.since.as_deref().filter(|_| !auto).map(utc).transpose()?;
        if auto && scope == Scope::Patient {
            client.observer.tell(Event::Note(
                "with `--patient`, beneficiaries who were attributed since come without their earlier claims\n  hint: the group all, which is the default, brings them",
            ));
        }
        let export = Export { dialect, scope, types: self.types.clone(), since, filters: self.filters.clone() };
        let export = if partial { export.with_partial() } else { export };
        export.check()?;
        let since = if auto { Since::Auto } else { Since::Asked };
        let parallel = usize::from(self.parallel);
        Ok(Fetch { since, parallel, resume_from: self.resume_from, ..Fetch::new(client, export, folder) })
    }
}

impl FetchCommand {
    /// Runs it.
    pub fn run(self) -> Result<u8> {
        let watch = Arc::new(Watch::new(self.server.quiet)?);
        let result = self.fetch(&watch);
        watch.end();
        let fetched = result?;
        super::tell(&show(&fetched));
        Ok(exit_code(&fetched))
    }

    fn fetch(&self, watch: &Arc<Watch>) -> Result<Fetched> {
        let dialect = self.server.dialect()?;
        // What cannot be asked for needs no credentials to say so.
        let client = self.server.client(watch);
        if let Err(error @ Error::Usage(_)) = client {
            return Err(error);
        }
        let client = client?;
        self.export.fetch(&client, dialect, &self.output, self.partial)?.run()
    }
}

/// 3 if the server could not export some of it.
pub fn exit_code(fetched: &Fetched) -> u8 {
    if fetched.counts.errors > 0 { 3 } else { 0 }
}

/// A fetch for a person.
pub fn show(fetched: &Fetched) -> String {
    let counts = &fetched.counts;
    let folder = fetched.folder.display();
    let mut text = String::new();
    if !fetched.already {
        let time = fetched.transaction_time.as_deref().unwrap_or("an unknown time");
        text.push_str(&match counts.files {
            0 => format!("nothing new up to {time}: the export has no data files\n"),
            files => format!(
                "{files} files, {} resources, {:.1} MB as sent, up to {time}, in `{folder}`\n",
                counts.lines,
                counts.bytes as f64 / 1e6
            ),
        });
    }
    let error = fetched.folder.join("error");
    let error = error.display();
    if counts.errors > 0 {
        text.push_str(&format!(
            "the server could not export some of it: errors: {}, in `{error}` (they hold MBIs)\n",
            counts.errors
        ));
    }
    if counts.warnings > 0 {
        text.push_str(&format!("the server remarks something: warnings: {}, in `{error}`\n", counts.warnings));
    }
    text
}
