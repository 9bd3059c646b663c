//! `claimfeed fetch --bulk`: servers of HL7's Bulk Data IG that are not BCDA.

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::claimfeed;
use common::wire::{Reply, Request, Server};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

const LINES: &str = "{\"resourceType\":\"Patient\",\"id\":\"a\"}\n{\"resourceType\":\"Patient\",\"id\":\"b\"}";

/// `manifest` is that of job 1; anything else the test says.
fn bulk(manifest: &'static str, handler: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Server {
    Server::start(move |request| {
        if let Some(reply) = handler(request) {
            return Some(reply);
        }
        Some(match request.target.split('?').next().unwrap() {
            "/fhir/$export" | "/fhir/Patient/$export" | "/fhir/Group/g%201/$export" => {
                Reply::new(202, "").with("Content-Location", "/fhir/job/1")
            }
            "/fhir/job/1" => Reply::new(200, manifest).with("Expires", "Sat, 21 Nov 2026 01:09:00 GMT"),
            "/files/1" => Reply::new(200, LINES),
            _ => Reply::new(404, ""),
        })
    })
}

fn fetch(server: &Server, folder: &Path, options: &[&str]) -> Output {
    let mut command = claimfeed();
    command.args(["fetch", "--bulk", "--server", &format!("{}/fhir", server.url), "-o"]).arg(folder);
    command
        .args(["--first-wait", "1", "--poll", "0.01", "--longest-wait", "1", "--tries", "3", "--timeout", "3"])
        .args(options);
    command.env_clear().env("BCDA_TOKEN", "ready-made").output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_open_server_with_relative_addresses() {
    let manifest =
        r#"{"transactionTime":"2026-01-01T00:00:00Z","output":[{"type":"Patient","url":"/files/1","count":2}]}"#;
    let server = bulk(manifest, |_| None);
    for (options, target) in [
        (&["--auth", "none"][..], "/fhir/$export"),
        (&["--auth", "none", "--patient"], "/fhir/Patient/$export"),
        (
            &["--auth", "none", "--group", "g 1", "--type", "Patient,Device"],
            "/fhir/Group/g%201/$export?_type=Patient,Device",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = fetch(&server, folder.path(), options);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(std::fs::read_to_string(folder.path().join("Patient.0001.ndjson")).unwrap(), LINES);
        assert_eq!(server.count(target), 1);
    }
    assert!(server.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn files_that_are_open_never_see_the_token() {
    let manifest = r#"{"requiresAccessToken":false,"output":[{"type":"Patient","url":"/files/1?key=capability"}]}"#;
    let server = bulk(manifest, |_| None);
    let folder = tempfile::tempdir().unwrap();
    let output = fetch(&server, folder.path(), &["--auth", "bearer"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for request in server.requests() {
        let wanted = (!request.target.starts_with("/files")).then_some("Bearer ready-made");
        assert_eq!(request.header("authorization"), wanted, "{}", request.target);
    }
    let log = std::fs::read_to_string(folder.path().join("log.ndjson")).unwrap();
    assert!(!log.contains("capability") && !said(&output).contains("capability"));
}

#[test]
fn counts_and_checksums_must_agree() {
    for (manifest, code, says) in [
        (
            r#"{"output":[{"type":"Patient","url":"/files/1","count":3}]}"#,
            6,
            "expected 3 lines as the manifest says, found 2",
        ),
        (
            r#"{"output":[{"type":"Patient","url":"/files/1","extension":[{"url":"https://x/checksum","valueString":"sha256:00"}]}]}"#,
            6,
            "checksum",
        ),
        (
            r#"{"output":[{"type":"Patient","url":"/files/1","extension":[{"url":"https://x/file_length","valueDecimal":7}]}]}"#,
            6,
            "expected 7 bytes",
        ),
        (
            r#"{"output":[{"type":"Patient","url":"/files/1","count":2,"extension":[{"url":"https://x/checksum","valueString":"sha256:6d10111ab61d96d1d0f01e59f5baaefcec850bff0f456206c9d3494591bb85fb"},{"url":"https://x/file_length","valueDecimal":71}]}]}"#,
            0,
            "2 resources",
        ),
    ] {
        let server = bulk(manifest, |_| None);
        let folder = tempfile::tempdir().unwrap();
        let output = fetch(&server, folder.path(), &["--auth", "none"]);
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).contains(says), "{}", said(&output));
        assert_eq!(folder.path().join("Patient.0001.ndjson").exists(), code == 0);
    }
}

#[test]
fn pages_and_deletions_are_followed() {
    let manifest =
        r#"{"output":[{"type":"Patient","url":"/files/1"}],"link":[{"relation":"next","url":"/fhir/job/1/page/2"}]}"#;
    let server = bulk(manifest, |request| match request.target.as_str() {
        "/fhir/job/1/page/2" => Some(Reply::new(
            200,
            r#"{"output":[{"type":"Patient","url":"/files/1"}],"deleted":[{"type":"Bundle","url":"/files/gone"}]}"#,
        )),
        "/files/gone" => Some(Reply::new(200, "{\"resourceType\":\"Bundle\"}\n")),
        _ => None,
    });
    let folder = tempfile::tempdir().unwrap();
    let output = fetch(&server, folder.path(), &["--auth", "none"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for name in ["Patient.0001.ndjson", "Patient.0002.ndjson", "deleted/Bundle.0001.ndjson"] {
        assert!(folder.path().join(name).exists(), "{name}");
    }
}

#[test]
fn a_page_on_another_host_never_sees_the_token() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let saw = seen.clone();
    let other = Server::start(move |request| {
        saw.lock().unwrap().push(request.header("authorization").map(str::to_string));
        Some(Reply::new(200, r#"{"output":[{"type":"Patient","url":"/files/1"}]}"#))
    });
    let manifest = format!(
        r#"{{"output":[{{"type":"Patient","url":"/files/1"}}],"link":[{{"relation":"next","url":"{}/p2"}}]}}"#,
        other.url
    );
    let server = bulk(manifest.leak(), |_| None);
    let folder = tempfile::tempdir().unwrap();
    let output = fetch(&server, folder.path(), &["--auth", "bearer"]);
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    assert!(said(&output).contains("not followed") && seen.lock().unwrap().is_empty(), "{}", said(&output));
    let folder = tempfile::tempdir().unwrap();
    let host = other.url.trim_start_matches("http://");
    let output = fetch(&server, folder.path(), &["--auth", "bearer", "--allow-host", host]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(*seen.lock().unwrap(), [None], "asked without the token");
    assert!(folder.path().join("Patient.0002.ndjson").exists());
}

#[test]
fn a_body_whose_end_nobody_can_tell_is_refused() {
    use std::io::{Read, Write};
    let manifest = r#"{"output":[{"type":"Patient","url":"/files/1"}]}"#;
    // No length, no chunks: the connection's end is all there is.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/fhir", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let reply = if head.contains("$export") {
                "HTTP/1.1 202 X\r\nContent-Location: /fhir/job/1\r\nContent-Length: 0\r\n\r\n".to_string()
            } else if head.contains("/job/1") {
                format!("HTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n{manifest}", manifest.len())
            } else {
                format!("HTTP/1.1 200 X\r\n\r\n{LINES}\n")
            };
            let _ = stream.write_all(reply.as_bytes());
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let mut command = claimfeed();
    command.args([
        "fetch",
        "--bulk",
        "--auth",
        "none",
        "--server",
        &url,
        "--tries",
        "2",
        "--first-wait",
        "1",
        "--poll",
        "0.01",
        "-o",
    ]);
    let output = command.arg(folder.path()).env_clear().output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    assert!(said(&output).contains("neither a length nor an end"), "{}", said(&output));
}

/// Makes a key with openssl: private and public file.
fn key(folder: &Path, options: &[&str]) -> Option<(String, Vec<u8>)> {
    let private = folder.join("key.pem");
    let made = Command::new("openssl").arg("genpkey").args(options).arg("-out").arg(&private).output();
    let Ok(made) = made else {
        assert!(std::env::var_os("CI").is_none(), "CI must have openssl");
        common::skipped("no openssl to make a key with");
        return None;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let public = Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&private).output().unwrap().stdout;
    Some((private.display().to_string(), public))
}

#[test]
fn a_signed_statement_is_exchanged_for_a_token() {
    let manifest = r#"{"output":[{"type":"Patient","url":"/files/1"}]}"#;
    for (algorithm, options) in [
        (Algorithm::ES384, &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"][..]),
        (Algorithm::RS384, &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let Some((private, public)) = key(folder.path(), options) else { return };
        let server = bulk(manifest, |request| {
            if request.target.ends_with("/token") {
                return Some(Reply::new(200, r#"{"access_token":"given","token_type":"bearer","expires_in":300}"#));
            }
            if request.target.ends_with(".well-known/smart-configuration") {
                let host = request.header("host").unwrap();
                return Some(Reply::new(200, format!(r#"{{"token_endpoint":"http://{host}/fhir/token"}}"#)));
            }
            (request.header("authorization") != Some("Bearer given")).then(|| Reply::new(401, ""))
        });
        let options = ["--auth", "key", "--client-id", "me", "--key-file", &private, "--key-id", "k1"];
        let output = fetch(&server, &folder.path().join("x"), &options);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let requests = server.requests();
        let form = &requests.iter().find(|request| request.target == "/fhir/token").unwrap().body;
        let fields: std::collections::HashMap<String, String> =
            url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        assert_eq!(fields["grant_type"], "client_credentials");
        assert_eq!(fields["scope"], "system/*.read");
        assert_eq!(fields["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let decoding = match algorithm {
            Algorithm::ES384 => DecodingKey::from_ec_pem(&public).unwrap(),
            _ => DecodingKey::from_rsa_pem(&public).unwrap(),
        };
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[format!("{}/fhir/token", server.url)]);
        validation.set_issuer(&["me"]);
        let statement =
            jsonwebtoken::decode::<serde_json::Value>(&fields["client_assertion"], &decoding, &validation).unwrap();
        assert_eq!(statement.header.kid.as_deref(), Some("k1"));
        assert_eq!(statement.claims["sub"], "me");
        let life = statement.claims["exp"].as_i64().unwrap() - statement.claims["iat"].as_i64().unwrap();
        assert!(life <= 300 && statement.claims["jti"].as_str().unwrap().len() == 32);
        assert_eq!(server.count("/fhir/token"), 1);
    }
}

/// It is good for four minutes, and a machine whose clock is a year behind could never get a token.
#[test]
fn a_statement_is_dated_by_the_clock_of_the_server_that_refused_the_first() {
    use base64::Engine;
    let folder = tempfile::tempdir().unwrap();
    let Some((private, _)) = key(folder.path(), &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]) else {
        return;
    };
    let theirs = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(366 * 24);
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&theirs).unwrap();
    let issued = |form: &str| {
        let statement =
            url::form_urlencoded::parse(form.as_bytes()).find(|(name, _)| name == "client_assertion").unwrap().1;
        let claims =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(statement.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice::<serde_json::Value>(&claims).unwrap()["iat"].as_i64().unwrap()
    };
    for (mends, code, asked) in [(true, 0, 2), (false, 5, 2)] {
        let date = date.clone();
        let server = bulk(r#"{"output":[{"type":"Patient","url":"/files/1"}]}"#, move |request| {
            let is_good = || mends && (issued(&request.body) - theirs.as_second()).abs() < 120;
            match request.target.as_str() {
                "/fhir/token" if is_good() => Some(Reply::new(200, r#"{"access_token":"given","expires_in":300}"#)),
                "/fhir/token" => Some(Reply::new(400, r#"{"error":"invalid_client"}"#).with("Date", &date)),
                _ => None,
            }
        });
        let token_url = format!("{}/fhir/token", server.url);
        let options = ["--auth", "key", "--client-id", "me", "--key-file", &private, "--token-url", &token_url];
        let output = fetch(&server, &folder.path().join(format!("x-{code}")), &options);
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert_eq!(server.count("/fhir/token"), asked, "asked again once, and not for ever");
    }
}
