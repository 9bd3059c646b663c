//! Files that come in pieces, wrong or not at all, and who sees the token.

use std::sync::Arc;

use crate::bcda::*;
use crate::common::wire::{Reply, Request, Server};

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
