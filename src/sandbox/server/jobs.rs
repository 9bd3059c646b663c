//! Jobs: from the 202 to the manifest, and to the day when they are gone.
//!
//! A job's state follows from the clock and from whether its files are ready; nothing wakes up to change it.

use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::Settings;
use super::shelf::{Item, Stored};
use crate::Api;
use crate::sandbox::chance::Chance;

/// The first job of this ACO. The one before it belongs to another.
pub const FIRST: u64 = 42;
/// Asked for, it gives a 401 without text.
pub const FOREIGN: u64 = 41;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    InProgress,
    Completed,
    /// Over its time, not yet cleaned up.
    Old,
    Archived,
    Failed,
    Cancelled,
}

impl State {
    /// As `_status` spells it.
    pub fn name(self) -> &'static str {
        match self {
            State::Pending => "Pending",
            State::InProgress => "In Progress",
            State::Completed | State::Old => "Completed",
            State::Archived => "Archived",
            State::Failed => "Failed",
            State::Cancelled => "Cancelled",
        }
    }

    /// As a Task spells it.
    pub fn task(self) -> &'static str {
        match self {
            State::Pending => "accepted",
            State::InProgress => "in-progress",
            State::Completed | State::Old | State::Archived => "completed",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
        }
    }

    pub fn runs(self) -> bool {
        matches!(self, State::Pending | State::InProgress)
    }
}

/// One file of a finished job.
pub struct Product {
    pub resource: String,
    /// `<uuid>.ndjson`
    pub name: String,
    pub stored: Content,
    /// Listed under `error`.
    pub is_error: bool,
}

#[derive(Clone)]
pub enum Content {
    Gzip(Stored),
    /// `warnings-and-info.ndjson` only.
    Plain(Vec<u8>),
}

/// What the preparation came to.
pub struct Outcome {
    pub at: Timestamp,
    /// `None`: the job failed.
    pub products: Option<Vec<Product>>,
}

pub struct Job {
    pub id: u64,
    pub api: Api,
    /// As sent, behind the host.
    pub target: String,
    /// `http://host:port`, as the request named it.
    pub base: String,
    /// The `_type` parameter as sent.
    pub types: Option<String>,
    pub created: Timestamp,
    pub transaction_time: Timestamp,
    pub cancelled: Option<Timestamp>,
    pub outcome: Arc<OnceLock<Outcome>>,
}

impl Job {
    /// When it was, or will be, done; `None` while its files are not ready.
    pub fn done(&self, settings: &Settings) -> Option<Timestamp> {
        let ready = self.outcome.get()?.at;
        Some(ready.max(after(self.created, settings.job_time)))
    }

    pub fn state(&self, settings: &Settings, now: Timestamp) -> State {
        if self.cancelled.is_some() {
            return State::Cancelled;
        }
        let Some(done) = self.done(settings).filter(|done| *done <= now) else {
            let quarter = after(self.created, settings.job_time / 4);
            return if now < quarter { State::Pending } else { State::InProgress };
        };
        if self.outcome.get().is_some_and(|outcome| outcome.products.is_none()) {
            return State::Failed;
        }
        let end = after(done, settings.file_life);
        if now < end {
            State::Completed
        } else if now < after(end, settings.cleanup) {
            State::Old
        } else {
            State::Archived
        }
    }

    /// `In Progress` while nobody knows the number of parts, then a percentage that does not move.
    pub fn progress(&self, settings: &Settings, now: Timestamp) -> String {
        match self.state(settings, now) {
            State::Pending => "Pending".to_owned(),
            _ if now < after(self.created, settings.job_time / 2) => "In Progress".to_owned(),
            _ => {
                let parts = self.outcome.get().and_then(|outcome| Some(outcome.products.as_ref()?.len()));
                format!("In Progress ({}%)", parts.map_or(0, |parts| 100 / parts.max(2)))
            }
        }
    }

    /// Why a second export of the same version is refused: BCDA's rule, which compares a list of types as one text.
    pub fn blocks(&self, api: Api, target: &str, types: Option<&str>) -> bool {
        self.api == api
            && (self.target == target
                || match (&self.types, types) {
                    (Some(old), Some(new)) => new.split(',').any(|name| name == old),
                    _ => true,
                })
    }
}

/// `<uuid4>.ndjson`, the same for the same seed, job and place in it.
pub fn file_name(seed: u64, job: u64, at: u64) -> String {
    let mut chance = Chance::new(seed, &[job, at, 0x66_69_6C_65]);
    let (high, low) = (chance.next(), chance.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}.ndjson",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFF,
        0x8000 | (low >> 48) & 0x3FFF,
        low & 0xFFFF_FFFF_FFFF
    )
}

pub fn product(item: Item, name: String) -> Product {
    Product { resource: item.resource, name, stored: Content::Gzip(item.stored), is_error: false }
}

/// Now, by a clock that nobody sets: it starts with this machine's and goes on by itself, so that jobs end whatever becomes of
/// the machine's.
pub fn now() -> Timestamp {
    static START: LazyLock<(Timestamp, Instant)> = LazyLock::new(|| (Timestamp::now(), Instant::now()));
    let (time, at) = *START;
    time.checked_add(at.elapsed()).unwrap_or(Timestamp::MAX)
}

pub fn after(time: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| time.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}

/// Cut, not rounded: rounding could put a job's end before its start.
pub fn truncated(time: Timestamp, unit: jiff::Unit) -> Timestamp {
    time.round(jiff::TimestampRound::new().smallest(unit).mode(jiff::RoundMode::Floor)).unwrap_or(time)
}
