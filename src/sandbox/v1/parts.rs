//! Pieces that v1 claims share.

use crate::Api;
use crate::sandbox::ccw::{self, CODESYSTEM, ICD9, US_NPI, VARIABLE};
use crate::sandbox::chance::Chance;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Family, Role};

pub fn money(j: &mut Json, cents: i64) {
    ccw::money(j, Api::V1, cents);
}

/// An amount as an extension of the claim.
pub fn money_extension(j: &mut Json, variable: &str, cents: Option<i64>) {
    if let Some(cents) = cents {
        j.object(|j| {
            j.key("url").joined(VARIABLE, variable).key("valueMoney");
            money(j, cents);
        });
    }
}

fn variable_category(j: &mut Json, codesystem: &str, variable: &str, display: &str) {
    j.key("category").concept(|j| {
        j.object(|j| {
            j.key("code").joined(VARIABLE, variable).key("display").string(display);
            j.key("system").joined(CODESYSTEM, codesystem);
        });
    });
}

pub fn amount(j: &mut Json, variable: &str, display: &str, cents: i64) {
    j.object(|j| {
        j.key("amount");
        money(j, cents);
        variable_category(j, "adjudication", variable, display);
    });
}

/// The line's Medicare payment, which alone has an extension.
pub fn line_payment(j: &mut Json, cents: i64) {
    j.object(|j| {
        j.key("amount");
        money(j, cents);
        variable_category(j, "adjudication", "line_nch_pmt_amt", "Line NCH Medicare Payment Amount");
        j.key("extension").array(|j| ccw::extension(j, "line_pmt_80_100_cd", "0", "80%"));
    });
}

/// A code in an adjudication.
pub fn reason(j: &mut Json, variable: &str, display: &str, code: &str, meaning: &str) {
    j.object(|j| {
        variable_category(j, "adjudication", variable, display);
        j.key("reason").concept(|j| ccw::coding(j, variable, code, meaning));
    });
}

/// An entry of `information` that holds a code of its own variable.
pub fn info(j: &mut Json, sequence: i64, variable: &str, display: &str, code: &str, meaning: &str) {
    info_with(j, variable, display, |j| {
        j.key("code").concept(|j| ccw::coding(j, variable, code, meaning));
        j.key("sequence").integer(sequence);
    });
}

pub fn info_with(j: &mut Json, variable: &str, display: &str, write: impl FnOnce(&mut Json)) {
    j.object(|j| {
        variable_category(j, "information", variable, display);
        write(j);
    });
}

pub fn received(j: &mut Json, sequence: i64, claim: &Claim) {
    info_with(j, "nch_wkly_proc_dt", "NCH Weekly Claim Processing Date", |j| {
        j.key("sequence").integer(sequence).key("timingDate").date(claim.effective);
    });
}

pub fn identifier(j: &mut Json, npi: &str) {
    j.object(|j| {
        j.key("system").string(US_NPI).key("value").string(npi);
    });
}

pub fn member(j: &mut Json, sequence: i64, npi: &str, role: (&str, &str)) {
    j.object(|j| {
        j.key("provider").object(|j| {
            j.key("identifier");
            identifier(j, npi);
        });
        role_concept(j, role);
        j.key("sequence").integer(sequence);
    });
}

pub fn role_concept(j: &mut Json, role: (&str, &str)) {
    j.key("role").concept(|j| {
        j.coding(role.0, role.1, "http://hl7.org/fhir/claimcareteamrole");
    });
}

pub const PRIMARY: (&str, &str) = ("primary", "Primary provider");

/// The number of a careTeam member: v1 begins at 2.
pub fn team_sequence(claim: &Claim, index: usize) -> i64 {
    claim.sequence(index) + 1
}

/// The number of the diagnosis at `index`; the DRG takes the first place when there is one.
pub fn diagnosis_sequence(claim: &Claim, index: usize, has_drg: bool) -> i64 {
    claim.sequence(index + usize::from(has_drg))
}

