//! `claimfeed run`: fetches and converts, each file as soon as it is whole.
//!
//! Tables appear when all of them are complete, so a run that was killed leaves none and makes them anew from the files that
//! are whole; the state that the next export goes on from is written after them. With `--discard-raw` a file is removed when it
//! was read; if it is needed again, it is fetched again.

use std::path::PathBuf;
use std::sync::Arc;

use claimfeed::disk::write_whole;
use claimfeed::fetch::delivery::MANIFEST;
use claimfeed::fetch::download::Item;
use claimfeed::fetch::export::Open;
use claimfeed::fetch::{Dialect, Fetch, Fetched, Observer, Shelf, Stage};
use claimfeed::read::Arrivals;
use claimfeed::read::codec::Codec;
use claimfeed::report::Report;
use claimfeed::write::folder::Folder;
use claimfeed::{Api, Error, Result};

use super::convert::How;
use super::fetch::{ExportArgs, exit_code, show};
use super::made::Made;
use super::server::ServerArgs;
use super::target::{SUMMARY, Target, begin, check_empty, hold};
use super::watch::Watch;

/// Files that may wait to be converted before more are fetched, for each download at once; with --discard-raw only.
const AHEAD: usize = 2;
/// Marks a folder of tables as begun by a run, which may begin it again.
const BEGUN: &str = ".claimfeed-run";

/// Fetch an export and convert it, each file as soon as it is whole
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claimfeed run -o export --out tables
  claimfeed run --server https://api.bcda.cms.gov --api v3 -o export --out tables --format parquet --discard-raw
  claimfeed run --since auto -o deliveries --out tables-2026-11

The tables are those of `fetch` and then `convert`, byte for byte. Killed at any moment, the same command goes on from there.
Done already, it converts nothing and exits as it did before.")]
pub struct RunCommand {
    #[command(flatten)]
    export: ExportArgs,
    /// Folder for the files as they come; with --since auto each export gets a folder of its own in it
    #[arg(short, long, value_name = "RAW")]
    output: PathBuf,
    /// Folder for the tables
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Remove a file when it was read: only some of them are on disk at a time
    #[arg(long)]
    discard_raw: bool,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    server: ServerArgs,
}

impl RunCommand {
    /// Runs it.
    pub fn run(self) -> Result<u8> {
        let watch = Arc::new(Watch::new(self.server.quiet)?);
        let result = self.work(&watch);
        watch.end();
        let (fetched, code) = result?;
        super::tell(&show(&fetched));
        Ok(code.max(exit_code(&fetched)))
    }

    fn work(&self, watch: &Arc<Watch>) -> Result<(Fetched, u8)> {
        let target = self.how.target(&self.out, &self.how.job(&[])?.schemas)?;
        if self.discard_raw && self.how.is_partial() {
            return Err(Error::Usage(
                "expected no `--discard-raw` with `--partial`: the files are read twice".to_string(),
            ));
        }
        if self.out.as_os_str() == "-" {
            return Err(Error::Usage("expected a folder for the tables, found `-`".to_string()));
        }
        let dialect = self.server.dialect()?;
        let client = self.server.client(watch)?;
        let fetch = self.export.fetch(&client, dialect, &self.output, self.how.is_partial())?;
        let _held = self.place()?;
        match fetch.begin()? {
            Stage::Whole(fetched) => {
                let code = self.whole(&fetched, &target)?;
                self.unmark();
                Ok((fetched, code))
            }
            Stage::Files(open) => {
                if self.marked().is_none_or(|other| other != open.asked())
                    && self.out.join(SUMMARY).exists()
                    && !self.how.replaces()
                {
                    return Err(self.found_others());
                }
                self.mark(open.asked())?;
                self.files(&fetch, open, watch, &target)
            }
        }
    }

