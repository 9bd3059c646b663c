//! The reconciliation: counts that are exact, months that add up, a page that needs nothing else.

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use claimfeed::Api;
use claimfeed::sandbox::Synth;
use common::{Output, claimfeed, convert};
use serde_json::Value;

fn export(api: Api, folder: &Path) -> PathBuf {
    let export = folder.join(api.name());
    Synth { beneficiaries: 20, seed: 5, ..Synth::new(api) }.write(&export).unwrap();
    export
}

fn report(output: &Output, options: &[&str]) -> (i32, String, String) {
    let run = claimfeed().arg("report").arg(output.folder()).args(options).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (run.status.code().unwrap(), text(run.stdout), text(run.stderr))
}

fn names(value: &Value) -> Vec<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn fill_counts_are_the_cells_that_are_not_blank() {
    let folder = tempfile::tempdir().unwrap();
    for api in Api::ALL {
        let export = export(api, folder.path());
        for options in [&["--threads", "1"][..], &["--threads", "3", "--lineage"], &["--tables", "CCLF5,CCLF8"]] {
            let output = convert(&[&export], options);
            let mut compared = 0;
            for table in names(&output.summary["tables"]) {
                let (header, rows) = output.table(&table);
                assert_eq!(output.summary["tables"][&table], rows.len());
                let fields = output.summary["fields"][&table].as_array().unwrap();
                for (at, field) in fields.iter().enumerate() {
                    assert_eq!(field["field"], header[at]);
                    let filled = rows.iter().filter(|row| !row[at].is_empty()).count();
                    assert_eq!(field["filled"], filled, "{api} {table}.{}", header[at]);
                    compared += 1;
                }
            }
            assert_eq!(compared, if options[0] == "--tables" { 83 } else { 286 });
        }
    }
}

/// Claims and cents of an export by claim type and month, told by its JSON alone.
fn by_month(export: &Path) -> BTreeMap<(String, String), (u64, i128)> {
    const FAMILIES: [&str; 8] = ["CARRIER", "DME", "HHA", "HOSPICE", "INPATIENT", "OUTPATIENT", "PDE", "SNF"];
    let mut months: BTreeMap<(String, String), (u64, i128)> = BTreeMap::new();
    for line in std::fs::read_to_string(export.join("ExplanationOfBenefit.ndjson")).unwrap().lines() {
        let claim: Value = serde_json::from_str(line).unwrap();
        let codes = claim["type"]["coding"].as_array().map_or(&[][..], Vec::as_slice);
        let family = codes.iter().filter_map(|coding| coding["code"].as_str()).find(|code| FAMILIES.contains(code));
        let Some(family) = family else { continue };
        let date = if family == "PDE" { &claim["item"][0]["servicedDate"] } else { &claim["billablePeriod"]["end"] };
        let month = date.as_str().map_or("unknown", |date| &date[..7]);
        let paid = claim["payment"]["amount"]["value"].as_f64().map_or(0, |paid| (paid * 100.0).round() as i128);
        let sums = months.entry((family.to_string(), month.to_string())).or_default();
        sums.0 += 1;
        sums.1 += paid;
    }
    months
}

fn cents(value: &Value) -> i128 {
    value.as_str().unwrap().replace('.', "").parse().unwrap()
}

