//! Coverage of v3: one resource per part and period, the state of today.

use super::parts::{STRUCTURE, UPDATED, extension};
use crate::sandbox::date::Date;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Beneficiary, Entitlement};

/// One Coverage to write.
#[derive(Clone, Copy, Debug)]
pub enum Coverage {
    /// `A` or `B`, with its start.
    Part(char, Date),
    /// `C` or `D`.
    Plan(char),
    /// Status, start and end.
    Dual(&'static str, Date, Option<Date>),
}

/// The former dual period comes first, because nothing says that the current one does.
pub fn list(beneficiary: &Beneficiary) -> Vec<Coverage> {
    let entitlement = &beneficiary.entitlement;
    let mut list = Vec::new();
    if let Some(code) = Entitlement::latest(&entitlement.dual).filter(|code| *code != "NA") {
        if let Some(former) = entitlement.former_dual {
            list.push(Coverage::Dual(former, Date::new(2021, 1, 1), Some(Date::new(2022, 6, 30))));
        }
        list.push(Coverage::Dual(code, Date::new(2022, 7, 1), None));
    }
    list.extend(entitlement.part_a.map(|start| Coverage::Part('A', start)));
    list.extend(entitlement.part_b.map(|start| Coverage::Part('B', start)));
    list.extend(entitlement.part_c.then_some(Coverage::Plan('C')));
    list.extend(entitlement.part_d.then_some(Coverage::Plan('D')));
    list
}

pub fn write(j: &mut Json, beneficiary: &Beneficiary, coverage: &Coverage) {
    let patient = beneficiary.id.to_string();
    let (id, name, kind, display) = match coverage {
        Coverage::Part('A', _) => (format!("part-a-{patient}"), "Part A", "1", "MEDICARE"),
        Coverage::Part(..) => (format!("part-b-{patient}"), "Part B", "121", "MEDICARE FFS"),
        Coverage::Plan('C') => (format!("part-c-{patient}-H0009-021"), "Part C", "11", "MEDICARE MANAGED CARE"),
        Coverage::Plan(_) => (format!("part-d-{patient}-S0009-014"), "Part D", "122", "Medicare Drug Benefit"),
        Coverage::Dual(_, _, Some(_)) => (format!("dual-{patient}-2021"), "Dual Medicare/Medicaid", "14", ""),
        Coverage::Dual(..) => (format!("dual-{patient}"), "Dual Medicare/Medicaid", "14", ""),
    };
    j.object(|j| {
        j.key("beneficiary").object(|j| {
            j.key("reference").joined("Patient/", &patient);
        });
        j.key("class").array(|j| {
            j.object(|j| {
                j.key("type").raw("{\"coding\":[{\"code\":\"plan\",\"system\":\"http://terminology.hl7.org/CodeSystem/coverage-class\"}]}");
                j.key("value").string(name);
            });
        });
        j.key("contained").raw(
            "[{\"active\":true,\"contact\":[{\"purpose\":{\"coding\":[{\"code\":\"PATINF\",\"display\":\"Patient\",\
             \"system\":\"http://terminology.hl7.org/CodeSystem/contactentity-type\"}]},\"telecom\":[{\"system\":\"url\",\
             \"value\":\"www.medicare.gov\"}]}],\"id\":\"cms-org\",\
             \"meta\":{\"profile\":[\"http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Organization|2.2.0\"]},\
             \"name\":\"Centers for Medicare and Medicaid Services\",\"resourceType\":\"Organization\"}]",
        );
        j.list("extension", |j| extensions(j, beneficiary, coverage));
        j.key("id").string(&id);
        j.key("identifier").array(|j| {
            j.object(|j| {
                j.key("system").string("http://hl7.org/fhir/sid/us-mbi");
                j.key("type").raw("{\"coding\":[{\"code\":\"MB\",\"system\":\"http://terminology.hl7.org/CodeSystem/v2-0203\"}]}");
                j.key("value").string(beneficiary.mbi());
            });
        });
        j.key("meta").object(|j| {
            j.key("lastUpdated").string(UPDATED);
            j.key("profile").raw(
                "[\"http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Coverage|2.2.0\",\
                 \"http://hl7.org/fhir/us/core/StructureDefinition/us-core-coverage|7.0.0\"]",
            );
        });
        j.key("payor").raw("[{\"reference\":\"#cms-org\"}]");
        let (start, end) = match coverage {
            Coverage::Part(_, start) => (*start, Some(Date::new(9999, 12, 31))),
            Coverage::Plan(_) => (Date::new(2023, 1, 1), None),
            Coverage::Dual(_, start, end) => (*start, *end),
        };
        j.key("period").object(|j| {
            if let Some(end) = end {
                j.key("end").date(end);
            }
            j.key("start").date(start);
        });
        j.key("relationship").concept(|j| {
            j.coding("self", "Self", "http://terminology.hl7.org/CodeSystem/subscriber-relationship");
        });
        j.key("resourceType").string("Coverage").key("status").string("active");
        j.key("subscriberId").string(beneficiary.mbi());
        j.key("type").concept(|j| {
            j.coding(kind, display, "https://nahdo.org/sopt");
        });
    });
}

fn extensions(j: &mut Json, beneficiary: &Beneficiary, coverage: &Coverage) {
    let entitlement = &beneficiary.entitlement;
    match coverage {
        Coverage::Part(..) => {
            if let Some(code) = Entitlement::latest(&entitlement.buyin) {
                extension(j, "BENE-BUYIN-CD", code, "");
            }
            extension(j, "BENE-ENRLMT-RSN-CD", "A", "");
            extension(j, "BENE-MDCR-ENTLMT-STUS-CD", "Y", "");
            if let Some(code) = entitlement.status {
                extension(j, "BENE-MDCR-STUS-CD", code, "");
            }
            if let Some(code) = entitlement.reason {
                extension(j, "BENE-MDCR-ENTLMT-RSN-CD", code, "");
            }
        }
        Coverage::Plan(part) => {
            let (contract, plan) = if *part == 'C' { ("H0009", "021") } else { ("S0009", "014") };
            for (name, value) in [("BENE-CNTRCT-NUM", contract), ("BENE-PBP-NUM", plan)] {
                j.object(|j| {
                    j.key("url").joined(STRUCTURE, name).key("valueString").string(value);
                });
            }
        }
        Coverage::Dual(code, ..) => {
            extension(j, "BENE-DUAL-STUS-CD", code, "");
            extension(j, "BENE-DUAL-TYPE-CD", "F", "");
        }
    }
}
