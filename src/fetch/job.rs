//! The server's jobs: start one, ask after it, find it again, cancel it.
//!
//! A reply that is lost after the job was made leaves a job that runs and an address nobody knows. BCDA then refuses a second
//! start; so whoever starts looks into the list of jobs before trying again, and takes up the one it finds.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::address::Location;
use super::client::{Answer, Client};
use super::http::{Ask, Method};
use super::listing::{self, Listed};
use super::observer::Event;
use super::outcome::Outcome;
use super::patience::sleep;
use super::request::{Dialect, Export};
use crate::error::{Error, Result};

const FHIR: &str = "application/fhir+json";

/// What a job says when asked.
#[derive(Debug, Clone)]
pub enum Status {
    /// in its own words, e.g. `In Progress (0%)`
    Waiting(String),
    /// done: the manifest's text, and until when its files are there, as sent
    Done(String, Option<String>),
}

/// A job that was started or found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// where to ask after it
    pub url: Url,
    /// it ran already
    pub found: bool,
}

/// The server's jobs.
#[derive(Debug, Clone, Copy)]
pub struct Jobs<'a> {
    /// who asks
    pub client: &'a Client,
    /// the server's
    pub dialect: Dialect,
}

/// The number of a job: the last part of its address.
pub fn id(url: &Url) -> String {
    url.path_segments().and_then(|mut parts| parts.next_back().map(str::to_string)).unwrap_or_default()
}

