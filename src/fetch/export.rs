//! One export from beginning to end, across as many processes as it takes.
//!
//! The state says at every moment what to do next: a request that was sent but has no job is looked for in the server's list;
//! a job is asked after; a manifest that was received is not asked for again; a file that is whole is not fetched again; and
//! the time for the next export is noted when everything of this one is safe.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use super::client::Client;
use super::delivery::{Counts, Delivery, MANIFEST, clear};
use super::folder::next_folder;
use super::http::Ask;
use super::job::{Jobs, deadline, id};
use super::log::{LOG, Log, bare};
use super::manifest::Manifest;
use super::observer::Event;
use super::request::Export;
use super::state::{Done, OWN, Running, State, make_folder};
use crate::disk::write_whole;
use crate::error::{Error, Result};

/// Pages of a manifest that are followed.
const PAGES: usize = 10_000;

/// From when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// what the export says; its folder holds this one export
    Asked,
    /// where the last export of the same kind ended, everything if there is none; each export gets a folder of its own
    Auto,
}

/// An export to fetch.
#[derive(Debug)]
pub struct Fetch<'a> {
    /// who asks
    pub client: &'a Client,
    /// what is asked for
    pub export: Export,
    /// from when on
    pub since: Since,
    /// where to
    pub folder: PathBuf,
    /// a job that runs already, to be taken up
    pub job: Option<String>,
    /// downloads at once
    pub parallel: usize,
    /// fewer bytes of a file are fetched again rather than gone on with
    pub resume_from: u64,
}

/// What a fetch brought.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// where the files are
    pub folder: PathBuf,
    /// what there is
    pub counts: Counts,
    /// up to when the data goes, as the server wrote it
    pub transaction_time: Option<String>,
    /// all was there before: nothing was fetched
    pub already: bool,
}

impl Fetched {
    /// Names of its data files, as its manifest tells them; none if there was nothing new.
    pub fn files(&self) -> Result<Vec<String>> {
        let path = self.folder.join(MANIFEST);
        let text = std::fs::read(&path).map_err(|error| Error::file("read", &path, error))?;
        let manifest: serde_json::Value =
            serde_json::from_slice(&text).map_err(|error| Error::file("read", &path, error.into()))?;
        let files = manifest["output"].as_array().into_iter().flatten();
        Ok(files.filter_map(|file| file["file"].as_str().map(str::to_string)).collect())
    }
}

/// How far an export is when its files are about to come.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one of it")]
pub enum Stage<'a> {
    /// whole since an earlier run
    Whole(Fetched),
    /// its files are known
    Files(Open<'a>),
}

/// An export whose files are known. Nothing is committed until [`commit`](Open::commit).
#[derive(Debug)]
pub struct Open<'a> {
    /// the files
    pub delivery: Delivery<'a>,
    /// where they go
    pub folder: PathBuf,
    state: State,
    key: String,
    running: Running,
}

impl<'a> Fetch<'a> {
    /// A fetch of one export into a folder.
    pub fn new(client: &'a Client, export: Export, folder: impl AsRef<Path>) -> Fetch<'a> {
        Fetch {
            client,
            export,
            since: Since::Asked,
            folder: folder.as_ref().to_path_buf(),
            job: None,
            parallel: 5,
            resume_from: 64 << 10,
        }
    }

    /// Fetches all of it.
    pub fn run(&self) -> Result<Fetched> {
        match self.begin()? {
            Stage::Whole(fetched) => Ok(fetched),
            Stage::Files(mut open) => {
                let shelf = open.delivery.shelf(None)?;
                open.delivery.download(&shelf, false);
                open.failed(shelf.finish(), shelf.had())?;
                open.commit()
            }
        }
    }

    /// Starts the job or takes it up, and waits for it.
    pub fn begin(&self) -> Result<Stage<'a>> {
        self.export.check()?;
        let mut state = State::open(&self.folder)?;
        let key = format!("{}{}", self.client.address.base(), self.export.series());
        let series = state.series(&key);
        let mut export = self.export.clone();
        if self.since == Since::Auto {
            export.since = series.transaction_time.clone();
        }
        let jobs = Jobs { client: self.client, dialect: self.export.dialect };
        let wanted = jobs.request(&export);
        if self.since == Since::Asked
            && let Some(done) =
                series.done.as_ref().filter(|done| done.folder.is_empty() && done.url == wanted.as_str())
        {
            return self.whole(done, series.transaction_time.clone());
        }
        // A request that has no job yet is no part of anything.
        let known = series.running.filter(|run| run.job.is_some() || run.url == wanted.as_str());
        let again = known.is_some();
        let mut running = match known {
            Some(running) => running,
            None => {
                let running = self.fresh(&state, &export, &jobs)?;
                state.change(&key, |series| series.running = Some(running.clone()))?;
                running
            }
        };
        if self.since == Since::Asked && self.job.is_none() && running.url != wanted.as_str() {
            return Err(Error::Usage(format!(
                "expected the export that `{}` holds a part of, found other options\n  hint: use the same options to go on with it, or name another folder",
                self.folder.display()
            )));
        }
        let folder = self.folder.join(&running.folder);
        make_folder(&folder.join(OWN))?;
        let log = Log::open(&folder, &running.asked)?;
        let received = folder.join(OWN).join("received.json");
        let manifest = match std::fs::read_to_string(&received) {
            // It is there only if this job's own manifest was received whole.
            Ok(text) if running.job.is_some() => Manifest::read(&text)?,
            _ => {
                let result = self.wait(&jobs, &mut state, &key, &mut running, again, &log);
                if let Err(error @ (Error::Remote(_) | Error::Gone(_))) = &result {
                    log.add("status_error", json!({ "message": error.to_string() }))?;
                }
                if let Err(Error::Gone(_)) = &result {
                    abandon(&mut state, &key)?;
                }
                let manifest = result?;
                let text = serde_json::to_vec(&manifest.document).unwrap_or_default();
                write_whole(&received, &text)?;
                manifest
            }
        };
        let delivery = Delivery::open(
            self.client,
            self.export.dialect,
            manifest,
            &folder,
            &running.asked,
            self.parallel,
            self.resume_from,
        )?;
        Ok(Stage::Files(Open { delivery, folder, state, key, running }))
    }

