//! A dozen fields per version, looked up by hand in the JSON and compared with the expected cells.
//!
//! The lookups are written from the crosswalk, not from the renderers: they are a third opinion.

use std::collections::BTreeMap;

use claimfeed::Api;
use claimfeed::sandbox::{ExpectedRow, Resource, Synth};
use serde_json::Value;

const V: &str = "https://bluebutton.cms.gov/resources/variables/";

struct Case {
    /// By id.
    resources: BTreeMap<String, Value>,
    rows: Vec<ExpectedRow>,
}

fn cases(api: Api) -> impl Iterator<Item = Case> {
    let synth = Synth::new(api);
    (0..80).map(move |index| {
        let mut resources = BTreeMap::new();
        synth.beneficiary(index, &mut |resource, line| {
            let value: Value = serde_json::from_slice(line).expect("every line is JSON");
            if resource != Resource::Coverage {
                resources.insert(text(&value["id"]), value);
            }
        });
        Case { resources, rows: synth.expected(index) }
    })
}

/// The text of a string or number; nothing for null.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn money(value: &Value) -> String {
    value.as_f64().map_or_else(String::new, |number| format!("{number:.2}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Whether one of the concept's codings has this code.
fn has_code(concept: &Value, code: &str) -> bool {
    list(&concept["coding"]).iter().any(|coding| coding["code"] == code)
}

fn coded<'a>(entries: &'a Value, field: &str, code: &str) -> Option<&'a Value> {
    list(entries).iter().find(|entry| has_code(&entry[field], code))
}

/// The code of the coding in `system`.
fn code_in(concept: &Value, system: &str) -> String {
    list(&concept["coding"])
        .iter()
        .find(|coding| coding["system"] == system)
        .map_or_else(String::new, |coding| text(&coding["code"]))
}

fn extension<'a>(entries: &'a Value, url: &str) -> &'a Value {
    list(entries).iter().find(|entry| entry["url"] == url).unwrap_or(&Value::Null)
}

fn item<'a>(eob: &'a Value, row: &ExpectedRow) -> &'a Value {
    let line = row.cell("CLM_LINE_NUM").expect("a line row");
    list(&eob["item"]).iter().find(|item| text(&item["sequence"]) == line).expect("the line is there")
}

#[track_caller]
fn same(row: &ExpectedRow, label: &str, found: &str) {
    assert_eq!(row.cell(label), Some(found), "{} {} {label}", row.table, row.fhir_id);
}

/// Runs `look` on every row with its resource, and counts the rows of each table.
fn compare(api: Api, look: impl Fn(&ExpectedRow, &Value)) {
    let mut counts = BTreeMap::new();
    for case in cases(api) {
        for row in &case.rows {
            look(row, &case.resources[&row.fhir_id]);
            *counts.entry(row.table).or_insert(0) += 1;
        }
    }
    assert!(counts.len() >= 9, "{counts:?}");
}

