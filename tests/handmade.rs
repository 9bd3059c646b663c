//! Resources made by hand for what no published sample shows, with the rows that the rules ask for.
//!
//! Each claim has just the members its rule is about. The expected cells are written from the crosswalk's and
//! CMS's rules, not from what the product prints.

mod common;

use common::{Output, convert};
use serde_json::{Value, json};

const V: &str = "https://bluebutton.cms.gov/resources/variables/";
const HCPCS: &str = "https://bluebutton.cms.gov/resources/codesystem/hcpcs";
const BB: &str = "https://bluebutton.cms.gov/fhir/CodeSystem/";

fn variable(name: &str) -> String {
    format!("{V}{name}")
}

fn run(resources: &[Value]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let text: String = resources.iter().map(|resource| format!("{resource}\n")).collect();
    std::fs::write(folder.path().join("export"), text).unwrap();
    let output = convert(&[folder.path()], &["--lineage"]);
    assert_eq!(output.code, 0, "{}\n{:?}", output.stderr, output.issues());
    output
}

/// The named cells of every row of a table.
fn cells(output: &Output, table: &str, labels: &[&str]) -> Vec<Vec<String>> {
    let columns: Vec<Vec<String>> = labels.iter().map(|label| output.column(table, label)).collect();
    (0..columns[0].len()).map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect()
}

fn patient(api: &str) -> Value {
    let system = "https://bluebutton.cms.gov/resources/codesystem/identifier-currency";
    let mbi = |value: &str, currency: &str| {
        let extension = json!([{"url": system, "valueCoding": {"code": currency, "system": system}}]);
        let mut identifier = json!({"system": "http://hl7.org/fhir/sid/us-mbi", "value": value});
        if api == "v1" {
            identifier["extension"] = extension;
        } else {
            identifier["type"] = json!({"coding": [{"code": "MC", "extension": extension}]});
        }
        identifier
    };
    json!({"resourceType": "Patient", "id": "7", "birthDate": "1950-06-15", "gender": "female",
        "meta": {"lastUpdated": "2024-06-14T10:00:00-04:00"},
        "identifier": [{"system": variable("bene_id"), "value": "7"}, mbi("1S00A00AA07", "current"), mbi("1S00A00AA06", "historic")]})
}

fn patient_v2() -> Value {
    patient("v2")
}

/// A claim of v1 or v2 with its type; more members come from `more`.
fn claim(api: &str, id: &str, family: &str, nch: &str, status: &str, more: Value) -> Value {
    let mut claim = json!({"resourceType": "ExplanationOfBenefit", "id": id, "status": status,
        "patient": {"reference": "Patient/7"},
        "billablePeriod": {"start": "2023-03-01", "end": "2023-03-04"},
        "identifier": [{"system": variable("clm_id"), "value": id.rsplit('-').next().unwrap()}],
        "payment": {"amount": {"value": 10.5}},
        "type": {"coding": [
            {"system": "https://bluebutton.cms.gov/resources/codesystem/eob-type", "code": family},
            {"system": variable("nch_clm_type_cd"), "code": nch}]}});
    if api == "v2" {
        claim["use"] = json!("claim");
        claim["outcome"] = json!("complete");
    }
    for (key, value) in more.as_object().unwrap() {
        claim[key] = value.clone();
    }
    claim
}

fn diagnosis(sequence: u32, kind: &str, code: &str) -> Value {
    json!({"sequence": sequence, "type": [{"coding": [{"code": kind}]}],
        "diagnosisCodeableConcept": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}]}})
}

#[test]
fn cancelled_claims_of_v1_and_v2_give_no_rows_and_are_counted() {
    for api in ["v1", "v2"] {
        let item = json!({"item": [{"sequence": 1}]});
        let output = run(&[
            patient(api),
            claim(api, "inpatient-1", "INPATIENT", "60", "active", item.clone()),
            claim(api, "inpatient-2", "INPATIENT", "60", "cancelled", item.clone()),
            claim(api, "carrier-3", "CARRIER", "71", "cancelled", item.clone()),
            claim(api, "carrier-4", "CARRIER", "71", "active", item.clone()),
            claim(api, "inpatient-5", "INPATIENT", "62", "active", item),
        ]);
        assert_eq!(cells(&output, "CCLF1", &["CUR_CLM_UNIQ_ID", "CLM_ADJSMT_TYPE_CD"]), [["1", "0"]]);
        assert_eq!(cells(&output, "CCLF5", &["CUR_CLM_UNIQ_ID", "CLM_ADJSMT_TYPE_CD"]), [["4", "0"]]);
        assert_eq!(output.summary["skipped"], json!({"medicare-advantage": 1, "superseded": 2}));
        let inpatient = &output.summary["payments"]["INPATIENT"];
        assert_eq!(
            (&inpatient["read"], &inpatient["skipped"], &inpatient["written"]),
            (&json!("31.50"), &json!("21.00"), &json!("10.50"))
        );
        assert_eq!(inpatient["equal"], true);
    }
}