    /// The folder holds this export whole.
    fn whole(&self, done: &Done, transaction_time: Option<String>) -> Result<Stage<'a>> {
        self.client.observer.tell(Event::Note(&format!(
            "`{}` holds this export whole already, up to {}: nothing was fetched\n  hint: `--since auto` fetches what came since, another folder everything anew",
            self.folder.display(),
            transaction_time.as_deref().unwrap_or("an unknown time"),
        )));
        let counts = Counts { errors: done.errors, ..Counts::default() };
        Ok(Stage::Whole(Fetched { folder: self.folder.clone(), counts, transaction_time, already: true }))
    }

    /// A job that is not under way yet.
    fn fresh(&self, state: &State, export: &Export, jobs: &Jobs<'_>) -> Result<Running> {
        if self.since == Since::Asked {
            self.check_empty(state)?;
        }
        let server_time = self.client.time()?.map(|time| time.to_string());
        let asked = Timestamp::now();
        let folder = match self.since {
            Since::Asked => {
                let removed = clear(&self.folder)?;
                if removed > 0 {
                    self.client.observer.tell(Event::Note(&format!(
                        "{removed} files of an export that ended before it was whole were removed"
                    )));
                }
                String::new()
            }
            Since::Auto => next_folder(&self.folder, asked)?,
        };
        let _ = std::fs::remove_file(self.folder.join(&folder).join(OWN).join("received.json"));
        let url = jobs.request(export);
        let job = self.job.as_deref().map(|job| jobs.url(job)).transpose()?;
        let (url, asked, job) = (url.to_string(), asked.to_string(), job.map(String::from));
        Ok(Running { folder, url, asked, server_time, job })
    }

    /// A folder that holds something else would be converted along with this export.
    fn check_empty(&self, state: &State) -> Result<()> {
        let folder = &self.folder;
        let other = state.all().any(|(_, series)| {
            let running = series.running.as_ref().filter(|running| running.job.is_some());
            let folders = [series.done.as_ref().map(|done| &done.folder), running.map(|running| &running.folder)];
            folders.into_iter().flatten().any(String::is_empty)
        });
        let left = clear_names(folder)?;
        if !other && left.is_empty() {
            return Ok(());
        }
        Err(Error::Usage(format!(
            "expected an empty folder for the export, found {} in `{}`\n  hint: name another folder",
            if other { "another export" } else { "files" },
            folder.display()
        )))
    }

    /// Starts the job if that was not done, waits until it is done, and gathers its manifest.
    fn wait(
        &self,
        jobs: &Jobs<'_>,
        state: &mut State,
        key: &str,
        running: &mut Running,
        again: bool,
        log: &Log,
    ) -> Result<Manifest> {
        let parse = |text: &str| {
            url::Url::parse(text)
                .map_err(|_| Error::Remote("expected an address in the state, found none that reads".into()))
        };
        let observer = self.client.observer.as_ref();
        let job = match &running.job {
            Some(job) => {
                let job = parse(job)?;
                observer.tell(Event::Attached(&id(&job)));
                job
            }
            None => {
                let url = parse(&running.url)?;
                let asked = running.server_time.as_ref().unwrap_or(&running.asked);
                let asked = asked.parse().unwrap_or(Timestamp::UNIX_EPOCH);
                log.add(
                    "kickoff",
                    json!({ "exportUrl": url.as_str(), "errorCode": null, "errorBody": null, "softwareName": null,
                            "softwareVersion": null, "softwareReleaseDate": null, "fhirVersion": null,
                            "requestParameters": {}, "responseHeaders": {} }),
                )?;
                let begun = jobs.start(&url, asked, again)?;
                // Before anything else: whoever comes after us must find it.
                running.job = Some(begun.url.to_string());
                let known = running.clone();
                state.change(key, |series| series.running = Some(known))?;
                let id = id(&begun.url);
                observer.tell(if begun.found { Event::Attached(&id) } else { Event::Started(&id) });
                begun.url
            }
        };
        let (body, expires) = jobs.wait(&job)?;
        let mut manifest = Manifest::read(&body)?;
        for _ in 0..PAGES {
            let Some(next) = manifest.next() else { break };
            let at = self.client.follow(&job, next)?;
            let ask = Ask::get(at.url.clone()).header("accept", "application/json");
            let answer = self.client.patiently_at(&ask, &at, "the next page of the manifest", |_, _| false)?;
            if answer.status != 200 {
                return Err(self.client.refused(&answer, "the next page of the manifest"));
            }
            manifest.join(Manifest::read(&answer.body)?);
            log.add("status_page_complete", json!({}))?;
        }
        log.add("status_complete", json!({ "transactionTime": manifest.transaction_time() }))?;
        let count = |list: &str| manifest.document.get(list).and_then(|list| list.as_array()).map_or(0, Vec::len);
        log.add(
            "manifest_complete",
            json!({ "transactionTime": manifest.transaction_time(), "totalOutputFileCount": count("output"),
                    "totalDeletedFileCount": count("deleted"), "totalErrorFileCount": count("error") + count("outcome"),
                    "totalManifests": 1, "statusUrl": bare(job.as_str()) }),
        )?;
        if let Some(until) = expires.as_deref().and_then(deadline) {
            let until = until.strftime("%Y-%m-%d %H:%M UTC");
            observer.tell(Event::Note(&format!("the job is done; the server keeps its files until {until}")));
        }
        Ok(manifest)
    }
}

