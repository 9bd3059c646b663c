//! The sandbox on the wire: raw bytes in, raw bytes out. What is held here is what BCDA's code does, oddities included.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use claimfeed::Api;
use claimfeed::sandbox::server::{Faults, Server, Settings};
use claimfeed::sandbox::{Resource, Synth};
use flate2::read::MultiGzDecoder;

const EXPORT: &str = "Accept: application/fhir+json\r\nPrefer: respond-async\r\n";
const EMPTY_MEMBER: [u8; 23] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 1, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0];

/// An answer, its body without the chunks' frames.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
    /// The last chunk was seen, or the length met.
    whole: bool,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

fn ask_on(stream: &mut TcpStream, method: &str, target: &str, headers: &str) -> Answer {
    let request = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", stream.peer_addr().unwrap());
    stream.write_all(request.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{method} {target}: no answer, only {head:?}");
    }
    let status = head[9..12].parse().unwrap();
    let mut answer = Answer { status, head, body: Vec::new(), whole: false };
    if let Some(length) = answer.header("Content-Length").map(|length| length.parse::<u64>().unwrap()) {
        reader.take(length).read_to_end(&mut answer.body).unwrap();
        answer.whole = answer.body.len() as u64 == length;
        return answer;
    }
    if answer.header("Transfer-Encoding") != Some("chunked") {
        answer.whole = true;
        return answer;
    }
    loop {
        let mut size = String::new();
        if reader.read_line(&mut size).unwrap() == 0 {
            return answer;
        }
        let size = u64::from_str_radix(size.trim_end(), 16).unwrap();
        let before = answer.body.len() as u64;
        reader.by_ref().take(size).read_to_end(&mut answer.body).unwrap();
        let mut end = String::new();
        if reader.read_line(&mut end).unwrap() == 0 {
            return answer;
        }
        assert_eq!((answer.body.len() as u64 - before, end.as_str()), (size, "\r\n"));
        if size == 0 {
            answer.whole = true;
            return answer;
        }
    }
}

/// On a connection of its own, as BCDA wants it.
fn ask(at: SocketAddr, method: &str, target: &str, headers: &str) -> Answer {
    ask_on(&mut TcpStream::connect(at).unwrap(), method, target, headers)
}

fn basic(id: &str, secret: &str) -> String {
    format!("Authorization: Basic {}\r\nContent-Length: 0\r\n", STANDARD.encode(format!("{id}:{secret}")))
}

fn bearer(at: SocketAddr) -> String {
    let answer = ask(at, "POST", "/auth/token", &basic("sandbox", "sandbox"));
    assert_eq!(answer.status, 200);
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    format!("Authorization: Bearer {}\r\n", body["access_token"].as_str().unwrap())
}

fn settings(beneficiaries: u64) -> Settings {
    let synth = Synth { beneficiaries, claims_per_beneficiary: 4, ..Synth::new(Api::V2) };
    Settings { job_time: Duration::ZERO, ..Settings::new(synth) }
}

fn server(settings: Settings) -> (Server, SocketAddr, String) {
    let server = Server::start(settings).unwrap();
    let at = server.address();
    (server, at, bearer(at))
}

/// Starts an export; its answer must be the 202. Gives the job's path.
fn start(at: SocketAddr, auth: &str, target: &str) -> String {
    let answer = ask(at, "GET", target, &format!("{auth}{EXPORT}"));
    assert_eq!((answer.status, answer.text()), (202, ""), "{target}");
    let place = answer.header("Content-Location").unwrap();
    place.strip_prefix(&format!("http://{at}")).unwrap().to_owned()
}

fn finished(at: SocketAddr, auth: &str, job: &str) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = ask(at, "GET", job, auth);
        if answer.status != 202 {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{job} does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Type and path of a manifest's files.
fn files(at: SocketAddr, manifest: &Answer, list: &str) -> Vec<(String, String)> {
    let manifest: serde_json::Value = serde_json::from_slice(&manifest.body).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    manifest[list]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (text(&file["type"]), text(&file["url"]).strip_prefix(&format!("http://{at}")).unwrap().to_owned()))
        .collect()
}

fn gunzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut text)?;
    Ok(text)
}

fn outcome(code: &str, text: &str) -> String {
    let text = if text.is_empty() { String::new() } else { format!(",\"diagnostics\":\"{text}\"") };
    format!(
        "{{\"resourceType\":\"OperationOutcome\",\"issue\":[{{\"severity\":\"error\",\"code\":\"{code}\"{text}}}]}}"
    )
}

#[test]
fn tokens_have_a_string_for_their_life_and_errors_are_text() {
    let server = Server::start(settings(1)).unwrap();
    let at = server.address();
    let good = ask(at, "POST", "/auth/token", &basic("sandbox", "sandbox"));
    let token = good.text().split('"').nth(3).unwrap();
    assert_eq!(
        good.text(),
        format!("{{\"access_token\": \"{token}\", \"expires_in\": \"1200\", \"token_type\":\"bearer\"}}")
    );
    assert_eq!(token.split('.').count(), 3);
    for (name, value) in [
        ("Content-Type", "application/json"),
        ("Cache-Control", "no-store"),
        ("Pragma", "no-cache"),
        ("Connection", "close"),
    ] {
        assert_eq!(good.header(name), Some(value));
    }
    for (headers, status, body) in [
        (basic("sandbox", "wrong"), 401, "Unauthorized\n"),
        (basic("nobody", "sandbox"), 401, "Unauthorized\n"),
        ("Content-Length: 0\r\n".to_owned(), 400, "Bad Request\n"),
        ("Authorization: Basic !\r\nContent-Length: 0\r\n".to_owned(), 400, "Bad Request\n"),
    ] {
        let answer = ask(at, "POST", "/auth/token", &headers);
        assert_eq!((answer.status, answer.text()), (status, body));
        assert_eq!(answer.header("Content-Type"), Some("text/plain; charset=utf-8"));
    }
    let wrong = ask(at, "GET", "/auth/token", "");
    assert_eq!((wrong.status, wrong.text()), (405, ""));
    assert_eq!(server.log().tokens, 1);
}

