//! One file: to its `.part`, verified, on disk, renamed. Under its own name a file is whole.
//!
//! What the server sends is kept as it comes, gzip and all. A transfer that breaks off goes on where it stopped if the server
//! vouches that the file is the same (`If-Range`), and only for gzip files, whose own sum tells in the end whether the joined
//! bytes fit; anything small, plain or doubtful starts over.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::Client;
use super::gate::Gate;
use super::http::{Ask, Reply, plain};
use super::log::{Log, bare};
use super::manifest::{Kind, Listed};
use super::observer::Event;
use super::patience::sleep;
use super::request::Dialect;
use super::state::OWN;
use super::verify::{Expected, Whole, verify};
use crate::disk::{sync_names, write_whole};
use crate::error::{Error, Result};
use crate::read::codec::Codec;

/// Sound transfers whose content is not sound, before the file is given up.
const FLAWS: usize = 3;
/// Times that a file is not found before that is believed.
const MISSES: usize = 3;
/// Bytes read at once.
const BUFFER: usize = 128 << 10;

/// A file of the export with its name here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// as the server lists it
    pub listed: Listed,
    /// folder and name without what follows the type's number: `ExplanationOfBenefit.0001`, `error/OperationOutcome.0001`
    pub stem: String,
}

impl Item {
    /// The name of the file, by how it is stored.
    pub fn name(&self, codec: Codec) -> String {
        let end = match codec {
            Codec::Gzip => ".gz",
            Codec::Zstd => ".zst",
            Codec::Plain => "",
        };
        format!("{}.ndjson{end}", self.stem)
    }

    fn part(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.ndjson.part", self.stem))
    }

    fn note(&self, folder: &Path) -> PathBuf {
        folder.join(OWN).join(format!("{}.part.json", self.stem.replace('/', "-")))
    }
}

/// Downloads files of one export.
#[derive(Debug)]
pub struct Downloader<'a> {
    /// who asks
    pub client: &'a Client,
    /// the server's
    pub dialect: Dialect,
    /// files want the token
    pub with_token: bool,
    /// where they go
    pub folder: &'a Path,
    /// how many at once
    pub gate: &'a Gate,
    /// what happened
    pub log: &'a Log,
    /// fewer bytes are fetched again rather than gone on with
    pub resume_from: u64,
}

/// What vouches that the rest belongs to the bytes we have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Voucher {
    url: String,
    /// ETag, or Last-Modified
    validator: String,
}

/// What is there of a file that is not whole.
struct Part {
    path: PathBuf,
    note: PathBuf,
    have: u64,
    voucher: Option<Voucher>,
    /// its bytes come from more than one transfer
    joined: bool,
}

/// How a transfer ended.
enum End {
    /// the server sent all it had
    Sent,
    /// it broke off, or nothing came: why, and the server's wish
    Broken(String, Option<Duration>),
    /// the server wants less
    TooMuch(String, Option<Duration>),
    /// it is not there
    Missing(String),
}

