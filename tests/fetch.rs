//! `claimfeed fetch` and its kin against a server that says exactly what a test wants: every refusal, every odd reply.
//!
//! Each test is a small BCDA of its own: what it answers stands in the test.

mod common;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::claimfeed;
use common::wire::{Reply, Request, Server};

const SECRET: &str = "a-secret-nobody-may-see";

/// Stored gzip, and the empty member that BCDA sends after it.
fn gzip(text: &str) -> (Vec<u8>, Vec<u8>) {
    let pack = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let stored = pack(text.as_bytes());
    let sent = [stored.clone(), pack(b"")].concat();
    (stored, sent)
}

fn lines(resource: &str, count: usize) -> String {
    // Not compressible, so that a file has some size.
    let mut seed = 7u64;
    let mut noise = || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        seed
    };
    (0..count)
        .map(|n| format!("{{\"id\":\"{n}-{:x}{:x}\",\"resourceType\":\"{resource}\"}}\n", noise(), noise()))
        .collect()
}

fn token() -> Reply {
    Reply::new(200, r#"{"access_token": "tok.en.1", "expires_in": "1200", "token_type":"bearer"}"#)
        .with("Content-Type", "application/json")
}

/// A BCDA with one Patient file; `handler` answers first.
fn bcda(handler: impl Fn(&Request) -> Option<Option<Reply>> + Send + Sync + 'static) -> Server {
    let (_, sent) = gzip(&lines("Patient", 3000));
    bcda_with(handler, r#"[{"type":"Patient","url":"/data/42/p.ndjson"}]"#, "[]", sent)
}

fn bcda_with(
    handler: impl Fn(&Request) -> Option<Option<Reply>> + Send + Sync + 'static,
    output: &'static str,
    error: &'static str,
    file: Vec<u8>,
) -> Server {
    Server::start(move |request| {
        if let Some(reply) = handler(request) {
            return reply;
        }
        let path = request.target.split('?').next().unwrap();
        Some(match path {
            "/auth/token" => token(),
            _ if request.header("authorization") != Some("Bearer tok.en.1") => {
                Reply::new(401, r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","diagnostics":"Expired Token"}]}"#)
            }
            "/api/v2/Group/all/$export" => Reply::new(202, "").with("Content-Location", "/api/v2/jobs/42"),
            "/api/v2/jobs" => Reply::new(
                404,
                r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}{"resourceType":"Bundle","type":"searchset","total":0}"#,
            ),
            "/api/v2/jobs/42" => Reply::new(
                200,
                format!(
                    r#"{{"transactionTime":"2019-12-09T20:44:01.705398Z","request":"x","requiresAccessToken":true,"output":{output},"error":{error},"JobID":42}}"#
                ),
            )
            .with("Expires", "2026-11-21 01:09:00.123456 +0000 UTC"),
            _ if path.starts_with("/data/42/") => Reply { chunked: true, ..Reply::new(200, file.clone()) }
                .with("Content-Encoding", "gzip")
                .with("Accept-Ranges", "bytes")
                .with("Last-Modified", "Sat, 21 Nov 2026 00:00:00 GMT"),
            _ => Reply::new(404, "404 page not found\n").with("Content-Type", "text/plain; charset=utf-8"),
        })
    })
}

fn fetch(server: &Server, folder: &Path, options: &[&str]) -> Output {
    let mut command = claimfeed();
    command.args(["fetch", "--server", &server.url, "-o"]).arg(folder);
    command
        .args(["--first-wait", "1", "--poll", "0.01", "--longest-wait", "1", "--tries", "4", "--timeout", "2"])
        .args(options);
    command.env_clear().env("BCDA_CLIENT_ID", "me").env("BCDA_CLIENT_SECRET", SECRET);
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The fetch brings one whole Patient file.
fn brings(server: &Server, options: &[&str]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = fetch(server, &folder.path().join("x"), options);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    whole(&folder.path().join("x"));
    (folder, text(&output))
}

/// The Patient file is there, with all its lines and nothing half-done beside it.
fn whole(folder: &Path) {
    let bytes = std::fs::read(folder.join("Patient.0001.ndjson.gz")).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), &mut text).unwrap();
    assert_eq!(text, lines("Patient", 3000));
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["output"][0]["lines"], 3000);
    assert_eq!(manifest["output"][0]["bytes"], bytes.len());
    assert_eq!(manifest["output"][0]["file"], "Patient.0001.ndjson.gz");
    assert_eq!(manifest["output"][0]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(manifest["JobID"], 42);
    assert!(!folder.join("Patient.0001.ndjson.part").exists());
}

/// The fetch ends with this code and says this; no file has a name.
fn refuses(server: &Server, options: &[&str], code: i32, says: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = fetch(server, &folder.path().join("x"), options);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for part in says {
        assert!(said.contains(part), "expected `{part}` in:\n{said}");
    }
    assert!(said.contains("expected "), "{said}");
    assert!(!said.contains(SECRET) && !said.contains("tok.en"), "{said}");
    let names: Vec<String> = walk(folder.path());
    assert!(
        !names.iter().any(|name| name.ends_with(".gz")
            || name.ends_with(".ndjson") && !name.ends_with("log.ndjson") && !name.contains(".claimfeed")),
        "{names:?}"
    );
    said
}

fn walk(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            names.extend(walk(&entry.path()));
        } else {
            names.push(entry.path().display().to_string());
        }
    }
    names
}

