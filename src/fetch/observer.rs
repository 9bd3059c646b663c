//! Who is told what a fetch is doing.
//!
//! The library says nothing to anybody by itself; events carry counts, file names of ours and the server's own words about a
//! job, never a value of the data and never a secret.

use std::time::Duration;

/// What happens.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// a job was started; its id
    Started(&'a str),
    /// a job that runs already is taken up; its id
    Attached(&'a str),
    /// the job is not done yet: its own words, and how long we wait already
    Waiting(&'a str, Duration),
    /// what is tried again, and after which pause
    Again(&'a str, Duration),
    /// files that the export has, and of these the ones that are there already
    Files {
        /// all
        all: usize,
        /// whole on disk
        there: usize,
    },
    /// so many more bytes came
    Bytes(u64),
    /// a file is whole
    Whole(&'a str),
    /// something worth knowing
    Note(&'a str),
}

/// Is told what happens, from several threads.
pub trait Observer: Send + Sync {
    /// An event.
    fn tell(&self, _event: Event<'_>) {}

    /// The caller wants the fetch to end; it does as soon as it can, and can go on later.
    fn stopped(&self) -> bool {
        false
    }
}

/// Hears nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {}
