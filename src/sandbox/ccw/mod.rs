//! What the two CCW-based versions, v1 and v2, write alike.
//!
//! Both name everything by a "variable" url; they differ in where they put it. The shapes of the EOBs are far enough
//! apart to have modules of their own.

pub mod coverage;
pub mod patient;

use crate::Api;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Family, Role};

pub const VARIABLE: &str = "https://bluebutton.cms.gov/resources/variables/";
pub const CODESYSTEM: &str = "https://bluebutton.cms.gov/resources/codesystem/";
pub const UPDATED: &str = "2025-02-03T04:05:06.789-05:00";
pub const US_NPI: &str = "http://hl7.org/fhir/sid/us-npi";
pub const NDC: &str = "http://hl7.org/fhir/sid/ndc";
pub const ICD9: &str = "http://hl7.org/fhir/sid/icd-9-cm";
pub const UCUM: &str = "http://unitsofmeasure.org";
pub const HCPCS: &str = "https://bluebutton.cms.gov/resources/codesystem/hcpcs";

/// `{"code":..,"display":..,"system":<variable>}`.
pub fn coding(j: &mut Json, variable: &str, code: &str, display: &str) {
    j.object(|j| {
        j.key("code").string(code);
        if !display.is_empty() {
            j.key("display").string(display);
        }
        j.key("system").joined(VARIABLE, variable);
    });
}

/// An extension whose coding has the extension's own url as system.
pub fn extension(j: &mut Json, variable: &str, code: &str, display: &str) {
    j.object(|j| {
        j.key("url").joined(VARIABLE, variable).key("valueCoding");
        coding(j, variable, code, display);
    });
}

pub fn identifier_extension(j: &mut Json, variable: &str, value: &str) {
    j.object(|j| {
        j.key("url").joined(VARIABLE, variable).key("valueIdentifier").object(|j| {
            j.key("system").joined(VARIABLE, variable).key("value").string(value);
        });
    });
}

/// A number under `valueQuantity`, in hundredths.
pub fn quantity_extension(j: &mut Json, variable: &str, value: i64) {
    j.object(|j| {
        j.key("url").joined(VARIABLE, variable).key("valueQuantity").object(|j| {
            j.key("value").hundredths(value);
        });
    });
}

/// `Coverage/part-x-id`, and for a drug the contract too.
pub fn coverage_reference(j: &mut Json, part: &str, patient: &str) {
    j.object(|j| {
        if part == "part-d-" {
            j.key("extension").array(|j| {
                identifier_extension(j, "plan_cntrct_rec_id", "S0009");
                identifier_extension(j, "plan_pbp_rec_num", "014");
            });
        }
        let reference = ["Coverage/", part, patient].concat();
        j.key("reference").string(&reference);
    });
}

/// The Coverage that pays for a claim.
pub const fn part(family: Family) -> &'static str {
    match family {
        Family::Pde => "part-d-",
        Family::Inpatient | Family::Snf | Family::Hospice => "part-a-",
        _ => "part-b-",
    }
}

/// Resource id of a claim: `carrier-123`.
pub fn claim_id(claim: &Claim) -> String {
    format!("{}{}", claim.family.prefix(), claim.id)
}

/// The nch_clm_type_cd in words.
pub const fn claim_type(number: u16) -> &'static str {
    match number {
        10 => "Home Health Agency (HHA) claim",
        20 => "Non swing bed Skilled Nursing Facility (SNF) claim",
        30 => "Swing bed SNF claim",
        40 => "Hospital Outpatient claim",
        50 => "Hospice claim",
        60 => "Inpatient claim",
        61 => "Inpatient claim, full encounter",
        71 => "Local carrier non-durable medical equipment, prosthetics, orthotics, and supplies (DMEPOS) claim",
        72 => "Local carrier DMEPOS claim",
        81 => "Durable medical equipment regional carrier (DMERC); non-DMEPOS claim",
        _ => "DMERC; DMEPOS claim",
    }
}

/// nch_near_line_rec_ident_cd, which follows from the claim type.
pub const fn near_line(family: Family) -> (&'static str, &'static str) {
    match family {
        Family::Carrier => ("O", "Part B physician/supplier claim record (processed by local carriers)"),
        Family::Dme => ("M", "Part B DMEPOS claim record (processed by DME Regional Carrier)"),
        Family::Outpatient | Family::Hha => ("W", "Part B institutional claim record (outpatient, HHA)"),
        _ => ("V", "Part A institutional claim record (inpatient, SNF, hospice, or HHA)"),
    }
}

pub const fn status(claim: &Claim) -> &'static str {
    match claim.standing {
        crate::sandbox::model::Standing::Cancelled => "cancelled",
        _ => "active",
    }
}

/// CCW drops leading zeros here and there; CCLF never does.
pub fn unpadded<'a>(claim: &Claim, code: &'a str) -> &'a str {
    if claim.salt & 1 == 0 { code } else { code.trim_start_matches('0') }
}

pub fn poa_display(code: &str) -> &'static str {
    match code {
        "Y" => "Diagnosis was present at the time of admission (POA)",
        "N" => "Diagnosis was not present at the time of admission",
        "U" => "Documentation is insufficient to determine if condition was present on admission",
        _ => "",
    }
}

/// The diagnoses in CCW's order, each with the number of its slot within its role.
pub fn diagnoses(claim: &Claim) -> impl Iterator<Item = (usize, &crate::sandbox::model::Diagnosis)> {
    [Role::Admitting, Role::Principal, Role::Other, Role::External, Role::Reason].into_iter().flat_map(move |role| {
        let offset = if role == Role::Other { 2 } else { 1 };
        claim.of_role(role).enumerate().map(move |(index, diagnosis)| (index + offset, diagnosis))
    })
}

/// A laboratory result of a line, which some professional claims carry along.
pub fn observation(j: &mut Json, id: &str, claim: &Claim) {
    j.object(|j| {
        j.key("code").concept(|j| coding(j, "line_hct_hgb_type_cd", "R1", "Hemoglobin Test"));
        j.key("id").string(id).key("resourceType").string("Observation").key("status").string("unknown");
        j.key("valueQuantity").object(|j| {
            j.key("value").hundredths(800 + (claim.salt % 900) as i64);
        });
    });
}

/// Whether the claim has one.
pub const fn has_observation(claim: &Claim) -> bool {
    claim.salt & 0x700 == 0
}

/// Money in the version's own spelling.
pub fn money(j: &mut Json, api: Api, cents: i64) {
    j.raw(match api {
        Api::V1 => "{\"code\":\"USD\",\"system\":\"urn:iso:std:iso:4217\"",
        _ => "{\"currency\":\"USD\"",
    });
    j.key("value").hundredths(cents).close();
}