impl Jobs<'_> {
    /// The whole request for an export.
    pub fn request(&self, export: &Export) -> Url {
        let (path, query) = export.path();
        self.client.address.below(&path, Some(query.as_str()).filter(|query| !query.is_empty()))
    }

    /// Starts a job, or takes up the one that does the same already. `asked`: when this request was first sent, by the
    /// server's clock; `again`: it may have been sent by a process that did not live to hear the answer.
    pub fn start(&self, url: &Url, asked: Timestamp, again: bool) -> Result<Begun> {
        if again && let Some(job) = self.find(url, asked)? {
            return Ok(Begun { url: job, found: true });
        }
        let ask = Ask::get(url.clone()).header("accept", FHIR).header("prefer", "respond-async");
        let mut pauses = self.client.patience.pauses();
        let home = || Location { url: url.clone(), home: true };
        loop {
            let mut retry_after = None;
            let (may_run, why) = match self.client.once(&ask, home(), true)? {
                Err(fault) => (fault.sent, fault.message),
                Ok(reply) => {
                    let answer = match Answer::read(reply) {
                        Ok(answer) => answer,
                        // The status has come; its body is empty when all is well.
                        Err(fault) => Answer { status: 0, ..Answer::empty(fault.message) },
                    };
                    match answer.status {
                        202 => {
                            if let Some(named) = &answer.content_location {
                                let at = self.client.follow(url, named)?;
                                self.must_be_home(&at)?;
                                return Ok(Begun { url: at.url, found: false });
                            }
                            (true, "a job without an address".to_string())
                        }
                        0 => (true, answer.body),
                        429 | 500..=599 => {
                            retry_after = answer.retry_after;
                            (true, format!("HTTP {}, {}", answer.status, answer.outcome().words()))
                        }
                        _ => return Err(self.not_started(&answer)),
                    }
                }
            };
            if may_run {
                if let Some(job) = self.find(url, asked)? {
                    return Ok(Begun { url: job, found: true });
                }
                if self.dialect == Dialect::Bulk && !why.starts_with("HTTP") {
                    return Err(Error::Remote(format!(
                        "expected the address of a job from {}, found: {why}\n  hint: a job may run there; the server has no list of jobs to find it in",
                        self.client.address.host()
                    )));
                }
            }
            let Some(own) = pauses.next() else { return Err(self.busy(&why)) };
            let pause = self.client.patience.pause(own, retry_after);
            self.client.observer.tell(Event::Again(&format!("start of the job: {why}"), pause));
            sleep(pause, self.client.observer.as_ref())?;
        }
    }

    fn must_be_home(&self, at: &Location) -> Result<()> {
        if at.home {
            return Ok(());
        }
        Err(Error::Remote(format!("expected the job on {}, found it on another host", self.client.address.host())))
    }

    /// Another job is in the way.
    fn busy(&self, why: &str) -> Error {
        let running: Vec<String> =
            self.list(&["In Progress", "Pending"]).unwrap_or_default().into_iter().map(|job| job.id).collect();
        let jobs = if running.is_empty() { String::new() } else { format!("; running jobs: {}", running.join(", ")) };
        Error::Remote(format!(
            "expected {} to start a job, found after {} tries: {why}{jobs}\n  hint: BCDA runs one job for the same types at a time; `claimfeed jobs list` shows them, `jobs cancel ID` ends one",
            self.client.address.host(),
            self.client.patience.tries
        ))
    }

    fn not_started(&self, answer: &Answer) -> Error {
        let words = answer.outcome().words();
        let hint = if words.contains("Performance Year") {
            "every January BCDA waits for the new year's attribution: nothing is wrong here, try again in some days (`claimfeed server attribution` tells when)"
        } else if words.contains("attribution file not found for given _since") {
            "the time is before the first attribution: leave `--since` out"
        } else if words.contains("attribution file not found") {
            "CMS has no attribution of the last 50 days for this organisation"
        } else if words.contains("unout") {
            "runout data is there for 180 days after it came"
        } else {
            return self.client.refused(answer, "a job");
        };
        Error::Remote(format!(
            "expected {} to start a job, found HTTP {}, {words}\n  hint: {hint}",
            self.client.address.host(),
            answer.status
        ))
    }

    /// Asks after a job once, with patience for a server that stumbles; and how long it wants to be left alone.
    pub fn ask(&self, job: &Url) -> Result<(Status, Option<Duration>)> {
        let ask = Ask::get(job.clone()).header("accept", "application/json");
        let failed = |status: u16, outcome: &Outcome| status != 429 && self.is_failure(outcome);
        let answer = self.client.patiently(&ask, "the state of the job", failed)?;
        let host = self.client.address.host();
        match answer.status {
            202 => Ok((Status::Waiting(answer.progress.unwrap_or_default()), answer.retry_after)),
            200 => Ok((Status::Done(answer.body, answer.expires), None)),
            404 | 410 => {
                let words = answer.outcome().words();
                let what = if words.contains("cancelled") { "it was cancelled" } else { "it expired or never was" };
                Err(Error::Gone(format!(
                    "expected job {} on {host}, found it gone: HTTP {}, {words}\n  hint: {what}; jobs and files are kept for about 24 hours; the same command starts a new one",
                    id(job),
                    answer.status
                )))
            }
            500..=599 => Err(Error::Gone(format!(
                "expected job {} on {host} to finish, found that it failed: HTTP {}, {}\n  hint: this job is lost; the same command starts a new one; if that fails too, ask the server's operator",
                id(job),
                answer.status,
                answer.outcome().words()
            ))),
            _ => Err(self.client.refused(&answer, "the state of the job")),
        }
    }

    /// A 5xx that says the job failed, and not the question.
    fn is_failure(&self, outcome: &Outcome) -> bool {
        match self.dialect {
            Dialect::Bcda(_) => outcome.text.contains("Job failed"),
            Dialect::Bulk => !outcome.code.is_empty() && outcome.code != "transient",
        }
    }

    /// Waits until the job is done: the manifest's text, and until when its files are there.
    pub fn wait(&self, job: &Url) -> Result<(String, Option<String>)> {
        let started = Instant::now();
        let mut pauses = self.client.patience.polls();
        loop {
            let (status, retry_after) = self.ask(job)?;
            match status {
                Status::Done(manifest, expires) => return Ok((manifest, expires)),
                Status::Waiting(words) => {
                    self.client.observer.tell(Event::Waiting(&words, started.elapsed()));
                    let own = pauses.next().unwrap_or(Duration::from_secs(60));
                    sleep(self.client.patience.pause(own, retry_after), self.client.observer.as_ref())?;
                }
            }
        }
    }

    /// Ends a job that runs.
    pub fn cancel(&self, job: &Url) -> Result<()> {
        let ask = Ask { method: Method::Delete, ..Ask::get(job.clone()) };
        let answer = self.client.patiently(&ask, "the job to be cancelled", |_, _| false)?;
        match answer.status {
            200..=299 => Ok(()),
            404 | 410 => Err(Error::Remote(format!(
                "expected a running job {}, found that it is not: HTTP {}, {}",
                id(job),
                answer.status,
                answer.outcome().words()
            ))),
            _ => Err(self.client.refused(&answer, "the job to be cancelled")),
        }
    }

    /// A running job that does this request, or a finished one that was started for it.
    fn find(&self, url: &Url, asked: Timestamp) -> Result<Option<Url>> {
        let Dialect::Bcda(_) = self.dialect else { return Ok(None) };
        let jobs = self.list(&["Completed", "In Progress", "Pending"])?;
        listing::doing(&jobs, url, asked).map(|job| self.url(&job.id)).transpose()
    }

    /// The address of a job by its number, or an address as it is.
    pub fn url(&self, id: &str) -> Result<Url> {
        if let Dialect::Bcda(api) = self.dialect
            && id.bytes().all(|byte| byte.is_ascii_digit())
            && !id.is_empty()
        {
            return Ok(self.client.address.below(&format!("api/{api}/jobs/{id}"), None));
        }
        let at = self.client.follow(self.client.address.base(), id)?;
        self.must_be_home(&at)?;
        Ok(at.url)
    }

    /// The organisation's jobs, of all versions; `statuses` in BCDA's words, none: all.
    pub fn list(&self, statuses: &[&str]) -> Result<Vec<Listed>> {
        let Dialect::Bcda(api) = self.dialect else {
            return Err(Error::Usage("expected BCDA for a list of jobs: other servers have none".to_string()));
        };
        let query = (!statuses.is_empty()).then(|| format!("_status={}", statuses.join(",").replace(' ', "%20")));
        let ask = Ask::get(self.client.address.below(&format!("api/{api}/jobs"), query.as_deref()));
        let ask = ask.header("accept", FHIR).header("prefer", "respond-async");
        let answer = self.client.patiently(&ask, "the list of jobs", |_, _| false)?;
        match (answer.status, answer.json()) {
            // No jobs: an error and an empty list in one body.
            (404, Some(Value::Object(_))) => Ok(Vec::new()),
            (200, _) => listing::read(&answer.body),
            _ => Err(self.client.refused(&answer, "the list of jobs")),
        }
    }
}

impl Answer {
    fn empty(body: String) -> Answer {
        Answer { status: 0, content_location: None, progress: None, retry_after: None, expires: None, body }
    }
}

/// Until when files are there: BCDA writes Go's form of a time, others an HTTP date.
pub fn deadline(expires: &str) -> Option<Timestamp> {
    let http = || jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(expires).ok();
    let go = || {
        let mut parts = expires.split_whitespace();
        let (date, time, zone) = (parts.next()?, parts.next()?, parts.next()?);
        format!("{date}T{time}{zone}").parse().ok()
    };
    go().or_else(http).or_else(|| expires.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_in_gos_form_and_as_http_dates() {
        let read = |text: &str| deadline(text).map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        assert_eq!(read("2026-11-21 01:09:00.123456 +0000 UTC").as_deref(), Some("2026-11-21T01:09:00Z"));
        assert_eq!(read("2026-11-21 01:09:00 +0000 UTC m=+0.1").as_deref(), Some("2026-11-21T01:09:00Z"));
        assert_eq!(read("Sat, 21 Nov 2026 01:09:00 GMT").as_deref(), Some("2026-11-21T01:09:00Z"));
        assert_eq!(read("soon"), None);
    }
}
