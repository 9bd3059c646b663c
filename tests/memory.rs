//! How much memory a run takes. Everything known of a beneficiary waits until the last claim was met, so it must be little;
//! what tells which claims of several deliveries count must take none, but for those that do not. README states the sizes of
//! both; this holds them.
//!
//! `make torture` (CLAIMFEED_TORTURE=1) takes five million beneficiaries instead of 200,000, and two million claims.

mod common;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::claimfeed;

/// What a beneficiary may take beside what a run takes anyway: texts of 200 bytes, and what finds them again.
const EACH: u64 = 360;
const ANYWAY: u64 = 32 << 20;
/// What claims' keys may take, however many there are.
const KEYS: u64 = 6 << 20;
/// What a claim that counts no more may take: 8 bytes, and as much while they are counted up.
const REPLACED: u64 = 16;

/// An MBI that nobody has: its second place is an S.
fn mbi(number: u64) -> String {
    const LETTERS: &[u8] = b"ACDEFGHJKMNPQRTUVWXY";
    let mut rest = number as usize;
    let mut take = |among: usize| {
        let digit = rest % among;
        rest /= among;
        if among == 10 { char::from(b'0' + digit as u8) } else { char::from(LETTERS[digit]) }
    };
    ["1S".to_string()]
        .into_iter()
        .chain([20, 10, 20, 20, 10, 20, 20, 10, 10].map(|among| take(among).to_string()))
        .collect()
}

