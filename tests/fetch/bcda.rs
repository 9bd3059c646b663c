//! A small BCDA, and what became of fetching from it.

use std::io::Write;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::claimfeed;
use crate::common::wire::{Reply, Request, Server};

pub const SECRET: &str = "a-secret-nobody-may-see";

/// Stored gzip, and the empty member that BCDA sends after it.
pub fn gzip(text: &str) -> (Vec<u8>, Vec<u8>) {
    let pack = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let stored = pack(text.as_bytes());
    let sent = [stored.clone(), pack(b"")].concat();
    (stored, sent)
}

pub fn lines(resource: &str, count: usize) -> String {
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

pub fn token() -> Reply {
    Reply::new(200, r#"{"access_token": "tok.en.1", "expires_in": "1200", "token_type":"bearer"}"#)
        .with("Content-Type", "application/json")
}

/// A BCDA with one Patient file; `handler` answers first.
pub fn bcda(handler: impl Fn(&Request) -> Option<Option<Reply>> + Send + Sync + 'static) -> Server {
    let (_, sent) = gzip(&lines("Patient", 3000));
    bcda_with(handler, r#"[{"type":"Patient","url":"/data/42/p.ndjson"}]"#, "[]", sent)
}

pub fn bcda_with(
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

pub fn fetch(server: &Server, folder: &Path, options: &[&str]) -> Output {
    let mut command = claimfeed();
    command.args(["fetch", "--server", &server.url, "-o"]).arg(folder);
    command
        .args(["--first-wait", "1", "--poll", "0.01", "--longest-wait", "1", "--tries", "4", "--timeout", "2"])
        .args(options);
    command.env_clear().env("BCDA_CLIENT_ID", "me").env("BCDA_CLIENT_SECRET", SECRET);
    command.output().unwrap()
}

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The fetch brings one whole Patient file.
pub fn brings(server: &Server, options: &[&str]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = fetch(server, &folder.path().join("x"), options);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    whole(&folder.path().join("x"));
    (folder, text(&output))
}

/// The Patient file is there, with all its lines and nothing half-done beside it.
pub fn whole(folder: &Path) {
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
pub fn refuses(server: &Server, options: &[&str], code: i32, says: &[&str]) -> String {
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

pub fn walk(folder: &Path) -> Vec<String> {
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
pub fn nth() -> impl Fn() -> usize + Send + Sync + 'static {
    let count = Arc::new(AtomicUsize::new(0));
    move || count.fetch_add(1, Ordering::SeqCst)
}
