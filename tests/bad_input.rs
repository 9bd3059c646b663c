//! Bad input: a clear message with its place, the run goes on, nothing else is lost, no value is told.

mod common;

use std::io::Write;
use std::path::Path;

use claimfeed::Api;
use claimfeed::sandbox::{Resource, Shape, Synth};
use common::{Output, convert};

/// One beneficiary without oddities: Patient, Coverages, claims, each a line.
fn lines() -> Vec<(Resource, String)> {
    let mut lines = Vec::new();
    let synth = Synth { claims_per_beneficiary: 12, seed: 5, shape: Shape::plain(), ..Synth::new(Api::V2) };
    synth.beneficiary(0, &mut |resource, line| lines.push((resource, String::from_utf8(line.to_vec()).unwrap())));
    lines
}

fn write(folder: &Path, lines: &[Vec<u8>]) {
    let mut file = std::fs::File::create(folder.join("export")).unwrap();
    for line in lines {
        file.write_all(line).unwrap();
        file.write_all(b"\n").unwrap();
    }
}

/// Converts the lines with the line at `at` replaced.
fn with_line(at: usize, bytes: &[u8], options: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut all: Vec<Vec<u8>> = lines().into_iter().map(|(_, line)| line.into_bytes()).collect();
    all[at] = bytes.to_vec();
    write(folder.path(), &all);
    convert(&[folder.path()], options)
}

/// A claim that stands in the middle, with its text.
fn a_claim() -> (usize, String) {
    let (at, (_, line)) = lines()
        .into_iter()
        .enumerate()
        .filter(|(_, (resource, line))| *resource == Resource::ExplanationOfBenefit && line.contains("\"CARRIER\""))
        .nth(1)
        .unwrap();
    (at, line)
}

fn replaced(line: &str, from: &str, to: &str) -> Vec<u8> {
    assert!(line.contains(from), "{from}");
    line.replacen(from, to, 1).into_bytes()
}

/// Exit 3, one issue of this kind at this line, and every other line's rows as without the damage.
fn loses_one_line(at: usize, bytes: &[u8], kind: &str, message: &str) {
    let output = with_line(at, bytes, &["--lineage"]);
    assert_eq!(output.code, 3, "{kind}: {}", output.stderr);
    let issues = output.issues();
    assert_eq!(issues.len(), 1, "{issues:?}");
    assert_eq!((issues[0][1].as_str(), issues[0][3].as_str()), (kind, (at + 1).to_string().as_str()));
    assert!(issues[0][8].contains(message), "{}", issues[0][8]);
    let counted = &output.summary["issues"][0];
    assert_eq!((counted["kind"].as_str(), counted["count"].as_u64()), (Some(kind), Some(1)));
    assert_eq!(counted["example"]["line"], at as u64 + 1);

    let sound = with_line(at, b"", &["--lineage"]);
    assert_eq!(sound.code, 0, "a blank line is no trouble: {}", sound.stderr);
    assert_eq!(output.bytes(), sound.bytes(), "{kind}: other lines changed");
}

