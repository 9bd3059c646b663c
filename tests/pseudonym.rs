//! `--pseudonymize`: nobody's true value is left, everything joins as before, and all else is as it was.
//!
//! Which column holds what is read from schemas/pseudonyms.csv here, too; what becomes of it is judged by comparing the tables
//! of a run with the key, cell by cell, with those of a run without.

mod common;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use claimfeed::Api;
use claimfeed::sandbox::server::{Server, Settings};
use claimfeed::sandbox::{Shape, Synth};
use common::{Output, claimfeed, convert, read_csv};
use jiff::civil::Date;

/// Of two keys.
const DIGITS: [&str; 2] = ["4f9d0e", "b1c803"];
const DELIVERY: [&str; 6] = ["--entity", "A0001", "--performance-year", "2026", "--delivered", "2026-11-20"];

struct World {
    folder: tempfile::TempDir,
}

impl World {
    /// An export with all that is odd, one Patient missing.
    fn new(api: Api) -> World {
        let folder = tempfile::tempdir().unwrap();
        let export = folder.path().join("export");
        let odd =
            Shape { mix: [1.0; 8], awkward: 0.3, renumbered: 0.5, shared: 0.2, cancelled: 0.1, ..Shape::default() };
        let synth = Synth { beneficiaries: 25, claims_per_beneficiary: 14, seed: 5, shape: odd, ..Synth::new(api) };
        synth.write(&export).unwrap();
        let patients = export.join("Patient.ndjson");
        let text = std::fs::read_to_string(&patients).unwrap();
        std::fs::write(&patients, text.split_once('\n').unwrap().1).unwrap();
        for (n, digits) in DIGITS.iter().enumerate() {
            let path = folder.path().join(format!("key{n}"));
            std::fs::write(&path, format!("{}\n", digits.repeat(11)[..64].to_owned())).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        }
        World { folder }
    }

    fn export(&self) -> PathBuf {
        self.folder.path().join("export")
    }

    fn key(&self, n: usize) -> String {
        self.folder.path().join(format!("key{n}")).display().to_string()
    }

    fn convert(&self, options: &[&str]) -> Output {
        let output = convert(&[&self.export()], options);
        assert!(matches!(output.code, 0 | 3), "{}", output.stderr);
        output
    }

    fn veiled(&self, options: &[&str]) -> Output {
        self.convert(&[&["--pseudonymize", self.key(0).as_str()][..], options].concat())
    }
}

/// Kind by table and field.
struct Kinds(HashMap<(String, String), String>);

impl Kinds {
    fn read() -> Kinds {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/pseudonyms.csv");
        let rows = read_csv(&path).1.into_iter();
        Kinds(rows.map(|row| ((row[0].clone(), row[1].clone()), row[2].clone())).collect())
    }

    fn of(&self, table: &str, field: &str) -> &str {
        let own = self.0.get(&(table.to_string(), field.to_string()));
        own.or_else(|| self.0.get(&("*".to_string(), field.to_string()))).unwrap_or_else(|| panic!("{table}.{field}"))
    }
}

/// Names and files of all CSV tables of a folder and of its folder `partial`.
fn tables(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for (below, prefix) in [(folder.to_path_buf(), ""), (folder.join("partial"), "partial ")] {
        for entry in std::fs::read_dir(below).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(table) = name.strip_suffix(".csv").filter(|table| *table != "issues" && *table != "CCLF0") {
                found.insert(format!("{prefix}{table}"), entry.path());
            }
        }
    }
    found
}

