//! A server's list of jobs never panics: it is refused, or each of its texts is one line that a terminal can show. Written out
//! and read again it is the same, and a job of ours that was added to it is found, whatever else is listed.
//!
//! The first line is path and query of our request, the rest the body.
#![no_main]

use claimfeed::fetch::listing::{Listed, doing, read};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fn told(job: &Listed) -> Value {
    json!({"resource": {
        "identifier": [{"value": job.id}],
        "status": job.status,
        "input": [{"valueString": job.request}],
        "executionPeriod": {"start": job.start, "end": job.end},
    }})
}

fuzz_target!(|text: &str| {
    let (request, body) = text.split_once('\n').unwrap_or(("", text));
    let jobs = match read(body) {
        Ok(jobs) => jobs,
        Err(error) => return assert!(error.to_string().starts_with("expected a list of jobs")),
    };
    for Listed { id, status, request, start, end } in &jobs {
        for text in [id, status, request, start, end] {
            assert!(!text.contains(char::is_control));
        }
        assert!([id, status, start, end].iter().all(|text| text.chars().count() <= 400));
    }
    let bundle = |jobs: &[Listed]| json!({"entry": jobs.iter().map(told).collect::<Vec<_>>()}).to_string();
    assert_eq!(read(&bundle(&jobs)).expect("what was read is written"), jobs);

    let Ok(url) = url::Url::parse("https://host/").and_then(|host| host.join(request)) else { return };
    if !["http", "https"].contains(&url.scheme()) {
        // No request of ours; `file:///A:/%2E` is not even the same when it is parsed again.
        return;
    }
    let asked = Timestamp::UNIX_EPOCH;
    if let Some(job) = doing(&jobs, &url, asked) {
        assert!(!job.id.is_empty() && ["accepted", "in-progress", "completed"].contains(&&*job.status));
        let same = job.asked_for().expect("an address");
        assert_eq!(doing(&jobs, &same, asked), Some(job), "the same request, by whoever wrote it");
    }
    let ours = Listed {
        id: "ours".to_string(),
        status: "in-progress".to_string(),
        request: format!("GET {url}"),
        start: Timestamp::MAX.to_string(),
        end: String::new(),
    };
    let with_ours: Vec<Listed> = jobs.iter().cloned().chain([ours.clone()]).collect();
    let again = read(&bundle(&with_ours)).expect("a list");
    assert_eq!(doing(&again, &url, asked), Some(&ours));
});
