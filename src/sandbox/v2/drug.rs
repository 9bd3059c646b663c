//! Part D events in v2.

use super::parts::{self, BENEFIT, BY_PATIENT, COINSURANCE, DISCOUNT, DRUG_COST, PRIOR_PAYER};
use crate::sandbox::ccw::{self, NDC, US_NPI, VARIABLE};
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Drug};

pub fn write(j: &mut Json, claim: &Claim, drug: &Drug, patient: &str) {
    j.object(|j| {
        parts::period(j, claim, false);
        j.key("careTeam").array(|j| parts::member(j, claim.sequence(0), &drug.prescriber, ("prescribing", "Prescribing provider")));
        j.key("created").string("2025-02-04T08:00:00-05:00");
        j.key("facility").object(|j| {
            j.key("display").string(drug.pharmacy_name);
            if let Some(kind) = drug.pharmacy_type {
                j.key("extension").array(|j| {
                    ccw::extension(j, "phrmcy_srvc_type_cd", kind, if kind == "01" { "Community/retail pharmacy" } else { "" });
                });
            }
            j.key("identifier").object(|j| {
                j.key("type").raw(
                    "{\"coding\":[{\"code\":\"npi\",\"system\":\"http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType\"}]}",
                );
                j.key("value").string(&drug.pharmacy_npi);
            });
        });
        j.key("id").string(&ccw::claim_id(claim));
        parts::identifiers(j, claim, "pde_id", |j| {
            if let Some(reference) = &drug.reference {
                parts::identifier(j, |j| j.joined(VARIABLE, "rx_srvc_rfrnc_num"), reference);
            }
        });
        parts::insurance(j, claim, patient);
        j.key("item").array(|j| item(j, claim, drug));
        parts::meta(j, "Pharmacy");
        parts::outcome(j, patient);
        j.key("payment").object(|j| {
            j.key("date").date(claim.effective);
        });
        j.key("provider").object(|j| {
            j.key("identifier").object(|j| {
                j.key("system").string(US_NPI).key("value").string(&drug.pharmacy_npi);
            });
        });
        j.key("resourceType").string("ExplanationOfBenefit");
        j.key("status").string(ccw::status(claim));
        j.key("supportingInfo").array(|j| information(j, claim, drug));
        j.key("total").array(|j| {
            j.object(|j| {
                j.key("amount");
                ccw::money(j, crate::Api::V2, drug.cost);
                j.key("category").concept(|j| {
                    j.coding(DRUG_COST.0, DRUG_COST.1, DRUG_COST.2);
                });
            });
        });
        parts::kind(j, claim, "pharmacy", "Pharmacy");
    });
}

fn item(j: &mut Json, claim: &Claim, drug: &Drug) {
    j.object(|j| {
        j.key("adjudication").array(|j| {
            let paid = drug.cost - drug.patient_pay;
            parts::amount(
                j,
                BENEFIT,
                "cvrd_d_plan_pd_amt",
                "Amount paid by Part D plan for the PDE (drug is covered by Part D)",
                paid,
            );
            parts::amount(
                j,
                COINSURANCE,
                "gdc_blw_oopt_amt",
                "Gross Drug Cost Below Part D Out-of-Pocket Threshold (GDCB)",
                drug.cost,
            );
            parts::amount(
                j,
                COINSURANCE,
                "gdc_abv_oopt_amt",
                "Gross Drug Cost Above Part D Out-of-Pocket Threshold (GDCA)",
                0,
            );
            parts::amount(j, BY_PATIENT, "ptnt_pay_amt", "Amount Paid by Patient", drug.patient_pay);
            parts::amount(j, PRIOR_PAYER, "othr_troop_amt", "Other True Out-of-Pocket (TrOOP) Amount", 0);
            parts::amount(
                j,
                DISCOUNT,
                "lics_amt",
                "Amount paid for the PDE by Part D low income subsidy",
                drug.patient_pay / 3,
            );
            parts::amount(
                j,
                PRIOR_PAYER,
                "plro_amt",
                "Reduction in patient liability due to payments by other payers (PLRO)",
                0,
            );
            parts::amount(j, DRUG_COST, "tot_rx_cst_amt", "Total drug cost (Part D)", drug.cost);
            parts::amount(j, DISCOUNT, "rptd_gap_dscnt_num", "Gap Discount Amount", drug.cost / 7);
        });
        j.key("careTeamSequence").array(|j| {
            j.integer(claim.sequence(0));
        });
        if let Some(ndc) = &drug.ndc {
            j.key("productOrService").concept(|j| {
                j.coding(ndc, drug.name, NDC);
            });
        }
        j.key("quantity").object(|j| {
            j.key("value").hundredths(drug.quantity);
        });
        j.key("sequence").raw("1");
        j.key("servicedDate").date(drug.filled);
    });
}

fn information(j: &mut Json, claim: &Claim, drug: &Drug) {
    let mut used = 0;
    let mut next = || {
        used += 1;
        claim.sequence(used - 1)
    };
    let mut carin = |j: &mut Json, code: &str, display: &str, value: i64| {
        j.object(|j| {
            parts::carin_category(j, code, display, None);
            j.key("sequence").integer(next());
            j.key("valueQuantity").object(|j| {
                j.key("value").integer(value);
            });
        });
    };
    if let Some(fill) = drug.fill {
        carin(j, "refillnum", "Refill Number", i64::from(fill));
    }
    if let Some(days) = drug.days {
        carin(j, "dayssupply", "Days Supply", i64::from(days));
    }
    parts::info_code(j, next(), "drug_cvrg_stus_cd", "Drug Coverage Status Code", "C", "Covered");
    if let Some(code) = drug.written {
        let meaning = if code == "0" { "No Product Selection Indicated (may also have missing values)" } else { "" };
        parts::info_code(
            j,
            next(),
            "daw_prod_slctn_cd",
            "Dispense as Written (DAW) Product Selection Code",
            code,
            meaning,
        );
    }
    if let Some(code) = drug.dispensing {
        parts::info_code(j, next(), "dspnsng_stus_cd", "Dispensing Status Code", code, "");
    }
    if let Some(code) = drug.change() {
        let meaning = ["Adjustment", "Deletion", "Resubmitted"][usize::from(drug.version.clamp(2, 4) - 2)];
        parts::info_code(j, next(), "adjstmt_dltn_cd", "Adjustment Deletion Code", code, meaning);
    }
    parts::info_code(j, next(), "ctstrphc_cvrg_cd", "Catastrophic Coverage Code", "C", "Above attachment point");
    for (code, display, variable, value, meaning) in [
        ("rxorigincode", "Rx Origin Code", "rx_orgn_cd", "3", "Electronic"),
        ("brandgenericindicator", "Brand Generic Indicator", "brnd_gnrc_cd", "G", "Generic Null/missing"),
    ] {
        j.object(|j| {
            parts::carin_category(j, code, display, None);
            j.key("code").concept(|j| ccw::coding(j, variable, value, meaning));
            j.key("sequence").integer(next());
        });
    }
    parts::info_code(j, next(), "ptnt_rsdnc_cd", "Patient Residence Code", "01", "Home");
    parts::info_code(
        j,
        next(),
        "submsn_clr_cd",
        "Submission clarification code",
        "08",
        "Process compound for approved ingredients",
    );
}
