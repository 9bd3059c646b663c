//! Jobs as BCDA tells of them: status, manifest, list, cancellation.

use jiff::{Timestamp, Unit};

use super::faults::{Kind, wait};
use super::jobs::{self, Job, State, after};
use super::outcome::{body, outcome};
use super::query;
use super::reply::Reply;
use super::request::Request;
use super::routes::base;
use super::{Bcda, held};
use crate::Api;
use crate::sandbox::json::Json;

/// Spelled as `_status` wants them.
const STATES: [&str; 9] = [
    "Archived",
    "Cancelled",
    "CancelledExpired",
    "Completed",
    "Expired",
    "Failed",
    "FailedExpired",
    "In Progress",
    "Pending",
];

/// What is wrong with an id before its job is looked at.
fn unknown(api: Api, id: &str, known: bool) -> Option<Reply> {
    match id.parse::<u64>() {
        Err(_) => Some(outcome(api, 400, "")),
        Ok(jobs::FOREIGN) => Some(outcome(api, 401, "")),
        Ok(_) if !known => Some(outcome(api, 404, "")),
        Ok(_) => None,
    }
}

/// The answer about an archived job: BCDA writes a 404, forgets to stop, and writes its 410 behind it.
fn archived(api: Api, second: &str) -> Reply {
    let mut reply = outcome(api, 404, "");
    let mut both = body(api, 404, "");
    both.extend(body(api, 410, second));
    reply = reply.body(both);
    reply
}

/// `GET /api/{v}/jobs/{id}`
pub fn status(bcda: &Bcda, request: &Request, api: Api, id: &str) -> Reply {
    let jobs = held(&bcda.jobs);
    let job = id.parse().ok().and_then(|id: u64| jobs.get(&id));
    if let Some(reply) = unknown(api, id, job.is_some()) {
        return reply;
    }
    let Some(job) = job else { return outcome(api, 404, "") };
    let now = jobs::now();
    match job.state(&bcda.settings, now) {
        State::Pending | State::InProgress => {
            let reply = Reply::new(202).with("X-Progress", job.progress(&bcda.settings, now));
            match bcda.fault().strike(Kind::PollWait, &request.path).as_deref().and_then(wait) {
                Some(wait) => reply.with("Retry-After", wait),
                None => reply,
            }
        }
        State::Failed => outcome(api, 500, "Service encountered numerous errors. Job failed to complete."),
        State::Cancelled => outcome(api, 404, "Job has been cancelled."),
        State::Archived => archived(api, ""),
        state => {
            let done = job.done(&bcda.settings).unwrap_or(now);
            let reply = match state {
                State::Old => outcome(api, 410, ""),
                _ => Reply::json(200, manifest(bcda, job, request)),
            };
            reply.with("Expires", go_time(after(done, bcda.settings.file_life)))
        }
    }
}

fn manifest(bcda: &Bcda, job: &Job, request: &Request) -> Vec<u8> {
    let (foreign, relative, open) = {
        let mut faults = bcda.fault();
        let mut strike = |kind| faults.strike(kind, &request.path);
        (strike(Kind::ForeignHost), strike(Kind::Relative).is_some(), strike(Kind::OpenFiles).is_some())
    };
    let base = foreign.unwrap_or_else(|| if relative { String::new() } else { base(request) });
    let products = job.outcome.get().and_then(|outcome| outcome.products.as_deref()).unwrap_or_default();
    let mut json = Json::default();
    json.object(|j| {
        j.key("transactionTime").string(&job.transaction_time.to_string());
        j.key("request").joined(&job.base, &job.target);
        j.key("requiresAccessToken").raw(if open { "false" } else { "true" });
        for (list, is_error) in [("output", false), ("error", true)] {
            j.key(list).array(|j| {
                for product in products.iter().filter(|product| product.is_error == is_error) {
                    j.object(|j| {
                        j.key("type").string(&product.resource);
                        j.key("url").string(&format!("{base}/data/{}/{}", job.id, product.name));
                    });
                }
            });
        }
        j.key("JobID").integer(job.id as i64);
    });
    json.bytes().to_vec()
}