    /// The export was fetched before: its tables are there, or are made of what is on disk.
    fn whole(&self, fetched: &Fetched, target: &Target<'_>) -> Result<u8> {
        let time = fetched.transaction_time.as_deref();
        let has_tables = self.out.join(SUMMARY).exists();
        if !self.how.replaces() {
            if has_tables {
                self.how.check_pseudonyms(&self.out.join(SUMMARY))?;
            }
            if let Some(code) = Made::of(&self.how, &fetched.folder, time, &self.out)?.code(&self.output) {
                super::tell(&format!(
                    "the tables in `{}` are whole: nothing was converted\n  hint: `--force` converts anew\n",
                    self.out.display()
                ));
                return Ok(code);
            }
            if has_tables && self.marked().is_none() {
                return Err(self.found_others());
            }
        }
        let files = fetched.files()?;
        if files.iter().any(|name| !fetched.folder.join(name).exists()) {
            return Err(Error::Usage(format!(
                "expected the files of this export in `{}`, found that they were removed\n  hint: another folder for them fetches everything anew",
                fetched.folder.display()
            )));
        }
        self.mark(time.unwrap_or("whole"))?;
        begin(&self.out)?;
        let code = if files.is_empty() {
            target.stale.remove();
            0
        } else {
            let mut job = self.how.job(std::slice::from_ref(&fetched.folder))?;
            job.spool = self.out.clone();
            self.how.convert_folder(&mut job, target)?
        };
        Made::of(&self.how, &fetched.folder, time, &self.out)?.note(&self.output, code)?;
        Ok(code)
    }

    fn found_others(&self) -> Error {
        Error::Usage(format!(
            "expected an empty folder for the tables, or those of this command and export, found others in `{}`\n  hint: name another folder, or add `--force` to replace them",
            self.out.display()
        ))
    }

    /// The files come and are converted meanwhile.
    fn files(
        &self,
        fetch: &Fetch<'_>,
        mut open: Open<'_>,
        watch: &Arc<Watch>,
        target: &Target<'_>,
    ) -> Result<(Fetched, u8)> {
        let items = open.delivery.items();
        let data = (0..items.len()).filter(|at| items[*at].is_data());
        let mut files: Vec<(PathBuf, bool, usize)> = data
            .map(|at| (open.delivery.usual_path(at), items[at].listed.resource == "ExplanationOfBenefit", at))
            .collect();
        // As `convert` takes the files of a folder.
        files.sort();
        let ahead = self.discard_raw.then_some(fetch.parallel * AHEAD);
        let api = match fetch.export.dialect {
            Dialect::Bcda(api) => Some(api),
            Dialect::Bulk => None,
        };
        let result = match api {
            Some(api) if !files.is_empty() => self.stream(&open, &files, ahead, api, watch, target),
            _ => self.one_after_the_other(&mut open, target, files.is_empty()),
        };
        let code = match result {
            Ok(code) => code,
            Err((error, there)) => {
                open.failed(Err(error), there)?;
                1
            }
        };
        // Before the export is noted as safe: what comes later finds both or neither.
        let time = open.delivery.manifest().transaction_time().map(str::to_string);
        Made::of(&self.how, &open.folder, time.as_deref(), &self.out)?.note(&self.output, code)?;
        let fetched = open.commit()?;
        self.unmark();
        Ok((fetched, code))
    }

    fn stream(
        &self,
        open: &Open<'_>,
        files: &[(PathBuf, bool, usize)],
        ahead: Option<usize>,
        api: Api,
        watch: &Arc<Watch>,
        target: &Target<'_>,
    ) -> std::result::Result<u8, (Error, usize)> {
        let start = |error| (error, 0);
        begin(&self.out).map_err(start)?;
        let shelf = Arc::new(open.delivery.shelf(ahead).map_err(start)?);
        let mut job = self.how.job(&[]).map_err(start)?;
        job.api = Some(api);
        job.spool = self.out.clone();
        let places: Vec<usize> = files.iter().map(|(_, _, at)| *at).collect();
        let names = open.delivery.items().to_vec();
        let folder = open.folder.clone();
        let arrivals: Arc<dyn Arrivals> = Arc::new(Incoming {
            shelf: shelf.clone(),
            places,
            names,
            folder,
            discard: self.discard_raw,
            watch: watch.clone(),
        });
        let paths: Vec<(PathBuf, bool)> = files.iter().map(|(path, claims, _)| (path.clone(), *claims)).collect();
        let converted = std::thread::scope(|scope| {
            let downloads = scope.spawn(|| open.delivery.download(&shelf, true));
            let close = Close(&shelf);
            let converted = self.how.convert(target, false, |sink, listing| {
                let report = job.run_arriving(&paths, &arrivals, sink, listing)?;
                // What is no data is wanted too, before the tables are shown.
                for at in (0..open.delivery.items().len()).filter(|at| !open.delivery.items()[*at].is_data()) {
                    shelf.wait(at, || watch.stopped())?;
                }
                Ok(report)
            });
            drop(close);
            // A worker that panics ends the scope with it.
            let _ = downloads.join();
            converted
        });
        let there = shelf.had();
        // The download's own error says more than that the conversion waited in vain.
        shelf.finish().map_err(|error| (error, there))?;
        let partial = |report: Report| {
            job.inputs = vec![open.folder.clone()];
            self.how.convert_partial(&mut job, &report, target)
        };
        converted.and_then(partial).map_err(|error| (error, there))
    }