/// What an action does the nth time it is asked.
fn nth() -> impl Fn() -> usize + Send + Sync + 'static {
    let count = Arc::new(AtomicUsize::new(0));
    move || count.fetch_add(1, Ordering::SeqCst)
}

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

/// A file that is cut at a byte the first time, and then served by ranges as BCDA does.
fn cut_at(at: usize, later: impl Fn(&Request, &[u8], u64) -> Reply + Send + Sync + 'static) -> Server {
    let (stored, sent) = gzip(&lines("Patient", 3000));
    let count = nth();
    bcda(move |request| {
        if !request.target.starts_with("/data") {
            return None;
        }
        let reply = Reply { chunked: true, ..Reply::new(200, sent.clone()) }
            .with("Content-Encoding", "gzip")
            .with("Accept-Ranges", "bytes")
            .with("Last-Modified", "Sat, 21 Nov 2026 00:00:00 GMT");
        if count() == 0 {
            return Some(Some(Reply { cut: Some(at), ..reply }));
        }
        match request.header("range") {
            Some(range) => {
                assert_eq!(request.header("if-range"), Some("Sat, 21 Nov 2026 00:00:00 GMT"));
                let from = range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap();
                Some(Some(later(request, &stored, from)))
            }
            None => Some(Some(reply)),
        }
    })
}

fn partial(stored: &[u8], from: u64) -> Reply {
    let size = stored.len() as u64;
    if from >= size {
        return Reply::new(416, "invalid range: failed to overlap\n").with("Content-Range", format!("bytes */{size}"));
    }
    Reply::new(206, stored[from as usize..].to_vec())
        .with("Content-Range", format!("bytes {from}-{}/{size}", size - 1))
        .with("Content-Encoding", "gzip")
}

#[test]
fn a_cut_transfer_goes_on_at_any_byte() {
    let (stored, sent) = gzip(&lines("Patient", 3000));
    assert!(stored.len() > 60_000 && sent.len() == stored.len() + 20);
    for at in [1, stored.len() / 2, stored.len() - 1, stored.len(), stored.len() + 1, sent.len() - 1] {
        let server = cut_at(at, |_, stored, from| partial(stored, from));
        let (folder, _) = brings(&server, &["--resume-from", "1"]);
        assert_eq!(server.count("/data"), 2, "cut at {at}");
        let bytes = std::fs::read(folder.path().join("x/Patient.0001.ndjson.gz")).unwrap();
        assert_eq!(bytes, stored, "cut at {at}: exactly the stored bytes");
        let ranges = server.requests().iter().filter(|request| request.header("range").is_some()).count();
        assert_eq!(ranges, 1);
    }
    // Small ones are fetched again.
    let server = cut_at(1000, |_, stored, from| partial(stored, from));
    brings(&server, &[]);
    assert!(server.requests().iter().all(|request| request.header("range").is_none()));
}

