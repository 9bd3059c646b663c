//! The DDL of `schema --as` run by the databases it is for, our CSV loaded into it, counts and sums compared.

mod common;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use claimfeed::Api;
use claimfeed::sandbox::Synth;
use common::{Output, claimfeed, convert};

/// Tables of an export with everything irregular in it.
fn tables(api: Api, options: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export");
    Synth { beneficiaries: 15, seed: 8, ..Synth::new(api) }.write(&export).unwrap();
    let output = convert(&[&export], options);
    assert!(output.code == 0 || output.code == 3, "{}", output.stderr);
    output
}

fn ddl(form: &str, options: &[&str]) -> String {
    let output = claimfeed().args(["schema", "--as", form]).args(options).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Names and columns of the tables of a DDL: name, type without its numbers.
fn columns(ddl: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut tables: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in ddl.lines() {
        if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
            tables.push((rest.trim_end_matches(" (").to_string(), Vec::new()));
        } else if let Some(column) = line.strip_prefix("    ") {
            let column = column.trim_end_matches(',');
            let end = match column.strip_prefix('"') {
                Some(rest) => rest.find('"').unwrap() + 2,
                None => column.find(' ').unwrap(),
            };
            let kind = column[end..].trim().split('(').next().unwrap().to_string();
            tables.last_mut().unwrap().1.push((column[..end].to_string(), kind));
        }
    }
    tables
}

/// What a table must hold, told by the CSV: rows, then for each column its non-blanks and, of amounts, their sum.
fn expected(output: &Output, table: &str, columns: &[(String, String)]) -> String {
    let (header, rows) = output.table(table);
    assert_eq!(header, columns.iter().map(|(name, _)| name.trim_matches('"').to_string()).collect::<Vec<_>>());
    let mut cells = vec![rows.len().to_string()];
    for (at, (_, kind)) in columns.iter().enumerate() {
        let texts: Vec<&str> = rows.iter().map(|row| row[at].as_str()).filter(|text| !text.is_empty()).collect();
        cells.push(texts.len().to_string());
        if kind == "DECIMAL" && !texts.is_empty() {
            cells.push(ten_thousandths(texts.iter().copied()).to_string());
        }
    }
    cells.join("|")
}

fn ten_thousandths<'a>(texts: impl Iterator<Item = &'a str>) -> i128 {
    let one = |text: &str| {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{decimals:0<4}");
        digits.parse::<i128>().unwrap()
    };
    texts.map(one).sum()
}

/// The same as a query.
fn query(table: &str, columns: &[(String, String)]) -> String {
    let mut cells = vec!["count(*)::TEXT".to_string()];
    for (name, kind) in columns {
        cells.push(format!("count({name})::TEXT"));
        if kind == "DECIMAL" {
            cells.push(format!("CAST(sum({name} * 10000) AS DECIMAL(38, 0))::TEXT"));
        }
    }
    format!("SELECT concat_ws('|', {}) FROM {table};", cells.join(", "))
}

/// In CI a tool must be there.
fn skipped(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "CI must have {what}: .ci/run installs it");
    common::skipped(&format!("no {what} here"));
}

