//! Part D events in v1.

use super::parts::{self, amount};
use crate::sandbox::ccw::{self, NDC, US_NPI, VARIABLE};
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Drug};

pub fn write(j: &mut Json, claim: &Claim, drug: &Drug, patient: &str) {
    j.object(|j| {
        parts::period(j, claim, false);
        j.key("careTeam")
            .array(|j| parts::member(j, parts::team_sequence(claim, 0), &drug.prescriber.npi, parts::PRIMARY));
        j.key("facility").object(|j| {
            j.key("display").string(drug.pharmacy_name);
            if let Some(kind) = drug.pharmacy_type {
                j.key("extension").array(|j| ccw::extension(j, "phrmcy_srvc_type_cd", kind, ""));
            }
            pharmacy(j, drug);
        });
        parts::identifiers(j, claim, "pde_id", |j| {
            if let Some(reference) = &drug.reference {
                j.object(|j| {
                    j.key("system").joined(VARIABLE, "rx_srvc_rfrnc_num").key("value").string(reference);
                });
            }
        });
        j.key("information").array(|j| information(j, claim, drug));
        parts::insurance(j, claim, patient);
        j.key("item").array(|j| item(j, claim, drug));
        parts::meta(j);
        j.key("organization").object(|j| {
            j.key("display").string(drug.pharmacy_name);
            pharmacy(j, drug);
        });
        parts::patient(j, patient);
        j.key("payment").object(|j| {
            j.key("date").date(claim.effective);
        });
        parts::status(j, claim);
        parts::kind(j, claim, "pharmacy", "Pharmacy", None);
    });
}

fn pharmacy(j: &mut Json, drug: &Drug) {
    j.key("identifier").object(|j| {
        j.key("system").string(US_NPI);
        j.key("type").concept(|j| {
            j.coding("NPI", "National Provider Identifier", US_NPI);
        });
        j.key("value").string(&drug.pharmacy_npi);
    });
}

fn item(j: &mut Json, claim: &Claim, drug: &Drug) {
    j.object(|j| {
        j.key("adjudication").array(|j| {
            let paid = drug.cost - drug.patient_pay;
            amount(j, "cvrd_d_plan_pd_amt", "Amount paid by Part D plan for the PDE (drug is covered by Part D)", paid);
            amount(j, "gdc_blw_oopt_amt", "Gross Drug Cost Below Part D Out-of-Pocket Threshold (GDCB)", drug.cost);
            amount(j, "gdc_abv_oopt_amt", "Gross Drug Cost Above Part D Out-of-Pocket Threshold (GDCA)", 0);
            amount(j, "ptnt_pay_amt", "Amount Paid by Patient", drug.patient_pay);
            amount(j, "othr_troop_amt", "Other True Out-of-Pocket (TrOOP) Amount", 0);
            amount(j, "lics_amt", "Amount paid for the PDE by Part D low income subsidy", drug.patient_pay / 3);
            amount(j, "plro_amt", "Reduction in patient liability due to payments by other payers (PLRO)", 0);
            amount(j, "tot_rx_cst_amt", "Total drug cost (Part D)", drug.cost);
            amount(j, "rptd_gap_dscnt_num", "Gap Discount Amount", drug.cost / 7);
        });
        j.key("careTeamLinkId").array(|j| {
            j.integer(parts::team_sequence(claim, 0));
        });
        j.key("detail").raw(
            "[{\"type\":{\"coding\":[{\"code\":\"RXDINV\",\"display\":\"Rx dispense invoice\",\
             \"system\":\"http://hl7.org/fhir/v3/ActCode\"}]}}]",
        );
        j.key("quantity").object(|j| {
            j.list("extension", |j| {
                for (variable, number) in [("fill_num", drug.fill), ("days_suply_num", drug.days)] {
                    if let Some(number) = number {
                        ccw::quantity_extension(j, variable, i64::from(number) * 100);
                    }
                }
            });
            j.key("value").hundredths(drug.quantity);
        });
        j.key("sequence").raw("1");
        if let Some(ndc) = &drug.ndc {
            j.key("service").concept(|j| {
                j.coding(ndc, drug.name, NDC);
            });
        }
        j.key("servicedDate").date(drug.filled);
    });
}

fn information(j: &mut Json, claim: &Claim, drug: &Drug) {
    let mut used = 0;
    let mut next = || {
        used += 1;
        claim.sequence(used - 1)
    };
    if let Some(code) = drug.written {
        parts::info(j, next(), "daw_prod_slctn_cd", "Dispense as Written (DAW) Product Selection Code", code, "");
    }
    if let Some(code) = drug.dispensing {
        parts::info(j, next(), "dspnsng_stus_cd", "Dispensing Status Code", code, "");
    }
    parts::info(j, next(), "drug_cvrg_stus_cd", "Drug Coverage Status Code", "C", "Covered");
    if let Some(code) = drug.change() {
        parts::info(j, next(), "adjstmt_dltn_cd", "Adjustment Deletion Code", code, "");
    }
    parts::info(j, next(), "ctstrphc_cvrg_cd", "Catastrophic Coverage Code", "C", "Above attachment point");
    parts::info(j, next(), "rx_orgn_cd", "Prescription Origination Code", "3", "Electronic");
    parts::info(
        j,
        next(),
        "brnd_gnrc_cd",
        "Brand-Generic Code Reported by Submitting Pharmacy",
        "G",
        "Generic Null/missing",
    );
    parts::info(j, next(), "ptnt_rsdnc_cd", "Patient Residence Code", "01", "Home");
    parts::info(
        j,
        next(),
        "submsn_clr_cd",
        "Submission clarification code",
        "08",
        "Process compound for approved ingredients",
    );
}
