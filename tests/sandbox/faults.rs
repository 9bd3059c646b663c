//! What can be made to go wrong, and other servers' manners.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Instant;

use claimfeed::Api;
use claimfeed::sandbox::Synth;
use claimfeed::sandbox::server::{Faults, Server, Settings};

use crate::wire::*;

#[test]
fn states_of_the_world_are_faults() {
    let (server, at, auth) = server(settings(1));
    let export = |target: &str| {
        let answer = ask(at, "GET", &format!("/api/v1/{target}"), &format!("{auth}{EXPORT}"));
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, body["issue"][0]["diagnostics"].as_str().unwrap_or("").to_owned())
    };
    for (fault, target, status, text) in [
        (
            "january",
            "Group/all/$export",
            404,
            "unable to perform export operations for this Group. No up-to-date attribution information is available for ACOID 'A0000'. Usually this is due to awaiting new attribution information at the beginning of a Performance Year",
        ),
        ("no-attribution", "Patient/$export", 404, "failed to start job; attribution file not found"),
        (
            "runout-gone",
            "Group/runout/$export",
            404,
            "runout data is no longer available. Runout data expires 180 days after ingestion",
        ),
        (
            "since-too-old",
            "Group/all/$export?_since=2020-01-01T00:00:00Z",
            404,
            "failed to start job; attribution file not found for given _since parameter.",
        ),
        ("aco-unknown", "Patient/$export", 403, "Unauthorized Error"),
        ("aco-denied", "Patient/$export", 403, "ACO (CMS_ID: A0000) is unauthorized"),
        ("aco-disabled", "Patient/$export", 401, ""),
    ] {
        server.set_faults(Faults::parse(fault).unwrap());
        assert_eq!(export(target), (status, text.to_owned()), "{fault}");
    }
    server.set_faults(Faults::parse("job-failed").unwrap());
    let job = start(at, &auth, "/api/v1/Patient/$export");
    let failed = finished(at, &auth, &job);
    assert_eq!(
        (failed.status, failed.text()),
        (500, outcome("exception", "Service encountered numerous errors. Job failed to complete.").as_str())
    );
    // A type that BCDA takes and cannot make.
    server.set_faults(Faults::default());
    let job = start(at, &auth, "/api/v1/Patient/$export?_type=Observation");
    assert_eq!(finished(at, &auth, &job).status, 500);
}

#[test]
fn data_faults_strike_each_file_once() {
    let (server, at, auth) = server(settings(20));
    let path = one_file(at, &auth);
    let gzip = format!("{auth}Accept-Encoding: gzip\r\n");
    let get = |more: &str| ask(at, "GET", &path, &format!("{gzip}{more}"));
    let sound = get("").body;
    let stored = sound.len() - 23;
    let set = |faults: &str| server.set_faults(Faults::parse(faults).unwrap());

    for (at_byte, length) in
        [("1", 1), ("end-1", stored - 1), ("end", stored), ("end+10", stored + 10), ("end+23", stored + 23)]
    {
        set(&format!("cut={at_byte}"));
        let cut = get("");
        assert_eq!((cut.status, cut.whole, cut.body.len()), (200, false, length), "{at_byte}");
        assert!(cut.body == sound[..length]);
        let again = get("");
        assert!(again.whole && again.body == sound, "{at_byte}");
    }
    set("truncated=end-50");
    let short = get("");
    assert!(short.whole && gunzip(&short.body).is_err());
    set("corrupt=5000");
    let corrupt = get("");
    assert!(corrupt.whole && corrupt.body.len() == sound.len() && gunzip(&corrupt.body).is_err());
    set("half-line");
    assert_ne!(gunzip(&get("").body).unwrap().last(), Some(&b'\n'));
    set("wrong-type");
    assert!(gunzip(&get("").body).unwrap().ends_with(b"{\"id\":\"1\",\"resourceType\":\"Basic\"}\n"));

    set("range-start,range-416@2,range-ignored@2,range-short@2");
    let ranged = |_: u32| get("Range: bytes=100-\r\n");
    let wrong = ranged(1);
    assert_eq!((wrong.status, wrong.header("Content-Range").unwrap().starts_with("bytes 99-")), (206, true));
    assert_eq!(ranged(2).status, 416);
    set("range-ignored");
    assert!(get("Range: bytes=100-\r\n").body == sound);
    set("range-short");
    let half = get("Range: bytes=100-\r\n");
    assert!(half.whole && half.body == sound[100..100 + (stored - 100).div_ceil(2)]);
    set("changed");
    let modified = get("").header("Last-Modified").unwrap().to_owned();
    assert_ne!(get("").header("Last-Modified"), Some(modified.as_str()));
    set("data-redirect=http://127.0.0.1:1/x");
    let moved = get("");
    assert_eq!((moved.status, moved.header("Location")), (307, Some("http://127.0.0.1:1/x")));
    set("slow=200000");
    let begun = Instant::now();
    assert!(get("").body == sound);
    assert!(begun.elapsed().as_secs_f64() > 0.8 * sound.len() as f64 / 200_000.0);

    set("data-expired");
    let expired = get("");
    assert_eq!((expired.status, expired.text()), (401, outcome("forbidden", "Expired Token").as_str()));
    let fresh = bearer(at);
    assert_eq!(ask(at, "GET", &path, &fresh).status, 200);
    // The old one stays dead.
    assert_eq!(get("").status, 401);
}

