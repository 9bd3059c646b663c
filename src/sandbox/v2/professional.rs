//! Physician and supplier claims in v2.

use super::parts::{
    self, BENEFIT, COINSURANCE, DEDUCTIBLE, ELIGIBLE, PRIOR_PAYER, SUBMITTED, TO_PATIENT, TO_PROVIDER, amount, balance,
};
use crate::Api;
use crate::sandbox::ccw::{self, HCPCS, NDC, US_NPI};
use crate::sandbox::chance::Chance;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Family, Professional, ServiceLine};
use crate::sandbox::vocabulary::service::SPECIALTIES;

pub fn write(j: &mut Json, claim: &Claim, body: &Professional, patient: &str) {
    let is_equipment = matches!(claim.family, Family::Dme);
    j.object(|j| {
        parts::benefit_balance(j, |j| balances(j, claim));
        parts::period(j, claim, false);
        team(j, claim, body);
        if ccw::has_observation(claim) {
            j.key("contained").array(|j| ccw::observation(j, "line-observation-1", claim));
        }
        j.key("created").string("2025-02-04T08:00:00-05:00");
        parts::diagnoses(j, claim);
        if let Some(disposition) = body.disposition {
            j.key("disposition").string(disposition);
        }
        j.key("extension").array(|j| extensions(j, claim, body));
        j.key("id").string(&ccw::claim_id(claim));
        parts::identifiers(j, claim, "clm_id", |_| {});
        parts::insurance(j, claim, patient);
        j.key("item").array(|j| {
            for line in &body.lines {
                item(j, claim, body, line);
            }
        });
        parts::meta(j, if is_equipment { "Inpatient-Institutional" } else { "Professional-NonClinician" });
        parts::outcome(j, patient);
        if let Some(payment) = claim.payment {
            j.key("payment").object(|j| {
                j.key("amount");
                ccw::money(j, Api::V2, payment);
            });
        }
        j.key("provider").object(|j| {
            j.key("identifier").object(|j| {
                if is_equipment {
                    j.key("system").string(US_NPI);
                } else {
                    j.key("system").joined(ccw::VARIABLE, "carr_clm_blg_npi_num");
                }
                j.key("value").string(&body.billing.npi);
            });
        });
        if let Some(referring) = &body.referring {
            j.key("referral");
            parts::provider(j, referring);
        }
        j.key("resourceType").string("ExplanationOfBenefit");
        j.key("status").string(ccw::status(claim));
        j.key("supportingInfo").array(|j| {
            parts::received(j, claim.sequence(0), claim);
            if ccw::has_observation(claim) {
                j.object(|j| {
                    parts::info_category(j, "line_hct_hgb_rslt_num", "Hematocrit / Hemoglobin Test Results");
                    j.key("sequence").integer(claim.sequence(1));
                    j.key("valueReference").raw("{\"reference\":\"#line-observation-1\"}");
                });
            }
        });
        if let Some(charge) = claim.charge {
            j.key("total").array(|j| amount(j, PRIOR_PAYER, "clm_tot_chrg_amt", "Claim Total Charge Amount", charge));
        }
        let (code, display) =
            if is_equipment { ("institutional", "Institutional") } else { ("professional", "Professional") };
        parts::kind(j, claim, code, display);
    });
}

fn balances(j: &mut Json, claim: &Claim) {
    let charge = claim.charge.unwrap_or(0);
    balance(
        j,
        "carr_clm_cash_ddctbl_apld_amt",
        "Carrier Claim Cash Deductible Applied Amount (sum of all line-level deductible amounts)",
        charge / 9,
    );
    balance(j, "nch_clm_prvdr_pmt_amt", "NCH Claim Provider Payment Amount", claim.payment.unwrap_or(0));
    balance(j, "nch_clm_bene_pmt_amt", "NCH Claim Payment Amount to Beneficiary", 0);
    balance(
        j,
        "nch_carr_clm_sbmtd_chrg_amt",
        "NCH Carrier Claim Submitted Charge Amount (sum of all line-level submitted charges)",
        charge,
    );
    balance(
        j,
        "nch_carr_clm_alowd_amt",
        "NCH Carrier Claim Allowed Charge Amount (sum of all line-level allowed charges)",
        charge / 2,
    );
}