#[test]
fn lines_that_are_no_resource() {
    let (at, line) = a_claim();
    let cut = &line.as_bytes()[..line.len() / 2];
    loses_one_line(at, cut, "broken-line", "expected one JSON resource");
    loses_one_line(at, line.replacen(':', ";", 1).as_bytes(), "broken-line", "expected one JSON resource");
    let mut bytes = line.clone().into_bytes();
    let middle = bytes.len() / 2;
    bytes[middle] = 0xFF;
    loses_one_line(at, &bytes, "broken-line", "expected one JSON resource");
    bytes[middle] = 0;
    loses_one_line(at, &bytes, "broken-line", "expected one JSON resource");
    loses_one_line(at, format!("{line}{line}").as_bytes(), "broken-line", "expected one JSON resource");
    loses_one_line(at, b"<html><body>504 Gateway Time-out</body></html>", "broken-line", "expected one JSON resource");
    loses_one_line(at, "[".repeat(10_000).as_bytes(), "broken-line", "expected one JSON resource");
    loses_one_line(at, b"{}", "unknown-resource", "found JSON without a resourceType");
    loses_one_line(at, b"[1,2]", "unknown-resource", "found JSON without a resourceType");
    loses_one_line(at, br#"{"resourceType":"Bundle","entry":[]}"#, "unknown-resource", "found another resource");
    let no_type = replaced(&line, "\"code\":\"CARRIER\"", "\"code\":\"SOMETHING\"");
    loses_one_line(
        at,
        &no_type,
        "unknown-claim-family",
        "expected a claim with an EOB type, found one that no table knows",
    );
}

#[test]
fn a_line_over_64_mb_is_left_out() {
    let (at, line) = a_claim();
    let padding = " ".repeat((64 << 20) + 1);
    loses_one_line(
        at,
        replaced(&line, "{", &format!("{{{padding}")).as_slice(),
        "long-line",
        "expected lines of at most 64 MB",
    );
}

/// Of a line that is too long every byte counts, though nobody looks at all of them.
#[test]
fn bytes_are_counted_behind_the_end_of_what_is_read() {
    let (at, line) = a_claim();
    let long = replaced(&line, "{", &format!("{{{}", " ".repeat(70 << 20)));
    for pack in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut all: Vec<Vec<u8>> = lines().into_iter().map(|(_, line)| line.into_bytes()).collect();
        all[at] = long.clone();
        write(folder.path(), &all);
        let plain = std::fs::read(folder.path().join("export")).unwrap();
        if pack {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&plain).unwrap();
            std::fs::write(folder.path().join("export"), encoder.finish().unwrap()).unwrap();
        }
        let output = convert(&[folder.path()], &[]);
        assert_eq!(output.code, 3, "{}", output.stderr);
        assert_eq!(output.summary["inputs"][0]["uncompressed_bytes"], plain.len());
    }
}

/// A row repeats what stands in its claim, so what is far too wide is not written at all.
#[test]
fn texts_and_ids_that_nobody_has_are_not_repeated_in_every_row() {
    let wide = "9".repeat(2000);
    let (at, line) = a_claim();
    let start = line.find("\"id\":\"").unwrap() + 6;
    let end = start + line[start..].find('"').unwrap();
    let long_id = [&line[..start], &wide, &line[end..]].concat();
    loses_one_line(at, long_id.as_bytes(), "long-id", "expected an id of at most 1024 bytes");
    let code = ["\"code\":\"71\"", "\"code\":\"72\""].into_iter().find(|code| line.contains(code)).unwrap();
    let output = with_line(at, &replaced(&line, code, &format!("\"code\":\"{wide}\"")), &["--lineage"]);
    assert_eq!(output.code, 3, "{}", output.stderr);
    let (header, rows) = output.table("CCLF5");
    let column = |name: &str| header.iter().position(|label| label == name).unwrap();
    let rows: Vec<_> = rows.iter().filter(|row| row[column("source_line")] == (at + 1).to_string()).collect();
    assert!(!rows.is_empty() && rows.iter().all(|row| row[column("CLM_TYPE_CD")].is_empty()));
    assert!(output.issues().iter().any(|issue| issue[1] == "misfit" && issue[7] == "CCLF5.CLM_TYPE_CD"));
}

/// Lines that are no resource, by the million: told once each, when the claims are read.
#[test]
fn a_file_of_rubbish_is_told_line_by_line_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<Vec<u8>> = lines().into_iter().map(|(_, line)| line.into_bytes()).collect();
    write(folder.path(), &all);
    std::fs::write(folder.path().join("rubbish"), "x\n".repeat(100_000)).unwrap();
    let output = convert(&[folder.path()], &["--threads", "2"]);
    assert_eq!(output.code, 3, "{}", output.stderr);
    let issues = output.issues();
    assert_eq!(issues.len(), 100_000);
    assert!(issues.iter().enumerate().all(|(at, issue)| issue[1] == "broken-line" && issue[3] == (at + 1).to_string()));
}

#[test]
fn a_hidden_link_to_nowhere_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<Vec<u8>> = lines().into_iter().map(|(_, line)| line.into_bytes()).collect();
    write(folder.path(), &all);
    std::os::unix::fs::symlink("nobody@nowhere.1", folder.path().join(".#export")).unwrap();
    let output = convert(&[folder.path()], &[]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(output.summary["ignored_files"].as_array().map(Vec::len), Some(1), "{:#}", output.summary);
}