/// Calls with table, field, kind and both cells, row by row; `row` counts rows of all tables.
fn each_cell(plain: &Path, veiled: &Path, mut cell: impl FnMut(&str, &str, &str, usize, (&str, &str))) {
    let kinds = Kinds::read();
    let (before, after) = (tables(plain), tables(veiled));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before.len() >= 12);
    let mut row = 0;
    for (table, path) in &before {
        let ((header, rows), (other, changed)) = (read_csv(path), read_csv(&after[table]));
        assert_eq!((&header, rows.len()), (&other, changed.len()), "{table}");
        let name = table.trim_start_matches("partial ");
        let columns: Vec<&str> = header.iter().map(|field| kinds.of(name, field)).collect();
        for (cells, made) in rows.iter().zip(&changed) {
            row += 1;
            for (at, kind) in columns.iter().enumerate() {
                cell(table, &header[at], kind, row, (&cells[at], &made[at]));
            }
        }
    }
}

/// Kinds whose texts are replaced in one way.
fn space(kind: &str) -> &str {
    if kind == "beneficiary" { "mbi" } else { kind }
}

/// Every file of a folder and the folders in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

const ALL: [&str; 3] = ["--enrollment", "--lineage", "--partial"];

#[test]
fn persons_are_replaced_one_by_one_and_nothing_else_is() {
    for api in Api::ALL {
        let world = World::new(api);
        let more: &[&str] = if api == Api::V1 { &ALL[..2] } else { &ALL };
        let (plain, veiled) = (world.convert(more), world.veiled(more));
        let (mut there, mut back) = (HashMap::new(), HashMap::new());
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        each_cell(&plain.folder(), &veiled.folder(), |table, field, kind, _, (cell, made)| {
            let place = format!("{} {table}.{field}", api.name());
            assert_eq!(cell.is_empty(), made.is_empty(), "{place}");
            if kind == "kept" || kind == "date" || cell.is_empty() {
                assert_eq!(cell, made, "{place}");
                return;
            }
            *counts.entry(kind.to_string()).or_default() += 1;
            let known = there.entry((space(kind).to_string(), cell.to_string())).or_insert_with(|| made.to_string());
            assert_eq!(known, made, "{place}: one text, two pseudonyms");
            let known = back.entry((space(kind).to_string(), made.to_string())).or_insert_with(|| cell.to_string());
            assert_eq!(known, cell, "{place}: two texts, one pseudonym");
            if ["mbi", "beneficiary", "id", "postcode", "county"].contains(&kind) {
                assert_eq!(cell.len(), made.len(), "{place}");
                assert_eq!(
                    cell.bytes().all(|b| b.is_ascii_digit()),
                    made.bytes().all(|b| b.is_ascii_digit()),
                    "{place}"
                );
            }
        });
        // v3 serves no lines of addresses.
        let served = if api == Api::V3 { 5 } else { 7 };
        for kind in &["beneficiary", "mbi", "id", "name", "postcode", "street", "city"][..served] {
            assert!(counts.get(*kind).is_some_and(|count| *count > 5), "{}: {kind} {counts:?}", api.name());
        }
        let changed = there.iter().filter(|((_, cell), made)| cell != *made).count();
        // One of ten digits, and few others, may stand for itself.
        assert!(changed * 100 >= there.len() * 98, "{changed} of {}", there.len());

        // What is counted is what was counted; the key is told, and not what it is.
        let mut summary = veiled.summary.clone();
        let told = summary.as_object_mut().unwrap().remove("pseudonyms").unwrap();
        assert_eq!((told["key_check"].as_str().unwrap().len(), &told["dates_shifted"]), (16, &false.into()));
        assert!(veiled.stderr.contains(told["key_check"].as_str().unwrap()));
        for member in ["tables", "fields", "payments", "issues", "fills", "blank_keys", "beneficiaries"] {
            assert_eq!(summary[member], plain.summary[member], "{member}");
        }

        nothing_is_left(&there, &veiled.folder());
        let shown = |digits: &str| digits.repeat(11)[..64].to_string();
        let all: Vec<u8> = files(&veiled.folder()).iter().flat_map(|path| std::fs::read(path).unwrap()).collect();
        assert!(!String::from_utf8_lossy(&all).contains(&shown(DIGITS[0])[..12]), "the key is in no output");
    }
}

