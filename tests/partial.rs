//! Partially adjudicated claims: rows of their own, gone once the adjudicated claim is there.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::{Output, claimfeed, convert, read_csv, score, shared};
use serde_json::{Value, json};

const TABLES: [&str; 6] = ["CCLF1", "CCLF2", "CCLF3", "CCLF4", "CCLF5", "CCLF6"];
const STATUS: [&str; 3] = ["STATUS_CD", "OUTCOME", "SOURCE_SYSTEM"];

fn testdata(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(version).join("export")
}

fn partial_table(output: &Output, table: &str) -> (Vec<String>, Vec<BTreeMap<String, String>>) {
    let (header, rows) = read_csv(&output.folder().join("partial").join(format!("{table}.csv")));
    let rows = rows.into_iter().map(|row| header.iter().cloned().zip(row).collect()).collect();
    (header, rows)
}

fn partial_summary(output: &Output) -> Value {
    serde_json::from_slice(&std::fs::read(output.folder().join("partial/summary.json")).unwrap()).unwrap()
}

fn write(folder: &Path, name: &str, resources: &[Value]) {
    let lines: String = resources.iter().map(|resource| format!("{resource}\n")).collect();
    std::fs::write(folder.join(name), lines).unwrap();
}

fn resources(version: &str, kind: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(testdata(version).join(format!("{kind}.ndjson"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The claim as a shared system has it.
fn shared_system(claim: &Value, id: &str) -> Value {
    let mut claim = claim.clone();
    claim["id"] = id.into();
    for tag in claim["meta"]["tag"].as_array_mut().unwrap() {
        if tag["code"] == "NationalClaimsHistory" {
            tag["code"] = "SharedSystem".into();
        }
        // As claims of phase 1 are tagged.
        if tag["code"] == "FinalAction" {
            tag["code"] = "NotFinalAction".into();
        }
    }
    claim["meta"]["source"] = "FISS".into();
    claim["outcome"] = "partial".into();
    for coding in claim["type"]["coding"].as_array_mut().unwrap() {
        if coding["system"].as_str().unwrap().ends_with("/CLM-TYPE-CD") {
            coding["code"] = "1013".into();
        }
    }
    claim
}

fn control(claim: &mut Value) -> &mut Value {
    let is_it = |identifier: &&mut Value| identifier["system"].as_str().unwrap_or("").ends_with("/CLM-CNTL-NUM");
    &mut claim["identifier"].as_array_mut().unwrap().iter_mut().find(is_it).unwrap()["value"]
}

#[test]
fn v3_claims_of_shared_systems_have_the_cells_of_the_claim_they_become() {
    let folder = tempfile::tempdir().unwrap();
    let plain = convert(&[&testdata("v3")], &["--lineage"]);
    let ids = [plain.column("CCLF1", "fhir_id"), plain.column("CCLF5", "fhir_id")].concat();
    let claims = resources("v3", "ExplanationOfBenefit");
    let claims: Vec<Value> = claims.into_iter().filter(|claim| ids.iter().any(|id| claim["id"] == **id)).collect();
    let mut partials: Vec<Value> = Vec::new();
    for (at, claim) in claims.iter().enumerate() {
        let mut partial = shared_system(claim, &format!("7{at:012}"));
        // Every other one is adjudicated by now.
        if at % 2 == 1 {
            *control(&mut partial) = format!("{at}X").into();
        }
        partials.push(partial);
    }
    write(folder.path(), "ExplanationOfBenefit.ndjson", &[&partials[..], &claims].concat());
    write(folder.path(), "Patient.ndjson", &resources("v3", "Patient"));
    write(folder.path(), "Coverage.ndjson", &resources("v3", "Coverage"));
    let output = convert(&[folder.path()], &["--partial", "--lineage"]);
    assert!(matches!(output.code, 0 | 3), "{}", output.stderr);
    assert_eq!(output.summary["skipped"]["partially-adjudicated"], partials.len());
    let summary = partial_summary(&output);
    assert_eq!(summary["skipped"]["adjudicated-since"], partials.len().div_ceil(2));
    let (mut rows_seen, mut types) = (0, Vec::new());
    for table in ["CCLF1", "CCLF2", "CCLF3", "CCLF4", "CCLF5"] {
        let (header, rows) = partial_table(&output, table);
        let (expected_header, expected) = output.table(table);
        let at = header.iter().position(|label| label == STATUS[0]).unwrap();
        assert_eq!(header[at..at + 3], STATUS);
        assert_eq!(header[..at], expected_header[..at], "CMS's columns come first");
        let mut expected: Vec<BTreeMap<String, String>> =
            expected.into_iter().map(|row| expected_header.iter().cloned().zip(row).collect()).collect();
        // The claims whose partial one is still there.
        let kept: Vec<&str> = claims.iter().skip(1).step_by(2).map(|claim| claim["id"].as_str().unwrap()).collect();
        expected.retain(|row| kept.contains(&row["fhir_id"].as_str()));
        assert_eq!(rows.len(), expected.len(), "{table}");
        for (row, expected) in rows.iter().zip(&expected) {
            assert_eq!((row["OUTCOME"].as_str(), row["SOURCE_SYSTEM"].as_str()), ("partial", "FISS"));
            for (label, cell) in expected {
                let other = ["CLM_TYPE_CD", "CLM_CNTL_NUM", "fhir_id", "source_line", "CUR_CLM_UNIQ_ID"];
                if !other.contains(&label.as_str()) {
                    assert_eq!(&row[label], cell, "{table}.{label}");
                }
            }
            types.push(row["CLM_TYPE_CD"].clone());
            rows_seen += 1;
        }
    }
    assert!(rows_seen > 20, "{rows_seen}");
    assert!(types.iter().all(|code| ["10", "20", "40", "50", "60", "71"].contains(&code.as_str())), "{types:?}");
    // The adjudicated claims are what they are without it.
    let without = convert(&[folder.path()], &["--lineage"]);
    assert!(without.bytes() == output.bytes());
    assert!(!without.folder().join("partial").exists());
}

#[test]
fn an_adjudicated_claim_that_names_it_as_prior_ends_a_partial_one() {
    let folder = tempfile::tempdir().unwrap();
    let plain = convert(&[&testdata("v3")], &["--lineage"]);
    let id = plain.column("CCLF1", "fhir_id")[0].clone();
    let claims = resources("v3", "ExplanationOfBenefit");
    let mut claim = claims.into_iter().find(|claim| claim["id"] == *id).unwrap();
    let mut partial = shared_system(&claim, "7000000000000");
    *control(&mut partial) = "OLD1".into();
    write(folder.path(), "Patient.ndjson", &resources("v3", "Patient"));
    for (prior, rows) in [("OTHER", 1), ("OLD1", 0)] {
        claim["related"] = json!([{
            "relationship": {"coding": [{"code": "prior"}]},
            "reference": {"system": "https://bluebutton.cms.gov/identifiers/CLM-CNTL-NUM", "value": prior},
        }]);
        write(folder.path(), "ExplanationOfBenefit.ndjson", &[partial.clone(), claim.clone()]);
        let output = convert(&[folder.path()], &["--partial"]);
        assert_eq!(partial_table(&output, "CCLF1").1.len(), rows, "{prior}");
    }
}

const V: &str = "https://bluebutton.cms.gov/resources/variables/";

/// A FISS claim with one line, its number and its answer.
fn fiss(dcn: &str) -> [Value; 2] {
    let coded = |name: &str, code: &str| json!({"url": format!("{V}fiss/{name}"), "valueCoding": {"code": code}});
    let id = format!("f-{dcn}");
    let claim = json!({
        "resourceType": "Claim", "id": id, "status": "active", "use": "claim",
        "meta": {"lastUpdated": "2026-01-02T03:04:05Z"},
        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": "institutional"}]},
        "identifier": [{"system": format!("{V}fiss/dcn"), "value": dcn}],
        "patient": {"reference": "#patient"}, "provider": {"reference": "#provider-org"},
        "contained": [
            {"resourceType": "Patient", "id": "patient",
             "identifier": [{"system": "http://hl7.org/fhir/sid/us-mbi", "value": "1S00E00AA01"}]},
            {"resourceType": "Organization", "id": "provider-org", "identifier": [
                {"system": format!("{V}fiss/meda-prov-6"), "type": {"coding": [{"code": "PRN"}]}, "value": "120001"},
                {"system": "http://hl7.org/fhir/sid/us-npi", "type": {"coding": [{"code": "npi"}]}, "value": "1000000004"}]}],
        "extension": [coded("serv-typ-cd", "3")], "facility": {"extension": [coded("lob-cd", "1")]},
        "supportingInfo": [{"sequence": 1, "category": {"coding": [{"code": "typeofbill"}]},
            "code": {"coding": [{"system": format!("{V}fiss/freq-cd"), "code": "7"}]}}],
        "billablePeriod": {"start": "2026-01-01", "end": "2026-01-02"}, "total": {"value": 1234.5},
        "diagnosis": [
            {"sequence": 1, "diagnosisCodeableConcept": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm",
                "code": "A01"}]}, "onAdmission": {"coding": [{"code": "Y"}]}},
            {"sequence": 2, "type": [{"coding": [{"code": "principal"}]}], "diagnosisCodeableConcept": {"coding": [
                {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "B02"}]}}],
        "procedure": [{"sequence": 1, "date": "2026-01-01T00:00:00+00:00", "procedureCodeableConcept": {"coding": [
            {"system": "http://www.cms.gov/Medicare/Coding/ICD10", "code": "0X0"}]}}],
        "item": [{"sequence": 1, "servicedDate": "2026-01-01", "quantity": {"value": 9},
            "extension": [{"url": format!("{V}fiss/rev-serv-unit-cnt"), "valueQuantity": {"value": 6}}],
            "revenue": {"coding": [{"system": format!("{V}fiss/rev-cd"), "code": "450"}]},
            "modifier": [{"coding": [{"version": "2", "code": "M2"}]}, {"coding": [{"version": "1", "code": "M1"}]}],
            "productOrService": {"coding": [
                {"system": "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "99281"}]}}],
    });
    let answer = json!({
        "resourceType": "ClaimResponse", "id": id, "status": "active", "outcome": "queued",
        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": "institutional"}]},
        "request": {"reference": format!("Claim/{id}")}, "patient": {"reference": "#patient"},
        "extension": [coded("curr-status", "P")],
    });
    [claim, answer]
}

fn mcs(icn: &str) -> [Value; 2] {
    let [mut claim, mut answer] = fiss(icn);
    for resource in [&mut claim, &mut answer] {
        resource["id"] = format!("m-{icn}").into();
        resource["type"]["coding"][0]["code"] = "professional".into();
    }
    claim["identifier"][0]["system"] = format!("{V}mcs/icn").into();
    answer["request"]["reference"] = format!("Claim/m-{icn}").into();
    answer["outcome"] = "complete".into();
    answer["extension"] = json!([{"url": format!("{V}mcs/status-code"), "valueCoding": {"code": "5"}}]);
    [claim, answer]
}

fn cells<'a>(row: &'a BTreeMap<String, String>, labels: &str) -> Vec<&'a str> {
    labels.split(' ').map(|label| row[label].as_str()).collect()
}

#[test]
fn v2_claims_and_their_answers_become_rows() {
    for answers_first in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let ([one, one_answer], [two, two_answer]) = (fiss("DCN1"), mcs("ICN2"));
        let ([alone, _], [done, done_answer]) = (fiss("DCN3"), fiss("DCN4"));
        let mut eob = resources("v2", "ExplanationOfBenefit")
            .into_iter()
            .find(|eob| eob["status"] == "active" && eob["type"].to_string().contains("OUTPATIENT"));
        let eob = eob.as_mut().unwrap();
        eob["extension"].as_array_mut().unwrap().push(json!({"url": format!("{V}fi_doc_clm_cntl_num"),
            "valueIdentifier": {"value": "DCN4"}}));
        let first = eob["extension"].as_array_mut().unwrap();
        first.retain(|extension| {
            let is_control = extension["url"].as_str().unwrap().ends_with("fi_doc_clm_cntl_num");
            !is_control || extension["valueIdentifier"]["value"] == "DCN4"
        });
        let names = if answers_first { ["a.ndjson", "b.ndjson"] } else { ["b.ndjson", "a.ndjson"] };
        write(folder.path(), names[0], &[one_answer, two_answer, done_answer]);
        write(folder.path(), names[1], &[one, two, alone, done]);
        write(folder.path(), "c.ndjson", std::slice::from_ref(eob));
        write(folder.path(), "d.ndjson", &resources("v2", "Patient"));
        let output = convert(&[folder.path()], &["--partial", "--threads", "2"]);
        assert_eq!(output.summary["skipped"]["partially-adjudicated"], 7);
        let summary = partial_summary(&output);
        assert_eq!(summary["skipped"], json!({"adjudicated-since": 1}));
        assert!(summary["issues"].as_array().unwrap().iter().all(|issue| issue["weight"] != "loss"), "{summary:#}");

        let (_, headers) = partial_table(&output, "CCLF1");
        assert_eq!(headers.len(), 2);
        let labels = "CUR_CLM_UNIQ_ID CLM_CNTL_NUM BENE_MBI_ID PRVDR_OSCAR_NUM FAC_PRVDR_NPI_NUM CLM_FROM_DT \
            CLM_BILL_FAC_TYPE_CD CLM_BILL_CLSFCTN_CD CLM_BILL_FREQ_CD PRNCPL_DGNS_CD CLM_PMT_AMT \
            CLM_MDCR_INSTNL_TOT_CHRG_AMT CLM_TYPE_CD STATUS_CD OUTCOME SOURCE_SYSTEM";
        let expected = "f-DCN1 DCN1 1S00E00AA01 120001 1000000004 2026-01-01 1 3 7 B02  1234.50  P queued FISS";
        assert_eq!(cells(&headers[0], labels), expected.split(' ').collect::<Vec<_>>());
        assert_eq!(cells(&headers[1], "CLM_CNTL_NUM STATUS_CD OUTCOME SOURCE_SYSTEM"), ["DCN3", "", "", "FISS"]);
        let (_, lines) = partial_table(&output, "CCLF2");
        let labels = "CLM_LINE_NUM CLM_LINE_PROD_REV_CTR_CD CLM_LINE_HCPCS_CD CLM_LINE_SRVC_UNIT_QTY HCPCS_1_MDFR_CD \
            HCPCS_2_MDFR_CD STATUS_CD";
        assert_eq!(cells(&lines[0], labels), ["1", "0450", "99281", "6.0000", "M1", "M2", "P"]);
        let (_, diagnoses) = partial_table(&output, "CCLF4");
        let of = |at: usize| cells(&diagnoses[at], "CLM_PROD_TYPE_CD CLM_VAL_SQNC_NUM CLM_DGNS_CD CLM_POA_IND");
        assert_eq!((of(0), of(1)), (vec!["D", "1", "B02", ""], vec!["D", "2", "A01", "Y"]));
        assert_eq!(partial_table(&output, "CCLF3").1.len(), 2);
        let (_, professional) = partial_table(&output, "CCLF5");
        let labels = "CLM_CNTL_NUM BENE_MBI_ID CLM_LINE_NUM CLM_LINE_HCPCS_CD HCPCS_2_MDFR_CD CLM_DGNS_1_CD STATUS_CD \
            OUTCOME SOURCE_SYSTEM";
        let expected = ["ICN2", "1S00E00AA01", "1", "99281", "M2", "A01", "5", "complete", "MCS"];
        assert_eq!(cells(&professional[0], labels), expected);
        assert_eq!(professional.len(), 1);
        assert!(partial_table(&output, "CCLF6").1.is_empty());
    }
}

/// Answers are read before rows are made: what is odd about one is told all the same, and of two the newer counts.
#[test]
fn the_newest_answer_counts_and_what_is_odd_about_one_is_told() {
    let dated = |mut answer: Value, updated: &str, code: &str| {
        answer["meta"] = json!({"lastUpdated": updated});
        answer["extension"][0]["valueCoding"]["code"] = code.into();
        answer
    };
    let [claim, answer] = fiss("DCN1");
    let older = dated(answer.clone(), "2026-01-01T00:00:00Z", "P");
    let newer = dated(answer.clone(), "2026-02-01T00:00:00Z", "D");
    for answers in [[&older, &newer], [&newer, &older]] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "d.ndjson", &resources("v2", "Patient"));
        write(folder.path(), "a.ndjson", &[answers[0].clone(), answers[1].clone(), claim.clone()]);
        let output = convert(&[folder.path()], &["--partial", "--api", "v2"]);
        let (_, headers) = partial_table(&output, "CCLF1");
        assert_eq!(cells(&headers[0], "STATUS_CD"), ["D"]);
    }
    let mut two = answer;
    two["extension"]
        .as_array_mut()
        .unwrap()
        .push(json!({"url": format!("{V}fiss/curr-status"), "valueCoding": {"code": "R"}}));
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "d.ndjson", &resources("v2", "Patient"));
    write(folder.path(), "a.ndjson", &[two, claim]);
    let output = convert(&[folder.path()], &["--partial", "--api", "v2"]);
    let issues = partial_summary(&output)["issues"].clone();
    let told = issues.as_array().unwrap().iter().find(|issue| issue["kind"] == "ambiguous-value");
    assert_eq!((output.code, told.map(|issue| &issue["count"])), (3, Some(&json!(1))), "{issues:#}");
}

