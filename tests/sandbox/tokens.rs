//! Who may ask.

use std::net::TcpStream;
use std::time::Duration;

use claimfeed::Api;
use claimfeed::sandbox::server::{Server, Settings};

use crate::wire::*;

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
    good.must_have(&[
        ("Content-Type", "application/json"),
        ("Cache-Control", "no-store"),
        ("Pragma", "no-cache"),
        ("Connection", "close"),
    ]);
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
