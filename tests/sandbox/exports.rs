//! Jobs and their files, from the start to the last byte.

use std::time::Duration;

use claimfeed::Api;
use claimfeed::sandbox::server::{Faults, Settings};
use claimfeed::sandbox::{Resource, Synth};

use crate::wire::*;

#[test]
fn an_export_from_start_to_files() {
    for api in Api::ALL {
        let people = 3;
        let (server, at, auth) = server(settings(people));
        let target = format!("/api/{api}/Group/all/%24export?_type=Patient,Coverage,ExplanationOfBenefit&x=1");
        let job = start(at, &auth, &target);
        assert_eq!(job, format!("/api/{api}/jobs/42"));
        let manifest = finished(at, &auth, &job);
        assert_eq!((manifest.status, manifest.header("Content-Type")), (200, Some("application/json")));
        let expires = manifest.header("Expires").unwrap();
        assert!(expires.ends_with(" +0000 UTC") && expires.as_bytes()[10] == b' ', "{expires}");
        // Field by field in BCDA's order, with Go's escapes.
        let text = manifest.text();
        assert!(text.starts_with("{\"transactionTime\":\"20"), "{text}");
        let request = format!(
            "Z\",\"request\":\"http://{at}{}\",\"requiresAccessToken\":true,\"output\":[{{\"type\":",
            target.replace('&', "\\u0026")
        );
        assert!(text.contains(&request), "{text}");
        assert!(text.ends_with("],\"JobID\":42}"), "{text}");
        assert_eq!(files(at, &manifest, "error").len(), usize::from(api == Api::V3));

        let (mut expected, mut found) = (Vec::new(), Vec::new());
        for index in 0..people {
            Synth { api, ..settings(people).synth }.beneficiary(index, &mut |resource, line| {
                // v3 leaves out partially adjudicated claims by itself.
                let shared = api == Api::V3
                    && resource == Resource::ExplanationOfBenefit
                    && memchr::memmem::find(line, b"\"SharedSystem\"").is_some();
                if !shared {
                    expected.push((resource.name().to_owned(), line.to_vec()));
                }
            });
        }
        for (kind, path) in files(at, &manifest, "output") {
            let answer = ask(at, "GET", &path, &format!("{auth}Accept-Encoding: gzip\r\n"));
            assert!(answer.whole);
            answer.must_have(&[
                ("Content-Type", "application/fhir+ndjson"),
                ("Content-Encoding", "gzip"),
                ("Accept-Ranges", "bytes"),
                ("Connection", "close"),
            ]);
            assert!(answer.header("Last-Modified").unwrap().ends_with(" GMT"));
            assert_eq!((answer.header("ETag"), answer.header("X-Progress")), (None, None));
            assert!(answer.body.ends_with(&EMPTY_MEMBER));
            let text = gunzip(&answer.body).unwrap();
            assert_eq!(text.last(), Some(&b'\n'));
            found.extend(
                text.split(|byte| *byte == b'\n')
                    .filter(|line| !line.is_empty())
                    .map(|line| (kind.clone(), line.to_vec())),
            );
            let plain = ask(at, "GET", &path, &format!("{auth}Range: bytes=5-\r\n"));
            assert_eq!((plain.status, plain.body), (200, text));
            assert!(!plain.head.contains("Accept-Ranges") && !plain.head.contains("Last-Modified"));
        }
        expected.sort();
        found.sort();
        assert!(expected == found, "{api}: {} lines expected, {} found", expected.len(), found.len());
        assert_eq!(server.log().jobs, 1);
    }
}

