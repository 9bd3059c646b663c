//! Downloads from an nginx that misbehaves as servers do (`faults/nginx-faults.conf` of the shared material): every location
//! gives a whole file or a clear error, never a short file called whole.
//!
//! Needs Debian's nginx with its echo module; without them the test says so loudly, and fails in CI.

mod common;

use std::fs::create_dir_all;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use common::{claimfeed, shared};

const ECHO: &str = "/usr/lib/nginx/modules/ngx_http_echo_module.so";

/// A started nginx; stopped with the value.
struct Nginx {
    folder: tempfile::TempDir,
    ports: [u16; 3],
}

fn nginx() -> Option<PathBuf> {
    let found = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists());
    if found.is_some() && Path::new(ECHO).exists() {
        return found;
    }
    assert!(std::env::var_os("CI").is_none(), "CI must have nginx with its echo module: nginx libnginx-mod-http-echo");
    common::skipped("no nginx with its echo module; apt-get install nginx libnginx-mod-http-echo");
    None
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn patients(count: usize) -> String {
    let mut seed = 11u64;
    let mut noise = || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        seed
    };
    (0..count)
        .map(|n| format!("{{\"id\":\"{n}-{:x}{:x}{:x}\",\"resourceType\":\"Patient\"}}\n", noise(), noise(), noise()))
        .collect()
}

/// Locations that a job needs, beside those that misbehave.
const CONTROL: &str = r#"
    location ~ ^/go/(.*)/\$export$ { add_header Content-Location /jobs/$1 always; return 202; }
    location /jobs/ { alias www/jobs/; default_type application/json; }
"#;
const BCDA: &str = r#"
    location = /api/v2/Group/all/$export { if ($tok = 0) { return 401; } add_header Content-Location /api/v2/jobs/1 always; return 202; }
    location = /api/v2/jobs/1 { if ($tok = 0) { return 401; } alias www/jobs/split; default_type application/json; }
"#;