/// No true text in any file, if it is long enough not to be in other columns by chance: five letters, or nine digits.
fn nothing_is_left(there: &HashMap<(String, String), String>, folder: &Path) {
    let is_telling = |kind: &str, text: &str| {
        let digits = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        !["county", "postcode"].contains(&kind) && text.len() >= if digits { 9 } else { 5 }
    };
    let telling: Vec<&str> =
        there.keys().filter(|(kind, text)| is_telling(kind, text)).map(|(_, text)| text.as_str()).collect();
    assert!(telling.len() > 200, "{}", telling.len());
    let mut seen = HashSet::new();
    for path in files(folder) {
        let bytes = std::fs::read(&path).unwrap();
        // Quotes of CSV are doubled; names with some are searched for by what is between them.
        let text = String::from_utf8_lossy(&bytes);
        let is_left = |value: &&&str| {
            value.split('"').max_by_key(|part| part.len()).is_some_and(|part| part.len() >= 5 && text.contains(part))
        };
        let left: Vec<&&str> = telling.iter().filter(is_left).collect();
        assert!(left.is_empty(), "{}: {} of {} left", path.display(), left.len(), telling.len());
        seen.insert(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    assert!(seen.contains("issues.csv") && seen.contains("CCLF8.csv") && seen.contains("summary.json"));
}

/// The search finds what is there: the plain tables are full of it.
#[test]
#[should_panic(expected = "left")]
fn the_search_for_true_values_finds_them() {
    let world = World::new(Api::V2);
    let (plain, veiled) = (world.convert(&ALL), world.veiled(&ALL));
    let mut there = HashMap::new();
    each_cell(&plain.folder(), &veiled.folder(), |_, _, kind, _, (cell, made)| {
        if !["kept", "date"].contains(&kind) && !cell.is_empty() {
            there.insert((kind.to_string(), cell.to_string()), made.to_string());
        }
    });
    nothing_is_left(&there, &plain.folder());
}

#[test]
fn issues_name_resources_as_lineage_does() {
    let world = World::new(Api::V2);
    let (plain, veiled) = (world.convert(&["--lineage"]), world.veiled(&["--lineage"]));
    let ids = |output: &Output| {
        let (header, rows) = read_csv(&output.folder().join("issues.csv"));
        let at = header.iter().position(|column| column == "id").unwrap();
        rows.into_iter().map(|mut row| (row.remove(at), row)).collect::<Vec<_>>()
    };
    let column = |output: &Output| {
        ["CCLF1", "CCLF5", "CCLF6", "CCLF7"]
            .iter()
            .flat_map(|table| output.column(table, "fhir_id"))
            .collect::<Vec<_>>()
    };
    let pairs: HashMap<String, String> = column(&plain).into_iter().zip(column(&veiled)).collect();
    let (before, after) = (ids(&plain), ids(&veiled));
    assert_eq!(before.len(), after.len());
    let mut joined = 0;
    for ((id, row), (made, other)) in before.iter().zip(&after) {
        assert_eq!(row, other);
        assert!(id.is_empty() == made.is_empty() && (id != made || id.is_empty()));
        if let Some(pseudonym) = pairs.get(id) {
            assert_eq!(pseudonym, made);
            joined += 1;
        }
    }
    assert!(joined > 0, "the Patient that is missing has claims");
}

#[test]
fn dates_of_a_person_move_together() {
    for api in Api::ALL {
        let world = World::new(api);
        let more: &[&str] = if api == Api::V1 { &ALL[..2] } else { &ALL };
        let (plain, veiled) = (world.convert(more), world.veiled(&[&["--shift-dates"][..], more].concat()));
        // Whom a row is about; a row's beneficiary may stand behind its dates.
        let mut people: HashMap<usize, String> = HashMap::new();
        each_cell(&plain.folder(), &veiled.folder(), |_, _, kind, row, (cell, _)| {
            if kind == "beneficiary" {
                people.insert(row, cell.to_string());
            }
        });
        let mut days: HashMap<String, i32> = HashMap::new();
        let mut dates = 0;
        each_cell(&plain.folder(), &veiled.folder(), |table, field, kind, row, (cell, made)| {
            if kind != "date" {
                return;
            }
            assert_eq!(cell.is_empty(), made.is_empty());
            if cell.is_empty() {
                return;
            }
            dates += 1;
            let (before, after): (Date, Date) = (cell.parse().unwrap(), made.parse().unwrap());
            let moved = before.until(after).unwrap().get_days();
            assert!(moved != 0 && moved.abs() <= 183, "{table}.{field}: {moved} days");
            assert_eq!(*days.entry(people[&row].clone()).or_insert(moved), moved, "{table}.{field}");
        });
        assert!(dates > 500 && days.contains_key(""), "{dates} dates, some of nobody known");
        let different: HashSet<i32> = days.values().copied().collect();
        assert!(different.len() * 10 > days.len() * 8, "{} shifts of {} people", different.len(), days.len());
        // A true month beside a shifted date would tell the shift.
        let payments = veiled.summary["payments"].as_object().unwrap();
        assert!(!payments.is_empty());
        for (family, sums) in payments {
            assert_eq!(sums["months"].as_object().unwrap().keys().collect::<Vec<_>>(), ["unknown"], "{family}");
            assert_eq!(sums["read"], plain.summary["payments"][family]["read"]);
        }
        assert_eq!(veiled.summary["pseudonyms"]["dates_shifted"], true);
    }
}

#[test]
fn a_key_says_all_and_threads_nothing() {
    let world = World::new(Api::V3);
    let whole = world.veiled(&["--shift-dates", "--threads", "1"]);
    let again = world.veiled(&["--shift-dates", "--threads", "4"]);
    assert!(whole.bytes() == again.bytes());
    let other = world.convert(&["--pseudonymize", &world.key(1), "--shift-dates"]);
    for (table, field) in [("CCLF8", "BENE_MBI_ID"), ("CCLF8", "BENE_LAST_NAME"), ("CCLF5", "CUR_CLM_UNIQ_ID")] {
        let (one, two) = (whole.column(table, field), other.column(table, field));
        assert!(one.len() == two.len() && one.iter().zip(&two).all(|(one, two)| one.is_empty() || one != two));
    }
    let dates = |output: &Output| output.column("CCLF8", "BENE_DOB");
    let same = dates(&whole).iter().zip(&dates(&other)).filter(|(one, two)| one == two).count();
    assert!(same <= 2, "{same}");
    assert_ne!(whole.summary["pseudonyms"]["key_check"], other.summary["pseudonyms"]["key_check"]);
}

/// One person has one pseudonym in every version's tables.
#[test]
fn runs_join() {
    let found: Vec<(String, String)> = Api::ALL
        .into_iter()
        .flat_map(|api| {
            let world = World::new(api);
            let mbis = |output: &Output| output.column("CCLF8", "BENE_MBI_ID");
            mbis(&world.convert(&[])).into_iter().zip(mbis(&world.veiled(&[]))).collect::<Vec<_>>()
        })
        .collect();
    let people: HashSet<&String> = found.iter().map(|(mbi, _)| mbi).collect();
    let pairs: HashSet<&(String, String)> = found.iter().collect();
    assert_eq!(people.len(), pairs.len());
    assert!(people.len() < found.len(), "the versions have people in common");
}

#[test]
fn every_format_has_the_same_pseudonyms() {
    let world = World::new(Api::V2);
    let csv = world.veiled(&["--shift-dates"]);
    let others = world.veiled(&[&["--shift-dates", "--format", "csv,parquet,cclf"][..], &DELIVERY[..]].concat());
    assert!(csv.bytes() == others.bytes().into_iter().filter(|(name, _)| name.ends_with(".csv")).collect::<Vec<_>>());
    let fixed = |table: &str| {
        let number = table.strip_prefix("CCLF").unwrap();
        let is_it = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().contains(&format!("ZC{number}"));
        files(&others.folder()).into_iter().find(is_it).unwrap_or_else(|| panic!("{table} is no file"))
    };
    for table in ["CCLF1", "CCLF5", "CCLF7", "CCLF8", "CCLF9"] {
        let (header, rows) = csv.table(table);
        let (_, records) = common::layouts::read_fixed(table, &std::fs::read(fixed(table)).unwrap());
        assert_eq!(rows.len(), records.len());
        for (row, record) in rows.iter().zip(&records) {
            let same = header.iter().zip(row.iter().zip(record)).filter(|(_, (cell, field))| cell == field).count();
            assert_eq!(same, header.len(), "{table}: fixed-width has what CSV has");
        }
        let file = std::fs::File::open(others.folder().join(format!("{table}.parquet"))).unwrap();
        let reader =
            parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let mut at = 0;
        for batch in reader.map(Result::unwrap) {
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| {
                    arrow::util::display::ArrayFormatter::try_new(column.as_ref(), &Default::default()).unwrap()
                })
                .collect();
            for n in 0..batch.num_rows() {
                let cells: Vec<String> = columns.iter().map(|column| column.value(n).to_string()).collect();
                assert_eq!(cells, rows[at], "{table}");
                at += 1;
            }
        }
        assert_eq!(at, rows.len());
    }
    let piped = claimfeed()
        .args(["convert", &world.export().display().to_string(), "-o", "-", "--tables", "CCLF5"])
        .args(["--pseudonymize", &world.key(0), "--shift-dates"])
        .output()
        .unwrap();
    assert!(piped.stdout == std::fs::read(csv.folder().join("CCLF5.csv")).unwrap());
    let cut = world.veiled(&["--shift-dates", "--tables", "CCLF5", "--rows-per-file", "50"]);
    let mut parts: Vec<(String, Vec<u8>)> = cut.bytes();
    parts.retain(|(name, _)| name.starts_with("CCLF5-"));
    parts.sort();
    assert!(parts.len() > 1);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let rows: String = parts.iter().map(|(_, bytes)| text(bytes).split_once('\n').unwrap().1.to_string()).collect();
    assert!(rows == text(&piped.stdout).split_once('\n').unwrap().1, "cut tables are the same rows");
    let pairs = world.veiled(&["--adjustments", "cclf-pairs"]);
    let ids = |output: &Output| output.column("CCLF1", "CUR_CLM_UNIQ_ID").into_iter().collect::<HashSet<_>>();
    assert!(ids(&csv).is_subset(&ids(&pairs)));
}

/// Own columns are replaced as their lines say, and without a line there is no run.
#[test]
fn own_columns_are_decided_about() {
    let world = World::new(Api::V2);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own-columns/schemas");
    let schemas = world.folder.path().join("schemas");
    std::fs::create_dir(&schemas).unwrap();
    for file in files(&example) {
        std::fs::copy(&file, schemas.join(file.file_name().unwrap())).unwrap();
    }
    let options = ["--schemas", schemas.to_str().unwrap()];
    let (plain, veiled) = (world.convert(&options), world.veiled(&options));
    let groups = |output: &Output| output.column("CCLF1", "OWN_CLAIM_GROUP");
    assert!(groups(&plain).iter().zip(groups(&veiled)).all(|(one, two)| *one != two && one.len() == two.len()));
    for field in ["CUR_CLM_UNIQ_ID", "BENE_MBI_ID"] {
        let known: HashSet<String> =
            ["CCLF1", "CCLF5", "CCLF6"].iter().flat_map(|table| veiled.column(table, field)).collect();
        assert!(veiled.column("OWN_LINES", field).iter().all(|text| known.contains(text)), "{field} joins");
    }
    std::fs::remove_file(schemas.join("own-pseudonyms.csv")).unwrap();
    let refused = convert(&[&world.export()], &[&["--pseudonymize", world.key(0).as_str()][..], &options].concat());
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("found none for `CCLF1.OWN_CLAIM_GROUP`"), "{}", refused.stderr);
    assert!(!refused.folder().exists(), "told before anything is made");
}

