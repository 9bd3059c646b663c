//! Cuts inputs into splits.

use std::path::{Path, PathBuf};

use crate::api::Api;
use crate::error::{Error, Result};
use crate::job::{Head, Job, deliveries};
use crate::read::codec::Codec;
use crate::read::{Input, Source};

/// Some lines of one file. As JSON it can travel to another process or machine that sees the same path.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Split {
    /// the file
    pub path: PathBuf,
    /// position of the file among the plan's, from 0
    pub file: u32,
    /// the split has the lines whose first byte is at this position of the file or behind it
    pub start: u64,
    /// ... and before this one
    pub end: u64,
    /// bytes of the file when it was planned
    pub size: u64,
    /// a compressed file is one split
    pub codec: Codec,
    /// of the file's first line: `ExplanationOfBenefit`, or empty if it is another resource or none
    pub resource: String,
    /// of the whole plan
    pub api: Api,
    /// whose claims the server vouches for together: files of one folder; `None`: the whole plan is one
    pub delivery: Option<u32>,
}

/// Cuts files and folders into splits of about `target_bytes`, in input order.
///
/// Only the beginning of each file is read. Pipes and standard input cannot be read twice and so not be cut. Files of a
/// folder that a run would ignore are no part of the plan.
pub fn plan(inputs: &[PathBuf], target_bytes: u64) -> Result<Vec<Split>> {
    plan_as(inputs, target_bytes, None)
}

/// The same for an API version that the user names, which the files must not contradict.
pub fn plan_as(inputs: &[PathBuf], target_bytes: u64, api: Option<Api>) -> Result<Vec<Split>> {
    for input in inputs {
        let meta = std::fs::metadata(input).map_err(|error| Error::file("read", input, error))?;
        if !meta.is_dir() && !meta.is_file() {
            return Err(Error::Usage(format!(
                "expected files or folders to cut into splits, found a pipe: `{}`\n  hint: write it to a file first",
                input.display()
            )));
        }
    }
    let sources = Input::expand(inputs, Path::new(""))?.sources;
    let heads: Vec<Head> = sources.iter().map(Head::of).collect::<Result<_>>()?;
    let job = Job { api, ..Job::new([""; 0])? };
    let api = job.version(&sources, &heads)?;
    let deliveries = deliveries(&sources);
    let mut splits = Vec::new();
    for (at, (source, head)) in sources.iter().zip(&heads).enumerate() {
        let file = Split {
            path: source.path.clone(),
            file: at as u32,
            start: 0,
            end: source.size(),
            size: source.size(),
            codec: source.codec(),
            resource: if head.is_claim { "ExplanationOfBenefit" } else { "" }.to_string(),
            api,
            delivery: deliveries.get(at).copied(),
        };
        file.cut(target_bytes.max(1), &mut splits);
    }
    Ok(splits)
}

impl Split {
    /// Cuts a whole file.
    fn cut(&self, target: u64, splits: &mut Vec<Split>) {
        let pieces = if self.codec == Codec::Plain { self.size.div_ceil(target).max(1) } else { 1 };
        // Pieces of equal size: the last one is no crumb.
        let edge = |piece: u64| (u128::from(self.size) * u128::from(piece) / u128::from(pieces)) as u64;
        splits.extend((0..pieces).map(|piece| Split { start: edge(piece), end: edge(piece + 1), ..self.clone() }));
    }

    /// The file's lines that are this split's.
    pub(crate) fn source(&self) -> Result<Source> {
        let source = Source::part(&self.path, self.start..self.end)?;
        if source.size() != self.size {
            return Err(Error::Usage(format!(
                "expected `{}` as it was planned, {} bytes, found {}\n  hint: plan again once the file is complete",
                self.path.display(),
                self.size,
                source.size()
            )));
        }
        Ok(source)
    }

    /// Whether the file begins with a claim and so is taken for one of claims only.
    pub(crate) fn is_of_claims(&self) -> bool {
        !self.resource.is_empty()
    }
}