impl Downloader<'_> {
    /// Gets a file; its bytes are on disk when this returns, still under the `.part` name.
    pub fn get(&self, item: &Item) -> Result<Whole> {
        let patience = &self.client.patience;
        let observer = self.client.observer.as_ref();
        let (mut pauses, mut best, mut flaws, mut misses) = (patience.pauses(), 0, 0, 0);
        let mut part = Part::find(item, self.folder)?;
        self.log.add(
            "download_request",
            json!({ "fileUrl": bare(&item.listed.url), "itemType": item.listed.kind.name(), "resourceType": item.listed.resource }),
        )?;
        loop {
            let pass = self.gate.enter(observer)?;
            let end = self.transfer(item, &mut part)?;
            drop(pass);
            let (why, retry_after, too_much) = match end {
                End::Sent => match verify(&part.path, self.expected(item))
                    .map_err(|error| Error::file("read", &part.path, error))?
                {
                    Ok(whole) => {
                        self.gate.went_well();
                        return Ok(whole);
                    }
                    Err(flaw) => {
                        // Bytes of two transfers that do not fit are no flaw of the file.
                        flaws += usize::from(!part.joined);
                        part.clear()?;
                        if flaws >= FLAWS {
                            let message =
                                format!("expected {} whole, found it flawed {flaws} times: {flaw}", item.stem);
                            self.failed(item, &message)?;
                            return Err(Error::Remote(format!(
                                "{message}\n  hint: the file is not whole on the server {}; ask its operator, or start a new export in another folder",
                                self.client.address.host()
                            )));
                        }
                        (flaw, None, false)
                    }
                },
                End::Missing(why) => {
                    misses += 1;
                    if misses >= MISSES {
                        self.failed(item, &why)?;
                        return Err(Error::Gone(format!(
                            "expected {} on {}, found {why} {misses} times\n  hint: files are kept for about 24 hours after a job; the same command starts a new one",
                            item.stem,
                            self.client.address.host()
                        )));
                    }
                    (why, None, false)
                }
                End::Broken(why, retry_after) => (why, retry_after, false),
                End::TooMuch(why, retry_after) => (why, retry_after, true),
            };
            if part.have > best {
                best = part.have;
                pauses = patience.pauses();
            }
            let Some(own) = pauses.next() else {
                self.failed(item, &why)?;
                return Err(Error::Remote(format!(
                    "expected {} whole from {}, found after {} tries: {why}\n  hint: what is whole stays; the same command goes on from there",
                    item.stem,
                    self.client.address.host(),
                    patience.tries
                )));
            };
            let pause = patience.pause(own, retry_after);
            observer.tell(Event::Again(&format!("{}: {why}", item.stem), pause));
            if too_much {
                self.gate.push_back(pause);
            } else {
                sleep(pause, observer)?;
            }
        }
    }

    fn failed(&self, item: &Item, why: &str) -> Result<()> {
        self.log.add("download_error", json!({ "fileUrl": bare(&item.listed.url), "message": why }))
    }

    fn expected<'i>(&self, item: &'i Item) -> Expected<'i> {
        let listed = &item.listed;
        Expected {
            resource: &listed.resource,
            count: listed.count,
            sha256: listed.sha256.as_deref(),
            length: listed.length,
            // Warnings of BCDA come as one document without an end of line.
            line_feed: matches!(self.dialect, Dialect::Bcda(_)) && listed.kind == Kind::Output,
        }
    }

    /// One request, its body to the end or as far as it goes.
    fn transfer(&self, item: &Item, part: &mut Part) -> Result<End> {
        if part.have > 0 && (part.voucher.is_none() || part.have < self.resume_from) {
            part.clear()?;
        }
        let to = self.client.address.follow(self.client.address.base(), &item.listed.url)?;
        let mut ask =
            Ask::get(to.url.clone()).header("accept-encoding", "gzip").header("accept", "application/fhir+ndjson");
        if let (Some(voucher), true) = (&part.voucher, part.have > 0) {
            ask = ask.header("range", format!("bytes={}-", part.have)).header("if-range", voucher.validator.clone());
        }
        let resuming = part.have > 0;
        let reply = match self.client.once(&ask, to, self.with_token)? {
            Ok(reply) => reply,
            Err(fault) => return Ok(End::Broken(fault.message, None)),
        };
        let retry_after = reply.retry_after();
        let status = reply.status;
        // Bodies of errors about files may speak of patients: only the status is told.
        let found = format!("HTTP {status}");
        match status {
            200 => {
                part.clear()?;
                part.begin(item, &reply)?;
                self.copy(reply, part)
            }
            206 if resuming => match content_range(&reply) {
                Some((start, _)) if start == part.have => {
                    part.joined = true;
                    self.copy(reply, part)
                }
                _ => {
                    part.clear()?;
                    Ok(End::Broken("expected the rest of the file, found another part of it".to_string(), None))
                }
            },
            416 if resuming => {
                let size =
                    reply.header("content-range").and_then(|text| text.strip_prefix("bytes */")?.trim().parse().ok());
                match size.filter(|size: &u64| *size <= part.have && *size > 0) {
                    Some(size) => {
                        // All is here; what follows was added on the way.
                        part.cut(size)?;
                        part.joined = true;
                        Ok(End::Sent)
                    }
                    None => {
                        part.clear()?;
                        Ok(End::Broken(found, None))
                    }
                }
            }
            404 | 410 => Ok(End::Missing(found)),
            429 | 502 | 503 => Ok(End::TooMuch(found, retry_after)),
            408 | 425 | 500 | 504 => Ok(End::Broken(found, retry_after)),
            401 | 403 => Err(Error::Login(format!(
                "expected {} from {}, found {found} with a good token\n  hint: the job may belong to another organisation, or this machine's address may not be on its allow list",
                item.stem,
                self.client.address.host()
            ))),
            _ => {
                Err(Error::Remote(format!("expected {} from {}, found {found}", item.stem, self.client.address.host())))
            }
        }
    }

    fn copy(&self, reply: Reply, part: &mut Part) -> Result<End> {
        let observer = self.client.observer.as_ref();
        let trouble = |error| Error::file("write", &part.path, error);
        let mut file = OpenOptions::new().append(true).open(&part.path).map_err(trouble)?;
        // Where neither is told, a broken connection looks like the end; only a gzip sum can tell them apart then.
        let (length, has_end) = (reply.length(), reply.has_end() || is_gzip(&reply));
        let mut reader = reply.into_reader();
        let mut buffer = vec![0; BUFFER];
        let mut came = 0;
        let end = loop {
            if observer.stopped() {
                let _ = file.sync_all();
                return Err(Error::Paused);
            }
            match reader.read(&mut buffer) {
                Ok(0) if length.is_some_and(|length| length != came) => {
                    break End::Broken("the transfer ended too early".to_string(), None);
                }
                Ok(0) if !has_end => {
                    break End::Broken(
                        "the server tells neither a length nor an end, so nobody can tell whether it is whole"
                            .to_string(),
                        None,
                    );
                }
                Ok(0) => break End::Sent,
                Ok(read) => {
                    file.write_all(&buffer[..read]).map_err(trouble)?;
                    came += read as u64;
                    observer.tell(Event::Bytes(read as u64));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break End::Broken(plain(&error), None),
            }
        };
        file.sync_all().map_err(trouble)?;
        part.have += came;
        Ok(end)
    }
}