/// Exit 3, one issue about a field; the row is there, the cell is blank.
fn blanks_one_cell(from: &str, to: &str, kind: &str, field: &str, message: &str) {
    let (at, line) = a_claim();
    let output = with_line(at, &replaced(&line, from, to), &["--lineage"]);
    assert_eq!(output.code, 3, "{}", output.stderr);
    let issues = output.issues();
    let issue = issues.iter().find(|issue| issue[7] == field).unwrap_or_else(|| panic!("{field}: {issues:?}"));
    assert_eq!((issue[1].as_str(), issue[3].as_str()), (kind, (at + 1).to_string().as_str()));
    assert!(issue[8].contains(message), "{}", issue[8]);
    let (table, label) = field.split_once('.').unwrap();
    let (header, rows) = output.table(table);
    let column = |name: &str| header.iter().position(|label| label == name).unwrap();
    let row = rows.iter().find(|row| row[column("source_line")] == (at + 1).to_string()).unwrap();
    if kind == "misfit" {
        assert_eq!(row[column(label)], "", "{field}");
    }
    let sound = with_line(at, line.as_bytes(), &["--lineage"]);
    assert_eq!(sound.code, 0);
    assert_eq!(sound.table(table).1.len(), rows.len());
}

#[test]
fn values_that_do_not_fit_are_blank_and_told() {
    let (_, line) = a_claim();
    let start = line.find("\"billablePeriod\":{\"end\":\"").unwrap() + "\"billablePeriod\":{\"end\":\"".len();
    let date = &line[start..start + 10];
    let end = format!("\"billablePeriod\":{{\"end\":\"{date}\"");
    let with = |text: &str| format!("\"billablePeriod\":{{\"end\":\"{text}\"");
    blanks_one_cell(&end, &with("2023-02-30"), "misfit", "CCLF5.CLM_THRU_DT", "not a full date");
    blanks_one_cell(&end, &with("2023"), "misfit", "CCLF5.CLM_THRU_DT", "not a full date");
    let allowed = line.find("variables/line_alowd_chrg_amt").unwrap();
    let amount = line[..allowed].rfind("\"value\":").unwrap() + "\"value\":".len();
    let number: String = line[amount..].chars().take_while(|c| *c != '}').collect();
    let from = &line[amount - "\"value\":".len()..allowed];
    for (text, message) in [
        ("0.005", "more decimals than its picture"),
        ("99999999999999", "wider than its picture"),
        ("\"abc\"", "not a number"),
    ] {
        let to = from.replacen(&format!("\"value\":{number}"), &format!("\"value\":{text}"), 1);
        blanks_one_cell(from, &to, "misfit", "CCLF5.CLM_LINE_ALOWD_CHRG_AMT", message);
    }
    let doubled = r#""identifier":[{"system":"https://bluebutton.cms.gov/resources/variables/clm_id","value":"77"},"#;
    blanks_one_cell(
        "\"identifier\":[",
        doubled,
        "ambiguous-value",
        "CCLF5.CUR_CLM_UNIQ_ID",
        "found several different ones",
    );
}

#[test]
fn unknown_codes_and_unknown_patients_are_told() {
    let all = lines();
    let patient = all.iter().position(|(resource, _)| *resource == Resource::Patient).unwrap();
    let sex = all[patient].1.find("\"gender\":\"").unwrap();
    let gender: String = all[patient].1[sex..].chars().take_while(|c| *c != ',').collect();
    let output = with_line(patient, &replaced(&all[patient].1, &gender, "\"gender\":\"neither\""), &[]);
    assert_eq!(output.code, 3);
    assert_eq!(output.issues()[0][1], "unknown-code");
    assert_eq!(output.issues()[0][7], "CCLF8.BENE_SEX_CD");
    // The code is told, and another place of the Patient says the sex.
    assert!(["1", "2"].contains(&output.column("CCLF8", "BENE_SEX_CD")[0].as_str()));

    let output = with_line(patient, b"", &[]);
    assert_eq!(output.code, 3);
    let count = |wanted: Resource| all.iter().filter(|(resource, _)| *resource == wanted).count();
    let (claims, coverages) = (count(Resource::ExplanationOfBenefit), count(Resource::Coverage));
    let unknown = |resource: &str| {
        output.issues().iter().filter(|issue| issue[1] == "unknown-patient" && issue[5] == resource).count()
    };
    assert_eq!((unknown("ExplanationOfBenefit"), unknown("Coverage")), (claims, coverages));
    assert!(output.column("CCLF5", "BENE_MBI_ID").iter().all(String::is_empty), "rows stay, without MBI");
}