/// The corpus has rows of such claims that the checker counts only if asked: with them the score holds.
#[test]
fn partial_rows_score_against_the_source_records() {
    let Some(shared) = shared() else { return };
    let corpus = shared.join("corpus/dev/v3");
    let output = convert(&[&corpus], &["--partial", "--lineage"]);
    let summary = partial_summary(&output);
    // In the corpus each of them is adjudicated by now; alone they are not.
    assert!(summary["skipped"]["adjudicated-since"].as_u64() > Some(0));
    assert!(TABLES.iter().all(|table| partial_table(&output, table).1.is_empty()));
    let alone = tempfile::tempdir().unwrap();
    let claims = std::fs::read_to_string(corpus.join("ExplanationOfBenefit.ndjson")).unwrap();
    let claims: String =
        claims.lines().filter(|line| line.contains("SharedSystem")).map(|line| format!("{line}\n")).collect();
    std::fs::write(alone.path().join("ExplanationOfBenefit.ndjson"), claims).unwrap();
    std::fs::copy(corpus.join("Patient.ndjson"), alone.path().join("Patient.ndjson")).unwrap();
    let unadjudicated = convert(&[alone.path()], &["--partial", "--lineage"]);
    // One of phase 1, which is tagged as not final, and one of phase 2.
    assert_eq!(partial_table(&unadjudicated, "CCLF1").1.len(), 2);
    let merged = output.folder().join("merged");
    std::fs::create_dir(&merged).unwrap();
    let mut partial_rows = 0;
    for table in TABLES {
        let (header, mut rows) = output.table(table);
        let (_, partial) = partial_table(&unadjudicated, table);
        partial_rows += partial.len();
        rows.extend(partial.iter().map(|row| header.iter().map(|label| row[label].clone()).collect()));
        let mut csv = csv::Writer::from_path(merged.join(format!("{table}.csv"))).unwrap();
        csv.write_record(&header).unwrap();
        rows.iter().for_each(|row| csv.write_record(row).unwrap());
        csv.flush().unwrap();
    }
    let files = TABLES.join(",");
    let check = |folder: &Path| score(&shared, "v3", folder, &["--threshold", "0", "--quiet", "--files", &files]);
    let (with, without) = (check(&merged), check(&output.folder()));
    let count = |score: &Value, kind: &str| score["totals"][kind].as_i64().unwrap_or(0);
    assert!(partial_rows > 0 && count(&with, "ok") > count(&without, "ok"));
    // Adjustment types that the source leaves blank are filled on purpose.
    let worse = |kind| count(&with, kind) - count(&without, kind);
    assert!(worse("bad") == 0 && worse("miss") == 0 && worse("spur") <= 2, "{:#}", with["diffs"]);
}

