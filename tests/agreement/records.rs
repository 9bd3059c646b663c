//! Hand-made records, small and rich in slices and links; every value is invented.

use claimfeed::api::Api;
use serde_json::{Value, json};

/// A few claims of a version.
pub fn claims(api: Api) -> Vec<Value> {
    match api {
        Api::V1 => vec![v1_carrier(), v1_inpatient()],
        Api::V2 => vec![v2_carrier(), v2_inpatient()],
        Api::V3 => vec![v3_carrier(), v3_inpatient(), v3_drug()],
    }
}

/// A Patient with two MBIs.
pub fn patient(api: Api) -> Value {
    let currency = json!({"url": "u", "valueCoding": {
        "system": "https://bluebutton.cms.gov/resources/codesystem/identifier-currency", "code": "historic"}});
    let mut old = json!({"system": "http://hl7.org/fhir/sid/us-mbi", "value": "1S00E00AA01"});
    match api {
        Api::V1 => old["extension"] = json!([currency]),
        Api::V2 => old["type"] = json!({"coding": [{"code": "MB", "extension": [currency]}]}),
        Api::V3 => old["period"] = json!({"start": "2020-01-01", "end": "2021-05-05"}),
    }
    json!({"resourceType": "Patient", "id": "-1", "meta": {"lastUpdated": "2026-01-31T00:00:00Z"},
        "identifier": [old, {"system": "http://hl7.org/fhir/sid/us-mbi", "value": "1S00E00AA02",
            "period": {"start": "2021-05-06"}}, {"system": "urn:other", "value": "9"}],
        "name": [{"family": "O'NEIL-LONGNAME OF THE LONG HILLS AND VALLEYS", "given": ["Zoë", "Q"]}],
        "gender": "female", "birthDate": "1941-02-28", "deceasedDateTime": "2025-03-01T00:00:00Z",
        "address": [{"state": "CA", "postalCode": "90210-1234", "city": "PODUNK", "line": ["1 MAIN ST", "APT 2"]}],
        "extension": [
            {"url": "https://bluebutton.cms.gov/resources/variables/race", "valueCoding": {"code": "1"}},
            {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
             "extension": [{"url": "ombCategory", "valueCoding": {"code": "2106-3"}}]}]})
}

fn concept(system: &str, code: &str) -> Value {
    json!({"coding": [{"system": system, "code": code}]})
}

fn variable(name: &str) -> String {
    format!("https://bluebutton.cms.gov/resources/variables/{name}")
}

/// A category as v1 and v2 write it: the variable is the code.
fn category(name: &str) -> Value {
    concept("https://bluebutton.cms.gov/resources/codesystem/adjudication", &variable(name))
}

fn npi(value: &str) -> Value {
    json!({"identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": value}})
}

const ICD_10: &str = "http://hl7.org/fhir/sid/icd-10-cm";
const HCPCS: &str = "https://bluebutton.cms.gov/resources/codesystem/hcpcs";
const EOB_TYPE: &str = "https://bluebutton.cms.gov/resources/codesystem/eob-type";

fn diagnosis(sequence: u32, kind: &str, code: &str) -> Value {
    json!({"sequence": sequence, "type": [{"coding": [{"code": kind}]}], "diagnosisCodeableConcept": concept(ICD_10, code),
        "onAdmission": {"coding": [{"code": "Y"}, {"code": "9"}]},
        "extension": [{"url": variable("clm_poa_ind_sw3"), "valueCoding": {"code": "Y"}}]})
}

fn old_claim(family: &str, nch: &str) -> Value {
    json!({"resourceType": "ExplanationOfBenefit", "id": "x-1", "status": "active", "patient": {"reference": "Patient/-1"},
        "type": {"coding": [{"system": EOB_TYPE, "code": family},
            {"system": variable("nch_clm_type_cd"), "code": nch}, {"system": variable("clm_srvc_clsfctn_type_cd"), "code": "1"}]},
        "identifier": [{"system": variable("clm_id"), "value": "-100"},
            {"system": "https://bluebutton.cms.gov/resources/identifier/claim-group", "value": "22"}],
        "billablePeriod": {"start": "2024-01-05", "end": "2024-01-09",
            "extension": [{"url": variable("claim_query_cd"), "valueCoding": {"code": "3"}}]},
        "payment": {"amount": {"value": 120.5}}, "disposition": "1",
        "diagnosis": [diagnosis(2, "other", "I10"), diagnosis(1, "principal", "E119"), diagnosis(3, "external", "W19XXXA"),
            diagnosis(4, "externalcauseofinjury", "V00"), {"sequence": 5, "packageCode": concept(&variable("clm_drg_cd"), "470")}],
        "careTeam": [
            {"sequence": 2, "role": {"coding": [{"code": "primary"}, {"code": "performing"}]}, "provider": npi("1111111111"),
             "qualification": concept(&variable("prvdr_spclty"), "06"),
             "extension": [{"url": variable("carr_line_prvdr_type_cd"), "valueCoding": {"code": "1"}}]},
            {"sequence": 3, "role": {"coding": [{"code": "primary"}, {"code": "attending"}]}, "provider": npi("2222222222")},
            {"sequence": 4, "role": {"coding": [{"code": "assist"}, {"code": "operating"}]}, "provider": npi("3333333333")}]})
}

