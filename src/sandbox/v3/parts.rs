//! Pieces that v3 claims share.

use crate::Api;
use crate::sandbox::ccw;
use crate::sandbox::date::Date;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Body, Claim, Enhancement, Family, Ndc, Person, Standing};
use crate::sandbox::v2::parts::Kind;
use crate::sandbox::vocabulary::service::SPECIALTIES;

pub const CODE: &str = "https://bluebutton.cms.gov/fhir/CodeSystem/";
pub const STRUCTURE: &str = "https://bluebutton.cms.gov/fhir/StructureDefinition/";
pub const UPDATED: &str = "2025-02-20T05:06:07.000+00:00";
pub const US_NPI: &str = "http://hl7.org/fhir/sid/us-npi";
pub const NUBC: &str = "https://www.nubc.org/CodeSystem/";
pub const CPT: &str = "http://www.ama-assn.org/go/cpt";
pub const HCPCS: &str = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets";

/// An ordinary adjudication kind of which CARIN knows nothing.
pub const NONE: Kind = ("", "", "");

pub fn amount(j: &mut Json, kind: Kind, code: &str, display: &str, cents: i64) {
    j.object(|j| {
        j.key("amount");
        ccw::money(j, Api::V3, cents);
        category(j, kind, code, display);
    });
}

pub fn category(j: &mut Json, kind: Kind, code: &str, display: &str) {
    j.key("category").concept(|j| {
        if !kind.0.is_empty() {
            j.coding(kind.0, kind.1, kind.2);
        }
        bb(j, "Adjudication", code, display);
    });
}

/// A coding of one of CMS's own systems.
pub fn bb(j: &mut Json, system: &str, code: &str, display: &str) {
    j.object(|j| {
        j.key("code").string(code);
        if !display.is_empty() {
            j.key("display").string(display);
        }
        j.key("system").joined(CODE, system);
    });
}

pub fn extension(j: &mut Json, name: &str, code: &str, display: &str) {
    j.object(|j| {
        j.key("url").joined(STRUCTURE, name).key("valueCoding");
        bb(j, name, code, display);
    });
}

/// Benefit payment status, which opens the adjudication of every claim.
pub fn payment_status(j: &mut Json) {
    j.raw(
        "{\"category\":{\"coding\":[{\"code\":\"benefitpaymentstatus\",\"display\":\"Benefit Payment Status\",\
         \"system\":\"http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudicationDiscriminator\"}]},\
         \"reason\":{\"coding\":[{\"code\":\"other\",\"display\":\"Other\",\
         \"system\":\"http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBPayerAdjudicationStatus\"}]}}",
    );
}

fn info_category(j: &mut Json, code: &str, display: &str) {
    j.key("category").concept(|j| {
        bb(j, "Supporting-Information", code, display);
        j.raw(
            "{\"code\":\"info\",\"display\":\"Information\",\
             \"system\":\"http://terminology.hl7.org/CodeSystem/claiminformationcategory\"}",
        );
    });
}

/// A supportingInfo entry with a code of the system `system`.
pub fn info(j: &mut Json, sequence: i64, category: (&str, &str), system: &str, code: &str, display: &str) {
    j.object(|j| {
        info_category(j, category.0, category.1);
        j.key("code").concept(|j| bb(j, system, code, display));
        j.key("sequence").integer(sequence);
    });
}

pub fn info_date(j: &mut Json, sequence: i64, category: (&str, &str), date: Date) {
    j.object(|j| {
        info_category(j, category.0, category.1);
        j.key("sequence").integer(sequence).key("timingDate").date(date);
    });
}

pub fn info_text(j: &mut Json, sequence: i64, category: (&str, &str), text: &str) {
    j.object(|j| {
        info_category(j, category.0, category.1);
        j.key("sequence").integer(sequence).key("valueString").string(text);
    });
}

/// An entry of a category that CARIN defines; `write` adds code, sequence and value.
pub fn carin(j: &mut Json, category: &str, write: impl FnOnce(&mut Json)) {
    j.object(|j| {
        j.key("category").concept(|j| {
            j.coding(category, "", "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBSupportingInfoType");
        });
        write(j);
    });
}

/// What every header says, whatever the claim type.
pub fn common_info(j: &mut Json, next: &mut dyn FnMut() -> i64, claim: &Claim) {
    let adjustment = claim.adjustment();
    let display = ["ORIGINAL", "VOID", "REPLACEMENT"][usize::from(adjustment.as_bytes()[0] - b'0')];
    info(j, next(), ("CLM_ADJSTMT_TYPE_CD", "Claim Adjustment Type Code"), "CLM-ADJSTMT-TYPE-CD", adjustment, display);
    if let Some(loaded) = claim.loaded {
        info_date(j, next(), ("CLM_IDR_LD_DT", "Claim IDR Load Date"), loaded);
    }
    let sequence = next();
    carin(j, "clmrecvddate", |j| {
        j.key("sequence").integer(sequence).key("timingDate").date(claim.received);
    });
    info_date(j, next(), ("CLM_CMS_PROC_DT", "FI Claim Process Date"), claim.received);
    if let (Some(contractor), false) = (&claim.contractor, claim.family == Family::Pde) {
        info(
            j,
            next(),
            ("CLM_CNTRCTR_NUM", "Claim Contractor Number"),
            "CLM-CNTRCTR-NUM",
            contractor,
            "A CONTRACTOR OF THE REGION",
        );
    }
}