/// Visible names in a folder, less the log and what an unfinished export of ours left.
fn clear_names(folder: &Path) -> Result<Vec<String>> {
    let journal = super::journal::Journal::path(folder);
    let ours: Vec<String> = if journal.exists() {
        super::journal::Journal::open(folder)?.stems().map(|(stem, _)| stem.clone()).collect()
    } else {
        Vec::new()
    };
    let entries = std::fs::read_dir(folder).map_err(|error| Error::file("read", folder, error))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let known = |name: &str| {
        name.starts_with('.')
            || [LOG, MANIFEST, "error", "deleted"].contains(&name)
            || name.ends_with(".ndjson.part")
            || ours.iter().any(|stem| name.strip_prefix(stem.as_str()).is_some_and(|end| end.starts_with(".ndjson")))
    };
    Ok(names.filter(|name| !known(name)).collect())
}

fn abandon(state: &mut State, key: &str) -> Result<()> {
    state.change(key, |series| series.running = None)
}

impl Open<'_> {
    /// Tells this export from others: when it was first asked for.
    pub fn asked(&self) -> &str {
        &self.running.asked
    }

    /// Says of a failed download how much is there; a job whose files are gone is given up, so that the next start begins anew.
    pub fn failed(&mut self, result: Result<()>, there: usize) -> Result<()> {
        let Err(error) = result else { return Ok(()) };
        let all = self.delivery.items().len();
        match error {
            Error::Remote(text) => Err(Error::Remote(format!("{text}\n  {there} of {all} files are whole"))),
            Error::Gone(text) => {
                abandon(&mut self.state, &self.key)?;
                Err(Error::Gone(format!("{text}\n  {there} of {all} files are whole")))
            }
            other => Err(other),
        }
    }

    /// Every file is safe: writes manifest.json and notes it, and from when on the next export goes.
    pub fn commit(mut self) -> Result<Fetched> {
        let counts = self.delivery.finish()?;
        let transaction_time = self.delivery.manifest().transaction_time().map(str::to_string);
        let done = Done { folder: self.running.folder.clone(), url: self.running.url.clone(), errors: counts.errors };
        let time = transaction_time.clone();
        self.state.change(&self.key, |series| {
            series.running = None;
            series.done = Some(done);
            if time.is_some() {
                series.transaction_time = time;
            }
        })?;
        Ok(Fetched { folder: self.folder, counts, transaction_time, already: false })
    }
}