fn with(mut record: Value, members: Value) -> Value {
    if let (Value::Object(record), Value::Object(members)) = (&mut record, members) {
        record.extend(members);
    }
    record
}

fn v1_carrier() -> Value {
    with(
        old_claim("CARRIER", "71"),
        json!({"item": [
        {"sequence": 7, "careTeamLinkId": [2], "diagnosisLinkId": [2, 1], "service": concept(HCPCS, "99213"),
         "servicedPeriod": {"start": "2024-01-05", "end": "2024-01-05"}, "quantity": {"value": 1},
         "modifier": [concept(HCPCS, "25"), concept("urn:x", "26"), concept(HCPCS, "59")],
         "locationCodeableConcept": {"coding": [{"system": variable("line_place_of_srvc_cd"), "code": "11"}],
             "extension": [{"url": variable("prvdr_state_cd"), "valueCoding": {"code": "05"}}]},
         "adjudication": [{"category": category("line_nch_pmt_amt"), "amount": {"value": 80.25}},
             {"category": category("line_alowd_chrg_amt"), "amount": {"value": 100},
              "reason": concept(&variable("line_prcsg_ind_cd"), "A")}]},
        {"sequence": 3, "careTeamLinkId": [2, 4], "diagnosisLinkId": [9], "servicedPeriod": {"start": "2024-01-06"}}]}),
    )
}

fn v1_inpatient() -> Value {
    with(
        old_claim("INPATIENT", "60"),
        json!({
        "totalCost": {"value": 5000}, "facility": npi("4444444444"),
        "provider": {"identifier": {"system": variable("prvdr_num"), "value": "010001"}},
        "information": [{"sequence": 1, "category": concept("urn:c", &variable("nch_wkly_proc_dt")), "timingDate": "2024-02-01"},
            {"sequence": 2, "category": concept("urn:c", "x"), "code": concept(&variable("clm_freq_cd"), "1")}],
        "extension": [{"url": variable("fi_num"), "valueIdentifier": {"value": "1234"}},
            {"url": variable("ime_op_clm_val_amt"), "valueMoney": {"value": 1.5}},
            {"url": variable("ime_op_clm_val_amt"), "valueMoney": {"value": 1.5}}],
        "procedure": [{"sequence": 1, "date": "2024-01-06", "procedureCodeableConcept": concept("urn:ICD10", "0SRD0J9")}],
        "item": [{"sequence": 25, "careTeamLinkId": [2], "revenue": concept(&variable("rev_cntr"), "1"),
            "locationAddress": {"state": "05"}, "servicedDate": "2024-01-07", "quantity": {"value": 2.5}}]}),
    )
}

fn v2_carrier() -> Value {
    with(
        old_claim("CARRIER", "71"),
        json!({"item": [
        {"sequence": 1, "careTeamSequence": [2], "diagnosisSequence": [2], "productOrService": concept(HCPCS, "99213"),
         "servicedPeriod": {"start": "2024-01-05", "end": "2024-01-05"}, "quantity": {"value": 1},
         "modifier": [concept("urn:unitsofmeasure.org", "26"), concept(HCPCS, "25")],
         "locationCodeableConcept": {"coding": [{"system": variable("line_place_of_srvc_cd"), "code": "11"}],
             "extension": [{"url": variable("prvdr_state_cd"), "valueCoding": {"code": "05"}}]},
         "adjudication": [{"category": category("line_nch_pmt_amt"), "amount": {"value": 80.25}}]},
        {"sequence": 2, "careTeamSequence": [], "diagnosisSequence": [9]}]}),
    )
}

fn v2_inpatient() -> Value {
    with(
        old_claim("INPATIENT", "60"),
        json!({
        "total": [{"category": category("clm_tot_chrg_amt"), "amount": {"value": 5000}}],
        "provider": {"reference": "#provider-org"},
        "contained": [{"resourceType": "Organization", "id": "provider-org", "identifier": [
            {"system": variable("prvdr_num"), "value": "010001", "type": {"coding": [{"code": "PRN"}]}},
            {"system": "http://hl7.org/fhir/sid/us-npi", "value": "4444444444", "type": {"coding": [{"code": "npi"}]}}]}],
        "supportingInfo": [{"sequence": 1, "category": concept("urn:c", &variable("nch_wkly_proc_dt")), "timingDate": "2024-02-01"},
            {"sequence": 2, "category": {"coding": [{"code": "discharge-status"}]}, "code": concept(&variable("ptnt_dschrg_stus_cd"), "1")}],
        "procedure": [{"sequence": 1, "date": "2024-01-06", "procedureCodeableConcept": concept("urn:icd-9", "8154")}],
        "item": [{"sequence": 2, "revenue": concept(&variable("rev_cntr"), "1"), "servicedDate": "2024-01-07"}]}),
    )
}