/// Members: the referring provider, then each renderer, then the renderer's organisation.
fn team(j: &mut Json, claim: &Claim, body: &Professional) {
    let is_equipment = matches!(claim.family, Family::Dme);
    j.list("careTeam", |j| {
        let mark = j.mark();
        if let Some(referring) = &body.referring {
            parts::member(j, claim.sequence(0), referring, ("referring", "Referring"));
        }
        for (index, renderer) in body.renderers.iter().enumerate() {
            let (specialty, name, taxonomy, title) = SPECIALTIES[renderer.person.specialty];
            j.object(|j| {
                j.key("extension").array(|j| {
                    if let (Some(kind), false) = (renderer.kind, is_equipment) {
                        ccw::extension(j, "carr_line_prvdr_type_cd", kind, "");
                    }
                    ccw::extension(j, "prtcptng_ind_cd", "1", "Participating");
                });
                j.key("provider");
                parts::provider(j, &renderer.person);
                j.key("qualification").concept(|j| {
                    j.coding(taxonomy, title, "http://nucc.org/provider-taxonomy");
                    ccw::coding(j, "prvdr_spclty", specialty, name);
                });
                j.key("responsible").raw("true");
                parts::role_concept(j, ("performing", "Performing provider"));
                j.key("sequence").integer(performing(claim, index));
            });
            if !is_equipment {
                j.object(|j| {
                    j.key("provider").object(|j| {
                        j.key("display").string("Harborlight Physicians Group");
                        j.key("identifier");
                        parts::npi(j, "0000000000");
                    });
                    j.key("role").raw(
                        "{\"coding\":[{\"code\":\"primary\",\"display\":\"Primary provider\",\
                         \"system\":\"http://terminology.hl7.org/CodeSystem/claimcareteamrole\"}]}",
                    );
                    j.key("sequence").integer(claim.sequence(2 + 2 * index));
                });
            }
        }
        if claim.scattered {
            j.scatter(mark, &mut Chance::new(claim.salt, &[3]));
        }
    });
}

fn performing(claim: &Claim, renderer: usize) -> i64 {
    claim.sequence(1 + 2 * renderer)
}

fn extensions(j: &mut Json, claim: &Claim, body: &Professional) {
    let (code, display) = ccw::near_line(claim.family);
    ccw::extension(j, "nch_near_line_rec_ident_cd", code, display);
    if let Some(contractor) = &claim.contractor {
        ccw::identifier_extension(j, "carr_num", ccw::unpadded(claim, contractor));
    }
    if let Some(control) = &claim.control {
        ccw::identifier_extension(j, "carr_clm_cntl_num", control);
    }
    if let Some(denial) = body.denial {
        ccw::extension(j, "carr_clm_pmt_dnl_cd", denial.code, denial.display);
    }
    ccw::extension(j, "asgmntcd", "A", "Assigned claim");
    ccw::identifier_extension(j, "clm_clncl_tril_num", "0");
    ccw::extension(j, "carr_clm_entry_cd", "1", "Original debit; void of original debit");
}