#[test]
fn deleted_adjusted_and_resubmitted_drug_events_say_so() {
    let pde = |id: &str, code: Option<&str>| {
        let info = code.map_or(json!([]), |code| {
            json!([{"sequence": 1, "category": {"coding": [{"code": "info"}]},
                "code": {"coding": [{"system": variable("adjstmt_dltn_cd"), "code": code}]}}])
        });
        claim(
            "v2",
            id,
            "PDE",
            "",
            "active",
            json!({
            "identifier": [{"system": variable("pde_id"), "value": id}], "supportingInfo": info,
            "item": [{"sequence": 1, "servicedDate": "2023-03-01"}]}),
        )
    };
    let output = run(&[patient_v2(), pde("1", None), pde("2", Some("A")), pde("3", Some("D")), pde("4", Some("R"))]);
    assert_eq!(
        cells(&output, "CCLF7", &["CUR_CLM_UNIQ_ID", "CLM_TYPE_CD", "CLM_ADJSMT_TYPE_CD"]),
        [["1", "01", "0"], ["2", "02", "2"], ["3", "03", "1"], ["4", "04", "0"]]
    );
}

#[test]
fn modifiers_two_to_five_keep_their_places() {
    let labels = ["HCPCS_1_MDFR_CD", "HCPCS_2_MDFR_CD", "HCPCS_3_MDFR_CD", "HCPCS_4_MDFR_CD", "HCPCS_5_MDFR_CD"];
    let modifier = |system: &str, code: &str| json!({"coding": [{"system": system, "code": code}]});
    // v2 puts the unit of an NDC among the modifiers, before or between the real ones.
    let item = json!([{"sequence": 1, "modifier": [modifier("http://unitsofmeasure.org", "ML"), modifier(HCPCS, "A1"),
        modifier(HCPCS, "B2"), modifier("http://unitsofmeasure.org", "GR"), modifier(HCPCS, "C3"),
        modifier(HCPCS, "D4"), modifier(HCPCS, "E5")]},
        {"sequence": 3, "modifier": [modifier(HCPCS, "ZZ")]}]);
    for (family, nch, table) in [("OUTPATIENT", "40", "CCLF2"), ("CARRIER", "71", "CCLF5")] {
        for api in ["v1", "v2"] {
            let output = run(&[patient(api), claim(api, "c-1", family, nch, "active", json!({"item": item.clone()}))]);
            assert_eq!(cells(&output, table, &labels), [["A1", "B2", "C3", "D4", "E5"], ["ZZ", "", "", "", ""]]);
            assert_eq!(output.column(table, "CLM_LINE_NUM"), ["1", "3"]);
        }
    }
    // v3: all of them are codings of one concept.
    let codings: Vec<Value> = ["A1", "B2", "C3", "D4", "E5"].iter().map(|code| json!({"code": code})).collect();
    let output = run(&[
        patient_v3(),
        claim_v3("1", "CARRIER", "71", json!({"item": [{"sequence": 2, "modifier": [{"coding": codings}]}]})),
    ]);
    assert_eq!(cells(&output, "CCLF5", &labels), [["A1", "B2", "C3", "D4", "E5"]]);
}