#[test]
fn months_are_those_of_the_claims_and_add_up() {
    let folder = tempfile::tempdir().unwrap();
    for api in Api::ALL {
        let export = export(api, folder.path());
        let output = convert(&[&export], &["--threads", "2"]);
        let expected = by_month(&export);
        let payments = &output.summary["payments"];
        let mut found = BTreeMap::new();
        let mut rows: BTreeMap<(String, String), u64> = BTreeMap::new();
        for family in names(payments) {
            let total = &payments[&family];
            let (mut claims, mut skipped, mut written) = (0, 0, 0);
            for (month, sums) in total["months"].as_object().unwrap() {
                let read = sums["claims"].as_u64().unwrap();
                found.insert((family.clone(), month.clone()), (read, cents(&sums["read"])));
                claims += read;
                skipped += sums["claims_skipped"].as_u64().unwrap();
                assert!(sums["claims_written"].as_u64().unwrap() <= read);
                written += cents(&sums["written"]);
                for (table, count) in sums["rows"].as_object().unwrap() {
                    *rows.entry((table.clone(), month.clone())).or_default() += count.as_u64().unwrap();
                }
                if total["equal"] == true {
                    assert_eq!(
                        cents(&sums["read"]) - cents(&sums["skipped"]),
                        cents(&sums["written"]),
                        "{family} {month}"
                    );
                }
            }
            assert_eq!((&total["claims"], &total["claims_skipped"]), (&claims.into(), &skipped.into()));
            assert_eq!(cents(&total["written"]), written);
        }
        assert_eq!(found, expected, "{api}");
        assert!(found.len() > 40);

        // Rows by month, told by the date that the family is dated by.
        let mut by_table: BTreeMap<(String, String), u64> = BTreeMap::new();
        for (table, date) in [
            ("CCLF1", "CLM_THRU_DT"),
            ("CCLF2", "CLM_THRU_DT"),
            ("CCLF5", "CLM_THRU_DT"),
            ("CCLF7", "CLM_LINE_FROM_DT"),
        ] {
            for date in output.column(table, date) {
                let month = date.get(..7).unwrap_or("unknown");
                *by_table.entry((table.to_string(), month.to_string())).or_default() += 1;
            }
        }
        rows.retain(|(table, _), _| ["CCLF1", "CCLF2", "CCLF5", "CCLF7"].contains(&table.as_str()));
        assert_eq!(rows, by_table, "{api}");
    }
}

#[test]
fn a_claim_without_a_readable_date_counts_in_no_month() {
    let folder = tempfile::tempdir().unwrap();
    let claims = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/v2/export/ExplanationOfBenefit.ndjson");
    let mut claim: Value =
        serde_json::from_str(std::fs::read_to_string(claims).unwrap().lines().next().unwrap()).unwrap();
    claim["billablePeriod"]["end"] = "soon".into();
    std::fs::write(folder.path().join("claims"), format!("{claim}\n")).unwrap();
    let output = convert(&[folder.path()], &[]);
    assert_eq!(output.code, 3);
    let payments = &output.summary["payments"];
    let family = &names(payments)[0];
    assert_eq!(names(&payments[family]["months"]), ["unknown"]);
    assert!(report(&output, &["--full"]).1.contains("unknown"));
}