/// The DRG stands among the diagnoses as an entry of its own.
pub fn diagnoses(j: &mut Json, claim: &Claim, drg: Option<&str>) {
    let is_stay = claim.family.is_stay();
    j.list("diagnosis", |j| {
        let mark = j.mark();
        if let Some(drg) = drg {
            j.object(|j| {
                j.key("packageCode").concept(|j| ccw::coding(j, "clm_drg_cd", drg, ""));
                j.key("sequence").integer(claim.sequence(0));
            });
        }
        for (index, (slot, diagnosis)) in ccw::diagnoses(claim).enumerate() {
            let kind = match diagnosis.role {
                Role::Principal => {
                    Some(("principal", "The single medical diagnosis that is most relevant to the patient's complaint"))
                }
                Role::Admitting => {
                    Some(("admitting", "The diagnosis given as the reason why the patient was admitted"))
                }
                Role::External if slot == 1 => {
                    Some(("external-first", "The code used to identify the 1st external cause of injury"))
                }
                Role::External => Some(("external", "A code used to identify an external cause of injury")),
                Role::Reason => {
                    Some(("reason-for-visit", "A diagnosis code used to identify the patient's reason for the visit"))
                }
                Role::Other if is_stay => {
                    Some(("other", "Required when other conditions coexist or develop during the stay"))
                }
                Role::Other => None,
            };
            j.object(|j| {
                j.key("diagnosisCodeableConcept").concept(|j| {
                    let system = if diagnosis.icd9 { ICD9 } else { "http://hl7.org/fhir/sid/icd-10" };
                    j.coding(diagnosis.term.code, diagnosis.term.display, system);
                });
                if let Some(poa) = diagnosis.poa {
                    let family = if diagnosis.role == Role::External { "clm_e_poa_ind_sw" } else { "clm_poa_ind_sw" };
                    let variable = format!("{family}{slot}");
                    j.key("extension").array(|j| ccw::extension(j, &variable, poa, ccw::poa_display(poa)));
                }
                j.key("sequence").integer(diagnosis_sequence(claim, index, drg.is_some()));
                if let Some((code, display)) = kind {
                    j.key("type").array(|j| {
                        j.concept(|j| {
                            j.object(|j| {
                                j.key("code").string(code).key("display").string(display);
                                j.key("system").joined(CODESYSTEM, "diagnosis-type");
                            });
                        });
                    });
                }
            });
        }
        if claim.scattered {
            j.scatter(mark, &mut Chance::new(claim.salt, &[1]));
        }
    });
}

pub fn identifiers(j: &mut Json, claim: &Claim, variable: &str, more: impl FnOnce(&mut Json)) {
    let id = claim.id.to_string();
    let group = (claim.salt % 99_999_999_999).to_string();
    j.key("id").string(&ccw::claim_id(claim));
    j.key("identifier").array(|j| {
        j.object(|j| {
            j.key("system").joined(VARIABLE, variable).key("value").string(&id);
        });
        j.object(|j| {
            j.key("system").string("https://bluebutton.cms.gov/resources/identifier/claim-group");
            j.key("value").string(&group);
        });
        more(j);
    });
}

pub fn insurance(j: &mut Json, claim: &Claim, patient: &str) {
    j.key("insurance").object(|j| {
        j.key("coverage");
        ccw::coverage_reference(j, ccw::part(claim.family), patient);
    });
}

pub fn meta(j: &mut Json) {
    j.key("meta").object(|j| {
        j.key("lastUpdated").string(ccw::UPDATED);
    });
}

pub fn patient(j: &mut Json, patient: &str) {
    j.key("patient").object(|j| {
        j.key("reference").joined("Patient/", patient);
    });
}

pub fn payment(j: &mut Json, claim: &Claim) {
    if let Some(payment) = claim.payment {
        j.key("payment").object(|j| {
            j.key("amount");
            money(j, payment);
        });
    }
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

/// resourceType and status.
pub fn status(j: &mut Json, claim: &Claim) {
    j.key("resourceType").string("ExplanationOfBenefit").key("status").string(ccw::status(claim));
}

/// The claim type, the near-line record and for facilities the classification, all in one concept.
pub fn kind(j: &mut Json, claim: &Claim, code: &str, display: &str, class: Option<char>) {
    let number = claim.number.to_string();
    j.key("type").concept(|j| {
        if claim.family != Family::Pde {
            ccw::coding(j, "nch_clm_type_cd", &number, ccw::claim_type(claim.number));
        }
        j.object(|j| {
            j.key("code").string(claim.family.eob_type()).key("system").joined(CODESYSTEM, "eob-type");
        });
        if !code.is_empty() {
            j.coding(code, display, "http://hl7.org/fhir/ex-claimtype");
        }
        if claim.family != Family::Pde {
            let (record, meaning) = ccw::near_line(claim.family);
            ccw::coding(j, "nch_near_line_rec_ident_cd", record, meaning);
        }
        if let Some(class) = class {
            ccw::coding(j, "clm_srvc_clsfctn_type_cd", &class.to_string(), "");
        }
    });
}
