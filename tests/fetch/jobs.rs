//! From the token to the manifest: refusals, stumbles, lost replies.

use std::os::unix::fs::PermissionsExt;

use crate::bcda::*;
use crate::common::claimfeed;
use crate::common::wire::Reply;

#[test]
fn an_export_from_the_first_to_the_last_byte() {
    let server = bcda(|_| None);
    let (folder, said) = brings(&server, &["--type", "Patient"]);
    assert!(said.contains("job 42 started") && said.contains("1 files, 3000 resources"), "{said}");
    let requests = server.requests();
    let token = &requests[0];
    assert_eq!((token.method.as_str(), token.target.as_str()), ("POST", "/auth/token"));
    assert_eq!((token.header("content-length"), token.header("accept")), (Some("0"), Some("application/json")));
    let kickoff = &requests[1];
    assert_eq!(kickoff.target, "/api/v2/Group/all/$export?_type=Patient");
    assert_eq!(
        (kickoff.header("accept"), kickoff.header("prefer")),
        (Some("application/fhir+json"), Some("respond-async"))
    );
    assert!(requests.iter().all(|request| request.header("connection") == Some("close")));
    let data = requests.iter().find(|request| request.target.starts_with("/data")).unwrap();
    assert_eq!(data.header("accept-encoding"), Some("gzip"));
    assert_eq!(server.count("/auth/token"), 1);
    for name in walk(folder.path()) {
        let mode = std::fs::metadata(&name).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
        let bytes = std::fs::read(&name).unwrap();
        for secret in [SECRET, "tok.en", "bWU6"] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret} in {name}");
        }
    }
    assert_eq!(std::fs::metadata(folder.path().join("x")).unwrap().permissions().mode() & 0o777, 0o700);
    let log = std::fs::read_to_string(folder.path().join("x/log.ndjson")).unwrap();
    let events: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["eventId"].as_str().unwrap().to_string())
        .collect();
    assert_eq!(
        events,
        ["kickoff", "status_complete", "manifest_complete", "download_request", "download_complete", "export_complete"]
    );
    // Again: it is whole, and nobody is asked.
    let before = server.requests().len();
    let again = fetch(&server, &folder.path().join("x"), &["--type", "Patient"]);
    assert_eq!(again.status.code(), Some(0));
    assert!(text(&again).contains("whole already"), "{}", text(&again));
    assert_eq!(server.requests().len(), before);
}

#[test]
fn refused_credentials_say_what_to_do() {
    let server = bcda(|request| {
        (request.target == "/auth/token")
            .then(|| Some(Reply::new(401, "Unauthorized\n").with("Content-Type", "text/plain; charset=utf-8")))
    });
    refuses(&server, &[], 5, &["credentials refused", "`Unauthorized`", "hint: check BCDA_CLIENT_ID", "90 days"]);
    assert_eq!(server.requests().len(), 1, "asked once");
    let waf = bcda(|_| Some(Some(Reply::new(403, "<html>403</html>"))));
    refuses(&waf, &[], 5, &["an HTML page", "allow list"]);
    let folder = tempfile::tempdir().unwrap();
    let none = claimfeed().args(["fetch", "-o"]).arg(folder.path()).env_clear().output().unwrap();
    assert_eq!(none.status.code(), Some(5));
    assert!(text(&none).contains("found none") && text(&none).contains("https://bcda.cms.gov"), "{}", text(&none));
}

#[test]
fn the_token_server_may_stumble() {
    let at = nth();
    let server = bcda(move |request| {
        let replies = [
            None,
            Some(Reply::new(503, "Service Unavailable\n").with("Retry-After", "1")),
            Some(Reply::new(429, "A0001 exceeded the rate limit for /auth/token.").with("Retry-After", "300")),
        ];
        (request.target == "/auth/token").then(&at).and_then(|at| replies.get(at).cloned())
    });
    let (_, said) = brings(&server, &[]);
    assert!(said.contains("exceeded the rate limit"), "{said}");
    assert_eq!(server.count("/auth/token"), 4);
}