#[test]
fn the_report_needs_the_summary_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let output = convert(&[&export(Api::V3, folder.path())], &[]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let page = std::fs::read_to_string(output.folder().join("report.html")).unwrap();
    for (name, _) in output.bytes() {
        std::fs::remove_file(output.folder().join(name)).unwrap();
    }
    let (code, text, stderr) = report(&output, &[]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(text.starts_with("BCDA v3 to CCLF, finished 20"), "{text}");
    assert!(text.contains("\ncomplete: nothing was lost"), "{text}");
    assert!(!text.contains("2024-01"));
    assert!(report(&output, &["--full"]).1.contains("   2024-01   "));

    let (code, json, _) = report(&output, &["--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["verdict"], &json["api"]), (0, &"complete".into(), &"v3".into()));
    for family in json["families"].as_array().unwrap() {
        let (total, summary) = (&family["total"], &output.summary["payments"][family["family"].as_str().unwrap()]);
        assert_eq!((&total["claims_in"], &total["paid_in"]), (&summary["claims"], &summary["read"]));
        let number = |name: &str| total[name].as_u64().unwrap();
        assert_eq!(
            number("claims_in"),
            number("claims_skipped") + number("claims_out") + number("claims_without_rows")
        );
        assert_eq!(total["difference"], if summary["equal"] == true { "0.00" } else { "" });
    }

    let target = folder.path().join("page.html");
    assert_eq!(report(&output, &["--html", target.to_str().unwrap()]), (0, String::new(), String::new()));
    assert_eq!(std::fs::read_to_string(&target).unwrap(), page);
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(report(&output, &["--html", "-"]).1, page);
}

#[test]
fn the_page_needs_no_network_and_no_script_and_holds_no_value() {
    let folder = tempfile::tempdir().unwrap();
    for api in Api::ALL {
        let output = convert(&[&export(api, folder.path())], &[]);
        let path = output.folder().join("report.html");
        let page = std::fs::read_to_string(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(page.starts_with("<!DOCTYPE html>"));
        assert!(page.contains(&format!("<h1>BCDA {api} to CCLF: reconciliation of 20")), "{api}");
        for word in ["http", "src=", "href=", "@import", "<script", "url(", "ExplanationOfBenefit.ndjson"] {
            assert!(!page.contains(word), "{word}");
        }
        for table in names(&output.summary["tables"]) {
            assert!(page.contains(&format!("<h3>{table} <small>")), "{table}");
        }
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
        assert_eq!(page.matches("</g>").count(), 286);
        for (table, label) in [
            ("CCLF8", "BENE_MBI_ID"),
            ("CCLF8", "BENE_LAST_NAME"),
            ("CCLF8", "BENE_DOB"),
            ("CCLF1", "CUR_CLM_UNIQ_ID"),
            ("CCLF5", "CLM_CNTL_NUM"),
            ("CCLF5", "CLM_FROM_DT"),
        ] {
            let values = output.column(table, label);
            assert!(values.iter().any(|value| value.len() > 3));
            let finished = &output.summary["finished"].as_str().unwrap()[..10];
            for value in values.iter().filter(|value| value.len() > 3 && *value != finished) {
                assert!(
                    !page.contains(&format!(">{value}<")) && !page.contains(&format!("\"{value}\"")),
                    "{table}.{label}"
                );
                assert!(value.len() < 10 || !page.contains(value.as_str()), "{table}.{label}");
            }
        }
    }
}

#[test]
fn losses_are_told_and_decide_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let export = export(Api::V2, folder.path());
    let path = export.join("ExplanationOfBenefit.ndjson");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}{{\"broken\n")).unwrap();
    let output = convert(&[&export], &[]);
    assert_eq!(output.code, 3);
    let (code, text, _) = report(&output, &[]);
    assert_eq!(code, 3);
    assert!(text.contains("\ndone with losses:") && text.contains("broken-line"), "{text}");
    let page = report(&output, &["--html", "-"]).1;
    assert!(page.contains("Done with losses.") && page.contains("<td>broken-line</td>"));

    // Sums that differ with nothing lost: only a wrong program can make them.
    let mut summary = output.summary.clone();
    summary["issues"] = Value::Array(Vec::new());
    let family =
        names(&summary["payments"]).into_iter().find(|name| summary["payments"][name]["equal"] == true).unwrap();
    summary["payments"][&family]["equal"] = false.into();
    std::fs::write(output.folder().join("summary.json"), summary.to_string()).unwrap();
    let (code, text, _) = report(&output, &[]);
    assert_eq!(code, 4);
    assert!(text.contains("\nsums differ:"), "{text}");
}

#[test]
fn what_is_no_summary_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = |folder: &Path| {
        let run = claimfeed().arg("report").arg(folder).output().unwrap();
        (run.status.code().unwrap(), String::from_utf8(run.stderr).unwrap())
    };
    let (code, message) = run(folder.path());
    assert_eq!(code, 2);
    assert!(
        message.contains("expected summary.json at") && message.contains("hint: name the output folder"),
        "{message}"
    );
    for (text, found) in [
        ("{\"summary_version\": 1}", "found version 1"),
        ("{}", "found a document without `summary_version`"),
        ("{", "found no JSON"),
        ("{\"summary_version\": 2}", "found one that does not read (missing field"),
    ] {
        std::fs::write(folder.path().join("summary.json"), text).unwrap();
        let (code, message) = run(folder.path());
        assert_eq!(code, 2);
        assert!(message.contains("expected a summary of version 2") && message.contains(found), "{message}");
    }
}
