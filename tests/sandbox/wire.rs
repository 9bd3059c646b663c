//! Requests as raw bytes, and what comes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use claimfeed::Api;
use claimfeed::sandbox::Synth;
use claimfeed::sandbox::server::{Server, Settings};
use flate2::read::MultiGzDecoder;

pub const EXPORT: &str = "Accept: application/fhir+json\r\nPrefer: respond-async\r\n";
pub const EMPTY_MEMBER: [u8; 23] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 1, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0];

/// An answer, its body without the chunks' frames.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// The last chunk was seen, or the length met.
    pub whole: bool,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    #[track_caller]
    pub fn must_have(&self, headers: &[(&str, &str)]) {
        for (name, value) in headers {
            assert_eq!(self.header(name), Some(*value), "{name}");
        }
    }
}

pub fn ask_on(stream: &mut TcpStream, method: &str, target: &str, headers: &str) -> Answer {
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
pub fn ask(at: SocketAddr, method: &str, target: &str, headers: &str) -> Answer {
    ask_on(&mut TcpStream::connect(at).unwrap(), method, target, headers)
}

pub fn basic(id: &str, secret: &str) -> String {
    format!("Authorization: Basic {}\r\nContent-Length: 0\r\n", STANDARD.encode(format!("{id}:{secret}")))
}

pub fn bearer(at: SocketAddr) -> String {
    let answer = ask(at, "POST", "/auth/token", &basic("sandbox", "sandbox"));
    assert_eq!(answer.status, 200);
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    format!("Authorization: Bearer {}\r\n", body["access_token"].as_str().unwrap())
}

pub fn settings(beneficiaries: u64) -> Settings {
    let synth = Synth { beneficiaries, claims_per_beneficiary: 4, ..Synth::new(Api::V2) };
    Settings { job_time: Duration::ZERO, ..Settings::new(synth) }
}

pub fn server(settings: Settings) -> (Server, SocketAddr, String) {
    let server = Server::start(settings).unwrap();
    let at = server.address();
    (server, at, bearer(at))
}

/// Starts an export; its answer must be the 202. Gives the job's path.
pub fn start(at: SocketAddr, auth: &str, target: &str) -> String {
    let answer = ask(at, "GET", target, &format!("{auth}{EXPORT}"));
    assert_eq!((answer.status, answer.text()), (202, ""), "{target}");
    let place = answer.header("Content-Location").unwrap();
    place.strip_prefix(&format!("http://{at}")).unwrap().to_owned()
}

pub fn finished(at: SocketAddr, auth: &str, job: &str) -> Answer {
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
pub fn files(at: SocketAddr, manifest: &Answer, list: &str) -> Vec<(String, String)> {
    let manifest: serde_json::Value = serde_json::from_slice(&manifest.body).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    manifest[list]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (text(&file["type"]), text(&file["url"]).strip_prefix(&format!("http://{at}")).unwrap().to_owned()))
        .collect()
}

/// An export of one file, done: the file's path.
pub fn one_file(at: SocketAddr, auth: &str) -> String {
    let job = start(at, auth, "/api/v2/Patient/$export?_type=ExplanationOfBenefit");
    files(at, &finished(at, auth, &job), "output").remove(0).1
}

pub fn gunzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut text)?;
    Ok(text)
}

pub fn outcome(code: &str, text: &str) -> String {
    let text = if text.is_empty() { String::new() } else { format!(",\"diagnostics\":\"{text}\"") };
    format!(
        "{{\"resourceType\":\"OperationOutcome\",\"issue\":[{{\"severity\":\"error\",\"code\":\"{code}\"{text}}}]}}"
    )
}