#[test]
fn strict_ends_at_the_first_loss_and_leaves_no_tables() {
    let (at, _) = a_claim();
    let output = with_line(at, b"{", &["--strict"]);
    assert_eq!(output.code, 3);
    assert!(output.stderr.contains(&format!("line {}", at + 1)), "{}", output.stderr);
    assert!(output.stderr.contains("without `--strict`"), "{}", output.stderr);
    assert!(output.bytes().is_empty());
    assert!(!output.folder().join("summary.json").exists());
    assert!(!output.folder().exists(), "nothing half-written is left, not even the folder");
}

#[test]
fn a_cut_gzip_keeps_its_whole_lines() {
    let folder = tempfile::tempdir().unwrap();
    let all = lines();
    let text: String = all.iter().flat_map(|(_, line)| [line.as_str(), "\n"]).collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(text.as_bytes()).unwrap();
    let bytes = encoder.finish().unwrap();
    std::fs::write(folder.path().join("export"), &bytes[..bytes.len() * 2 / 3]).unwrap();
    let output = convert(&[folder.path()], &[]);
    assert_eq!(output.code, 3, "{}", output.stderr);
    assert_eq!(output.issues().len(), 1);
    assert_eq!(output.issues()[0][1], "broken-file");
    assert!(output.issues()[0][8].contains("cut short"));

    // The same rows as from the lines that were whole.
    let whole: usize = output.summary["inputs"][0]["lines"].as_u64().unwrap() as usize;
    assert!(whole > 3 && whole < all.len());
    let plain = tempfile::tempdir().unwrap();
    write(plain.path(), &all[..whole].iter().map(|(_, line)| line.clone().into_bytes()).collect::<Vec<_>>());
    assert_eq!(output.bytes(), convert(&[plain.path()], &[]).bytes());
}

#[test]
fn messages_never_show_values() {
    // A marker in place of values of every kind of the claim, in a line that is then broken as well.
    let (at, line) = a_claim();
    let marked = line.replace("\"value\":\"", "\"value\":\"ZQXJ").replace("\"code\":\"9", "\"code\":\"ZQXJ9");
    for damage in
        [marked.clone(), marked[..marked.len() - 5].to_string(), marked.replacen("\"end\":\"", "\"end\":\"ZQXJ", 1)]
    {
        let output = with_line(at, damage.as_bytes(), &[]);
        assert!(!output.stderr.contains("ZQXJ"), "{}", output.stderr);
        assert!(!output.summary.to_string().contains("ZQXJ"));
        assert!(output.issues().iter().all(|issue| !issue[8].contains("ZQXJ")));
    }
}

#[test]
fn a_claim_without_lines_is_told() {
    let (at, line) = a_claim();
    let mut claim: serde_json::Value = serde_json::from_str(&line).unwrap();
    claim.as_object_mut().unwrap().remove("item");
    let output = with_line(at, claim.to_string().as_bytes(), &[]);
    assert_eq!(output.code, 3);
    let issues = output.issues();
    assert_eq!((issues[0][1].as_str(), issues[0][3].as_str()), ("no-lines", (at + 1).to_string().as_str()));
}

#[test]
fn an_error_file_of_the_server_is_told_as_such() {
    let (at, _) = a_claim();
    let outcome = br#"{"resourceType":"OperationOutcome","issue":[{"severity":"error"}]}"#;
    loses_one_line(at, outcome, "server-error", "the server reports trouble");
}