/// Switches and demonstration codes, of the header or of a line.
pub fn enhancement(j: &mut Json, next: &mut dyn FnMut() -> i64, enhancement: &Enhancement) {
    for ((code, _, _, display), on) in Enhancement::SWITCHES.iter().zip(enhancement.switches) {
        if on {
            info(j, next(), (code, display), "CLM-BNFT-ENHNCMT-CD-SWITCH", "Y", "");
        }
    }
    for demonstration in &enhancement.demonstrations {
        let category = ("CLM_BNFT_ENHNCMT_CD", "Claim Benefit Enhancement Code");
        info(j, next(), category, "CLM-BNFT-ENHNCMT-CD", demonstration, "");
    }
}

/// How many supportingInfo entries an enhancement takes.
pub fn enhancement_size(enhancement: &Enhancement) -> usize {
    enhancement.switches.iter().filter(|on| **on).count() + enhancement.demonstrations.len()
}

/// Whether supportingInfo may be out of order: not when the order of demonstrations would get lost.
pub fn is_info_scattered(claim: &Claim) -> bool {
    let is_safe = |enhancement: &Enhancement| enhancement.demonstrations.len() < 2;
    claim.scattered
        && match &claim.body {
            Body::Institutional(body) => is_safe(&body.enhancement),
            Body::Professional(body) => body.lines.iter().all(|line| is_safe(&line.enhancement)),
            Body::Drug(_) => true,
        }
}

pub fn name(person: &Person) -> String {
    [person.family, ", ", person.given].concat()
}

/// A careTeam member. `type` is missing now and then, as on the server.
pub fn member(j: &mut Json, sequence: i64, person: &Person, role: (&str, &str), has_specialty: bool) {
    let (specialty, display, taxonomy, _) = SPECIALTIES[person.specialty];
    j.object(|j| {
        j.key("provider").object(|j| {
            j.key("display").string(&name(person));
            j.key("identifier");
            npi(j, &person.npi);
            j.key("type").string("Practitioner");
        });
        if has_specialty {
            j.key("qualification").concept(|j| {
                bb(j, "CLM-PRVDR-SPCLTY-CD", specialty, display);
                j.coding(taxonomy, "", "http://nucc.org/provider-taxonomy");
            });
        }
        role_concept(j, role);
        j.key("sequence").integer(sequence);
    });
}

pub fn role_concept(j: &mut Json, role: (&str, &str)) {
    j.key("role").concept(|j| {
        j.coding(role.0, role.1, "http://terminology.hl7.org/CodeSystem/claimcareteamrole");
        j.coding(role.0, role.1, "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBClaimCareTeamRole");
    });
}

pub fn npi(j: &mut Json, value: &str) {
    j.object(|j| {
        j.key("system").string(US_NPI);
        j.key("type").raw(
            "{\"coding\":[{\"code\":\"NPI\",\"display\":\"National provider identifier\",\
             \"system\":\"http://terminology.hl7.org/CodeSystem/v2-0203\"}]}",
        );
        j.key("value").string(value);
    });
}

pub const ORGANISATION_META: &str = "{\"profile\":[\"http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Organization|2.2.0\",\
    \"http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization|7.0.0\"]}";
pub const PRACTITIONER_META: &str = "{\"profile\":[\"http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Practitioner|2.2.0\",\
    \"http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitioner|7.0.0\"]}";

pub fn insurer(j: &mut Json) {
    j.object(|j| {
        j.key("active").raw("true").key("id").string("insurer-org").key("meta").raw(ORGANISATION_META);
        j.key("name").string("Centers for Medicare and Medicaid Services").key("resourceType").string("Organization");
    });
}

/// The billing provider as a person: no OSCAR number then.
pub fn practitioner(j: &mut Json, npi_value: &str, family: &str, given: &str) {
    j.object(|j| {
        j.key("id").string(npi_value);
        j.key("identifier").array(|j| npi(j, npi_value));
        j.key("meta").raw(PRACTITIONER_META);
        j.key("name").array(|j| {
            j.object(|j| {
                j.key("family").string(family).key("given").array(|j| {
                    j.string(given);
                });
            });
        });
        j.key("resourceType").string("Practitioner");
    });
}