#[test]
fn v1_fields_stand_where_the_crosswalk_says() {
    compare(Api::V1, |row, eob| match row.table {
        "CCLF1" => {
            same(row, "PRVDR_OSCAR_NUM", &text(&eob["provider"]["identifier"]["value"]));
            same(row, "CLM_MDCR_INSTNL_TOT_CHRG_AMT", &money(&eob["totalCost"]["value"]));
            same(row, "CLM_TYPE_CD", &code_in(&eob["type"], &format!("{V}nch_clm_type_cd")));
            same(row, "CLM_BILL_CLSFCTN_CD", &code_in(&eob["type"], &format!("{V}clm_srvc_clsfctn_type_cd")));
            let ime = extension(&eob["extension"], &format!("{V}ime_op_clm_val_amt"));
            same(row, "CLM_OPRTNL_IME_AMT", &money(&ime["valueMoney"]["value"]));
            let drg = list(&eob["diagnosis"]).iter().find(|entry| !entry["packageCode"].is_null());
            same(
                row,
                "DGNS_DRG_CD",
                &drg.map_or_else(String::new, |entry| text(&entry["packageCode"]["coding"][0]["code"])),
            );
            let linked: Vec<&Value> =
                list(&eob["item"]).iter().flat_map(|item| list(&item["careTeamLinkId"])).collect();
            let attending = list(&eob["careTeam"])
                .iter()
                .find(|member| has_code(&member["role"], "primary") && !linked.contains(&&member["sequence"]));
            same(
                row,
                "ATNDG_PRVDR_NPI_NUM",
                &attending.map_or_else(String::new, |m| text(&m["provider"]["identifier"]["value"])),
            );
            let control = extension(&eob["extension"], &format!("{V}fi_orig_clm_cntl_num"));
            same(row, "CLM_ORG_CNTL_NUM", &text(&control["valueIdentifier"]["value"]));
        }
        "CCLF2" => {
            let item = item(eob, row);
            same(row, "CLM_LINE_HCPCS_CD", &text(&item["service"]["coding"][0]["code"]));
            same(row, "CLM_LINE_INSTNL_REV_CTR_DT", &text(&item["servicedDate"]));
            same(row, "HCPCS_3_MDFR_CD", &text(&item["modifier"][2]["coding"][0]["code"]));
        }
        "CCLF5" => {
            let item = item(eob, row);
            let linked = list(&item["careTeamLinkId"]);
            let member = |system: &str| {
                list(&eob["careTeam"])
                    .iter()
                    .find(|m| linked.contains(&m["sequence"]) && m["provider"]["identifier"]["system"] == system)
                    .map_or_else(String::new, |m| text(&m["provider"]["identifier"]["value"]))
            };
            same(row, "CLM_RNDRG_PRVDR_NPI_NUM", &member("http://hl7.org/fhir/sid/us-npi"));
            same(row, "CLM_RNDRG_PRVDR_TAX_NUM", &member("http://terminology.hl7.org/CodeSystem/v2-0203"));
            let diagnosis =
                list(&eob["diagnosis"]).iter().find(|entry| entry["sequence"] == item["diagnosisLinkId"][0]);
            let code = diagnosis
                .map_or_else(String::new, |entry| text(&entry["diagnosisCodeableConcept"]["coding"][0]["code"]));
            same(row, "CLM_LINE_DGNS_CD", &code);
            let paid = coded(&item["adjudication"], "category", &format!("{V}line_nch_pmt_amt"));
            same(row, "CLM_LINE_CVRD_PD_AMT", &paid.map_or_else(String::new, |entry| money(&entry["amount"]["value"])));
        }
        "CCLF7" => {
            let item = &eob["item"][0];
            let days = extension(&item["quantity"]["extension"], &format!("{V}days_suply_num"));
            same(row, "CLM_LINE_DAYS_SUPLY_QTY", &text(&days["valueQuantity"]["value"]));
            same(row, "CLM_LINE_NDC_CD", &text(&item["service"]["coding"][0]["code"]));
            same(row, "CLM_SRVC_PRVDR_GNRC_ID_NUM", &text(&eob["facility"]["identifier"]["value"]));
        }
        "CCLF8" => {
            let current = list(&eob["identifier"]).iter().find(|identifier| {
                identifier["system"] == "http://hl7.org/fhir/sid/us-mbi"
                    && identifier["extension"][0]["valueCoding"]["code"] != "historic"
            });
            same(row, "BENE_MBI_ID", &text(&current.expect("a current MBI")["value"]));
            same(row, "BENE_LAST_NAME", &text(&eob["name"][0]["family"]));
            same(row, "BENE_LINE_2_ADR", &text(&eob["address"][0]["line"][1]));
        }
        _ => {}
    });
}

