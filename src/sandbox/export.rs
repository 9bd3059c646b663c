//! Puts an export on disk: parts, compression, manifest, counts.
//!
//! Files carry no real person, but the tools around them are built for ones that do, so they are as private: folder
//! 0700, files 0600. The manifest has the form of BCDA's finished job.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Resource, Synth};
use crate::sandbox::json::Json;
use crate::sandbox::model::Family;

/// How much of one resource type was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub resources: u64,
    /// Uncompressed, newlines included.
    pub bytes: u64,
}

/// What a run wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Patients.
    pub patients: Amount,
    /// Coverages.
    pub coverages: Amount,
    /// ExplanationOfBenefits of all kinds.
    pub claims: Amount,
    /// Claims per type, in the order CARRIER, PDE, OUTPATIENT, DME, INPATIENT, SNF, HHA, HOSPICE.
    pub by_type: [(&'static str, u64); 8],
}

impl Tally {
    /// Of all types together, uncompressed.
    pub fn bytes(&self) -> u64 {
        self.patients.bytes + self.coverages.bytes + self.claims.bytes
    }

    fn of(&mut self, resource: Resource) -> &mut Amount {
        match resource {
            Resource::Patient => &mut self.patients,
            Resource::Coverage => &mut self.coverages,
            Resource::ExplanationOfBenefit => &mut self.claims,
        }
    }
}

/// A file that may compress on its way.
enum Sink {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl Sink {
    fn open(path: &Path, gzip: bool) -> io::Result<Sink> {
        let file = BufWriter::with_capacity(1 << 18, private(path)?);
        Ok(if gzip { Sink::Gzip(Box::new(GzEncoder::new(file, Compression::new(4)))) } else { Sink::Plain(file) })
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        match self {
            Sink::Plain(file) => {
                file.write_all(line)?;
                file.write_all(b"\n")
            }
            Sink::Gzip(file) => {
                file.write_all(line)?;
                file.write_all(b"\n")
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Sink::Plain(mut file) => file.flush(),
            Sink::Gzip(file) => file.finish()?.flush(),
        }
    }
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

fn folder(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(dir)
}

/// `ExplanationOfBenefit.3.ndjson.gz`; the number only when there are several parts.
fn name(resource: Resource, part: u32, synth: &Synth) -> String {
    let number = if synth.files > 1 { format!(".{}", part + 1) } else { String::new() };
    format!("{}{number}.ndjson{}", resource.name(), if synth.gzip { ".gz" } else { "" })
}

pub(crate) fn write(synth: &Synth, dir: &Path) -> io::Result<Tally> {
    folder(dir)?;
    let parts = synth.files.max(1);
    let mut tally = Tally::default();
    for (slot, family) in tally.by_type.iter_mut().zip(Family::ALL) {
        slot.0 = family.eob_type();
    }
    let mut json = Json::default();
    for part in 0..parts {
        let [patients, coverages, claims] =
            Resource::ALL.map(|resource| Sink::open(&dir.join(name(resource, part, synth)), synth.gzip));
        let mut sinks = [patients?, coverages?, claims?];
        let bound = |part: u32| (u128::from(synth.beneficiaries) * u128::from(part) / u128::from(parts)) as u64;
        for index in bound(part)..bound(part + 1) {
            let beneficiary = synth.make(index);
            for claim in &beneficiary.claims {
                tally.by_type[claim.family as usize].1 += 1;
            }
            let mut failure = Ok(());
            synth.render(&beneficiary, index, &mut json, &mut |resource, line| {
                let amount = tally.of(resource);
                amount.resources += 1;
                amount.bytes += line.len() as u64 + 1;
                if failure.is_ok() {
                    failure = sinks[resource as usize].line(line);
                }
            });
            failure?;
        }
        for sink in sinks {
            sink.finish()?;
        }
    }
    manifest(synth, dir, parts)?;
    Ok(tally)
}

/// The body of a finished job. Its time follows from the seed: an export must not depend on when it was made.
fn manifest(synth: &Synth, dir: &Path, parts: u32) -> io::Result<()> {
    let version = synth.api.name();
    let base = format!("https://sandbox.bcda.example/data/{}/", 1 + synth.seed % 9_999);
    let mut json = Json::default();
    // Not sorted: BCDA writes this one in the order of its struct.
    json.object(|j| {
        let (hour, minute) = (synth.seed % 24, synth.seed / 24 % 60);
        j.key("transactionTime").string(&format!("2025-03-01T{hour:02}:{minute:02}:00.125Z"));
        j.key("request").string(&format!("https://sandbox.bcda.example/api/{version}/Group/all/$export"));
        j.key("requiresAccessToken").raw("true");
        j.key("output").array(|j| {
            for resource in Resource::ALL {
                for part in 0..parts {
                    j.object(|j| {
                        j.key("type").string(resource.name());
                        j.key("url").joined(&base, &name(resource, part, synth));
                    });
                }
            }
        });
        j.key("error").raw("[]");
        j.key("JobID").integer((1 + synth.seed % 9_999) as i64);
    });
    let mut file = private(&dir.join("manifest.json"))?;
    file.write_all(json.bytes())?;
    file.write_all(b"\n")
}