#[test]
fn proxies_and_broken_lines() {
    let (server, at, auth) = server(settings(1));
    let set = |faults: &str| server.set_faults(Faults::parse(faults).unwrap());
    let list = || ask(at, "GET", "/api/v1/jobs", &format!("{auth}{EXPORT}"));
    set("list-502");
    let html = list();
    assert_eq!((html.status, html.header("Content-Type")), (502, Some("text/html")));
    assert_eq!(list().status, 404);
    for (value, seconds) in
        [("list-429=7", Some("7")), ("list-503=past", Some("Fri, 31 Dec 1999 23:59:59 GMT")), ("list-429", None)]
    {
        set(value);
        let answer = list();
        assert_eq!((answer.text(), answer.header("Retry-After")), ("", seconds), "{value}");
    }
    set("list-429=millis");
    assert_eq!(list().header("Retry-After").unwrap().len(), 13);

    let silent = |target: &str| {
        let mut stream = TcpStream::connect(at).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: {at}\r\n{auth}{EXPORT}\r\n").unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        assert_eq!(all, b"");
    };
    set("start-reset");
    silent("/api/v1/Patient/$export");
    assert_eq!(server.log().jobs, 0);
    set("start-lost");
    silent("/api/v1/Patient/$export");
    // Nobody saw the 202, and the job is there.
    assert_eq!(server.log().jobs, 1);
    assert_eq!(finished(at, &auth, "/api/v1/jobs/42").status, 200);

    set("no-output,error-file,foreign-host=http://other.example:80,poll-wait=3");
    let job = start(at, &auth, "/api/v1/Patient/$export?_type=Patient");
    assert!(finished(at, &auth, &job).text().contains("\"output\":[],\"error\":[]"));
    set("error-file,foreign-host=http://other.example:80");
    let job = start(at, &auth, "/api/v1/Patient/$export?_type=Patient");
    let manifest = finished(at, &auth, &job);
    let name = manifest.text().split("http://other.example:80").nth(1).unwrap().split('"').next().unwrap();
    let name = name.replace(".ndjson", "-error.ndjson");
    assert!(manifest.text().contains(&name));
    let errors = ask(at, "GET", &name, &auth);
    assert_eq!(errors.text().lines().count(), 3);
    assert!(errors.text().starts_with("{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"exception\",\"diagnostics\":\"Error retrieving"));
}