fn is_gzip(reply: &Reply) -> bool {
    reply.header("content-encoding").is_some_and(|coding| coding.trim().eq_ignore_ascii_case("gzip"))
}

/// Start and, if told, size of the whole.
fn content_range(reply: &Reply) -> Option<(u64, Option<u64>)> {
    let (range, size) = reply.header("content-range")?.trim().strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.trim().parse().ok()?, size.trim().parse().ok()))
}

impl Part {
    /// What an earlier try left.
    fn find(item: &Item, folder: &Path) -> Result<Part> {
        let (path, note) = (item.part(folder), item.note(folder));
        let have = std::fs::metadata(&path).map_or(0, |meta| meta.len());
        let voucher: Option<Voucher> = std::fs::read(&note).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let voucher = voucher.filter(|voucher| voucher.url == item.listed.url);
        Ok(Part { path, note, have, voucher, joined: have > 0 })
    }

    fn cut(&mut self, to: u64) -> Result<()> {
        let file = OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(&self.path);
        file.and_then(|file| file.set_len(to)).map_err(|error| Error::file("write", &self.path, error))?;
        self.have = to;
        Ok(())
    }

    fn clear(&mut self) -> Result<()> {
        self.cut(0)?;
        let _ = std::fs::remove_file(&self.note);
        self.voucher = None;
        self.joined = false;
        Ok(())
    }

    /// Notes what vouches for the rest, before the first byte.
    fn begin(&mut self, item: &Item, reply: &Reply) -> Result<()> {
        let ranges = reply.header("accept-ranges").is_some_and(|units| units.contains("bytes"));
        // A weak ETag vouches for the meaning, not for the bytes.
        let etag = reply.header("etag").filter(|tag| !tag.starts_with("W/"));
        let validator = etag.or_else(|| reply.header("last-modified"));
        if let (true, true, Some(validator)) = (ranges, is_gzip(reply), validator) {
            let voucher = Voucher { url: item.listed.url.clone(), validator: validator.to_string() };
            write_whole(&self.note, &serde_json::to_vec(&voucher).unwrap_or_default())?;
            self.voucher = Some(voucher);
        }
        Ok(())
    }
}

/// Gives a whole file its name.
pub fn name(item: &Item, folder: &Path, whole: &Whole) -> Result<PathBuf> {
    let (part, target) = (item.part(folder), folder.join(item.name(whole.codec)));
    std::fs::rename(&part, &target).map_err(|error| Error::file("rename to", &target, error))?;
    sync_names(target.parent().unwrap_or(folder))?;
    let _ = std::fs::remove_file(item.note(folder));
    Ok(target)
}

/// A whole file whose name was not given before the process ended.
pub fn unnamed(item: &Item, folder: &Path, whole: &Whole) -> bool {
    File::open(item.part(folder)).and_then(|file| file.metadata()).is_ok_and(|meta| meta.len() == whole.bytes)
}