fn item(j: &mut Json, claim: &Claim, body: &Professional, line: &ServiceLine) {
    let is_equipment = matches!(claim.family, Family::Dme);
    let renderer = &body.renderers[line.renderer];
    j.object(|j| {
        j.key("adjudication").array(|j| adjudication(j, line, is_equipment));
        j.key("careTeamSequence").array(|j| {
            j.integer(performing(claim, line.renderer));
            if !is_equipment {
                j.integer(claim.sequence(2 + 2 * line.renderer));
            }
        });
        j.key("category").concept(|j| ccw::coding(j, "line_cms_type_srvc_cd", line.service.kind, ""));
        if let Some(diagnosis) = line.diagnosis {
            // The order of CCW's list: principal first, and professional claims have no other roles.
            j.key("diagnosisSequence").array(|j| {
                j.integer(claim.sequence(diagnosis));
            });
        }
        j.key("extension").array(|j| {
            if let Some(tax) = &renderer.tax {
                ccw::extension(j, "tax_num", tax, "");
            }
            if is_equipment {
                ccw::identifier_extension(j, "suplrnum", "9900310001");
                ccw::quantity_extension(j, "dmerc_line_scrn_svgs_amt", 0);
                ccw::extension(j, "dmerc_line_prcng_state_cd", "AL", "");
                ccw::extension(
                    j,
                    "dmerc_line_supplr_type_cd",
                    "3",
                    "Suppliers (other than sole proprietorship) for whom EI numbers are used",
                );
            } else {
                ccw::quantity_extension(j, "carr_line_mtus_cnt", line.units);
                ccw::extension(j, "carr_line_mtus_cd", "3", "Services");
            }
            ccw::extension(j, "betos_cd", line.service.betos, "");
            if let Some(payer) = line.payer {
                ccw::extension(j, "line_bene_prmry_pyr_cd", payer.code, payer.display);
            }
            if let Some(processing) = line.processing {
                ccw::extension(j, "line_prcsg_ind_cd", processing.code, processing.display);
            }
            ccw::extension(j, "line_service_deductible", "0", "Service Subject to Deductible");
        });
        location(j, claim, line);
        j.list("modifier", |j| {
            for modifier in &line.modifiers {
                j.concept(|j| {
                    j.raw("{")
                        .key("code")
                        .string(modifier)
                        .key("system")
                        .string(HCPCS)
                        .key("version")
                        .string("4")
                        .close();
                });
            }
        });
        j.key("productOrService").object(|j| {
            j.key("coding").array(|j| {
                j.coding(line.service.hcpcs, "", HCPCS);
            });
            if let Some(ndc) = &line.ndc {
                j.key("extension").array(|j| {
                    j.object(|j| {
                        j.key("url").string(NDC).key("valueCoding");
                        j.coding(&ndc.code, ndc.name, NDC);
                    });
                });
            }
        });
        j.key("quantity").object(|j| {
            j.key("value").hundredths(line.units);
        });
        j.key("sequence").integer(i64::from(line.number));
        j.key("servicedPeriod").object(|j| {
            j.key("end").date(line.thru.unwrap_or(line.from));
            j.key("start").date(line.from);
        });
    });
}

fn location(j: &mut Json, claim: &Claim, line: &ServiceLine) {
    if line.place.is_none() && line.state.is_none() {
        return;
    }
    j.key("locationCodeableConcept").object(|j| {
        if let Some(place) = line.place {
            j.key("coding").array(|j| ccw::coding(j, "line_place_of_srvc_cd", place.code, place.display));
        }
        if let Some(state) = line.state {
            j.key("extension").array(|j| {
                ccw::extension(j, "prvdr_state_cd", if claim.salt & 2 == 0 { state.usps } else { state.ssa }, "");
                ccw::extension(j, "prvdr_zip", "000010000", "");
                ccw::extension(j, "carr_line_prcng_lclty_cd", "99", "");
            });
        }
    });
}

fn adjudication(j: &mut Json, line: &ServiceLine, is_equipment: bool) {
    if is_equipment {
        amount(j, ELIGIBLE, "line_prmry_alowd_chrg_amt", "Line Primary Payer Allowed Charge Amount", 0);
        amount(j, SUBMITTED, "line_dme_prchs_price_amt", "Line DME Purchase Price Amount", line.charge * 3);
    } else {
        parts::denial(j, "carr_line_rdcd_pmt_phys_astn_c", "0", "N/A");
    }
    if let Some(paid) = line.paid {
        j.object(|j| {
            j.key("amount");
            ccw::money(j, Api::V2, paid);
            parts::category(j, BENEFIT, "line_nch_pmt_amt", "Line NCH Medicare Payment Amount");
            j.key("extension").array(|j| ccw::extension(j, "line_pmt_80_100_cd", "0", "80%"));
        });
        amount(j, TO_PROVIDER, "line_prvdr_pmt_amt", "Line Provider Payment Amount", paid);
    }
    amount(j, TO_PATIENT, "line_bene_pmt_amt", "Line Payment Amount to Beneficiary", 0);
    if let Some(deductible) = line.deductible {
        amount(j, DEDUCTIBLE, "line_bene_ptb_ddctbl_amt", "Line Beneficiary Part B Deductible Amount", deductible);
    }
    amount(j, PRIOR_PAYER, "line_bene_prmry_pyr_pd_amt", "Line Primary Payer (if not Medicare) Paid Amount", 0);
    amount(j, COINSURANCE, "line_coinsrnc_amt", "Line Beneficiary Coinsurance Amount", line.coinsurance);
    amount(j, SUBMITTED, "line_sbmtd_chrg_amt", "Line Submitted Charge Amount", line.charge);
    if let Some(allowed) = line.allowed {
        amount(j, ELIGIBLE, "line_alowd_chrg_amt", "Line Allowed Charge Amount", allowed);
    }
}
