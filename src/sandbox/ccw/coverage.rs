//! Coverage of v1 and v2: parts A to D, each with its monthly extensions.

use super::patient::months;
use super::{UPDATED, VARIABLE, extension};
use crate::Api;
use crate::sandbox::date::Date;
use crate::sandbox::json::Json;
use crate::sandbox::model::Beneficiary;

/// The parts that the beneficiary has, in order: letter and start.
pub fn parts(beneficiary: &Beneficiary) -> impl Iterator<Item = (char, Option<Date>)> {
    let entitlement = &beneficiary.entitlement;
    let list = [
        entitlement.part_a.map(|start| ('a', Some(start))),
        entitlement.part_b.map(|start| ('b', Some(start))),
        entitlement.part_c.then_some(('c', None)),
        entitlement.part_d.then_some(('d', None)),
    ];
    list.into_iter().flatten()
}

pub fn write(j: &mut Json, api: Api, beneficiary: &Beneficiary, part: char, start: Option<Date>) {
    let id = beneficiary.id.to_string();
    let letter = part.to_ascii_uppercase();
    let plan = format!("Part {letter}");
    j.object(|j| {
        j.key("beneficiary").object(|j| {
            j.key("reference").joined("Patient/", &id);
        });
        if api == Api::V2 {
            j.key("class").array(|j| {
                for (code, display, value) in [("group", "Group", "Medicare"), ("plan", "Plan", plan.as_str())] {
                    j.object(|j| {
                        j.key("type").concept(|j| {
                            j.coding(code, display, "http://terminology.hl7.org/CodeSystem/coverage-class");
                        });
                        j.key("value").string(value);
                    });
                }
            });
        }
        j.key("extension").array(|j| extensions(j, beneficiary, part));
        if api == Api::V1 {
            j.key("grouping").object(|j| {
                j.key("subGroup").string("Medicare").key("subPlan").string(&plan);
            });
        }
        let resource = format!("part-{part}-{id}");
        j.key("id").string(&resource);
        j.key("meta").object(|j| {
            j.key("lastUpdated").string(UPDATED);
            if api == Api::V2 {
                j.key("profile").raw("[\"http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Coverage\"]");
            }
        });
        if api == Api::V2 {
            j.key("payor").raw("[{\"identifier\":{\"value\":\"Centers for Medicare and Medicaid Services\"}}]");
        }
        if let Some(start) = start {
            j.key("period").object(|j| {
                if let (Api::V2, Some(died)) = (api, beneficiary.died) {
                    j.key("end").date(died);
                }
                j.key("start").date(start);
            });
        }
        if api == Api::V2 {
            j.key("relationship").concept(|j| {
                j.coding("self", "Self", "http://terminology.hl7.org/CodeSystem/subscriber-relationship");
            });
        }
        j.key("resourceType").string("Coverage");
        j.key("status").string(if beneficiary.died.is_some() { "cancelled" } else { "active" });
        if api == Api::V2 {
            j.key("subscriberId").string(beneficiary.mbi());
        }
        j.key("type").concept(|j| {
            if api == Api::V1 {
                j.raw("{").key("code").string(&plan).key("system").string("Medicare").close();
            } else {
                j.raw("{\"code\":\"SUBSIDIZ\",\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ActCode\"}");
            }
        });
    });
}

fn extensions(j: &mut Json, beneficiary: &Beneficiary, part: char) {
    let entitlement = &beneficiary.entitlement;
    if let (Some(status), 'a' | 'b' | 'd') = (entitlement.status, part) {
        extension(j, "ms_cd", status, if status == "10" { "Aged without end-stage renal disease (ESRD)" } else { "" });
    }
    if part == 'a' {
        if let Some(reason) = entitlement.reason {
            let display = if reason == "0" { "Old age and survivor's insurance (OASI)" } else { "" };
            extension(j, "orec", reason, display);
            extension(j, "crec", reason, display);
        }
        extension(j, "esrd_ind", "0", "the beneficiary does not have ESRD");
        extension(j, "a_trm_cd", "0", "Not Terminated");
    }
    if part == 'b' {
        extension(j, "b_trm_cd", "0", "Not Terminated");
    }
    if part == 'c' {
        let contracts = [Some("H0009"); 12];
        months(j, "ptc_cntrct_id_", &contracts, "");
        months(j, "ptc_pbp_id_", &[Some("021"); 12], "");
        months(j, "hmo_ind_", &[Some("C"); 12], "");
    }
    if part == 'd' {
        months(j, "ptdcntrct", &[Some("S0009"); 12], "");
        months(j, "ptdpbpid", &[Some("014"); 12], "");
        months(j, "cstshr", &[Some("09"); 12], "");
    }
    j.object(|j| {
        j.key("url").joined(VARIABLE, "rfrnc_yr").key("valueDate").string("2024");
    });
    months(
        j,
        "dual_",
        &entitlement.dual,
        "Enrolled in Medicare A and/or B, but no Part D enrollment data for the beneficiary.",
    );
    if matches!(part, 'a' | 'b') {
        months(j, "buyin", &entitlement.buyin, "");
    }
}