#[test]
fn a_refused_token_is_renewed_once_for_a_request() {
    let at = nth();
    let expired = || Reply::new(401, r#"{"issue":[{"code":"forbidden","diagnostics":"Expired Token"}]}"#);
    let server = bcda(move |request| (request.target.starts_with("/data") && at() == 0).then(|| Some(expired())));
    brings(&server, &[]);
    assert_eq!(server.count("/auth/token"), 2);
    // One that never goes away: not this organisation's.
    let server = bcda(move |request| request.target.starts_with("/api/v2/jobs/").then(|| Some(expired())));
    refuses(&server, &[], 5, &["HTTP 401", "hint: the token is good, but not for this"]);
    assert_eq!(server.count("/auth/token"), 2);
    assert_eq!(server.count("/api/v2/jobs/42"), 2);
}

#[test]
fn what_the_world_is_like_has_its_own_words() {
    let outcome = |text: &str| {
        format!(
            r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"not-found","diagnostics":"{text}"}}]}}"#
        )
    };
    for (status, words, says, code) in [
        (
            404,
            "unable to perform export operations for this Group. Usually this is due to awaiting new attribution information at the beginning of a Performance Year",
            "every January",
            6,
        ),
        (404, "failed to start job; attribution file not found", "no attribution of the last 50 days", 6),
        (404, "runout data is no longer available. Runout data expires 180 days after ingestion", "180 days", 6),
        (
            404,
            "failed to start job; attribution file not found for given _since parameter.",
            "before the first attribution",
            6,
        ),
        (403, "V3 access not enabled for this ACO", "no access to this version", 5),
        (400, "Invalid group ID", "HTTP 400", 6),
    ] {
        let body = outcome(words);
        let server =
            bcda(move |request| request.target.contains("$export").then(|| Some(Reply::new(status, body.clone()))));
        refuses(&server, &[], code, &[says, &words[..16]]);
        assert_eq!(server.count("$export"), 1, "not asked again");
    }
}

#[test]
fn a_job_that_failed_or_is_gone_is_not_asked_again_and_the_next_start_begins_anew() {
    let failed = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"exception","diagnostics":"Service encountered numerous errors. Job failed to complete."}]}"#;
    let two = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}"#;
    let cancelled = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found","diagnostics":"Job has been cancelled."}]}"#;
    for (status, body, says) in [
        (500, failed, "found that it failed"),
        (404, two, "kept for about 24 hours"),
        (410, "", "found it gone"),
        (404, cancelled, "it was cancelled"),
    ] {
        let at = nth();
        let server = bcda(move |request| {
            (request.target == "/api/v2/jobs/42" && at() == 0)
                .then(|| Some(Reply::new(status, body).with("Content-Type", "application/fhir+json")))
        });
        let folder = tempfile::tempdir().unwrap();
        let output = fetch(&server, folder.path(), &[]);
        assert_eq!(output.status.code(), Some(6), "{}", text(&output));
        assert!(text(&output).contains(says), "{}", text(&output));
        assert_eq!(server.count("/api/v2/jobs/42"), 1);
        let output = fetch(&server, folder.path(), &[]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        assert_eq!(server.count("$export"), 2);
        whole(folder.path());
    }
}

#[test]
fn a_server_that_stumbles_while_a_job_runs_is_asked_again() {
    let at = nth();
    let replies = [
        Reply::new(202, "").with("X-Progress", "Pending"),
        Reply::new(
            500,
            r#"{"issue":[{"code":"exception","diagnostics":"Error trying to fetch job. Please try again."}]}"#,
        ),
        Reply::new(202, "").with("X-Progress", "In Progress (0%)"),
        Reply::new(502, "<html>502 Bad Gateway</html>"),
        Reply::new(429, "").with("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"),
        Reply::new(429, "").with("Retry-After", "1795000000000"),
        Reply::new(202, "").with("X-Progress", "In Progress (50%)").with("Retry-After", "0"),
    ];
    let server = bcda(move |request| {
        (request.target == "/api/v2/jobs/42").then(&at).and_then(|at| replies.get(at).cloned().map(Some))
    });
    let (_, said) = brings(&server, &[]);
    for words in ["Pending", "In Progress (0%)", "In Progress (50%)", "an HTML page", "Please try again"] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(server.count("/api/v2/jobs/42"), 8);
}