#[test]
fn a_wrong_range_never_becomes_a_wrong_file() {
    type Later = fn(&Request, &[u8], u64) -> Reply;
    let later: [(&str, Later); 6] = [
        ("another start", |_, stored, _| {
            Reply::new(206, stored[5..].to_vec())
                .with("Content-Range", format!("bytes 5-{}/{}", stored.len() - 1, stored.len()))
        }),
        ("no range at all", |_, stored, _| Reply::new(206, stored.to_vec())),
        ("another file", |_, stored, from| {
            let mut other = stored[from as usize..].to_vec();
            other.iter_mut().for_each(|byte| *byte ^= 0x55);
            Reply::new(206, other).with("Content-Range", format!("bytes {from}-{}/{}", stored.len() - 1, stored.len()))
        }),
        ("the whole file", |_, stored, _| {
            Reply::new(200, stored.to_vec()).with("Content-Encoding", "gzip").with("Accept-Ranges", "bytes")
        }),
        ("past the end", |_, _, _| Reply::new(416, "").with("Content-Range", "bytes */99999999")),
        ("less than promised", |_, stored, from| {
            let rest = &stored[from as usize..];
            Reply { cut: Some(20_000), ..partial(stored, from) }.with("Content-Length", rest.len())
        }),
    ];
    for (name, later) in later {
        let server = cut_at(40_000, later);
        let folder = tempfile::tempdir().unwrap();
        let output = fetch(&server, folder.path(), &["--resume-from", "1"]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", text(&output));
        whole(folder.path());
    }
}

#[test]
fn a_file_that_is_not_whole_is_never_called_so() {
    let (stored, sent) = gzip(&lines("Patient", 3000));
    let plain = lines("Patient", 10);
    let cut = |bytes: &[u8], at: usize| bytes[..at].to_vec();
    type Case = (&'static str, Reply, &'static str);
    let gz = |bytes: Vec<u8>| Reply::new(200, bytes).with("Content-Encoding", "gzip");
    let cases: Vec<Case> = vec![
        ("truncated gzip in a whole body", gz(cut(&stored, stored.len() - 1)), "cut or damaged"),
        ("cut in the middle of the empty member", gz(cut(&sent, sent.len() - 3)), "cut or damaged"),
        ("half a line", Reply::new(200, cut(plain.as_bytes(), plain.len() - 10)), "line 10 cut"),
        ("no line feed", Reply::new(200, cut(plain.as_bytes(), plain.len() - 1)), "line 10 cut"),
        ("another type", Reply::new(200, lines("Coverage", 3)), "another resource in line 1"),
        ("a page", Reply::new(200, "<html>\n"), "no JSON object"),
        ("nothing", Reply::new(200, ""), "found none"),
        ("cut by length", Reply { cut: Some(20), ..Reply::new(200, plain.clone()) }, "too early"),
        ("cut chunks", Reply { cut: Some(20), chunked: true, ..Reply::new(200, plain.clone()) }, "connection"),
        ("not there", Reply::new(404, "{}Not Found\n"), "kept for about 24 hours"),
        ("hangs up", Reply { cut: Some(0), ..Reply::new(200, plain.clone()) }, "too early"),
        ("error", Reply::new(500, "MBI 1S00EU7JH47"), "HTTP 500"),
        ("teapot", Reply::new(418, "MBI 1S00EU7JH47"), "HTTP 418"),
    ];
    for (name, reply, says) in cases {
        let server = bcda(move |request| request.target.starts_with("/data").then(|| Some(reply.clone())));
        let said = refuses(&server, &[], 6, &[says]);
        assert!(said.contains("0 of 1 files are whole"), "{name}: {said}");
        assert!(!said.contains("1S00EU7JH47"), "{name}: {said}");
    }
}

#[test]
fn the_token_never_leaves_the_server() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let saw = seen.clone();
    let other = Server::start(move |request| {
        saw.lock().unwrap().push(request.header("authorization").map(str::to_string));
        Some(Reply::new(200, lines("Patient", 3)))
    });
    let target = other.url.clone();
    let redirecting = move |request: &Request| {
        request.target.starts_with("/data").then(|| Some(Reply::new(307, "").with("Location", format!("{target}/x"))))
    };
    let server = bcda(redirecting.clone());
    refuses(&server, &[], 6, &["another host", "not followed", "--allow-host"]);
    assert!(seen.lock().unwrap().is_empty(), "nobody was asked");
    let server = bcda(redirecting);
    let folder = tempfile::tempdir().unwrap();
    let host = other.url.trim_start_matches("http://");
    let output = fetch(&server, folder.path(), &["--allow-host", host]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(*seen.lock().unwrap(), [None], "asked without the token");

    for output in [
        r#"[{"type":"Patient","url":"http://evil.example/data/42/p.ndjson"}]"#,
        r#"[{"type":"Patient","url":"https://127.0.0.1/data/42/p.ndjson"}]"#,
        r#"[{"type":"Patient","url":"/data/42/p.ndjson"},{"type":"Patient","url":"//evil.example/p"}]"#,
    ] {
        let server = bcda_with(|_| None, output, "[]", Vec::new());
        refuses(&server, &[], 6, &["not followed"]);
        assert_eq!(server.count("/data"), 0, "refused before the first file");
    }
    let server = bcda(|request| {
        request
            .target
            .contains("$export")
            .then(|| Some(Reply::new(202, "").with("Content-Location", "http://evil.example/jobs/1")))
    });
    refuses(&server, &[], 6, &["another host, evil.example"]);
    let server = bcda(|request| {
        request.target.starts_with("/data").then(|| Some(Reply::new(302, "").with("Location", "/data/loop")))
    });
    refuses(&server, &[], 6, &["more than 5 redirects"]);
    let server = bcda(|request| {
        (request.target == "/data/42/p.ndjson")
            .then(|| Some(Reply::new(302, "").with("Location", "/data/42/elsewhere")))
    });
    brings(&server, &[]);
}

#[test]
fn a_stray_404_is_asked_again_on_another_connection() {
    let at = nth();
    let server = bcda(move |request| {
        (request.target.starts_with("/data") && at() == 0)
            .then(|| Some(Reply::new(404, "404 page not found\n").with("Content-Type", "text/plain; charset=utf-8")))
    });
    let (_, said) = brings(&server, &[]);
    assert!(!said.contains("again in"), "{said}");
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
