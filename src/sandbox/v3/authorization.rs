//! Prior authorisations: served as ExplanationOfBenefit, and no claims.

use super::parts;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Family};

pub fn write(j: &mut Json, claim: &Claim, patient: &str) {
    let salt = claim.salt;
    let id = format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        salt >> 32,
        salt >> 16 & 0xFFFF,
        salt & 0xFFFF,
        salt >> 24 & 0xFFFF,
        salt & 0xFFFF_FFFF_FFFF
    );
    let is_professional = matches!(claim.family, Family::Carrier | Family::Dme);
    j.object(|j| {
        j.key("contained").array(|j| {
            parts::insurer(j);
            parts::practitioner(j, "1000000000", "Oakhanger", "Thea");
        });
        j.key("created").midnight(claim.received);
        j.key("id").string(&id);
        j.key("identifier").array(|j| {
            j.object(|j| {
                j.key("system").string("https://bluebutton.cms.gov/identifiers/Unique-Tracking-Number");
                j.key("value").string(&id[..13]);
            });
        });
        j.key("insurance").raw("[{\"coverage\":{\"display\":\"Part B\"},\"focal\":true}]");
        j.key("insurer").raw("{\"reference\":\"#insurer-org\"}");
        j.key("item").array(|j| {
            for sequence in 1..=2 {
                j.object(|j| {
                    j.key("extension").array(|j| {
                        parts::extension(j, "PA-DECISION", "A", "Affirmed");
                        for name in ["PA-DT-ADDED", "PA-DECISION-DT"] {
                            j.object(|j| {
                                j.key("url").joined(parts::STRUCTURE, name).key("valueDate").date(claim.received);
                            });
                        }
                    });
                    j.key("productOrService").concept(|j| parts::procedure_coding(j, "L0650"));
                    j.key("sequence").integer(sequence);
                });
            }
        });
        j.key("meta").object(|j| {
            j.key("lastUpdated").string(parts::UPDATED);
            j.key("profile")
                .raw("[\"http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/pdex-priorauthorization\"]");
            j.key("source").string("CWF");
            j.key("tag").array(|j| parts::bb(j, "System-Type", "SharedSystem", ""));
        });
        j.key("outcome").string("partial");
        j.key("patient").object(|j| {
            j.key("reference").joined("Patient/", patient);
        });
        j.key("preAuthRefPeriod").array(|j| {
            j.object(|j| {
                j.key("end").date(claim.received.plus(365)).key("start").date(claim.received);
            });
        });
        j.key("provider").raw("{\"reference\":\"#1000000000\"}");
        j.key("resourceType").string("ExplanationOfBenefit").key("status").string("active");
        j.key("type").concept(|j| {
            let code = if is_professional { "professional" } else { "institutional" };
            j.coding(code, code, "http://terminology.hl7.org/CodeSystem/claim-type");
            parts::bb(j, "CLM-TYPE", if is_professional { "D" } else { "I" }, "");
        });
        j.key("use").string("preauthorization");
    });
}