/// CPT is the AMA's, everything else CMS's.
pub fn procedure_coding(j: &mut Json, code: &str) {
    j.coding(code, "", if code.as_bytes()[0].is_ascii_digit() { CPT } else { HCPCS });
}

/// All modifiers of a line are codings of one concept.
pub fn modifiers(j: &mut Json, modifiers: &[&'static str]) {
    if !modifiers.is_empty() {
        j.key("modifier").array(|j| {
            j.concept(|j| {
                for modifier in modifiers {
                    procedure_coding(j, modifier);
                }
            });
        });
    }
}

pub fn drug_detail(j: &mut Json, ndc: &Ndc) {
    j.key("detail").array(|j| {
        j.object(|j| {
            j.key("productOrService").concept(|j| {
                j.coding(&ndc.code, "", ccw::NDC);
            });
            j.key("quantity").object(|j| {
                j.key("code").string(ndc.unit).key("system").string(ccw::UCUM).key("unit").string(ndc.unit);
                j.key("value").hundredths(ndc.quantity);
            });
            j.key("sequence").raw("1");
        });
    });
}

pub fn not_applicable(j: &mut Json) {
    j.raw(
        "{\"code\":\"not-applicable\",\"display\":\"Not Applicable\",\
         \"system\":\"http://terminology.hl7.org/CodeSystem/data-absent-reason\"}",
    );
}

/// id, identifier, insurance.
pub fn identity(j: &mut Json, claim: &Claim) {
    let id = claim.id.to_string();
    j.key("id").string(&id);
    j.key("identifier").array(|j| {
        j.object(|j| {
            j.key("type").raw(
                "{\"coding\":[{\"code\":\"uc\",\"display\":\"Unique Claim ID\",\
                 \"system\":\"http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType\"}]}",
            );
            j.key("value").string(&id);
        });
        if let Some(control) = &claim.control {
            j.object(|j| {
                j.key("system")
                    .string("https://bluebutton.cms.gov/identifiers/CLM-CNTL-NUM")
                    .key("value")
                    .string(control);
            });
        }
    });
    j.key("insurance").array(|j| {
        j.object(|j| {
            j.key("coverage").object(|j| {
                j.key("display").string(match claim.family {
                    Family::Pde => "Part D",
                    Family::Carrier | Family::Dme => "Part B",
                    _ => "Part A",
                });
            });
            j.key("focal").raw("true");
        });
    });
}

/// meta, outcome and patient.
pub fn meta(j: &mut Json, claim: &Claim, profile: &str, patient: &str) {
    let source = match (claim.standing.is_partial(), claim.family) {
        (true, Family::Carrier) => "MCS",
        (true, Family::Dme) => "VMS",
        (true, _) => "FISS",
        (false, Family::Pde) => "DDPS",
        (false, _) => "NCH",
    };
    let system = match source {
        "NCH" => "NationalClaimsHistory",
        "DDPS" => "DDPS",
        _ => "SharedSystem",
    };
    // Early claims are not final though they are the latest.
    let is_final = !matches!(claim.standing, Standing::Superseded | Standing::Shared(1));
    j.key("meta").object(|j| {
        let profile = [profile, "|2.2.0"].concat();
        j.key("lastUpdated").string(UPDATED);
        j.key("profile").array(|j| {
            j.joined("http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-", &profile);
        });
        j.key("source").string(source);
        j.key("tag").array(|j| {
            bb(j, "System-Type", system, "");
            bb(j, "Final-Action", if is_final { "FinalAction" } else { "NotFinalAction" }, "");
        });
    });
    j.key("outcome").string(if claim.standing.is_partial() { "partial" } else { "complete" });
    j.key("patient").object(|j| {
        j.key("reference").joined("Patient/", patient);
    });
}

/// The claim that this one follows.
pub fn related(j: &mut Json, claim: &Claim) {
    if let Some(original) = &claim.original_control {
        j.key("related").array(|j| {
            j.object(|j| {
                j.key("reference").object(|j| {
                    j.key("system")
                        .string("https://bluebutton.cms.gov/identifiers/CLM-CNTL-NUM")
                        .key("value")
                        .string(original);
                });
                j.key("relationship").concept(|j| {
                    j.coding(
                        "prior",
                        "Prior Claim",
                        "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship",
                    );
                });
            });
        });
    }
}

/// type and use, which end a claim.
pub fn kind(j: &mut Json, claim: &Claim, code: &str, display: &str) {
    let number = claim.number.to_string();
    j.key("type").concept(|j| {
        bb(j, "CLM-TYPE-CD", &number, "");
        j.coding(code, "", "http://terminology.hl7.org/CodeSystem/claim-type");
        bb(j, "EOB-TYPE", claim.family.eob_type(), display);
    });
    j.key("use").string("claim");
}

pub fn period(j: &mut Json, claim: &Claim) {
    j.key("billablePeriod").object(|j| {
        j.key("end").date(claim.thru).key("start").date(claim.from);
    });
}