#[test]
fn twelve_diagnoses_of_a_carrier_claim_fill_twelve_slots_by_sequence() {
    let labels: Vec<String> = (1..=12).map(|slot| format!("CLM_DGNS_{slot}_CD")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let codes: Vec<String> = (1..=13).map(|n| format!("R{n:02}")).collect();
    // Out of order, thirteen of them: the thirteenth has no slot.
    let mut list: Vec<Value> = (1..=13)
        .map(|n| diagnosis(n, if n == 1 { "principal" } else { "secondary" }, &codes[n as usize - 1]))
        .collect();
    list.reverse();
    for api in ["v1", "v2"] {
        let more = json!({"diagnosis": list.clone(), "item": [{"sequence": 1}]});
        let output = run(&[patient(api), claim(api, "c-1", "CARRIER", "71", "active", more)]);
        assert_eq!(cells(&output, "CCLF5", &labels)[0], codes[..12]);
        assert_eq!(output.column("CCLF5", "DGNS_PRCDR_ICD_IND"), ["0"]);
    }
    // v3: the principal first, its repetition among the secondary ones left out, dots removed.
    let list = json!([
        diagnosis(2, "secondary", "B02.1"),
        diagnosis(3, "secondary", "A01.5"),
        diagnosis(9, "principal", "A01.5"),
        diagnosis(4, "secondary", "C03")
    ]);
    let output =
        run(&[patient_v3(), claim_v3("1", "CARRIER", "71", json!({"diagnosis": list, "item": [{"sequence": 1}]}))]);
    assert_eq!(cells(&output, "CCLF5", &labels[..4]), [["A015", "B021", "C03", ""]]);
}

#[test]
fn institutional_diagnoses_are_numbered_anew_by_product() {
    let labels = ["CLM_PROD_TYPE_CD", "CLM_VAL_SQNC_NUM", "CLM_DGNS_CD"];
    // v1: the DRG sits in a diagnosis of its own, admitting and reason-for-visit never become rows.
    let v1 = json!([
        {"sequence": 1, "packageCode": {"coding": [{"system": variable("clm_drg_cd"), "code": "695"}]}},
        diagnosis(2, "admitting", "Z99"), diagnosis(3, "principal", "A01"), diagnosis(4, "external", "W03"),
        diagnosis(5, "other", "B02"), diagnosis(6, "external-first", "W01"), diagnosis(7, "reason-for-visit", "R99"),
        {"sequence": 8, "diagnosisCodeableConcept": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-9-cm", "code": "C03"}]}}]);
    let output = run(&[patient("v1"), claim("v1", "i-1", "INPATIENT", "60", "active", json!({"diagnosis": v1}))]);
    assert_eq!(
        cells(&output, "CCLF4", &labels),
        [
            ["D", "1", "A01"],
            ["D", "2", "B02"],
            ["D", "3", "C03"],
            ["E", "1", "W01"],
            ["E", "2", "W03"],
            ["1", "1", "W01"]
        ]
    );
    assert_eq!(output.column("CCLF4", "DGNS_PRCDR_ICD_IND"), ["0", "0", "9", "0", "0", "0"]);
    assert_eq!(cells(&output, "CCLF1", &["DGNS_DRG_CD", "PRNCPL_DGNS_CD", "ADMTG_DGNS_CD"]), [["695", "A01", "Z99"]]);
    // v3: a principal that no other entry repeats comes last, one that is repeated does not come at all.
    for (principal, last) in [("A01", None), ("P99", Some(["D", "3", "P99"]))] {
        let list = json!([
            diagnosis(1, "other", "A01"),
            diagnosis(2, "other", "B02"),
            diagnosis(3, "principal", principal),
            diagnosis(4, "admitting", "Z99"),
            diagnosis(5, "externalcauseofinjury", "W01")
        ]);
        let output = run(&[patient_v3(), claim_v3("1", "INPATIENT", "60", json!({"diagnosis": list}))]);
        let mut expected = vec![["D", "1", "A01"], ["D", "2", "B02"]];
        expected.extend(last);
        expected.extend([["E", "1", "W01"], ["1", "1", "W01"]]);
        assert_eq!(cells(&output, "CCLF4", &labels), expected);
    }
}

fn patient_v3() -> Value {
    let mbi = |value: &str, period: Value| json!({"system": "http://hl7.org/fhir/sid/us-mbi", "value": value, "period": period});
    json!({"resourceType": "Patient", "id": "7", "birthDate": "1950-06-15", "gender": "male",
        "meta": {"lastUpdated": "2024-06-15T00:00:00+00:00"},
        "identifier": [
            mbi("1S00A00AA01", json!({"start": "2018-01-01T00:00:00+00:00", "end": "2020-01-01T00:00:00+00:00"})),
            mbi("1S00A00AA03", json!({"start": "2022-05-01T00:00:00+00:00"})),
            mbi("1S00A00AA02", json!({"start": "2020-01-01T00:00:00+00:00"}))]})
}

fn claim_v3(id: &str, family: &str, kind: &str, more: Value) -> Value {
    let mut claim = json!({"resourceType": "ExplanationOfBenefit", "id": id, "status": "active", "use": "claim",
        "outcome": "complete", "created": "2025-08-15T00:00:00+00:00",
        "patient": {"reference": "Patient/7"},
        "billablePeriod": {"start": "2023-03-01", "end": "2023-03-04"},
        "identifier": [{"type": {"coding": [{"code": "uc"}]}, "value": id}],
        "payment": {"amount": {"value": 10.5}},
        "type": {"coding": [{"system": format!("{BB}EOB-TYPE"), "code": family}, {"system": format!("{BB}CLM-TYPE-CD"), "code": kind}]}});
    for (key, value) in more.as_object().unwrap() {
        claim[key] = value.clone();
    }
    claim
}

fn info(sequence: u32, category: &str, code: &str) -> Value {
    json!({"sequence": sequence, "category": {"coding": [{"code": category}]}, "code": {"coding": [{"code": code}]}})
}

#[test]
fn benefit_enhancements_make_rows_of_cclfa_and_cclfb() {
    let switches = [
        ("CLM_NGACO_PBPMT_SW", "CLM_NGACO_PBPMT_SW"),
        ("CLM_NGACO_PDSCHRG_HCBS_SW", "CLM_NGACO_PDSCHRG_HCBS_SW"),
        ("CLM_NGACO_SNF_WVR_SW", "CLM_NGACO_SNF_WVR_SW"),
        ("CLM_NGACO_TLHLTH_SW", "CLM_NGACO_TLHLTH_SW"),
        ("CLM_NGACO_CPTATN_SW", "CLM_NGACO_CPTATN_SW"),
        ("CLM_ACO_CARE_MGMT_HCBS_SW", "CLM_NGACO_CMG_WVR_SW"),
    ];
    for (at, (category, label)) in switches.iter().enumerate() {
        let claim = claim_v3(
            "1",
            "SNF",
            "20",
            json!({"supportingInfo": [info(1, "CLM_RLT_COND_CD", "62"), info(2, category, "Y")]}),
        );
        let other = claim_v3("2", "SNF", "20", json!({"supportingInfo": [info(1, "CLM_RLT_COND_CD", "62")]}));
        let output = run(&[patient_v3(), claim, other]);
        assert_eq!(
            cells(&output, "CCLFA", &["CUR_CLM_UNIQ_ID", label, "CLM_RLT_COND_CD"]),
            [["1", "Y", "62"]],
            "{category}"
        );

        let label = if at < 5 { label.replace("CLM_NGACO", "CLM_LINE_NGACO") } else { (*label).to_string() };
        let more = json!({"supportingInfo": [info(4, category, "Y"), info(5, "CLM_BNFT_ENHNCMT_CD", "78"), info(6, "CLM_BNFT_ENHNCMT_CD", "21")],
            "item": [{"sequence": 1}, {"sequence": 2, "informationSequence": [4]}, {"sequence": 3, "informationSequence": [6, 5]}]});
        let output = run(&[patient_v3(), claim_v3("1", "CARRIER", "71", more)]);
        assert_eq!(
            cells(&output, "CCLFB", &["CLM_LINE_NUM", &label, "CLM_DEMO_1ST_NUM", "CLM_DEMO_2ND_NUM"]),
            [["2", "Y", "", ""], ["3", "", "78", "21"]],
            "{category}"
        );
    }
}

/// A type that nobody has seen yet is no reason to lose a diagnosis; those that CCLF does not have stay out.
#[test]
fn diagnoses_of_any_type_but_two_have_rows() {
    for (api, reason) in [("v1", "reason-for-visit"), ("v2", "patientreasonforvisit")] {
        let list = json!([
            diagnosis(1, "brand-new", "A01"),
            diagnosis(2, "admitting", "B02"),
            diagnosis(3, reason, "C03"),
            diagnosis(4, "principal", "D04")
        ]);
        let more = json!({"diagnosis": list, "item": [{"sequence": 1}]});
        let output = run(&[patient(api), claim(api, "c-1", "INPATIENT", "60", "active", more)]);
        let labels = ["CLM_PROD_TYPE_CD", "CLM_VAL_SQNC_NUM", "CLM_DGNS_CD"];
        assert_eq!(cells(&output, "CCLF4", &labels), [["D", "1", "D04"], ["D", "2", "A01"]], "{api}");
    }
}

#[test]
fn voids_superseded_and_partially_adjudicated_claims_of_v3_are_left_out_but_not_deleted_drug_events() {
    let adjusted =
        |code: &str| json!({"supportingInfo": [info(1, "CLM_ADJSTMT_TYPE_CD", code)], "item": [{"sequence": 1}]});
    let tagged = |system: &str, code: &str| json!({"meta": {"tag": [{"system": format!("{BB}{system}"), "code": code}]}, "item": [{"sequence": 1}]});
    let mut authorization = claim_v3("9", "", "H", json!({}));
    authorization["use"] = json!("preauthorization");
    authorization["type"] = json!({"coding": [{"system": format!("{BB}CLM-TYPE"), "code": "H"}]});
    let output = run(&[
        patient_v3(),
        claim_v3("1", "OUTPATIENT", "40", adjusted("0")),
        claim_v3("2", "OUTPATIENT", "40", adjusted("1")),
        claim_v3("3", "OUTPATIENT", "40", adjusted("2")),
        claim_v3("4", "CARRIER", "71", adjusted("1")),
        claim_v3("5", "PDE", "3", adjusted("1")),
        claim_v3("6", "CARRIER", "71", tagged("Final-Action", "NotFinalAction")),
        claim_v3("7", "CARRIER", "2700", tagged("System-Type", "SharedSystem")),
        claim_v3("8", "HOSPICE", "1900", json!({})),
        authorization,
        claim_v3("10", "INPATIENT", "64", json!({})),
    ]);
    assert_eq!(cells(&output, "CCLF1", &["CUR_CLM_UNIQ_ID", "CLM_ADJSMT_TYPE_CD"]), [["1", "0"], ["3", "2"]]);
    assert_eq!(cells(&output, "CCLF7", &["CUR_CLM_UNIQ_ID", "CLM_TYPE_CD", "CLM_ADJSMT_TYPE_CD"]), [["5", "03", "1"]]);
    assert!(output.column("CCLF5", "CUR_CLM_UNIQ_ID").is_empty());
    assert_eq!(
        output.summary["skipped"],
        json!({"hospice-notice": 1, "medicare-advantage": 1, "partially-adjudicated": 1, "prior-authorization": 1,
            "not-final-action": 1, "void": 2})
    );
}

#[test]
fn ages_identities_and_former_numbers() {
    let output =
        run(&[patient_v2(), claim("v2", "c-1", "CARRIER", "71", "active", json!({"item": [{"sequence": 1}]}))]);
    assert_eq!(cells(&output, "CCLF8", &["BENE_MBI_ID", "BENE_AGE", "BENE_SEX_CD"]), [["1S00A00AA07", "73", "2"]]);
    assert_eq!(
        cells(&output, "CCLF9", &["HICN_MBI_XREF_IND", "CRNT_NUM", "PRVS_NUM"]),
        [["M", "1S00A00AA07", "1S00A00AA06"]]
    );
    let output = run(&[patient_v3(), claim_v3("1", "CARRIER", "71", json!({"item": [{"sequence": 1}]}))]);
    assert_eq!(cells(&output, "CCLF8", &["BENE_MBI_ID", "BENE_AGE", "BENE_SEX_CD"]), [["1S00A00AA03", "74", "1"]]);
    assert_eq!(output.column("CCLF5", "BENE_MBI_ID"), ["1S00A00AA03"]);
    assert_eq!(
        cells(&output, "CCLF9", &["CRNT_NUM", "PRVS_NUM", "PRVS_ID_EFCTV_DT", "PRVS_ID_OBSLT_DT"]),
        [["1S00A00AA03", "1S00A00AA01", "2018-01-01", "2020-01-01"], ["1S00A00AA03", "1S00A00AA02", "2020-01-01", ""]]
    );
}

#[test]
fn a_hospice_stay_is_one_row_however_many_claims_it_has() {
    let stay = |id: &str, start: &str, end: Option<&str>| {
        let mut period = json!({"start": start});
        if let Some(end) = end {
            period["end"] = json!(end);
        }
        let info =
            json!([{"sequence": 1, "category": {"coding": [{"code": "admissionperiod"}]}, "timingPeriod": period}]);
        claim("v2", id, "HOSPICE", "50", "active", json!({"supportingInfo": info}))
    };
    let output = run(&[
        patient_v2(),
        stay("h-1", "2023-05-01", None),
        stay("h-2", "2023-05-01", Some("2023-07-15")),
        stay("h-3", "2021-02-01", Some("2021-02-20")),
        stay("h-4", "2023-05-01", None),
    ]);
    assert_eq!(
        cells(&output, "CCLF8", &["BENE_MBI_ID", "BENE_RNG_BGN_DT", "BENE_RNG_END_DT"]),
        [["1S00A00AA07", "2021-02-01", "2021-02-20"], ["1S00A00AA07", "2023-05-01", "2023-07-15"]]
    );
}

#[test]
fn merged_patients_and_null_dates() {
    // The survivor gets the Coverage of the merged id; a period until 9999-12-31 is open.
    let mut survivor = patient_v3();
    survivor["identifier"] = json!([
        {"system": "http://hl7.org/fhir/sid/us-mbi", "value": "1S00A00AA01", "period": {"start": "2010-01-01"}},
        {"system": "http://hl7.org/fhir/sid/us-mbi", "value": "1S00A00AA02", "period": {"start": "2020-01-01", "end": "9999-12-31"}}]);
    let merged = json!({"resourceType": "Patient", "id": "6", "link": [{"type": "replaced-by", "other": {"reference": "Patient/7"}}]});
    let coverage = |updated: &str, code: &str| {
        json!({"resourceType": "Coverage", "id": "part-a-6", "beneficiary": {"reference": "Patient/6"},
            "meta": {"lastUpdated": updated}, "period": {"start": "2020-01-01", "end": "9999-12-31"},
            "extension": [{"url": "https://bluebutton.cms.gov/fhir/StructureDefinition/BENE-MDCR-STUS-CD", "valueCoding": {"code": code}}]})
    };
    let mut claim = claim_v3("1", "CARRIER", "71", json!({"item": [{"sequence": 1}]}));
    claim["patient"] = json!({"reference": "Patient/6/_history/2"});
    let output =
        run(&[merged, coverage("2024-01-01T00:00:00Z", "20"), coverage("2025-01-01T00:00:00Z", "21"), survivor, claim]);
    assert_eq!(cells(&output, "CCLF8", &["BENE_MBI_ID", "BENE_MDCR_STUS_CD"]), [["1S00A00AA02", "21"]]);
    assert_eq!(output.column("CCLF9", "PRVS_NUM"), ["1S00A00AA01"]);
    assert_eq!(output.column("CCLF5", "BENE_MBI_ID"), ["1S00A00AA02"]);
}

#[test]
fn sex_and_race_do_not_depend_on_the_order_of_extensions() {
    let url = |name: &str| format!("http://hl7.org/fhir/us/core/StructureDefinition/us-core-{name}");
    let category = |name: &str, code: &str| json!({"url": url(name), "extension": [{"url": "ombCategory", "valueCoding": {"code": code}}]});
    for (extension, race) in [
        (json!([category("race", "2106-3"), category("ethnicity", "2186-5")]), "1"),
        (json!([category("ethnicity", "2186-5"), category("race", "2106-3")]), "1"),
        (json!([category("race", "UNK"), category("ethnicity", "2135-2")]), "5"),
        (json!([category("ethnicity", "2135-2"), category("race", "UNK")]), "5"),
        (json!([category("race", "UNK")]), "0"),
        (json!([{"url": url("sex"), "valueCode": "248152002"}]), "0"),
    ] {
        let mut patient = patient_v3();
        patient.as_object_mut().unwrap().remove("gender");
        let sex = if extension.to_string().contains("248152002") { "2" } else { "0" };
        patient["extension"] = extension;
        let output = run(&[patient, claim_v3("1", "CARRIER", "71", json!({"item": [{"sequence": 1}]}))]);
        assert_eq!(cells(&output, "CCLF8", &["BENE_SEX_CD", "BENE_RACE_CD"]), [[sex, race]]);
    }
}

#[test]
fn an_adjustment_type_is_never_blank_and_errors_never_become_claims() {
    let mut without = claim("v2", "c-1", "CARRIER", "71", "active", json!({"item": [{"sequence": 1}]}));
    without.as_object_mut().unwrap().remove("status");
    let wrong = claim("v2", "c-2", "CARRIER", "71", "entered-in-error", json!({"item": [{"sequence": 1}]}));
    let output = run(&[patient_v2(), without, wrong]);
    assert_eq!(cells(&output, "CCLF5", &["CUR_CLM_UNIQ_ID", "CLM_ADJSMT_TYPE_CD"]), [["1", "0"]]);
    assert_eq!(output.summary["skipped"], json!({"entered-in-error": 1}));
}
