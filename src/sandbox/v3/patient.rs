//! Patient of v3, and the stubs of those that were merged.

use super::parts::UPDATED;
use crate::sandbox::json::Json;
use crate::sandbox::model::Beneficiary;

pub fn write(j: &mut Json, beneficiary: &Beneficiary) {
    let address = &beneficiary.address;
    j.object(|j| {
        j.key("address").array(|j| {
            j.object(|j| {
                j.key("postalCode").string(&address.zip[..5]).key("state").string(address.state.usps);
            });
        });
        j.key("birthDate").date(beneficiary.born);
        j.key("communication").raw("[{\"language\":{\"coding\":[{\"code\":\"en\",\"system\":\"urn:ietf:bcp:47\"}]}}]");
        if let Some(died) = beneficiary.died {
            j.key("deceasedDateTime").date(died);
        }
        j.key("extension").array(|j| {
            if beneficiary.sex != 0 {
                j.object(|j| {
                    j.key("url").string("http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex");
                    j.key("valueCode").string(if beneficiary.sex == 1 { "248153007" } else { "248152002" });
                });
            }
            if let Some(race) = beneficiary.race {
                origin(j, race);
            }
        });
        j.key("gender").string(match beneficiary.sex {
            1 => "male",
            2 => "female",
            _ => "unknown",
        });
        j.key("id").string(&beneficiary.id.to_string());
        j.key("identifier").array(|j| {
            for mbi in &beneficiary.mbis {
                j.object(|j| {
                    j.key("period").object(|j| {
                        if let Some(end) = mbi.end {
                            j.key("end").midnight(end);
                        }
                        if let Some(start) = mbi.start {
                            j.key("start").midnight(start);
                        }
                    });
                    j.key("system").string("http://hl7.org/fhir/sid/us-mbi");
                    j.key("type").raw(
                        "{\"coding\":[{\"code\":\"MB\",\"system\":\"http://terminology.hl7.org/CodeSystem/v2-0203\"}]}",
                    );
                    j.key("value").string(&mbi.value);
                });
            }
        });
        j.list("link", |j| {
            for id in &beneficiary.merged {
                link(j, *id, "replaces");
            }
        });
        j.key("meta").object(|j| {
            j.key("lastUpdated").string(UPDATED);
            j.key("profile").raw(
                "[\"http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Patient|2.2.0\",\
                 \"http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|7.0.0\"]",
            );
        });
        j.key("name").array(|j| {
            j.object(|j| {
                j.key("family").string(&beneficiary.family);
                j.key("given").array(|j| {
                    j.string(beneficiary.given);
                    if let Some(middle) = beneficiary.middle {
                        j.string(middle);
                    }
                });
            });
        });
        j.key("resourceType").string("Patient");
    });
}

/// A Patient that lives on under another id: nothing but the link.
pub fn merged(j: &mut Json, id: i64, survivor: &Beneficiary) {
    j.object(|j| {
        j.key("id").string(&id.to_string());
        j.key("link").array(|j| link(j, survivor.id, "replaced-by"));
        j.key("resourceType").string("Patient");
    });
}

fn link(j: &mut Json, id: i64, kind: &str) {
    let id = id.to_string();
    j.object(|j| {
        j.key("other").object(|j| {
            j.key("display").string(&id).key("reference").joined("Patient/", &id);
        });
        j.key("type").string(kind);
    });
}

/// CMS's race code as OMB's; Hispanic is an ethnicity.
fn origin(j: &mut Json, race: u8) {
    let (code, display) = match race {
        1 => ("2106-3", "White"),
        2 => ("2054-5", "Black or African American"),
        3 => ("2131-1", "Other Race"),
        4 => ("2028-9", "Asian"),
        5 => ("2135-2", "Hispanic or Latino"),
        6 => ("1002-5", "American Indian or Alaska Native"),
        _ => ("UNK", "Unknown"),
    };
    let system = if code == "UNK" {
        "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
    } else {
        "urn:oid:2.16.840.1.113883.6.238"
    };
    j.object(|j| {
        j.key("extension").array(|j| {
            j.object(|j| {
                j.key("url").string("ombCategory").key("valueCoding");
                j.coding(code, display, system);
            });
            j.object(|j| {
                j.key("url").string("text").key("valueString").string(display);
            });
        });
        let name = if race == 5 { "us-core-ethnicity" } else { "us-core-race" };
        j.key("url").joined("http://hl7.org/fhir/us/core/StructureDefinition/", name);
    });
}