/// `run` has the tables of `convert`, and takes no others for them.
#[test]
fn run_has_them_too() {
    let world = World::new(Api::V2);
    let synth = Synth { beneficiaries: 4, claims_per_beneficiary: 5, ..Synth::new(Api::V2) };
    let secret = "sandbox-secret";
    let settings = Settings { job_time: Duration::ZERO, client_secret: secret.to_string(), ..Settings::new(synth) };
    let server = Server::start(settings).unwrap();
    let (raw, out) = (world.folder.path().join("raw"), world.folder.path().join("tables"));
    let run = |options: &[&str]| {
        let mut command = claimfeed();
        command.args(["run", "--server", &server.url(), "--first-wait", "1", "--poll", "0.02"]);
        command.arg("-o").arg(&raw).arg("--out").arg(&out).args(options);
        command.env_clear().env("BCDA_CLIENT_ID", "sandbox").env("BCDA_CLIENT_SECRET", secret);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let options = |n: usize| ["--pseudonymize".to_string(), world.key(n), "--shift-dates".to_string()];
    let with = |n: usize| run(&options(n).each_ref().map(String::as_str));
    let (code, said) = with(0);
    assert!(matches!(code, 0 | 3), "{said}");
    let converted = convert(&[&raw], &options(0).each_ref().map(String::as_str));
    for (name, bytes) in converted.bytes() {
        assert!(std::fs::read(out.join(&name)).unwrap() == bytes, "{name}");
    }
    // All is there already: for the same key that is well, for another it is not.
    assert_eq!(with(0).0, 0);
    let (code, said) = with(1);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("expected tables with pseudonyms of this key") && said.contains("found others"), "{said}");
}