/// Claims of the corpus, read again without the product.
#[test]
fn v2_claims_of_the_corpus_have_their_rows() {
    let Some(shared) = shared() else { return };
    let corpus = shared.join("corpus/dev/v2");
    let output = convert(&[&corpus], &["--partial"]);
    let lines = |name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(corpus.join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (claims, answers) = (lines("Claim.ndjson"), lines("ClaimResponse.ndjson"));
    let tables: BTreeMap<&str, _> = TABLES.map(|table| (table, partial_table(&output, table).1)).into();
    let text = |value: &Value| value.as_str().unwrap_or("").to_string();
    let count = |value: &Value| value.as_array().map_or(0, Vec::len);
    let system = |value: &Value, end: &str| text(&value["system"]).ends_with(end);
    let (mut headers, mut lines_seen) = (0, 0);
    for claim in &claims {
        let id = text(&claim["id"]);
        let of = |table: &str| -> Vec<&BTreeMap<String, String>> {
            tables[table].iter().filter(|row| row["CUR_CLM_UNIQ_ID"] == id).collect()
        };
        let fiss = id.starts_with("f-");
        let (rows, others) = if fiss { (of("CCLF2"), of("CCLF5")) } else { (of("CCLF5"), of("CCLF2")) };
        assert_eq!((rows.len(), others.len()), (count(&claim["item"]), 0), "lines of the claim");
        lines_seen += rows.len();
        let contained = claim["contained"].as_array().unwrap();
        let mbi =
            contained.iter().flat_map(|one| one["identifier"].as_array().unwrap()).find(|one| system(one, "us-mbi"));
        let answer = answers.iter().find(|answer| answer["request"]["reference"] == format!("Claim/{id}"));
        let status = answer.map_or(String::new(), |answer| text(&answer["extension"][0]["valueCoding"]["code"]));
        let outcome = answer.map_or(String::new(), |answer| text(&answer["outcome"]));
        let headers_of_claim = of("CCLF1");
        assert_eq!(headers_of_claim.len(), usize::from(fiss));
        headers += headers_of_claim.len();
        for row in rows.iter().chain(&headers_of_claim) {
            assert_eq!(row["BENE_MBI_ID"], text(&mbi.unwrap()["value"]));
            assert_eq!((&row["STATUS_CD"], &row["OUTCOME"]), (&status, &outcome));
            assert_eq!(row["SOURCE_SYSTEM"], if fiss { "FISS" } else { "MCS" });
            assert_eq!(row["CLM_FROM_DT"], text(&claim["billablePeriod"]["start"]));
            assert_eq!(row["CLM_THRU_DT"], text(&claim["billablePeriod"]["end"]));
        }
        for row in headers_of_claim {
            assert_eq!(row["CLM_CNTL_NUM"], text(&claim["identifier"][0]["value"]));
            let charged: f64 = row["CLM_MDCR_INSTNL_TOT_CHRG_AMT"].parse().unwrap();
            assert_eq!(charged, claim["total"]["value"].as_f64().unwrap());
            assert_eq!(of("CCLF3").len(), count(&claim["procedure"]));
            let admitting = claim["diagnosis"].to_string().matches("\"admitting\"").count();
            assert_eq!(of("CCLF4").len(), count(&claim["diagnosis"]) - admitting);
        }
    }
    assert!(headers > 0 && lines_seen > headers, "{headers} {lines_seen}");
}

#[test]
fn what_has_none_or_cannot_be_read_twice() {
    let output = convert(&[&testdata("v1")], &["--partial"]);
    assert!(output.stderr.contains("API v1 has no partially adjudicated claims"), "{}", output.stderr);
    assert!(!output.folder().join("partial").exists());
    let refused = |arguments: &[&str], expected: &str| {
        let output = claimfeed().arg("convert").args(arguments).arg("--partial").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(expected));
    };
    let export = testdata("v2");
    refused(&["-", "-o", "/nowhere"], "the input is read twice");
    refused(&[export.to_str().unwrap(), "-o", "-", "--tables", "CCLF5"], "expected a folder with `--partial`");
}

#[test]
fn a_run_without_it_removes_what_one_with_it_wrote() {
    let output = convert(&[&testdata("v3")], &["--partial"]);
    assert!(output.folder().join("partial/CCLF1.csv").exists());
    let again = |options: &[&str]| {
        let mut command = claimfeed();
        command.arg("convert").arg(testdata("v3")).arg("-o").arg(output.folder()).arg("--force").args(options);
        assert!(matches!(command.output().unwrap().status.code(), Some(0 | 3)));
    };
    again(&["--partial", "--format", "parquet"]);
    assert!(!output.folder().join("partial/CCLF1.csv").exists());
    assert!(output.folder().join("partial/CCLF1.parquet").exists());
    again(&[]);
    assert!(!output.folder().join("partial").exists());
}