/// Patients of v2 with all that the table of beneficiaries wants of them, in compressed files.
fn export(folder: &Path, count: u64) {
    const FILES: u64 = 16;
    std::fs::create_dir(folder).unwrap();
    for file in 0..FILES {
        let path = folder.join(format!("Patient.{file:04}.ndjson.zst"));
        let mut out = zstd::Encoder::new(std::fs::File::create(path).unwrap(), 1).unwrap();
        for n in (count * file / FILES)..(count * (file + 1) / FILES) {
            let (id, mbi, zip) = (100_000_000 + n, mbi(n), n % 1_000_000_000);
            let (year, month, day) = (1920 + n % 60, 1 + n % 12, 1 + n % 28);
            let (street, town, family, given) = (n % 9973, n % 997, n % 50_000, n % 5000);
            writeln!(out, r#"{{"address":[{{"city":"Town {town}","line":["{street} Main Street"],"postalCode":"{zip:09}","state":"MD"}}],"birthDate":"{year}-{month:02}-{day:02}","gender":"female","id":"{id}","identifier":[{{"system":"https://bluebutton.cms.gov/resources/variables/bene_id","type":{{"coding":[{{"code":"FILL"}}]}},"value":"{id}"}},{{"system":"http://hl7.org/fhir/sid/us-mbi","type":{{"coding":[{{"code":"MC","system":"http://terminology.hl7.org/CodeSystem/v2-0203"}}]}},"value":"{mbi}"}}],"meta":{{"lastUpdated":"2025-02-03T04:05:06.789-05:00","profile":["http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Patient"]}},"name":[{{"family":"Family{family}","given":["Given{given}","R"],"use":"usual"}}],"resourceType":"Patient"}}"#).unwrap();
        }
        out.finish().unwrap();
    }
}

fn is_torture() -> bool {
    std::env::var_os("CLAIMFEED_TORTURE").is_some()
}

/// Converts an export to its end; the most bytes of memory it ever had.
#[cfg(target_os = "linux")]
fn peak_of(export: &Path, out: &Path, tables: &str) -> u64 {
    let mut command = claimfeed();
    command.arg("convert").arg(export).arg("-o").arg(out).args(["--threads", "2", "--tables", tables]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        let said = std::fs::read_to_string(&status).unwrap_or_default();
        let high =
            said.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(high.unwrap_or(0) * 1024);
        match child.try_wait().unwrap() {
            Some(ended) => break ended,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    assert_eq!(ended.code(), Some(0));
    assert!(peak > 0, "nothing was ever measured");
    peak
}

#[test]
#[cfg(target_os = "linux")]
fn a_population_takes_so_many_bytes_each() {
    let count = if is_torture() { 5_000_000 } else { 200_000 };
    let parent = tempfile::tempdir().unwrap();
    let (export_folder, out) = (parent.path().join("export"), parent.path().join("tables"));
    export(&export_folder, count);
    let start = Instant::now();
    let peak = peak_of(&export_folder, &out, "CCLF8,CCLF9");
    eprintln!(
        "{count} beneficiaries: {} MB, {} bytes each, {:.1} s",
        peak >> 20,
        peak / count,
        start.elapsed().as_secs_f64()
    );

    let table = std::io::BufReader::new(std::fs::File::open(out.join("CCLF8.csv")).unwrap());
    let mut rows = csv::Reader::from_reader(table).into_records();
    let (mut found, mut last) = (0, None);
    for row in rows.by_ref() {
        found += 1;
        last = Some(row.unwrap());
    }
    assert_eq!(found, count, "each has its row");
    assert_eq!(last.unwrap()[0], mbi(count - 1));
    let bound = ANYWAY + EACH * count;
    assert!(peak < bound, "expected at most {bound} bytes, found {peak}");
}

/// A delivery of v2: one beneficiary with claims of these numbers. Claims of one number are of one group.
fn delivery(folder: &Path, name: &str, day: u32, numbers: std::ops::Range<u64>) {
    let folder = folder.join(name);
    export(&folder, 1);
    let file = std::fs::File::create(folder.join("ExplanationOfBenefit.ndjson.zst")).unwrap();
    let mut out = zstd::Encoder::new(file, 1).unwrap();
    for n in numbers {
        writeln!(out, r#"{{"billablePeriod":{{"end":"2025-01-02","start":"2025-01-02"}},"extension":[{{"url":"https://bluebutton.cms.gov/resources/variables/nch_near_line_rec_ident_cd","valueCoding":{{"code":"O","system":"https://bluebutton.cms.gov/resources/variables/nch_near_line_rec_ident_cd"}}}}],"id":"carrier-{day}{n:09}","identifier":[{{"system":"https://bluebutton.cms.gov/resources/variables/clm_id","value":"{day}{n:09}"}},{{"system":"https://bluebutton.cms.gov/resources/identifier/claim-group","value":"{n}"}}],"item":[{{"sequence":1}}],"meta":{{"lastUpdated":"2025-02-{day:02}T04:05:06.789-05:00"}},"patient":{{"reference":"Patient/100000000"}},"resourceType":"ExplanationOfBenefit","status":"active","type":{{"coding":[{{"code":"CARRIER","system":"https://bluebutton.cms.gov/resources/codesystem/eob-type"}},{{"code":"71","system":"https://bluebutton.cms.gov/resources/variables/nch_clm_type_cd"}}]}},"use":"claim"}}"#).unwrap();
    }
    out.finish().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn of_several_deliveries_only_claims_that_do_not_count_take_any() {
    let count = if is_torture() { 1_000_000 } else { 200_000 };
    let parent = tempfile::tempdir().unwrap();
    let (export_folder, out) = (parent.path().join("export"), parent.path().join("tables"));
    std::fs::create_dir(&export_folder).unwrap();
    delivery(&export_folder, "earlier", 11, 0..count);
    delivery(&export_folder, "later", 12, 0..count);
    let peak = peak_of(&export_folder, &out, "CCLF5");
    eprintln!("{} claims: {} MB", 2 * count, peak >> 20);

    let lines = std::fs::read(out.join("CCLF5.csv")).unwrap();
    let lines = lines.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert_eq!(lines, 1 + count, "the later claim of each group has its line");
    let bound = ANYWAY + KEYS + REPLACED * count;
    assert!(peak < bound, "expected at most {bound} bytes, found {peak}");
}