#[test]
fn v2_fields_stand_where_the_crosswalk_says() {
    const HCPCS: &str = "https://bluebutton.cms.gov/resources/codesystem/hcpcs";
    compare(Api::V2, |row, eob| match row.table {
        "CCLF1" => {
            let oscar = &eob["contained"][0]["identifier"];
            same(
                row,
                "CLM_BLG_PRVDR_OSCAR_NUM",
                &coded(oscar, "type", "PRN").map_or_else(String::new, |id| text(&id["value"])),
            );
            let member = |role: &str| {
                coded(&eob["careTeam"], "role", role)
                    .map_or_else(String::new, |m| text(&m["provider"]["identifier"]["value"]))
            };
            same(row, "OPRTG_PRVDR_NPI_NUM", &member("operating"));
            same(row, "OTHR_PRVDR_NPI_NUM", &member("otheroperating"));
            let principal = coded_diagnosis(eob, "principal");
            same(row, "PRNCPL_DGNS_CD", &principal);
            same(row, "CLM_PMT_AMT", &money(&eob["payment"]["amount"]["value"]));
            let effective = coded(&eob["supportingInfo"], "category", "clmrecvddate").expect("always there");
            same(row, "CLM_EFCTV_DT", &text(&effective["timingDate"]));
            let ime = coded(&eob["benefitBalance"][0]["financial"], "type", &format!("{V}clm_pps_cptl_ime_amt"));
            same(
                row,
                "CLM_MDCR_IP_PPS_CPTL_IME_AMT",
                &ime.map_or_else(String::new, |entry| money(&entry["usedMoney"]["value"])),
            );
            same(row, "CLM_ADJSMT_TYPE_CD", if eob["status"] == "active" { "0" } else { "?" });
        }
        "CCLF2" => {
            let item = item(eob, row);
            let real: Vec<String> =
                list(&item["modifier"]).iter().map(|m| code_in(m, HCPCS)).filter(|code| !code.is_empty()).collect();
            same(row, "HCPCS_1_MDFR_CD", real.first().map_or("", String::as_str));
            same(row, "HCPCS_5_MDFR_CD", real.get(4).map_or("", String::as_str));
            let units = extension(&item["extension"], &format!("{V}rev_cntr_unit_cnt"));
            let units = text(&units["valueQuantity"]["value"]);
            same(row, "CLM_LINE_SRVC_UNIT_QTY", if units.is_empty() { "0" } else { &units });
            same(row, "CLM_LINE_HCPCS_CD", &code_in(&item["productOrService"], HCPCS));
        }
        "CCLF6" => {
            same(row, "PAYTO_PRVDR_NPI_NUM", &text(&eob["provider"]["identifier"]["value"]));
            same(row, "ORDRG_PRVDR_NPI_NUM", &text(&eob["referral"]["identifier"]["value"]));
        }
        "CCLF7" => {
            let fill = coded(&eob["supportingInfo"], "category", "refillnum");
            same(
                row,
                "CLM_LINE_RX_FILL_NUM",
                &fill.map_or_else(String::new, |entry| text(&entry["valueQuantity"]["value"])),
            );
            let number = list(&eob["identifier"]).iter().find(|id| id["system"] == format!("{V}rx_srvc_rfrnc_num"));
            same(row, "CLM_LINE_RX_SRVC_RFRNC_NUM", &number.map_or_else(String::new, |id| text(&id["value"])));
        }
        "CCLF8" => {
            let zip = text(&eob["address"][0]["postalCode"]);
            same(row, "GEO_ZIP5_CD", &zip[..5]);
            same(row, "GEO_ZIP4_CD", &zip[5..]);
            same(row, "BENE_MIDL_NAME", &text(&eob["name"][0]["given"][1]));
        }
        _ => {}
    });
}

fn coded_diagnosis(eob: &Value, kind: &str) -> String {
    list(&eob["diagnosis"]).iter().find(|entry| has_code(&entry["type"][0], kind)).map_or_else(String::new, |entry| {
        text(&entry["diagnosisCodeableConcept"]["coding"][0]["code"]).replace('.', "")
    })
}