const V3: &str = "https://bluebutton.cms.gov/fhir";

fn info(sequence: u32, category: &str, code: &str) -> Value {
    json!({"sequence": sequence, "category": {"coding": [{"code": category}]},
        "code": {"coding": [{"system": format!("{V3}/CodeSystem/{}", category.replace('_', "-")), "code": code}]}})
}

fn new_claim(family: &str, kind: &str) -> Value {
    json!({"resourceType": "ExplanationOfBenefit", "id": "-500", "use": "claim", "created": "2024-03-01T00:00:00+00:00",
        "meta": {"tag": [{"system": format!("{V3}/CodeSystem/System-Type"), "code": "NationalClaimsHistory"},
            {"system": format!("{V3}/CodeSystem/Final-Action"), "code": "FinalAction"}]},
        "type": {"coding": [{"system": format!("{V3}/CodeSystem/EOB-TYPE"), "code": family},
            {"system": format!("{V3}/CodeSystem/CLM-TYPE-CD"), "code": kind}]},
        "identifier": [{"type": {"coding": [{"code": "uc"}]}, "value": "-500"},
            {"system": "https://bluebutton.cms.gov/identifiers/CLM-CNTL-NUM", "value": "C1"}],
        "billablePeriod": {"start": "2024-01-05", "end": "2024-01-09"}, "payment": {"amount": {"value": 7.1}},
        "provider": {"reference": "#p1"},
        "contained": [{"id": "p0", "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "5555555555"}]},
            {"id": "p1", "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "6666666666"},
                {"system": "http://terminology.hl7.org/NamingSystem/CCN", "value": "010001"}]}],
        "diagnosis": [diagnosis(1, "other", "I10."), diagnosis(2, "principal", "I10."), diagnosis(3, "secondary", "E11.9"),
            diagnosis(4, "externalcauseofinjury", "W19.XXXA"), diagnosis(5, "principal", "J45")],
        "careTeam": [{"sequence": 1, "role": {"coding": [{"code": "referring"}]}, "provider": npi("1111111111")},
            {"sequence": 1, "role": {"coding": [{"code": "rendering"}]}, "provider": npi("2222222222")},
            {"sequence": 2, "role": {"coding": [{"code": "rendering"}]}, "provider": npi("3333333333")},
            {"sequence": 3, "role": {"coding": [{"code": "prescribing"}]}, "provider": npi("4444444444")}],
        "supportingInfo": [info(1, "CLM_ADJSTMT_TYPE_CD", "0"), info(2, "CLM_BNFT_ENHNCMT_CD", "45"),
            info(3, "RNDRG_PRVDR_FIPS_ST_CD", "06"), info(4, "RNDRG_PRVDR_FIPS_ST_CD", "07"),
            info(5, "CLM_NGACO_PBPMT_SW", "Y"), info(6, "CLM_BNFT_ENHNCMT_CD", "31"), info(7, "CLM_RLT_COND_CD", "62")]})
}

fn v3_item(sequence: u32, information: &[u32]) -> Value {
    json!({"sequence": sequence, "informationSequence": information, "quantity": {"value": 3},
        "servicedPeriod": {"start": "2024-01-05", "end": "2024-01-06"},
        "productOrService": concept("http://www.ama-assn.org/go/cpt", "99213"),
        "modifier": [{"coding": [{"code": "25"}, {"code": "59"}]}],
        "adjudication": [{"category": {"coding": [{"code": "CLM_LINE_CVRD_PD_AMT"}]}, "amount": {"value": 55.5}},
            {"category": {"coding": [{"code": "CLM_LINE_BENE_PMT_AMT"}]}, "amount": {"value": 1.25}}]})
}

fn v3_carrier() -> Value {
    with(new_claim("CARRIER", "71"), json!({"item": [v3_item(1, &[3, 5, 2]), v3_item(2, &[4]), v3_item(3, &[])]}))
}

fn v3_inpatient() -> Value {
    with(
        new_claim("INPATIENT", "60"),
        json!({"item": [v3_item(1, &[])],
        "procedure": [{"sequence": 3, "date": "2024-01-06", "procedureCodeableConcept": concept("urn:ICD10", "0SR.D0J9")}],
        "total": [{"category": {"coding": [{"code": "CLM_SBMT_CHRG_AMT"}]}, "amount": {"value": 99.9}}]}),
    )
}

fn v3_drug() -> Value {
    let mut item = v3_item(1, &[]);
    item["detail"] = json!([{"sequence": 1, "productOrService": concept("http://hl7.org/fhir/sid/ndc", "00093")}]);
    item["servicedDate"] = json!("2024-01-05");
    with(new_claim("PDE", "2"), json!({"item": [item]}))
}
