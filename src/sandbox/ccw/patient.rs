//! Patient of v1 and v2.

use super::{CODESYSTEM, UPDATED, VARIABLE, coding, extension};
use crate::Api;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Beneficiary, Mbi};

const US_MBI: &str = "http://hl7.org/fhir/sid/us-mbi";
const NO_DUAL: &str = "Enrolled in Medicare A and/or B, but no Part D enrollment data for the beneficiary.";

pub fn write(j: &mut Json, api: Api, beneficiary: &Beneficiary) {
    let id = beneficiary.id.to_string();
    j.object(|j| {
        address(j, beneficiary);
        j.key("birthDate").date(beneficiary.born);
        if let Some(died) = beneficiary.died {
            j.key("deceasedDateTime").date(died);
        }
        j.key("extension").array(|j| {
            sex(j, beneficiary.sex);
            if let Some(race) = beneficiary.race {
                let code = char::from(b'0' + race).to_string();
                extension(j, "race", &code, race_display(race));
                if api == Api::V2 {
                    omb(j);
                }
            }
            j.object(|j| {
                j.key("url").joined(VARIABLE, "rfrnc_yr").key("valueDate").string("2024");
            });
            months(j, "dual_", &beneficiary.entitlement.dual, NO_DUAL);
        });
        j.key("gender").string(match beneficiary.sex {
            1 => "male",
            2 => "female",
            _ => "unknown",
        });
        j.key("id").string(&id);
        j.key("identifier").array(|j| {
            if api == Api::V1 {
                bene_id(j, api, &id);
            }
            let current = beneficiary.current();
            for (index, mbi) in beneficiary.mbis.iter().enumerate() {
                let currency =
                    beneficiary.has_currency.then_some(if index == current { "current" } else { "historic" });
                identifier(j, api, mbi, currency);
            }
            if api == Api::V2 {
                bene_id(j, api, &id);
            }
        });
        j.key("meta").object(|j| {
            j.key("lastUpdated").string(UPDATED);
            if api == Api::V2 {
                j.key("profile").raw("[\"http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Patient\"]");
            }
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
                j.key("use").string("usual");
            });
        });
        j.key("resourceType").string("Patient");
    });
}

fn address(j: &mut Json, beneficiary: &Beneficiary) {
    let address = &beneficiary.address;
    j.key("address").array(|j| {
        j.object(|j| {
            if let Some(city) = address.city {
                j.key("city").string(city);
            }
            j.list("line", |j| {
                for line in &address.lines {
                    j.string(line);
                }
            });
            j.key("postalCode").string(&address.zip);
            j.key("state").string(if address.is_ssa { address.state.ssa } else { address.state.usps });
        });
    });
}

/// The currency stands on the identifier in v1 and on the coding of its type in v2.
fn identifier(j: &mut Json, api: Api, mbi: &Mbi, currency: Option<&str>) {
    let extension = |j: &mut Json| {
        if let Some(currency) = currency {
            j.key("extension").array(|j| {
                j.object(|j| {
                    j.key("url").joined(CODESYSTEM, "identifier-currency").key("valueCoding").object(|j| {
                        j.key("code").string(currency);
                        j.key("display").string(if currency == "current" { "Current" } else { "Historic" });
                        j.key("system").joined(CODESYSTEM, "identifier-currency");
                    });
                });
            });
        }
    };
    j.object(|j| {
        if api == Api::V1 {
            extension(j);
        } else if let (Some("current"), Some(start)) = (currency, mbi.start) {
            j.key("period").object(|j| {
                j.key("start").date(start);
            });
        }
        j.key("system").string(US_MBI);
        if api == Api::V2 {
            j.key("type").concept(|j| {
                j.object(|j| {
                    j.key("code").string("MC").key("display").string("Patient's Medicare number");
                    extension(j);
                    j.key("system").string("http://terminology.hl7.org/CodeSystem/v2-0203");
                });
            });
        }
        j.key("value").string(&mbi.value);
    });
}

fn bene_id(j: &mut Json, api: Api, id: &str) {
    j.object(|j| {
        j.key("system").joined(VARIABLE, "bene_id");
        if api == Api::V2 {
            j.key("type").concept(|j| {
                j.coding("MB", "Member Number", "http://terminology.hl7.org/CodeSystem/v2-0203");
            });
        }
        j.key("value").string(id);
    });
}

fn sex(j: &mut Json, sex: u8) {
    if sex != 0 {
        j.object(|j| {
            j.key("url").string("http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex");
            j.key("valueCode").string(if sex == 1 { "248153007" } else { "248152002" });
        });
    }
}

fn omb(j: &mut Json) {
    j.raw(
        "{\"extension\":[{\"url\":\"ombCategory\",\"valueCoding\":{\"code\":\"UNK\",\"display\":\"Unknown\",\
         \"system\":\"http://terminology.hl7.org/CodeSystem/v3-NullFlavor\"}},{\"url\":\"text\",\"valueString\":\"Unknown\"}],\
         \"url\":\"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race\"}",
    );
}

fn race_display(race: u8) -> &'static str {
    ["Unknown", "White", "Black", "Other", "Asian", "Hispanic", "North American Native"][usize::from(race.min(6))]
}

/// Twelve monthly extensions, `name01` to `name12`; a month without a value is `**`.
pub(super) fn months(j: &mut Json, name: &str, months: &[Option<&'static str>; 12], none: &str) {
    for (index, month) in months.iter().enumerate() {
        let variable = format!("{name}{:02}", index + 1);
        j.object(|j| {
            j.key("url").joined(VARIABLE, &variable).key("valueCoding");
            coding(j, &variable, month.unwrap_or("**"), if month.is_none() { none } else { "" });
        });
    }
}