    /// Where nothing is known of the files beforehand, they are fetched first.
    fn one_after_the_other(
        &self,
        open: &mut Open<'_>,
        target: &Target<'_>,
        nothing: bool,
    ) -> std::result::Result<u8, (Error, usize)> {
        let shelf = open.delivery.shelf(None).map_err(|error| (error, 0))?;
        open.delivery.download(&shelf, false);
        let there = shelf.had();
        shelf.finish().map_err(|error| (error, there))?;
        begin(&self.out).map_err(|error| (error, there))?;
        if nothing {
            target.stale.remove();
            return Ok(0);
        }
        let convert = || {
            let mut job = self.how.job(std::slice::from_ref(&open.folder))?;
            job.spool = self.out.clone();
            self.how.convert_folder(&mut job, target)
        };
        convert().map_err(|error| (error, there))
    }

    /// Before anything is asked for: the folder of the tables is empty, or begun or filled by a run like this one. Holds it, without
    /// what a killed run left (its tables had no names yet, or will be replaced).
    fn place(&self) -> Result<Folder> {
        let held = hold(&self.out)?;
        if self.output.canonicalize().is_ok_and(|raw| self.out.canonicalize().is_ok_and(|out| out == raw)) {
            return Err(Error::Usage(
                "expected a folder of its own for the tables, found that of the files".to_string(),
            ));
        }
        let ours = self.marked().is_some();
        // A run that was whole already may be asked for again.
        let whole = self.out.join(SUMMARY).exists() && self.output.join(MANIFEST).exists();
        if !ours && !whole {
            check_empty(&self.out, self.how.replaces())?;
        }
        Ok(held)
    }

    /// Marks the folder as that of this export.
    fn mark(&self, asked: &str) -> Result<()> {
        write_whole(&self.out.join(BEGUN), format!("{}\n{asked}\n", self.raw()).as_bytes())
    }

    /// The export that a run into the same folders began.
    fn marked(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.out.join(BEGUN)).ok()?;
        let (raw, asked) = text.trim_end().split_once('\n')?;
        (raw == self.raw()).then(|| asked.to_string())
    }

    fn raw(&self) -> String {
        std::path::absolute(&self.output).unwrap_or_else(|_| self.output.clone()).display().to_string()
    }

    fn unmark(&self) {
        let _ = std::fs::remove_file(self.out.join(BEGUN));
    }
}

/// Ends the downloads whatever becomes of the conversion.
struct Close<'a>(&'a Shelf);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Files as the conversion waits for them.
struct Incoming {
    shelf: Arc<Shelf>,
    /// the conversion's files among the delivery's
    places: Vec<usize>,
    names: Vec<Item>,
    folder: PathBuf,
    discard: bool,
    watch: Arc<Watch>,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Incoming {
    fn path(&self, at: usize, codec: Codec) -> PathBuf {
        self.folder.join(self.names[at].name(codec))
    }
}

impl Arrivals for Incoming {
    fn wait(&self, file: usize) -> Result<PathBuf> {
        let at = self.places[file];
        let whole = self.shelf.wait(at, || self.watch.stopped())?;
        Ok(self.path(at, whole.codec))
    }

    fn is_here(&self, file: usize) -> bool {
        self.shelf.has(self.places[file])
    }

    fn read(&self, file: usize) {
        let at = self.places[file];
        if self.discard {
            for codec in [Codec::Gzip, Codec::Plain, Codec::Zstd] {
                let _ = std::fs::remove_file(self.path(at, codec));
            }
            self.shelf.give_up(at);
        }
    }
}