#[test]
fn v3_fields_stand_where_the_crosswalk_says() {
    const B: &str = "https://bluebutton.cms.gov/fhir/CodeSystem/";
    let info = |eob: &Value, category: &str| {
        coded(&eob["supportingInfo"], "category", category)
            .map_or_else(String::new, |entry| text(&entry["code"]["coding"][0]["code"]))
    };
    compare(Api::V3, |row, eob| match row.table {
        "CCLF1" => {
            let provider = list(&eob["contained"])
                .iter()
                .find(|resource| format!("#{}", text(&resource["id"])) == text(&eob["provider"]["reference"]))
                .expect("the billing provider is contained");
            let ccn = list(&provider["identifier"])
                .iter()
                .find(|identifier| identifier["system"] == "http://terminology.hl7.org/NamingSystem/CCN");
            same(row, "PRVDR_OSCAR_NUM", &ccn.map_or_else(String::new, |identifier| text(&identifier["value"])));
            let bill = &coded(&eob["supportingInfo"], "category", "typeofbill").expect("always there")["code"];
            let last =
                |system: &str| code_in(bill, &format!("{B}{system}")).pop().map_or_else(String::new, String::from);
            same(row, "CLM_BILL_CLSFCTN_CD", &last("CLM-BILL-CLSFCTN-CD"));
            same(row, "CLM_BILL_FREQ_CD", &last("CLM-BILL-FREQ-CD"));
            same(row, "PRNCPL_DGNS_CD", &coded_diagnosis(eob, "principal"));
            same(row, "ADMTG_DGNS_CD", &coded_diagnosis(eob, "admitting"));
            same(row, "CLM_EFCTV_DT", &text(&eob["created"])[..10]);
            same(row, "CLM_ADJSMT_TYPE_CD", &info(eob, "CLM_ADJSTMT_TYPE_CD"));
            same(row, "PRVDR_FAC_FIPS_ST_CD", &info(eob, "PRVDR_FAC_FIPS_ST_CD"));
            same(row, "CLM_ORG_CNTL_NUM", &text(&eob["related"][0]["reference"]["value"]));
            assert_eq!(eob["meta"]["tag"][1]["code"], "FinalAction");
        }
        "CCLF2" => {
            let item = item(eob, row);
            same(row, "HCPCS_2_MDFR_CD", &text(&item["modifier"][0]["coding"][1]["code"]));
            same(row, "CLM_LINE_PROD_REV_CTR_CD", &text(&item["revenue"]["coding"][0]["code"]));
        }
        "CCLF5" => {
            let item = item(eob, row);
            let renderer = list(&eob["careTeam"])
                .iter()
                .find(|member| has_code(&member["role"], "rendering") && member["sequence"] == item["sequence"])
                .expect("every line has a renderer");
            same(row, "RNDRG_PRVDR_NPI_NUM", &text(&renderer["provider"]["identifier"]["value"]));
            let state = list(&eob["supportingInfo"]).iter().find(|entry| {
                list(&item["informationSequence"]).contains(&entry["sequence"])
                    && has_code(&entry["category"], "RNDRG_PRVDR_FIPS_ST_CD")
            });
            same(
                row,
                "RNDRG_PRVDR_FIPS_ST_CD",
                &state.map_or_else(String::new, |entry| text(&entry["code"]["coding"][0]["code"])),
            );
        }
        "CCLF7" => {
            let item = &eob["item"][0];
            let detail = &item["detail"][0]["productOrService"]["coding"][0]["code"];
            same(row, "CLM_LINE_NDC_CD", &text(detail));
            same(row, "CLM_LINE_SRVC_UNIT_QTY", &text(&item["quantity"]["value"]));
        }
        "CCLF8" => {
            let identifiers = list(&eob["identifier"]);
            let open: Vec<&Value> =
                identifiers.iter().filter(|identifier| identifier["period"]["end"].is_null()).collect();
            let candidates = if open.is_empty() { identifiers.iter().collect() } else { open };
            let current = candidates.into_iter().max_by_key(|identifier| text(&identifier["period"]["start"]));
            same(row, "BENE_MBI_ID", &text(&current.expect("an MBI")["value"]));
        }
        "CCLFB" => {
            let item = item(eob, row);
            let linked = list(&eob["supportingInfo"])
                .iter()
                .filter(|entry| list(&item["informationSequence"]).contains(&entry["sequence"]));
            let demonstrations: Vec<String> = linked
                .filter(|entry| has_code(&entry["category"], "CLM_BNFT_ENHNCMT_CD"))
                .map(|entry| text(&entry["code"]["coding"][0]["code"]))
                .collect();
            same(row, "CLM_DEMO_1ST_NUM", demonstrations.first().map_or("", String::as_str));
            same(row, "CLM_DEMO_3RD_NUM", demonstrations.get(2).map_or("", String::as_str));
        }
        _ => {}
    });
}