#[test]
fn chunks_carry_the_empty_member_and_ranges_do_not() {
    let (_server, at, auth) = server(settings(20));
    let path = one_file(at, &auth);
    let gzip = format!("{auth}Accept-Encoding: gzip\r\n");
    let whole = ask(at, "GET", &path, &gzip);
    assert_eq!((whole.header("Content-Length"), whole.header("Transfer-Encoding")), (None, Some("chunked")));
    let stored = &whole.body[..whole.body.len() - 23];
    let size = stored.len();
    assert!(size > 40_000, "{size}: too small to be a test of chunks");
    let modified = whole.header("Last-Modified").unwrap().to_owned();
    for start in [1, size / 2, size - 1] {
        let part = ask(at, "GET", &path, &format!("{gzip}Range: bytes={start}-\r\nIf-Range: {modified}\r\n"));
        assert_eq!(part.status, 206);
        assert_eq!(part.header("Content-Range"), Some(format!("bytes {start}-{}/{size}", size - 1).as_str()));
        assert_eq!(part.header("Content-Length"), Some((size - start).to_string().as_str()));
        assert!(part.body == stored[start..], "from {start}");
    }
    for start in [size, size + 10] {
        let beyond = ask(at, "GET", &path, &format!("{gzip}Range: bytes={start}-\r\n"));
        assert_eq!((beyond.status, beyond.header("Content-Range")), (416, Some(format!("bytes */{size}").as_str())));
        assert_eq!(beyond.header("Content-Encoding"), None);
    }
    let other = format!("{gzip}Range: bytes=1-\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    let other = ask(at, "GET", &path, &other);
    assert!(other.status == 200 && other.body == whole.body);
    let same = ask(at, "GET", &path, &format!("{gzip}If-Modified-Since: {modified}\r\n"));
    assert_eq!((same.status, same.text()), (304, ""));
}

#[test]
fn warnings_are_plain_text_and_gzip_with_a_range_is_broken() {
    let (_server, at, auth) = server(settings(1));
    let job = start(at, &auth, "/api/v3/Group/all/$export");
    let (kind, path) = files(at, &finished(at, &auth, &job), "error").remove(0);
    assert_eq!((kind.as_str(), path.as_str()), ("OperationOutcome", "/data/42/warnings-and-info.ndjson"));
    let text = ask(at, "GET", &path, &auth);
    assert_eq!(
        text.text(),
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"warning\",\"code\":\"processing\",\"details\":{\"text\":\"Default System-Type behavior includes only claims from NCH and DDPS in this export.\"}}]}\n"
    );
    let squeezed = ask(at, "GET", &path, &format!("{auth}Accept-Encoding: gzip\r\n"));
    assert_eq!(squeezed.header("Content-Length"), Some(squeezed.body.len().to_string().as_str()));
    assert_eq!(gunzip(&squeezed.body).unwrap(), text.body);
    let part = ask(at, "GET", &path, &format!("{auth}Range: bytes=4-9\r\n"));
    assert_eq!((part.status, part.text()), (206, &text.text()[4..10]));
    let broken = ask(at, "GET", &path, &format!("{auth}Accept-Encoding: gzip\r\nRange: bytes=0-\r\n"));
    assert_eq!((broken.status, broken.whole), (206, false));
    assert_eq!(broken.header("Content-Length"), Some(text.body.len().to_string().as_str()));

    let job = start(at, &auth, "/api/v3/Group/all/$export?_type=Patient");
    assert_eq!(files(at, &finished(at, &auth, &job), "error"), []);
}

#[test]
fn wrong_exports_are_refused_with_bcdas_words() {
    let (server, at, auth) = server(settings(1));
    let tag = "https://bluebutton.cms.gov/fhir/CodeSystem/System-Type";
    let good = format!("{auth}{EXPORT}");
    let cases = [
        ("v1/Patient/$export", auth.clone(), "Accept header is required"),
        (
            "v1/Patient/$export",
            format!("{auth}Accept: */*\r\n"),
            "application/fhir+json is the only supported response format",
        ),
        ("v1/Patient/$export", format!("{auth}Accept: application/fhir+json\r\n"), "Prefer header is required"),
        (
            "v1/Patient/$export",
            format!("{auth}Accept: application/FHIR+json;q=1\r\nPrefer: x\r\n"),
            "Only asynchronous responses are supported",
        ),
        ("v1/Group/new/$export", good.clone(), "Invalid group ID"),
        ("v1/Patient/$export?_type=Patient,Patient", good.clone(), "Repeated resource type Patient"),
        (
            "v1/Patient/$export?_type=patient",
            good.clone(),
            "invalid resource type patient. Supported types [Patient Coverage ExplanationOfBenefit Observation]",
        ),
        (
            "v1/Patient/$export?_type=",
            good.clone(),
            "invalid resource type . Supported types [Patient Coverage ExplanationOfBenefit Observation]",
        ),
        (
            "v1/Patient/$export?_elements=id",
            good.clone(),
            "Invalid parameter: this server does not support the _elements parameter.",
        ),
        ("v1/Patient/$export??x=1", good.clone(), "Invalid parameter: query parameters cannot start with ?"),
        (
            "v1/Patient/$export?_since=2020-01-01",
            good.clone(),
            "Invalid date format supplied in _since parameter.  Date must be in FHIR Instant format.",
        ),
        // The plus is a space by then.
        (
            "v1/Patient/$export?_since=2020-01-01T00:00:00+01:00",
            good.clone(),
            "Invalid date format supplied in _since parameter.  Date must be in FHIR Instant format.",
        ),
        (
            "v1/Patient/$export?_since=2999-01-01T00:00:00Z",
            good.clone(),
            "Invalid date format supplied in _since parameter. Date must be a date that has already passed",
        ),
        (
            "v1/Patient/$export?_outputFormat=csv",
            good.clone(),
            "_outputFormat parameter must be one of [ndjson application/fhir+ndjson application/ndjson]",
        ),
        (
            "v1/Patient/$export?_outputFormat=application/fhir+ndjson",
            good.clone(),
            "_outputFormat parameter must be one of [ndjson application/fhir+ndjson application/ndjson]",
        ),
        ("v2/Patient/$export?_type=Claim", good.clone(), "unauthorized resource type Claim"),
        (
            "v3/Patient/$export?_typeFilter=a&_typeFilter=b",
            good.clone(),
            "failed to process request given more that one _typeFilter parameter",
        ),
        ("v3/Patient/$export?_typeFilter=ExplanationOfBenefit%3Foutcome%3Dx", good.clone(), "invalid outcome value: x"),
        (
            "v3/Patient/$export?_typeFilter=Patient%3Foutcome%3Dx",
            good.clone(),
            "invalid _typeFilter Resource Type (Only EOBs valid): Patient",
        ),
    ];
    for (target, headers, expected) in cases {
        let answer = ask(at, "GET", &format!("/api/{target}"), &headers);
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let issue = &body["issue"][0];
        assert_eq!(
            (answer.status, &issue["diagnostics"], &issue["code"]),
            (400, &expected.into(), &"structure".into()),
            "{target}"
        );
    }
    assert_eq!(server.log().jobs, 0);
    // Silently ignored, each in its own way: all of these start.
    for target in [
        "/api/v1/Patient/$export?_type=Patient&_type=Bundle".to_owned(),
        "/api/v2/Patient/$export?_type=Patient&_typeFilter=nonsense".to_owned(),
        format!(
            "/api/v3/Patient/$export?_type=Patient&_until=x&_typeFilter=ExplanationOfBenefit%3F_tag%3D{tag}%7CDDPS"
        ),
    ] {
        let job = start(at, &auth, &target);
        assert_eq!(finished(at, &auth, &job).status, 200);
    }
    assert_eq!(server.log().jobs, 3);
}

#[test]
fn since_and_filters_leave_out_what_they_should() {
    let (_server, at, auth) = server(settings(6));
    let export = |target: &str| {
        let job = start(at, &auth, target);
        finished(at, &auth, &job)
    };
    let lines = |manifest: &Answer| -> usize {
        let text = |(_, path): &(String, String)| ask(at, "GET", path, &auth).body;
        files(at, manifest, "output").iter().map(|file| text(file).iter().filter(|byte| **byte == b'\n').count()).sum()
    };
    let all = export("/api/v2/Patient/$export");
    assert!(lines(&all) > 20);
    let older = export("/api/v2/Patient/$export?_since=2020-01-01T00:00:00%2B01:00");
    assert_eq!(lines(&older), lines(&all));
    // The next run with this one's time: nothing new, and an empty list is success.
    let time = all.text().split('"').nth(3).unwrap();
    let newer = export(&format!("/api/v2/Patient/$export?_since={time}"));
    assert!(newer.text().contains("\"output\":[],\"error\":[]"), "{}", newer.text());

    let claims = |filter: &str| lines(&export(&format!("/api/v3/Patient/$export?_type=ExplanationOfBenefit{filter}")));
    let system = "&_typeFilter=ExplanationOfBenefit%3F_tag%3Dhttps://bluebutton.cms.gov/fhir/CodeSystem/System-Type%7C";
    let by_default = claims("");
    let parts = ["NationalClaimsHistory", "DDPS"].map(|code| claims(&format!("{system}{code}")));
    assert!(parts[0] > 0 && parts[1] > 0);
    assert_eq!(parts[0] + parts[1], by_default);
    assert_eq!(claims("&_typeFilter=ExplanationOfBenefit%3Fservice-date%3Dlt2001-01"), 0);
}

#[test]
fn a_job_is_pending_then_in_progress_then_done_and_no_second_one_starts() {
    let (server, at, auth) = server(Settings { job_time: Duration::from_secs(4), ..settings(1) });
    let target = "/api/v2/Patient/$export?_type=Patient,Coverage";
    let job = start(at, &auth, target);
    let pending = ask(at, "GET", &job, &auth);
    assert_eq!((pending.status, pending.text(), pending.header("X-Progress")), (202, "", Some("Pending")));
    assert_eq!((pending.header("Retry-After"), pending.header("Content-Type")), (None, None));

    let again = ask(at, "GET", target, &format!("{auth}{EXPORT}"));
    assert_eq!((again.status, again.text(), again.header("Retry-After")), (429, "", Some("0")));
    assert_eq!(again.header("Content-Type"), None);
    let all_types = ask(at, "GET", "/api/v2/Group/all/$export", &format!("{auth}{EXPORT}"));
    assert_eq!(all_types.status, 429);
    // A list of types is compared as one text, and versions do not know each other.
    start(at, &auth, "/api/v2/Patient/$export?_type=Patient");
    start(at, &auth, "/api/v1/Patient/$export");

    let list = ask(at, "GET", "/api/v1/jobs", &format!("{auth}{EXPORT}"));
    let list: serde_json::Value = serde_json::from_slice(&list.body).unwrap();
    assert_eq!((list["total"].as_u64(), list["entry"].as_array().map(Vec::len)), (Some(3), Some(3)));
    let task = &list["entry"][0]["resource"];
    assert_eq!(task["status"], "accepted");
    assert_eq!(task["identifier"][0]["system"], format!("http://{at}/api/v1/jobs"));
    assert_eq!(task["input"][0]["valueString"], format!("GET http://{at}{target}"));

    std::thread::sleep(Duration::from_millis(2400));
    let running = ask(at, "GET", &job, &auth);
    assert_eq!((running.status, running.header("X-Progress")), (202, Some("In Progress (50%)")));
    let cancelled = ask(at, "DELETE", "/api/v2/jobs/43", &auth);
    assert_eq!((cancelled.status, cancelled.text()), (202, ""));
    let gone = ask(at, "GET", "/api/v1/jobs/43", &auth);
    assert_eq!((gone.status, gone.text()), (404, outcome("not-found", "Job has been cancelled.").as_str()));

    for job in ["/api/v2/jobs/42", "/api/v2/jobs/44"] {
        assert_eq!(finished(at, &auth, job).status, 200);
    }
    let late = ask(at, "DELETE", "/api/v1/jobs/42", &auth);
    assert_eq!(
        (late.status, late.text()),
        (410, outcome("not-found", "job was not cancelled because it is not Pending or In Progress").as_str())
    );
    let list = |states: &str| ask(at, "GET", &format!("/api/v1/jobs?_status={states}"), &format!("{auth}{EXPORT}"));
    assert_eq!(list("Completed,Cancelled").text().matches("\"Task\"").count(), 3);
    assert_eq!(list("Cancelled").text().matches("\"cancelled\"").count(), 1);
    assert_eq!((list("Done").status, list("Failed,Failed").status), (400, 400));
    let none = list("In%20Progress");
    assert_eq!(
        (none.status, none.text()),
        (404, (outcome("not-found", "") + "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":0}").as_str())
    );
    let unknown =
        ["/api/v1/jobs/7", "/api/v1/jobs/x", "/api/v1/jobs/41"].map(|path| ask(at, "GET", path, &auth).status);
    assert_eq!(unknown, [404, 400, 401]);
    assert_eq!(server.log().jobs, 3);
}

#[test]
fn expired_jobs_and_files_are_told_in_two_documents() {
    // Wide enough for a busy machine.
    let life = Duration::from_secs(2);
    let (_server, at, auth) = server(Settings { file_life: life, cleanup: life, ..settings(1) });
    let job = start(at, &auth, "/api/v1/Patient/$export?_type=Patient");
    let (_, path) = files(at, &finished(at, &auth, &job), "output").remove(0);
    std::thread::sleep(Duration::from_millis(2300));
    let old = ask(at, "GET", &job, &auth);
    assert_eq!((old.status, old.text()), (410, outcome("not-found", "").as_str()));
    assert!(old.header("Expires").is_some());
    // Nobody has cleaned up yet.
    assert_eq!(ask(at, "GET", &path, &auth).status, 200);
    std::thread::sleep(life);
    let archived = ask(at, "GET", &job, &auth);
    assert_eq!((archived.status, archived.text()), (404, outcome("not-found", "").repeat(2).as_str()));
    assert_eq!((archived.header("Content-Type"), archived.header("Expires")), (Some("application/fhir+json"), None));
    let file = ask(at, "GET", &path, &auth);
    assert_eq!((file.status, file.text()), (404, (outcome("not-found", "") + "Not Found\n").as_str()));
}

#[test]
fn attribution_ends_with_a_newline() {
    let (server, at, auth) = server(settings(1));
    assert_eq!(
        ask(at, "GET", "/api/v3/attribution_status", &auth).text(),
        "{\"ingestion_dates\":[{\"timestamp\":\"2025-02-21T22:31:40.397916Z\",\"type\":\"last_attribution_update\"},{\"timestamp\":\"2025-01-12T22:31:40.397916Z\",\"type\":\"last_runout_update\"}]}\n"
    );
    server.set_faults(Faults::parse("no-attribution").unwrap());
    assert_eq!(ask(at, "GET", "/api/v3/attribution_status", &auth).status, 404);
}