impl Nginx {
    fn start(binary: &Path, conf: &str, cases: &[Case]) -> Nginx {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["run", "logs", "www/jobs", "www/bcda", "www/trunc", "www/data/42"] {
            create_dir_all(root.join(name)).unwrap();
        }
        let text = patients(FILE);
        let write = |name: &str, bytes: &[u8]| std::fs::write(root.join("www").join(name), bytes).unwrap();
        let stored = gzip(text.as_bytes());
        write("p.ndjson", text.as_bytes());
        write("p.ndjson.gz", &stored);
        write("data/42/p.ndjson", text.as_bytes());
        write("bcda/p.ndjson", &stored);
        write("trunc/p.ndjson", &stored[..stored.len() - 9]);
        write("empty.gz", &gzip(b""));
        for case in cases {
            let files: Vec<String> =
                (0..case.files).map(|_| format!("{{\"type\":\"Patient\",\"url\":\"{}\"}}", case.url)).collect();
            let manifest = format!("{{\"transactionTime\":\"2026-01-01T00:00:00Z\",\"output\":[{}]}}", files.join(","));
            write(&format!("jobs/{}", case.name), manifest.as_bytes());
        }
        // Ports that are free, instead of the file's own.
        let listeners: Vec<TcpListener> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports = [0, 1, 2].map(|at: usize| listeners[at].local_addr().unwrap().port());
        drop(listeners);
        let conf = conf
            .replacen("listen 127.0.0.1:18080;", &format!("listen 127.0.0.1:18080;{CONTROL}"), 1)
            .replacen("listen 127.0.0.1:18082;", &format!("listen 127.0.0.1:18082;{BCDA}"), 1)
            .replace("18080", &ports[0].to_string())
            .replace("18081", &ports[1].to_string())
            .replace("18082", &ports[2].to_string())
            .replace("/usr/lib/nginx/modules/ngx_http_echo_module.so", ECHO);
        // As root, workers would become another user, who cannot enter the folder.
        let conf = if is_root() { format!("user root;\n{conf}") } else { conf };
        std::fs::write(root.join("nginx-faults.conf"), conf).unwrap();
        let output = Command::new(binary).arg("-p").arg(root).args(["-c", "nginx-faults.conf"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", ports[0])).is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "nginx does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
        Nginx { folder, ports }
    }
}

fn is_root() -> bool {
    String::from_utf8_lossy(&Command::new("id").arg("-u").output().unwrap().stdout).trim() == "0"
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Ours, by the number it wrote down itself.
        let Ok(pid) = std::fs::read_to_string(self.folder.path().join("run/nginx.pid")) else { return };
        let _ = Command::new("kill").arg(pid.trim()).status();
    }
}

/// Lines of the usual file.
const FILE: usize = 8000;

struct Case {
    name: &'static str,
    url: &'static str,
    /// times that it is listed
    files: usize,
    options: &'static [&'static str],
    /// lines of a whole file, or exit code and words of the error
    ends: Result<usize, (i32, &'static str)>,
}

fn cases() -> Vec<Case> {
    let whole = |name, url| Case { name, url, files: 1, options: &[], ends: Ok(FILE) };
    let error =
        |name, url, code, words| Case { name, url, files: 1, options: &["--tries", "2"], ends: Err((code, words)) };
    vec![
        whole("static", "/static/p.ndjson"),
        whole("always", "/always/p.ndjson"),
        whole("fly", "/fly/p.ndjson"),
        whole("plain", "/plain/p.ndjson"),
        whole("norange", "/norange/p.ndjson"),
        whole("slow", "/slow/p.ndjson"),
        whole("nolen", "/nolen/p.ndjson"),
        whole("auth", "/auth/p.ndjson"),
        whole("wrongtype", "/wrongtype/p.ndjson"),
        whole("bcda", "/bcda/p.ndjson"),
        Case { files: 4, ..whole("rl", "/rl/p.ndjson") },
        Case { files: 6, ..whole("conn", "/conn/p.ndjson") },
        Case { options: &["--timeout", "8"], ends: Ok(2), ..whole("drip", "/drip") },
        error("429", "/429", 6, "HTTP 429"),
        error("429zero", "/429zero", 6, "HTTP 429"),
        error("429date", "/429date", 6, "HTTP 429"),
        error("429epoch", "/429epoch", 6, "HTTP 429"),
        error("503", "/503", 6, "HTTP 503"),
        error("502html", "/502html", 6, "HTTP 502"),
        error("403waf", "/403waf", 5, "HTTP 403"),
        error("rst", "/rst", 6, "connection"),
        error("redirect", "/redirect/p.ndjson", 6, "another host"),
        error("loop", "/loop", 6, "redirects"),
        error("double404", "/double404", 6, "HTTP 404"),
        error("progress", "/progress", 6, "HTTP 202"),
        error("hang", "/hang", 6, "nothing for too long"),
        error("halfline", "/halfline", 6, "no JSON"),
        error("cut", "/cut/x", 6, "whole"),
        error("stall", "/stall/x", 6, "nothing for too long"),
        error("cutlen", "/cutlen/p.ndjson", 6, "too early"),
        error("trunc", "/trunc/p.ndjson", 6, "cut or damaged"),
        error("bom", "/bom", 6, "whole"),
        error("missing", "/static/none.ndjson", 6, "HTTP 404"),
    ]
}

fn fetch(server: &str, folder: &Path, options: &[&str]) -> Output {
    let mut command = claimfeed();
    command.args(["fetch", "--server", server, "-o"]).arg(folder);
    if !options.contains(&"--timeout") {
        command.args(["--timeout", "3"]);
    }
    command.args(["--first-wait", "20", "--poll", "0.01", "--longest-wait", "1"]).args(options);
    command.env_clear().env("BCDA_TOKEN", "good").env("BCDA_CLIENT_ID", "me").env("BCDA_CLIENT_SECRET", "hush");
    command.output().unwrap()
}

fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return String::from_utf8(bytes).unwrap();
    }
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn every_location_gives_a_whole_file_or_a_clear_error() {
    let (Some(shared), Some(binary)) = (shared(), nginx()) else { return };
    let conf = std::fs::read_to_string(shared.join("faults/nginx-faults.conf")).unwrap();
    let cases = cases();
    let nginx = Nginx::start(&binary, &conf, &cases);
    let text = patients(FILE);
    std::thread::scope(|scope| {
        for case in &cases {
            let (nginx, text) = (&nginx, &text);
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                let server = format!("http://127.0.0.1:{}/go/{}", nginx.ports[0], case.name);
                let output = fetch(&server, folder.path(), &[&["--bulk", "--auth", "bearer"], case.options].concat());
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                let named: Vec<PathBuf> = std::fs::read_dir(folder.path())
                    .unwrap()
                    .flatten()
                    .map(|entry| entry.path())
                    .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("Patient"))
                    .filter(|path| path.extension().is_some_and(|end| end != "part"))
                    .collect();
                match case.ends {
                    Ok(lines) => {
                        assert_eq!(output.status.code(), Some(0), "{}: {said}", case.name);
                        assert_eq!(named.len(), case.files, "{}", case.name);
                        for path in named {
                            let got = read(&path);
                            assert_eq!(got.lines().count(), lines, "{}", case.name);
                            assert!(lines != FILE || got == *text, "{}: bytes differ", case.name);
                        }
                    }
                    Err((code, words)) => {
                        assert_eq!(output.status.code(), Some(code), "{}: {said}", case.name);
                        assert!(said.contains(words), "{}: expected `{words}` in {said}", case.name);
                        assert!(named.is_empty(), "{}: {named:?}", case.name);
                        assert!(!folder.path().join("manifest.json").exists(), "{}", case.name);
                    }
                }
                assert!(!said.contains("hush") && !said.contains("Bearer"), "{}: {said}", case.name);
            });
        }
        // BCDA's split: what comes second on a connection is lost there.
        let nginx = &nginx;
        scope.spawn(move || {
            let folder = tempfile::tempdir().unwrap();
            let manifest =
                r#"{"transactionTime":"2026-01-01T00:00:00Z","output":[{"type":"Patient","url":"/data/42/p.ndjson"}]}"#;
            std::fs::write(nginx.folder.path().join("www/jobs/split"), manifest).unwrap();
            let output = fetch(&format!("http://127.0.0.1:{}", nginx.ports[2]), folder.path(), &[]);
            assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(read(&folder.path().join("Patient.0001.ndjson")), patients(FILE));
        });
    });
    let log = std::fs::read_to_string(nginx.folder.path().join("logs/access.log")).unwrap();
    assert!(!log.contains("/capture"), "the other host was never asked");
}
