//! What happened, for tests and the curious: every request, tokens given, jobs started.
//!
//! No credential is in it: of an `Authorization` header it knows only that there was one.

use std::collections::VecDeque;

/// Kept in full; counts go on.
const KEPT: usize = 100_000;

/// One request and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// `GET`
    pub method: String,
    /// As it was sent, with its query.
    pub target: String,
    /// 0 when the connection ended without an answer.
    pub status: u16,
    /// The `Range` header.
    pub range: Option<String>,
    /// The `Accept-Encoding` header.
    pub encoding: Option<String>,
    /// Whether there was an `Authorization` header.
    pub authorization: bool,
    /// 0 for the first request of its connection.
    pub on_connection: u32,
}

/// Everything since the start.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Log {
    /// Tokens given.
    pub tokens: u64,
    /// Jobs started.
    pub jobs: u64,
    /// Requests served, also those that `entries` has forgotten.
    pub requests: u64,
    /// The last 100,000 requests, oldest first.
    pub entries: VecDeque<Entry>,
}

impl Log {
    /// How many requests had this method and a target that begins so.
    pub fn count(&self, method: &str, target: &str) -> usize {
        self.entries.iter().filter(|entry| entry.method == method && entry.target.starts_with(target)).count()
    }

    pub(super) fn add(&mut self, entry: Entry) {
        self.requests += 1;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }
}