#[test]
fn manners_of_other_bulk_servers() {
    let (server, at, auth) = server(settings(1));
    server.set_faults(Faults::parse("relative,open-files,no-auth").unwrap());
    let answer = ask(at, "GET", "/api/v2/Patient/$export?_type=Patient", EXPORT);
    assert_eq!((answer.status, answer.header("Content-Location")), (202, Some("/api/v2/jobs/42")));
    let manifest = finished(at, "", "/api/v2/jobs/42");
    assert!(
        manifest.text().contains("\"requiresAccessToken\":false,\"output\":[{\"type\":\"Patient\",\"url\":\"/data/42/")
    );
    let path = manifest.text().split('"').find(|text| text.starts_with("/data/")).unwrap();
    assert_eq!(ask(at, "GET", path, "").status, 200);
    assert_eq!(ask(at, "GET", path, &auth).status, 400);
}

#[test]
fn four_hundred_small_files() {
    let (_server, at, auth) = server(Settings { files: Some(400), ..settings(400) });
    let job = start(at, &auth, "/api/v2/Patient/$export");
    let manifest = finished(at, &auth, &job);
    let kinds: Vec<String> = files(at, &manifest, "output").into_iter().map(|(kind, _)| kind).collect();
    let claims = kinds.iter().filter(|kind| *kind == "ExplanationOfBenefit").count();
    assert_eq!((claims, kinds.len()), (400, 402));
    assert_eq!(manifest.header("Transfer-Encoding"), Some("chunked"));
}

#[test]
fn a_folder_is_served_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let synth = Synth { beneficiaries: 3, claims_per_beneficiary: 2, gzip: true, ..Synth::new(Api::V3) };
    synth.write(dir.path()).unwrap();
    let (_server, at, auth) = server(Settings { data: Some(dir.path().to_owned()), ..settings(1) });
    let job = start(at, &auth, "/api/v3/Patient/$export");
    for (kind, path) in files(at, &finished(at, &auth, &job), "output") {
        let sent = ask(at, "GET", &path, &format!("{auth}Accept-Encoding: gzip\r\n")).body;
        let on_disk = std::fs::read(dir.path().join(format!("{kind}.ndjson.gz"))).unwrap();
        assert!(sent == [&on_disk[..], &EMPTY_MEMBER].concat(), "{kind}");
    }
    let empty = tempfile::tempdir().unwrap();
    let told =
        Server::start(Settings { data: Some(empty.path().to_owned()), ..settings(1) }).err().unwrap().to_string();
    assert!(told.starts_with("expected files named *.ndjson.gz, found none in"), "{told}");
}

#[test]
fn the_command_tells_its_address_first_and_the_log_tells_what_happened() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_claimfeed"))
        .args(["sandbox", "--beneficiaries", "2", "--token-seconds", "6", "--job-seconds", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines.next().unwrap().unwrap();
    let told: Vec<String> = lines.by_ref().take(3).map(|line| line.unwrap()).collect();
    let at: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    assert_eq!(
        told,
        [
            format!("export BCDA_BASE_URL={url}"),
            "export BCDA_CLIENT_ID=sandbox".into(),
            "export BCDA_CLIENT_SECRET=sandbox".into()
        ]
    );
    let token = ask(at, "POST", "/auth/token", &basic("sandbox", "sandbox"));
    assert!(token.text().contains("\"expires_in\": \"6\""));
    let log: serde_json::Value = serde_json::from_slice(&ask(at, "GET", "/sandbox/log", "").body).unwrap();
    assert_eq!((log["tokens"].as_u64(), log["requests"].as_u64()), (Some(1), Some(1)));
    assert_eq!(log["entries"][0]["target"], "/auth/token");
    assert!(!log.to_string().contains(token.text().split('"').nth(3).unwrap()));
    child.kill().unwrap();
    child.wait().unwrap();

    let wrong =
        Command::new(env!("CARGO_BIN_EXE_claimfeed")).args(["sandbox", "--faults", "explode"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("expected the name of a fault, found `explode`"));
}