/// What is told of a key file, and never what is in it.
#[test]
fn keys_that_are_none() {
    let world = World::new(Api::V2);
    let folder = world.folder.path();
    let secret = "5ec4e7";
    let sound = secret.repeat(11)[..64].to_string();
    let file = |name: &str, text: &str, mode: u32| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        path.display().to_string()
    };
    let hint = "  hint: make a key with `(umask 077; openssl rand -hex 32 > key)` and keep it apart from the tables\n";
    let cases = [
        (
            file("readable", &sound, 0o644),
            "expected a key that only its owner can read, found mode 644: `{}`\n  hint: `chmod 600` it; if others may have read it, make a new one\n".to_string(),
        ),
        (file("short", &sound[1..], 0o600), format!("expected 64 hexadecimal digits in a key file, found 63: `{{}}`\n{hint}")),
        (file("long", &format!("{sound}{sound}"), 0o600), format!("expected 64 hexadecimal digits in a key file, found more: `{{}}`\n{hint}")),
        (
            file("word", &format!("{}!", &sound[1..]), 0o600),
            format!("expected 64 hexadecimal digits in a key file, found another character at position 64: `{{}}`\n{hint}"),
        ),
        (folder.display().to_string(), format!("expected a file with a key, found something else: `{{}}`\n{hint}")),
        (folder.join("none").display().to_string(), "cannot read `{}`: No such file or directory (os error 2)\n".to_string()),
    ];
    for (path, message) in cases {
        let output = convert(&[&world.export()], &["--pseudonymize", &path]);
        assert!(output.stderr.ends_with(&message.replace("{}", &path)), "{}\n{message}", output.stderr);
        assert_eq!(output.code, if path.ends_with("none") { 1 } else { 2 }, "{path}");
        assert!(!output.stderr.contains(secret) && !output.folder().exists(), "{path}");
    }
    let alone = convert(&[&world.export()], &["--shift-dates"]);
    assert_eq!(alone.code, 2);
    assert!(alone.stderr.contains("--pseudonymize"), "{}", alone.stderr);
}
