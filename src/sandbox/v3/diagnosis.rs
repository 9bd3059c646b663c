//! Diagnoses in v3: dotted codes, one coding each, the principal often told twice.

use crate::sandbox::ccw;
use crate::sandbox::chance::Chance;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Diagnosis, Family, Role};

/// ICD codes with the point that v3 puts in.
fn dotted(code: &str, icd9: bool) -> String {
    let at = if icd9 && code.starts_with('E') { 4 } else { 3 };
    if code.len() <= at { code.to_owned() } else { [&code[..at], ".", &code[at..]].concat() }
}

/// Row order of the IDR: the principal at either end, its twin as the first of the others.
pub fn diagnoses(j: &mut Json, claim: &Claim) {
    let is_professional = matches!(claim.family, Family::Carrier | Family::Dme);
    let mut list: Vec<(&Diagnosis, &str, &str, bool)> = Vec::new();
    let other = if is_professional { "secondary" } else { "other" };
    const C4BB: &str = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBClaimDiagnosisType";
    const THO: &str = "http://terminology.hl7.org/CodeSystem/ex-diagnosistype";
    let principal = claim.of_role(Role::Principal).map(|diagnosis| (diagnosis, "principal", THO, false));
    let is_first = is_professional || claim.salt & 8 == 0;
    if is_first {
        list.extend(principal.clone());
    }
    list.extend(claim.of_role(Role::Admitting).map(|diagnosis| (diagnosis, "admitting", THO, false)));
    if claim.has_twin {
        list.extend(claim.of_role(Role::Principal).map(|diagnosis| (diagnosis, other, C4BB, true)));
    }
    list.extend(claim.of_role(Role::Other).map(|diagnosis| (diagnosis, other, C4BB, true)));
    list.extend(claim.of_role(Role::External).map(|diagnosis| (diagnosis, "externalcauseofinjury", C4BB, false)));
    list.extend(claim.of_role(Role::Reason).map(|diagnosis| (diagnosis, "patientreasonforvisit", C4BB, false)));
    if !is_first {
        list.extend(principal);
    }
    j.list("diagnosis", |j| {
        let mark = j.mark();
        for (index, (diagnosis, code, system, has_poa)) in list.into_iter().enumerate() {
            j.object(|j| {
                let icd = if diagnosis.icd9 { ccw::ICD9 } else { "http://hl7.org/fhir/sid/icd-10-cm" };
                j.key("diagnosisCodeableConcept").concept(|j| {
                    j.coding(&dotted(diagnosis.term.code, diagnosis.icd9), "", icd);
                });
                if let (true, Some(poa)) = (has_poa, diagnosis.poa) {
                    j.key("onAdmission").concept(|j| {
                        for at in 0..poa.len() {
                            const SYSTEM: &str =
                                "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/HospitalAcqCond/Coding";
                            j.coding(&poa[at..=at], "", SYSTEM);
                        }
                    });
                }
                j.key("sequence").integer(claim.sequence(index));
                j.key("type").array(|j| {
                    j.concept(|j| {
                        j.coding(code, "", system);
                    });
                });
            });
        }
        if claim.scattered {
            j.scatter(mark, &mut Chance::new(claim.salt, &[1]));
        }
    });
}