#[test]
fn a_lost_reply_and_a_refused_start_lead_to_the_job_that_runs() {
    let listed = |server: &str, status: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"searchset","total":2,"entry":[
            {{"resource":{{"resourceType":"Task","identifier":[{{"value":"41"}}],"status":"in-progress","input":[{{"valueString":"GET {server}/api/v2/Group/all/$export?_type=Coverage"}}],"executionPeriod":{{"start":"2019-01-01T00:00:00Z"}}}}}},
            {{"resource":{{"resourceType":"Task","identifier":[{{"value":"42"}}],"status":"{status}","input":[{{"valueString":"GET https://other.name/api/v2/Group/all/$export"}}],"executionPeriod":{{"start":"2999-01-01T00:00:00Z"}}}}}}]}}"#
        )
    };
    for lost in [true, false] {
        for status in ["accepted", "in-progress", "completed"] {
            let body = listed("http://x", status);
            let server = bcda(move |request| {
                if request.target.contains("$export") {
                    // The job was made and the reply lost; or another start made it: an empty 429.
                    return Some((!lost).then(|| Reply::new(429, "").with("Retry-After", "0")));
                }
                request.target.starts_with("/api/v2/jobs?").then(|| Some(Reply::new(200, body.clone())))
            });
            let (_, said) = brings(&server, &[]);
            assert!(said.contains("job 42 is under way already"), "{said}");
            assert_eq!(server.count("$export"), 1, "nothing is started twice");
        }
    }
    // Another job is in the way, and stays there.
    let body = listed("http://x", "failed");
    let server = bcda(move |request| {
        if request.target.contains("$export") {
            return Some(Some(Reply::new(429, "").with("Retry-After", "0")));
        }
        request.target.starts_with("/api/v2/jobs?").then(|| Some(Reply::new(200, body.clone())))
    });
    refuses(&server, &[], 6, &["HTTP 429", "running jobs: 41", "claimfeed jobs list"]);
    assert_eq!(server.count("$export"), 4);
}

#[test]
fn no_data_is_success_and_warnings_are_no_errors() {
    let server = bcda_with(|_| None, "[]", "[]", Vec::new());
    let folder = tempfile::tempdir().unwrap();
    let output = fetch(&server, folder.path(), &["--since", "auto"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("nothing new"), "{}", text(&output));
    let again = fetch(&server, folder.path(), &["--since", "auto"]);
    assert_eq!(again.status.code(), Some(0));
    let since = server.requests().into_iter().rfind(|request| request.target.contains("$export")).unwrap();
    assert_eq!(since.target, "/api/v2/Group/all/$export?_since=2019-12-09T20:44:01.705398Z");

    let outcome = |severity: &str| {
        format!(
            "{{\"resourceType\":\"OperationOutcome\",\"issue\":[{{\"severity\":\"{severity}\",\"diagnostics\":\"MBI 1S00EU7JH47\"}}]}}"
        )
    };
    for (severity, code) in [("warning", 0), ("error", 3)] {
        let body = outcome(severity);
        let server = bcda_with(
            move |request| request.target.contains("warn").then(|| Some(Reply::new(200, body.clone()))),
            r#"[{"type":"Patient","url":"/data/42/p.ndjson"}]"#,
            r#"[{"type":"OperationOutcome","url":"/data/42/warnings-and-info.ndjson"}]"#,
            gzip(&lines("Patient", 3000)).1,
        );
        let folder = tempfile::tempdir().unwrap();
        let output = fetch(&server, folder.path(), &[]);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output));
        assert!(!text(&output).contains("1S00EU7JH47"));
        assert!(text(&output).contains(if code == 0 { "warnings: 1" } else { "errors: 1" }), "{}", text(&output));
        let file = folder.path().join("error/OperationOutcome.0001.ndjson");
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        // Again: it says the same, and asks nobody.
        assert_eq!(fetch(&server, folder.path(), &[]).status.code(), Some(code));
    }
}

