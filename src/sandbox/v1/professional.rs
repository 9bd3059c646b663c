//! Physician and supplier claims in v1.

use super::parts::{self, amount, money_extension};
use crate::sandbox::ccw::{self, HCPCS, NDC, US_NPI};
use crate::sandbox::chance::Chance;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Family, Professional, ServiceLine};
use crate::sandbox::vocabulary::service::SPECIALTIES;

pub fn write(j: &mut Json, claim: &Claim, body: &Professional, patient: &str) {
    let is_equipment = claim.family == Family::Dme;
    j.object(|j| {
        parts::period(j, claim, false);
        team(j, claim, body);
        j.list("contained", |j| {
            referral(j, body, patient);
            if ccw::has_observation(claim) {
                ccw::observation(j, "2", claim);
            }
        });
        parts::diagnoses(j, claim, None);
        if let Some(disposition) = body.disposition {
            j.key("disposition").string(disposition);
        }
        j.key("extension").array(|j| extensions(j, claim, body));
        parts::identifiers(j, claim, "clm_id", |_| {});
        j.key("information").array(|j| parts::received(j, claim.sequence(0), claim));
        parts::insurance(j, claim, patient);
        j.key("item").array(|j| {
            for line in &body.lines {
                item(j, claim, body, line);
            }
        });
        parts::meta(j);
        parts::patient(j, patient);
        parts::payment(j, claim);
        if body.referring.is_some() {
            j.key("referral").raw("{\"reference\":\"#1\"}");
        }
        parts::status(j, claim);
        let (code, display) = if is_equipment { ("", "") } else { ("professional", "Professional") };
        parts::kind(j, claim, code, display, None);
    });
}

/// Number of a renderer; the next one is its tax number's, which is a member of its own.
fn rendering(claim: &Claim, renderer: usize) -> i64 {
    parts::team_sequence(claim, 2 * renderer)
}

fn tax(claim: &Claim, renderer: usize) -> i64 {
    parts::team_sequence(claim, 2 * renderer + 1)
}

fn team(j: &mut Json, claim: &Claim, body: &Professional) {
    let is_equipment = claim.family == Family::Dme;
    j.list("careTeam", |j| {
        let mark = j.mark();
        for (index, renderer) in body.renderers.iter().enumerate() {
            let (specialty, name, ..) = SPECIALTIES[renderer.person.specialty];
            j.object(|j| {
                j.key("extension").array(|j| {
                    if let (Some(kind), false) = (renderer.kind, is_equipment) {
                        ccw::extension(j, "carr_line_prvdr_type_cd", kind, "");
                    }
                    ccw::extension(j, "prtcptng_ind_cd", "1", "Participating");
                });
                j.key("provider").object(|j| {
                    j.key("identifier");
                    parts::identifier(j, &renderer.person.npi);
                });
                j.key("qualification").concept(|j| ccw::coding(j, "prvdr_spclty", specialty, name));
                j.key("responsible").raw("true");
                parts::role_concept(j, parts::PRIMARY);
                j.key("sequence").integer(rendering(claim, index));
            });
            if let Some(number) = &renderer.tax {
                j.object(|j| {
                    j.key("provider").object(|j| {
                        j.key("identifier").object(|j| {
                            j.key("system")
                                .string("http://terminology.hl7.org/CodeSystem/v2-0203")
                                .key("value")
                                .string(number);
                        });
                    });
                    parts::role_concept(j, ("other", "Other"));
                    j.key("sequence").integer(tax(claim, index));
                });
            }
        }
        if claim.scattered {
            j.scatter(mark, &mut Chance::new(claim.salt, &[3]));
        }
    });
}

fn referral(j: &mut Json, body: &Professional, patient: &str) {
    let Some(referring) = &body.referring else { return };
    j.object(|j| {
        j.key("id").string("1");
        j.key("recipient").array(|j| {
            j.object(|j| {
                j.key("identifier");
                parts::identifier(j, &referring.npi);
            });
        });
        j.key("requester").object(|j| {
            j.key("agent").object(|j| {
                j.key("identifier").object(|j| {
                    j.key("system").string(US_NPI).key("value").string(&referring.npi);
                });
            });
        });
        j.key("resourceType").string("ReferralRequest").key("status").string("completed");
        j.key("subject").object(|j| {
            j.key("reference").joined("Patient/", patient);
        });
    });
}