/// `GET /api/{v}/jobs`
pub fn list(bcda: &Bcda, request: &Request, api: Api) -> Reply {
    if bcda.fault().strike(Kind::AcoDisabled, &request.path).is_some() {
        return outcome(api, 401, "");
    }
    let parameters = request.query();
    let wanted =
        parameters.iter().find(|(key, _)| key == "_status").map(|(_, value)| value.split(',').collect::<Vec<_>>());
    for (at, state) in wanted.iter().flatten().enumerate() {
        if wanted.iter().flatten().take(at).any(|known| known == state) {
            return outcome(api, 400, &format!("Repeated status type {state}"));
        }
        if !STATES.contains(state) {
            return outcome(api, 400, &format!("invalid status type {state}. Supported types [{}]", STATES.join(" ")));
        }
    }
    if let Err(text) = query::headers(request) {
        return outcome(api, 400, &text);
    }
    let now = jobs::now();
    let jobs = held(&bcda.jobs);
    let chosen: Vec<(&Job, State)> = jobs
        .values()
        .map(|job| (job, job.state(&bcda.settings, now)))
        .filter(|(_, state)| wanted.as_ref().is_none_or(|wanted| wanted.contains(&state.name())))
        .collect();
    if chosen.is_empty() {
        // Again two documents: the error, and the empty list behind it.
        let mut both = body(api, 404, "");
        both.extend_from_slice(b"{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":0}");
        return outcome(api, 404, "").body(both);
    }
    let system = format!("{}/api/{api}/jobs", base(request));
    let mut json = Json::default();
    json.object(|j| {
        j.key("resourceType").string("Bundle");
        j.key("type").string("searchset");
        j.key("total").integer(chosen.len() as i64);
        j.key("entry").array(|j| {
            for (job, state) in &chosen {
                j.object(|j| {
                    j.key("resource").object(|j| task(j, bcda, job, *state, &system, now));
                });
            }
        });
    });
    Reply::json(200, json.bytes())
}

fn task(j: &mut Json, bcda: &Bcda, job: &Job, state: State, system: &str, now: Timestamp) {
    let seconds = |time: Timestamp| jobs::truncated(time, Unit::Second).to_string();
    // The last update, also of a job that runs.
    let end = job.cancelled.or_else(|| job.done(&bcda.settings)).map_or(now, |done| done.min(now));
    j.key("resourceType").string("Task");
    j.key("identifier").array(|j| {
        j.object(|j| {
            j.key("use").string("official");
            j.key("system").string(system);
            j.key("value").string(&job.id.to_string());
        });
    });
    j.key("status").string(state.task());
    j.key("intent").string("order");
    j.key("input").array(|j| {
        j.object(|j| {
            j.key("type").object(|j| {
                j.key("text").string("BULK FHIR Export");
            });
            j.key("valueString").string(&format!("GET {}{}", job.base, job.target));
        });
    });
    j.key("executionPeriod").object(|j| {
        j.key("start").string(&seconds(job.created));
        j.key("end").string(&seconds(end));
    });
}

/// `DELETE /api/{v}/jobs/{id}`
pub fn cancel(bcda: &Bcda, api: Api, id: &str) -> Reply {
    let now = jobs::now();
    let mut jobs = held(&bcda.jobs);
    let job = id.parse().ok().and_then(|id: u64| jobs.get_mut(&id));
    if let Some(reply) = unknown(api, id, job.is_some()) {
        return reply;
    }
    const LATE: &str = "job was not cancelled because it is not Pending or In Progress";
    match job {
        Some(job) if job.state(&bcda.settings, now).runs() => {
            job.cancelled = Some(now);
            Reply::new(202)
        }
        Some(job) if job.state(&bcda.settings, now) == State::Archived => archived(api, LATE),
        _ => outcome(api, 410, LATE),
    }
}

/// Go's `time.String()`: `2026-11-21 01:09:00.123456 +0000 UTC`.
fn go_time(time: Timestamp) -> String {
    jobs::truncated(time, Unit::Microsecond).strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::go_time;

    #[test]
    fn expires_is_not_an_http_date() {
        let text = |time: &str| go_time(time.parse().unwrap());
        assert_eq!(text("2026-11-21T01:09:00.123456Z"), "2026-11-21 01:09:00.123456 +0000 UTC");
        assert_eq!(text("2026-11-21T01:09:00.12Z"), "2026-11-21 01:09:00.12 +0000 UTC");
        assert_eq!(text("2026-11-21T01:09:00Z"), "2026-11-21 01:09:00 +0000 UTC");
    }
}
