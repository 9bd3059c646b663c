//! Pieces that v2 claims share.

use crate::Api;
use crate::sandbox::ccw::{self, CODESYSTEM, ICD9, VARIABLE};
use crate::sandbox::chance::Chance;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Diagnosis, Family, Person, Role};
use crate::sandbox::vocabulary::service::SPECIALTIES;

pub const THO: &str = "http://terminology.hl7.org/CodeSystem/";
pub const C4BB: &str = "http://hl7.org/fhir/us/carin-bb/CodeSystem/";

/// Code, display and system of an adjudication kind.
pub type Kind = (&'static str, &'static str, &'static str);

pub const SUBMITTED: Kind = ("submitted", "Submitted Amount", "http://terminology.hl7.org/CodeSystem/adjudication");
pub const ELIGIBLE: Kind = ("eligible", "Eligible Amount", "http://terminology.hl7.org/CodeSystem/adjudication");
pub const DEDUCTIBLE: Kind = ("deductible", "Deductible", "http://terminology.hl7.org/CodeSystem/adjudication");
pub const BENEFIT: Kind = ("benefit", "Benefit Amount", "http://terminology.hl7.org/CodeSystem/adjudication");
pub const COINSURANCE: Kind =
    ("coinsurance", "Co-insurance", "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication");
pub const NONCOVERED: Kind =
    ("noncovered", "Noncovered", "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication");
pub const TO_PROVIDER: Kind =
    ("paidtoprovider", "Paid to provider", "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication");
pub const TO_PATIENT: Kind =
    ("paidtopatient", "Paid to patient", "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication");
pub const BY_PATIENT: Kind =
    ("paidbypatient", "Paid by patient", "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication");
pub const PRIOR_PAYER: Kind =
    ("priorpayerpaid", "Prior payer paid", "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication");
pub const DISCOUNT: Kind = ("discount", "Discount", "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication");
pub const DRUG_COST: Kind = ("drugcost", "Drug Cost", "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication");

/// An amount under its CARIN kind and its CCW variable.
pub fn amount(j: &mut Json, kind: Kind, variable: &str, display: &str, cents: i64) {
    j.object(|j| {
        j.key("amount");
        ccw::money(j, Api::V2, cents);
        category(j, kind, variable, display);
    });
}

pub fn category(j: &mut Json, kind: Kind, variable: &str, display: &str) {
    j.key("category").concept(|j| {
        j.coding(kind.0, kind.1, kind.2);
        j.object(|j| {
            j.key("code").joined(VARIABLE, variable);
            j.key("display").string(display);
            j.key("system").joined(CODESYSTEM, "adjudication");
        });
    });
}

/// An ANSI code or the like: a denial reason.
pub fn denial(j: &mut Json, variable: &str, code: &str, display: &str) {
    j.object(|j| {
        j.key("category").concept(|j| {
            j.coding(
                "denialreason",
                "Denial Reason",
                "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudicationDiscriminator",
            );
        });
        j.key("reason").concept(|j| ccw::coding(j, variable, code, display));
    });
}

pub fn balance(j: &mut Json, variable: &str, display: &str, cents: i64) {
    j.object(|j| {
        balance_type(j, variable, display);
        j.key("usedMoney");
        ccw::money(j, Api::V2, cents);
    });
}

pub fn balance_count(j: &mut Json, variable: &str, display: &str, count: i64) {
    j.object(|j| {
        balance_type(j, variable, display);
        j.key("usedUnsignedInt").integer(count);
    });
}

fn balance_type(j: &mut Json, variable: &str, display: &str) {
    j.key("type").concept(|j| {
        j.object(|j| {
            j.key("code").joined(VARIABLE, variable);
            j.key("display").string(display);
            j.key("system").joined(CODESYSTEM, "benefit-balance");
        });
    });
}

pub fn benefit_balance(j: &mut Json, financial: impl FnOnce(&mut Json)) {
    j.key("benefitBalance").array(|j| {
        j.object(|j| {
            j.key("category").raw(
                "{\"coding\":[{\"code\":\"1\",\"display\":\"Medical Care\",\
                 \"system\":\"http://terminology.hl7.org/CodeSystem/ex-benefitcategory\"}]}",
            );
            j.list("financial", financial);
        });
    });
}

/// Type of a supportingInfo entry that CARIN does not know.
pub fn info_category(j: &mut Json, variable: &str, display: &str) {
    j.key("category").concept(|j| {
        j.raw(
            "{\"code\":\"info\",\"display\":\"Information\",\
             \"system\":\"http://terminology.hl7.org/CodeSystem/claiminformationcategory\"}",
        );
        info_variable(j, variable, display);
    });
}

fn info_variable(j: &mut Json, variable: &str, display: &str) {
    j.object(|j| {
        j.key("code").joined(VARIABLE, variable);
        j.key("display").string(display);
        j.key("system").joined(CODESYSTEM, "information");
    });
}

/// A supportingInfo entry that holds a code of `variable`.
pub fn info_code(j: &mut Json, sequence: i64, variable: &str, display: &str, code: &str, meaning: &str) {
    j.object(|j| {
        info_category(j, variable, display);
        j.key("code").concept(|j| ccw::coding(j, variable, code, meaning));
        j.key("sequence").integer(sequence);
    });
}

/// A category of CARIN's own.
pub fn carin_category(j: &mut Json, code: &str, display: &str, variable: Option<(&str, &str)>) {
    j.key("category").concept(|j| {
        j.coding(code, display, "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBSupportingInfoType");
        if let Some((variable, display)) = variable {
            info_variable(j, variable, display);
        }
    });
}

pub fn received(j: &mut Json, sequence: i64, claim: &Claim) {
    j.object(|j| {
        carin_category(
            j,
            "clmrecvddate",
            "Claim Received Date",
            Some(("nch_wkly_proc_dt", "NCH Weekly Claim Processing Date")),
        );
        j.key("sequence").integer(sequence);
        j.key("timingDate").date(claim.effective);
    });
}

/// An identifier typed `npi`, the usual way of v2 to name a provider.
pub fn npi(j: &mut Json, value: &str) {
    j.object(|j| {
        j.key("type").raw(
            "{\"coding\":[{\"code\":\"npi\",\"display\":\"National Provider Identifier\",\
             \"system\":\"http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType\"}]}",
        );
        j.key("value").string(value);
    });
}

pub fn provider(j: &mut Json, person: &Person) {
    let display = format!("DR. {} {} MD", person.given.to_uppercase(), person.family.to_uppercase());
    j.object(|j| {
        j.key("display").string(&display);
        j.key("identifier");
        npi(j, &person.npi);
    });
}

/// A careTeam member; `role` is code and display.
pub fn member(j: &mut Json, sequence: i64, person: &Person, role: (&str, &str)) {
    let (_, _, taxonomy, title) = SPECIALTIES[person.specialty];
    j.object(|j| {
        j.key("provider");
        provider(j, person);
        j.key("qualification").concept(|j| {
            j.coding(taxonomy, title, "http://nucc.org/provider-taxonomy");
        });
        role_concept(j, role);
        j.key("sequence").integer(sequence);
    });
}

pub fn role_concept(j: &mut Json, role: (&str, &str)) {
    j.key("role").concept(|j| {
        j.coding(role.0, role.1, "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBClaimCareTeamRole");
    });
}

/// Home health calls every other diagnosis secondary, skilled nursing calls the admitting one other.
pub fn diagnoses(j: &mut Json, claim: &Claim) {
    let mark_owner = claim.scattered;
    j.list("diagnosis", |j| {
        let mark = j.mark();
        for (index, (slot, diagnosis)) in ccw::diagnoses(claim).enumerate() {
            one_diagnosis(j, claim, diagnosis, slot, claim.sequence(index));
        }
        if mark_owner {
            j.scatter(mark, &mut Chance::new(claim.salt, &[1]));
        }
    });
}

fn one_diagnosis(j: &mut Json, claim: &Claim, diagnosis: &Diagnosis, slot: usize, sequence: i64) {
    let is_secondary = matches!(claim.family, Family::Hha | Family::Carrier);
    let (system, name) = match diagnosis.role {
        Role::Principal => ("ex-diagnosistype", ("principal", "Principal Diagnosis")),
        _ if is_secondary => ("C4BBClaimDiagnosisType", ("secondary", "Secondary")),
        Role::Admitting if claim.family == Family::Snf => ("C4BBClaimDiagnosisType", ("other", "Other")),
        Role::Admitting => ("ex-diagnosistype", ("admitting", "Admitting Diagnosis")),
        Role::Other => ("C4BBClaimDiagnosisType", ("other", "Other")),
        Role::External => ("C4BBClaimDiagnosisType", ("externalcauseofinjury", "External Cause of Injury")),
        Role::Reason => ("C4BBClaimDiagnosisType", ("patientreasonforvisit", "Patient Reason for Visit")),
    };
    j.object(|j| {
        j.key("diagnosisCodeableConcept").concept(|j| {
            if diagnosis.icd9 {
                j.coding(diagnosis.term.code, diagnosis.term.display, ICD9);
            } else {
                j.coding(diagnosis.term.code, diagnosis.term.display, "http://hl7.org/fhir/sid/icd-10-cm");
                j.coding(diagnosis.term.code, diagnosis.term.display, "http://hl7.org/fhir/sid/icd-10");
            }
        });
        if let Some(poa) = diagnosis.poa {
            let family = if diagnosis.role == Role::External { "clm_e_poa_ind_sw" } else { "clm_poa_ind_sw" };
            let variable = format!("{family}{slot}");
            j.key("extension").array(|j| ccw::extension(j, &variable, poa, ccw::poa_display(poa)));
        }
        j.key("sequence").integer(sequence);
        j.key("type").array(|j| {
            j.concept(|j| {
                j.object(|j| {
                    j.key("code").string(name.0).key("display").string(name.1);
                    j.key("system").joined(if system.starts_with("C4BB") { C4BB } else { THO }, system);
                });
            });
        });
    });
}

/// identifier: the claim and its group.
pub fn identifiers(j: &mut Json, claim: &Claim, variable: &str, more: impl FnOnce(&mut Json)) {
    let id = claim.id.to_string();
    let group = (claim.salt % 99_999_999_999).to_string();
    j.key("identifier").array(|j| {
        identifier(j, |j| j.joined(VARIABLE, variable), &id);
        identifier(j, |j| j.string("https://bluebutton.cms.gov/resources/identifier/claim-group"), &group);
        more(j);
    });
}

pub fn identifier(j: &mut Json, system: impl FnOnce(&mut Json) -> &mut Json, value: &str) {
    j.object(|j| {
        system(j.key("system"));
        j.key("type").raw(
            "{\"coding\":[{\"code\":\"uc\",\"display\":\"Unique Claim ID\",\
             \"system\":\"http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType\"}]}",
        );
        j.key("value").string(value);
    });
}

pub fn insurance(j: &mut Json, claim: &Claim, patient: &str) {
    j.key("insurance").array(|j| {
        j.object(|j| {
            j.key("coverage");
            ccw::coverage_reference(j, ccw::part(claim.family), patient);
            j.key("focal").raw("true");
        });
    });
    j.key("insurer").raw("{\"identifier\":{\"value\":\"CMS\"}}");
}

pub fn meta(j: &mut Json, profile: &str) {
    j.key("meta").object(|j| {
        j.key("lastUpdated").string(ccw::UPDATED);
        j.key("profile").array(|j| {
            j.joined("http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-", profile);
        });
    });
}

/// outcome and patient, which stand between meta and payment.
pub fn outcome(j: &mut Json, patient: &str) {
    j.key("outcome").string("complete");
    j.key("patient").object(|j| {
        j.key("reference").joined("Patient/", patient);
    });
}

pub fn kind(j: &mut Json, claim: &Claim, code: &str, display: &str) {
    let number = claim.number.to_string();
    j.key("type").concept(|j| {
        if claim.family != Family::Pde {
            ccw::coding(j, "nch_clm_type_cd", &number, ccw::claim_type(claim.number));
        }
        j.object(|j| {
            j.key("code").string(claim.family.eob_type()).key("system").joined(CODESYSTEM, "eob-type");
        });
        j.coding(code, display, "http://terminology.hl7.org/CodeSystem/claim-type");
    });
    j.key("use").string("claim");
}

pub fn period(j: &mut Json, claim: &Claim, has_query: bool) {
    j.key("billablePeriod").object(|j| {
        j.key("end").date(claim.thru);
        if let (true, Some(query)) = (has_query, claim.query) {
            j.key("extension").array(|j| ccw::extension(j, "claim_query_cd", query.code, query.display));
        }
        j.key("start").date(claim.from);
    });
}