fn run(command: &mut Command, input: &str) -> String {
    use std::io::Write;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn duckdb_takes_the_ddl_and_the_csv() {
    let python = std::env::var("CLAIMFEED_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let there = Command::new(&python).args(["-c", "import duckdb"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        return skipped("duckdb module for python3");
    }
    for (api, options) in [(Api::V1, &[][..]), (Api::V2, &["--lineage"]), (Api::V3, &[])] {
        let output = tables(api, options);
        let ddl = ddl("duckdb", options);
        let tables = columns(&ddl);
        assert_eq!(tables.len(), 12);
        // The statements that the DDL itself names, in the folder of the tables.
        let loads = ddl.lines().filter_map(|line| line.strip_prefix("-- COPY")).map(|line| format!("COPY{line}"));
        let script = serde_json::json!({
            "before": std::iter::once(ddl.clone()).chain(loads).collect::<Vec<_>>(),
            "queries": tables.iter().map(|(name, columns)| query(name, columns)).collect::<Vec<_>>(),
        });
        let code = "import duckdb, json, sys\n\
                    script = json.load(sys.stdin)\n\
                    db = duckdb.connect()\n\
                    for sql in script['before']: db.execute(sql)\n\
                    for sql in script['queries']: print(db.execute(sql).fetchone()[0])\n";
        let found = run(Command::new(&python).args(["-c", code]).current_dir(output.folder()), &script.to_string());
        for ((name, columns), found) in tables.iter().zip(found.lines()) {
            assert_eq!(found, expected(&output, name, columns), "{api} {name}");
        }
        assert_eq!(found.lines().count(), 12);
    }
}

/// A server of its own in a folder, ended with the test.
struct Server {
    folder: tempfile::TempDir,
    bin: PathBuf,
}

impl Server {
    /// `None` if PostgreSQL is not installed.
    fn start() -> Option<Server> {
        let folders = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut bins: Vec<PathBuf> = folders.map(|entry| entry.path().join("bin")).collect();
        bins.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let bin = bins.into_iter().find(|bin| bin.join("initdb").exists() && bin.join("pg_ctl").exists())?;
        let server = Server { folder: tempfile::tempdir().unwrap(), bin };
        let folder = server.folder.path();
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        if is_root() {
            let id = |flag| run(Command::new("id").args([flag, "postgres"]), "").trim().parse::<u32>().unwrap();
            std::os::unix::fs::chown(folder, Some(id("-u")), Some(id("-g"))).unwrap();
        }
        let data = folder.join("data");
        server.run("initdb", &["-A", "trust", "-U", "postgres", "--no-locale", "-E", "UTF8", "-D"], &data);
        let options = format!("-k {} -c listen_addresses='' -F", folder.display());
        let log = folder.join("log");
        server.run("pg_ctl", &["-w", "-l", log.to_str().unwrap(), "-o", &options, "start", "-D"], &data);
        Some(server)
    }

    /// As a user that PostgreSQL takes: it refuses root.
    fn run(&self, program: &str, arguments: &[&str], data: &Path) {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).arg(data).current_dir("/").stdin(Stdio::null());
        // The server keeps what it inherits: a pipe would never end.
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(status.success(), "{command:?}");
    }

    fn psql(&self, folder: &Path, sql: &str) -> String {
        let mut command = Command::new(self.bin.join("psql"));
        command.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "postgres", "-h"]);
        run(command.arg(self.folder.path()).current_dir(folder), sql)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        if data.join("postmaster.pid").exists() {
            self.run("pg_ctl", &["-w", "-m", "immediate", "stop", "-D"], &data);
        }
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

#[test]
fn postgres_takes_the_ddl_and_the_csv() {
    let Some(server) = Server::start() else { return skipped("PostgreSQL") };
    for (api, options) in [(Api::V1, &[][..]), (Api::V2, &["--lineage"]), (Api::V3, &[])] {
        let output = tables(api, options);
        // With and without widths: the generator has no code that is wider than its picture.
        let ddl = if api == Api::V3 { ddl("postgres", &["--open-text"]) } else { ddl("postgres", options) };
        assert_eq!(ddl.contains("VARCHAR(11)"), api != Api::V3);
        let tables = columns(&ddl);
        assert_eq!(tables.len(), 12);
        let mut script =
            format!("DROP SCHEMA IF EXISTS {api} CASCADE; CREATE SCHEMA {api}; SET search_path = {api};\n{ddl}");
        for load in ddl.lines().filter_map(|line| line.strip_prefix("-- \\copy")) {
            script.push_str(&format!("\\copy{}\n", load.trim_end_matches(';')));
        }
        for (name, columns) in &tables {
            script.push_str(&query(name, columns));
            script.push('\n');
        }
        let found = server.psql(&output.folder(), &script);
        for ((name, columns), found) in tables.iter().zip(found.lines()) {
            assert_eq!(found, expected(&output, name, columns), "{api} {name}");
        }
        assert_eq!(found.lines().count(), 12);
    }
}