#[test]
fn what_cannot_be_asked_for_is_refused_before_anybody_is_asked() {
    let server = bcda(|_| None);
    for (options, says) in [
        (&["--type", "Observation", "--api", "v1"][..], "BCDA v1"),
        (&["--type", "Claim", "--api", "v3"], "BCDA v3"),
        (&["--since", "2026-01-01"], "hint: date, time with seconds, and zone"),
        (&["--since", "2999-01-01T00:00:00Z"], "has passed"),
        (&["--type-filter", "ExplanationOfBenefit?service-date=ge2024"], "`--api v3` filters"),
        (&["--group", "new"], "all or runout"),
    ] {
        refuses(&server, options, 2, &[says]);
    }
    assert!(server.requests().is_empty());
    let plain = claimfeed()
        .args(["fetch", "--server", "http://api.bcda.cms.gov", "-o", "/nowhere"])
        .env_clear()
        .env("BCDA_CLIENT_ID", "me")
        .env("BCDA_CLIENT_SECRET", SECRET)
        .output()
        .unwrap();
    assert_eq!(plain.status.code(), Some(2));
    assert!(text(&plain).contains("plain http to another machine"), "{}", text(&plain));
}

#[test]
fn jobs_and_server_say_what_the_server_says() {
    let server = bcda(|request| {
        let list = r#"{"resourceType":"Bundle","entry":[{"resource":{"identifier":[{"value":"42"}],"status":"completed","input":[{"valueString":"GET https://h/api/v2/Group/all/$export"}],"executionPeriod":{"start":"2026-11-20T01:02:03Z","end":"2026-11-20T01:09:00Z"}}}]}"#;
        match (request.method.as_str(), request.target.as_str()) {
            ("GET", "/api/v2/jobs") if request.header("x").is_none() => Some(Some(Reply::new(200, list))),
            ("DELETE", "/api/v2/jobs/42") => Some(Some(Reply::new(202, ""))),
            ("DELETE", _) => Some(Some(Reply::new(
                410,
                r#"{"issue":[{"diagnostics":"job was not cancelled because it is not Pending or In Progress"}]}"#,
            ))),
            ("GET", "/api/v2/jobs/7") => Some(Some(Reply::new(202, "").with("X-Progress", "In Progress (3%)"))),
            ("GET", "/api/v2/attribution_status") => Some(Some(Reply::new(
                200,
                "{\"ingestion_dates\":[{\"timestamp\":\"2020-12-22 22:31:40.397916+00\",\"type\":\"last_attribution_update\"}]}\n",
            ))),
            ("GET", "/api/v2/metadata") => Some(Some(Reply::new(200, r#"{"fhirVersion":"4.0.1"}"#))),
            ("GET", "/_version") => Some(Some(Reply::new(200, r#"{"version":"r292"}"#))),
            ("GET", "/_health") => Some(Some(Reply::new(200, r#"{"database":"ok"}"#))),
            ("GET", "/auth/welcome") => {
                Some(Some(Reply::new(200, r#"{"success":"Welcome to the Beneficiary Claims Data API!"}"#)))
            }
            _ => None,
        }
    });
    let ask = |words: &[&str]| {
        let mut command = claimfeed();
        command.args(words).args(["--server", &server.url, "--first-wait", "1", "--tries", "2"]);
        let output =
            command.env_clear().env("BCDA_CLIENT_ID", "me").env("BCDA_CLIENT_SECRET", SECRET).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout.clone()).unwrap(), text(&output))
    };
    let (code, out, _) = ask(&["jobs", "list"]);
    assert!(code == 0 && out.contains("42") && out.contains("completed") && out.contains("/api/v2/Group/all"), "{out}");
    assert_eq!(
        ask(&["jobs", "status", "42"]),
        (0, "done; its files are kept until 2026-11-21 01:09 UTC\n".into(), String::new())
    );
    assert_eq!(ask(&["jobs", "status", "7"]).1, "running: In Progress (3%)\n");
    assert_eq!(ask(&["jobs", "cancel", "42"]).1, "cancelled\n");
    let (code, _, said) = ask(&["jobs", "cancel", "41"]);
    assert!(code == 6 && said.contains("not Pending or In Progress"), "{said}");
    assert_eq!(ask(&["server", "attribution"]).1, "last_attribution_update 2020-12-22 22:31:40.397916+00\n");
    assert!(ask(&["server", "metadata"]).1.contains("4.0.1"));
    let (code, out, _) = ask(&["server", "check"]);
    assert!(code == 0 && out.contains("version r292") && out.contains("credentials accepted"), "{out}");
    let folder = tempfile::tempdir().unwrap();
    let (code, _, said) = ask(&["jobs", "attach", "42", "-o", folder.path().to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    whole(folder.path());
    assert_eq!(server.count("$export"), 0, "no job was started");
}