fn extensions(j: &mut Json, claim: &Claim, body: &Professional) {
    let charge = claim.charge.unwrap_or(0);
    money_extension(j, "prpayamt", Some(0));
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
    money_extension(j, "carr_clm_cash_ddctbl_apld_amt", Some(charge / 9));
    money_extension(j, "nch_clm_prvdr_pmt_amt", claim.payment);
    money_extension(j, "nch_clm_bene_pmt_amt", Some(0));
    money_extension(j, "nch_carr_clm_sbmtd_chrg_amt", Some(charge));
    money_extension(j, "nch_carr_clm_alowd_amt", Some(charge / 2));
}

fn item(j: &mut Json, claim: &Claim, body: &Professional, line: &ServiceLine) {
    let is_equipment = claim.family == Family::Dme;
    let renderer = &body.renderers[line.renderer];
    j.object(|j| {
        j.key("adjudication").array(|j| adjudication(j, line, is_equipment));
        j.key("careTeamLinkId").array(|j| {
            j.integer(rendering(claim, line.renderer));
            if renderer.tax.is_some() {
                j.integer(tax(claim, line.renderer));
            }
        });
        j.key("category").concept(|j| ccw::coding(j, "line_cms_type_srvc_cd", line.service.kind, ""));
        if let Some(diagnosis) = line.diagnosis {
            j.key("diagnosisLinkId").array(|j| {
                j.integer(parts::diagnosis_sequence(claim, diagnosis, false));
            });
        }
        j.key("extension").array(|j| {
            if is_equipment {
                ccw::identifier_extension(j, "suplrnum", "9900310001");
                ccw::quantity_extension(j, "dmerc_line_scrn_svgs_amt", 0);
            } else {
                ccw::extension(j, "carr_line_mtus_cd", "3", "Services");
                ccw::quantity_extension(j, "carr_line_mtus_cnt", line.units);
            }
            ccw::extension(j, "betos_cd", line.service.betos, "");
            if let Some(payer) = line.payer {
                ccw::extension(j, "line_bene_prmry_pyr_cd", payer.code, payer.display);
            }
            ccw::extension(j, "line_service_deductible", "0", "Service Subject to Deductible");
            if let Some(ndc) = &line.ndc {
                j.object(|j| {
                    j.key("url").string(NDC).key("valueCoding");
                    j.coding(&ndc.code, ndc.name, NDC);
                });
            }
        });
        location(j, claim, line);
        j.list("modifier", |j| {
            for modifier in &line.modifiers {
                j.concept(|j| versioned(j, modifier));
            }
        });
        j.key("quantity").object(|j| {
            j.key("value").hundredths(line.units);
        });
        j.key("sequence").integer(i64::from(line.number));
        j.key("service").concept(|j| versioned(j, line.service.hcpcs));
        j.key("servicedPeriod").object(|j| {
            j.key("end").date(line.thru.unwrap_or(line.from)).key("start").date(line.from);
        });
    });
}

/// A HCPCS code with the year of its edition.
fn versioned(j: &mut Json, code: &str) {
    j.raw("{").key("code").string(code).key("system").string(HCPCS).key("version").string("4").close();
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
        amount(j, "line_prmry_alowd_chrg_amt", "Line Primary Payer Allowed Charge Amount", 0);
        amount(j, "line_dme_prchs_price_amt", "Line DME Purchase Price Amount", line.charge * 3);
    } else {
        let display = "Carrier Line Reduced Payment Physician Assistant Code";
        parts::reason(j, "carr_line_rdcd_pmt_phys_astn_c", display, "0", "N/A");
    }
    if let Some(paid) = line.paid {
        parts::line_payment(j, paid);
        amount(j, "line_prvdr_pmt_amt", "Line Provider Payment Amount", paid);
    }
    amount(j, "line_bene_pmt_amt", "Line Payment Amount to Beneficiary", 0);
    if let Some(deductible) = line.deductible {
        amount(j, "line_bene_ptb_ddctbl_amt", "Line Beneficiary Part B Deductible Amount", deductible);
    }
    amount(j, "line_bene_prmry_pyr_pd_amt", "Line Primary Payer (if not Medicare) Paid Amount", 0);
    amount(j, "line_coinsrnc_amt", "Line Beneficiary Coinsurance Amount", line.coinsurance);
    amount(j, "line_sbmtd_chrg_amt", "Line Submitted Charge Amount", line.charge);
    if let Some(allowed) = line.allowed {
        amount(j, "line_alowd_chrg_amt", "Line Allowed Charge Amount", allowed);
    }
    if let Some(processing) = line.processing {
        parts::reason(j, "line_prcsg_ind_cd", "Line Processing Indicator Code", processing.code, processing.display);
    }
}