#[test]
fn too_many_tokens_are_refused_before_the_secret_is_looked_at() {
    let server = Server::start(Settings { token_limit: 2, ..settings(1) }).unwrap();
    let at = server.address();
    let status = |secret| ask(at, "POST", "/auth/token", &basic("sandbox", secret)).status;
    assert_eq!([status("wrong"), status("sandbox"), status("sandbox")], [401, 200, 429]);
    let answer = ask(at, "POST", "/auth/token", &basic("sandbox", "wrong"));
    assert_eq!(
        (answer.status, answer.header("Retry-After"), answer.text()),
        (
            429,
            Some("300"),
            "A0000 exceeded the rate limit for /auth/token. Access tokens last 20 minutes; please cache and reuse them.\n"
        )
    );
}

#[test]
fn a_bad_token_fails_everywhere_and_leaves_the_connection_open() {
    let (_server, at, good) = server(Settings { token_life: Duration::from_secs(2), ..settings(1) });
    for path in ["/_version", "/api/v1/metadata", "/nowhere", "/data/42/x.ndjson"] {
        let answer = ask(at, "GET", path, "Authorization: bearer x\r\n");
        assert_eq!((answer.status, answer.text()), (401, outcome("forbidden", "Invalid Token").as_str()), "{path}");
        assert_eq!(answer.header("Connection"), None);
        assert_eq!(answer.header("Content-Type"), Some("application/fhir+json"));
    }
    let not_ours = ask(at, "GET", "/_version", "Authorization: Bearer x.y.z\r\n");
    assert_eq!((not_ours.status, not_ours.text()), (400, outcome("structure", "Request Error").as_str()));
    let missing = ask(at, "GET", "/api/v1/jobs", EXPORT);
    assert_eq!((missing.status, missing.header("Connection")), (401, Some("close")));

    assert_eq!(
        ask(at, "GET", "/auth/welcome", &good).text(),
        r#"{"success":"Welcome to the Beneficiary Claims Data API!"}"#
    );
    std::thread::sleep(Duration::from_millis(2100));
    let mut stream = TcpStream::connect(at).unwrap();
    let expired = ask_on(&mut stream, "GET", "/api/v1/jobs", &format!("{good}{EXPORT}"));
    assert_eq!((expired.status, expired.text()), (401, outcome("forbidden", "Expired Token").as_str()));
    assert_eq!(expired.header("Connection"), None);
    // The trap: this connection belongs to the API, and the token server is another one behind the same port.
    let reused = ask_on(&mut stream, "POST", "/auth/token", &basic("sandbox", "sandbox"));
    assert_eq!((reused.status, reused.text()), (404, "404 page not found\n"));
    assert_eq!(ask(at, "POST", "/auth/token", &basic("sandbox", "sandbox")).status, 200);
}

#[test]
fn what_needs_no_token() {
    let server = Server::start(Settings { versions: vec![Api::V1, Api::V2], ..settings(1) }).unwrap();
    let at = server.address();
    let get = |path| ask(at, "GET", path, "");
    assert_eq!(get("/_version").text(), r#"{"version":"r292"}"#);
    assert_eq!(get("/_health").text(), r#"{"database":"ok","ssas":"ok","ssas_introspect":"ok"}"#);
    assert_eq!(get("/_auth").text(), r#"{"auth_provider":"ssas","version":"r292"}"#);
    for (path, version) in [("/api/v1/metadata", "3.0.1"), ("/api/v2/metadata", "4.0.1")] {
        let body: serde_json::Value = serde_json::from_slice(&get(path).body).unwrap();
        assert_eq!((&body["fhirVersion"], &body["resourceType"]), (&version.into(), &"CapabilityStatement".into()));
        let token = &body["rest"][0]["security"]["extension"][0]["extension"][0]["valueUri"];
        assert_eq!(token, &serde_json::Value::from(format!("http://{at}/auth/token")));
    }
    for path in ["/api/v3/metadata", "/api/v4/metadata", "/nowhere", "/"] {
        let answer = get(path);
        assert_eq!((answer.status, answer.text()), (404, "404 page not found\n"), "{path}");
        assert_eq!(answer.header("Content-Type"), Some("text/plain; charset=utf-8"));
    }
    let head = ask(at, "HEAD", "/_version", "");
    assert_eq!((head.status, head.text()), (405, ""));
}

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
            for (name, value) in [
                ("Content-Type", "application/fhir+ndjson"),
                ("Content-Encoding", "gzip"),
                ("Accept-Ranges", "bytes"),
                ("Connection", "close"),
            ] {
                assert_eq!(answer.header(name), Some(value));
            }
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
    let job = start(at, &auth, "/api/v2/Patient/$export?_type=ExplanationOfBenefit");
    let (_, path) = files(at, &finished(at, &auth, &job), "output").remove(0);
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
    let job = start(at, &auth, "/api/v2/Patient/$export?_type=ExplanationOfBenefit");
    let (_, path) = files(at, &finished(at, &auth, &job), "output").remove(0);
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
