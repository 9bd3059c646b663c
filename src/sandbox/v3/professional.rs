//! Physician and supplier claims in v3.

use super::parts::{self, NONE, amount, bb, extension, info};
use crate::Api;
use crate::sandbox::ccw;
use crate::sandbox::chance::Chance;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Family, Professional, ServiceLine};
use crate::sandbox::v2::parts::{
    BENEFIT, BY_PATIENT, COINSURANCE, DEDUCTIBLE, DISCOUNT, ELIGIBLE, PRIOR_PAYER, SUBMITTED, TO_PATIENT, TO_PROVIDER,
};
use crate::sandbox::vocabulary::service::SPECIALTIES;

const PLACES: &str = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set";

pub fn write(j: &mut Json, claim: &Claim, body: &Professional, patient: &str) {
    let is_equipment = claim.family == Family::Dme;
    j.object(|j| {
        j.key("adjudication").array(|j| {
            parts::payment_status(j);
            amount(j, NONE, "CLM_MDCR_PRFNL_PRMRY_PYR_AMT", "Primary Payer Paid Amount", 0);
        });
        parts::period(j, claim);
        team(j, claim, body);
        j.key("contained").array(|j| {
            parts::insurer(j);
            if claim.salt & 16 == 0 {
                parts::practitioner(j, &body.billing.npi, body.billing.family, body.billing.given);
            } else {
                organisation(j, body);
            }
        });
        j.key("created").midnight(claim.effective);
        super::diagnosis::diagnoses(j, claim);
        parts::identity(j, claim);
        j.key("insurer").raw("{\"reference\":\"#insurer-org\"}");
        j.key("item").array(|j| {
            let mut used = 0;
            for line in &body.lines {
                let own = line_entries(claim, line);
                item(j, claim, body, line, used..used + own);
                used += own;
            }
        });
        parts::meta(j, claim, "Professional-NonClinician", patient);
        if let Some(payment) = claim.payment {
            j.key("payment").object(|j| {
                j.key("amount");
                ccw::money(j, Api::V3, payment);
            });
        }
        j.key("provider").object(|j| {
            j.key("reference").joined("#", &body.billing.npi);
        });
        parts::related(j, claim);
        j.key("resourceType").string("ExplanationOfBenefit").key("status").string("active");
        j.key("supportingInfo").array(|j| {
            let mark = j.mark();
            information(j, claim, body);
            if parts::is_info_scattered(claim) {
                j.scatter(mark, &mut Chance::new(claim.salt, &[2]));
            }
        });
        j.key("total").array(|j| totals(j, claim));
        let name =
            if is_equipment { "Durable Medical Equipment Claim" } else { "Professional Physician/Supplier Claim" };
        parts::kind(j, claim, "professional", name);
    });
}

fn organisation(j: &mut Json, body: &Professional) {
    j.object(|j| {
        j.key("active").raw("true").key("id").string(&body.billing.npi);
        j.key("identifier").array(|j| parts::npi(j, &body.billing.npi));
        j.key("meta").raw(parts::ORGANISATION_META);
        j.key("name").string("Harborlight Physicians Group").key("resourceType").string("Organization");
    });
}

/// The rendering member of a line has the line's number; the referring one may have a number that is taken.
fn team(j: &mut Json, claim: &Claim, body: &Professional) {
    j.list("careTeam", |j| {
        let mark = j.mark();
        for line in &body.lines {
            let person = &body.renderers[line.renderer].person;
            parts::member(j, i64::from(line.number), person, ("rendering", "Rendering provider"), true);
        }
        if let Some(referring) = &body.referring {
            let last = body.lines.last().map_or(0, |line| line.number);
            let sequence = if claim.salt & 32 == 0 { 1 } else { last + 1 };
            parts::member(j, i64::from(sequence), referring, ("referring", "Referring"), false);
        }
        if claim.scattered {
            j.scatter(mark, &mut Chance::new(claim.salt, &[3]));
        }
    });
}

/// How many supportingInfo entries belong to a line.
fn line_entries(claim: &Claim, line: &ServiceLine) -> usize {
    let has_state = line.state.is_some() && !claim.standing.is_partial();
    usize::from(has_state) + parts::enhancement_size(&line.enhancement)
}

fn item(j: &mut Json, claim: &Claim, body: &Professional, line: &ServiceLine, entries: std::ops::Range<usize>) {
    let renderer = &body.renderers[line.renderer];
    let (specialty, specialty_name, ..) = SPECIALTIES[renderer.person.specialty];
    j.object(|j| {
        j.key("adjudication").array(|j| adjudication(j, line));
        if let Some(ndc) = &line.ndc {
            parts::drug_detail(j, ndc);
        }
        if line.diagnosis.is_some() {
            // The server's link is arbitrary, so it is here too.
            j.key("diagnosisSequence").array(|j| {
                j.integer(claim.sequence(line.number as usize % claim.diagnoses.len()));
            });
        }
        j.key("extension").array(|j| {
            extension(j, "CLM-PMT-80-100-CD", "0", "80%");
            extension(j, "CLM-PRVDR-SPCLTY-CD", specialty, specialty_name);
            extension(j, "CLM-SRVC-DDCTBL-SW", "0", "Service Subject to Deductible");
            extension(j, "CLM-MTUS-IND-CD", "3", "SERVICES");
            extension(j, "CLM-FED-TYPE-SRVC-CD", line.service.kind, "");
            if let Some(kind) = renderer.kind {
                extension(j, "CLM-PRVDR-TYPE-CD", kind, "");
            }
            if let Some(tax) = &renderer.tax {
                j.object(|j| {
                    j.key("url").joined(parts::STRUCTURE, "CLM-PRVDR-TAX-NUM").key("valueIdentifier").object(|j| {
                        j.key("system").string("urn:oid:2.16.840.1.113883.4.4");
                        j.key("type").raw(
                            "{\"coding\":[{\"code\":\"TAX\",\"display\":\"Tax ID number\",\
                             \"system\":\"http://terminology.hl7.org/CodeSystem/v2-0203\"}]}",
                        );
                        j.key("value").string(tax);
                    });
                });
            }
            if let Some(scarcity) = line.scarcity {
                extension(j, "CLM-LINE-CARR-HPSA-SCRCTY-CD", scarcity, "");
            }
            if !claim.standing.is_partial() {
                if let Some(processing) = line.processing {
                    extension(j, "CLM-PRCSG-IND-CD", processing.code, processing.display);
                }
                if let Some(payer) = line.payer {
                    extension(j, "CLM-PRMRY-PYR-CD", payer.code, payer.display);
                }
            }
            j.object(|j| {
                j.key("url")
                    .joined(parts::STRUCTURE, "CLM-LINE-PRFNL-MTUS-CNT")
                    .key("valueDecimal")
                    .hundredths(line.units);
            });
        });
        j.list("informationSequence", |j| {
            for entry in entries {
                j.integer(claim.sequence(entry));
            }
        });
        if let Some(place) = line.place {
            j.key("locationCodeableConcept").concept(|j| {
                j.coding(place.code, place.display, PLACES);
            });
        }
        parts::modifiers(j, &line.modifiers);
        j.key("productOrService").concept(|j| parts::procedure_coding(j, line.service.hcpcs));
        j.key("quantity").object(|j| {
            j.key("value").hundredths(line.units);
        });
        j.key("sequence").integer(i64::from(line.number));
        if let Some(thru) = line.thru {
            j.key("servicedPeriod").object(|j| {
                j.key("end").date(thru).key("start").date(line.from);
            });
        } else {
            j.key("servicedDate").date(line.from);
        }
    });
}

fn adjudication(j: &mut Json, line: &ServiceLine) {
    amount(j, NONE, "CLM_LINE_CARR_PSYCH_OT_LMT_AMT", "Therapy Amount Applied to Limit", 0);
    amount(j, COINSURANCE, "CLM_LINE_MDCR_COINSRNC_AMT", "Coinsurance Amount", line.coinsurance);
    if let Some(allowed) = line.allowed {
        amount(j, ELIGIBLE, "CLM_LINE_ALOWD_CHRG_AMT", "Line Allowed Charge Amount", allowed);
    }
    if let Some(deductible) = line.deductible {
        amount(j, DEDUCTIBLE, "CLM_LINE_MDCR_DDCTBL_AMT", "Cash Deductible Amount", deductible);
    }
    amount(j, TO_PATIENT, "CLM_LINE_BENE_PD_AMT", "Payment Amount to Beneficiary", 0);
    if let Some(paid) = line.paid {
        amount(j, TO_PROVIDER, "CLM_LINE_PRVDR_PMT_AMT", "Line Provider Payment Amount", paid + 3);
        amount(j, BENEFIT, "CLM_LINE_CVRD_PD_AMT", "Payment Amount", paid);
    }
    amount(j, NONE, "CLM_LINE_PRFNL_DME_PRICE_AMT", "Purchase Price Amount", 0);
    amount(j, SUBMITTED, "CLM_LINE_SBMT_CHRG_AMT", "Line Submitted Charge Amount", line.charge);
    parts::payment_status(j);
    amount(j, NONE, "CLM_LINE_PRFNL_INTRST_AMT", "Professional Interest Amount", 0);
    amount(j, NONE, "CLM_MDCR_PRMRY_PYR_ALOWD_AMT", "Line Primary Payer Allowed Amount", 0);
    amount(j, PRIOR_PAYER, "CLM_BENE_PRMRY_PYR_PD_AMT", "Line Primary Payer Paid Amount", 0);
    amount(j, DISCOUNT, "CLM_LINE_DMERC_SCRN_SVGS_AMT", "Screen Savings Amount", 0);
}

/// The lines' entries come first, because items refer to them by number.
fn information(j: &mut Json, claim: &Claim, body: &Professional) {
    let mut used = 0;
    let mut next = || {
        used += 1;
        claim.sequence(used - 1)
    };
    let is_partial = claim.standing.is_partial();
    for line in &body.lines {
        if let (Some(state), false) = (line.state, is_partial) {
            let category = ("RNDRG_PRVDR_FIPS_ST_CD", "Rendering Provider FIPS State Code");
            info(j, next(), category, "US-FIPS-STATE-CODES", state.fips, "");
        }
        parts::enhancement(j, &mut next, &line.enhancement);
    }
    parts::common_info(j, &mut next, claim);
    parts::info_text(j, next(), ("CLM_CLNCL_TRIL_NUM", "Clinical Trial Number"), "0");
    if let Some(query) = claim.query {
        info(j, next(), ("CLM_QUERY_CD", "Claim Query Code"), "CLM-QUERY-CD", query.code, query.display);
    }
    if is_partial {
        let category = ("CLM_AUDT_TRL_STUS_CD", "Claim Audit Trail Status Code");
        info(j, next(), category, "CLM-AUDT-TRL-STUS-CD", "D", "Payment approved");
        return;
    }
    let (code, display) = ccw::near_line(claim.family);
    info(j, next(), ("CLM_NRLN_RIC_CD", "Near Line Record Identification Code"), "CLM-NRLN-RIC-CD", code, display);
    parts::info_date(j, next(), ("CLM_NCH_WKLY_PROC_DT", "Weekly Process Date"), claim.effective);
    if let Some(denial) = body.denial {
        info(
            j,
            next(),
            ("CLM_CARR_PMT_DNL_CD", "Claim Payment Denial Code"),
            "CLM-CARR-PMT-DNL-CD",
            denial.code,
            denial.display,
        );
    }
    if let Some(disposition) = body.disposition {
        let padded = format!("{disposition:0>2}");
        info(j, next(), ("CLM_DISP_CD", "Claim Disposition Code"), "CLM-DISP-CD", &padded, "DEBIT ACCEPTED");
    }
    let sequence = next();
    parts::carin(j, "typeofbill", |j| {
        j.key("code").concept(|j| bb(j, "CLM-BILL-FREQ-CD", "1", ""));
        j.key("sequence").integer(sequence);
    });
}

fn totals(j: &mut Json, claim: &Claim) {
    let charge = claim.charge.unwrap_or(0);
    amount(j, ELIGIBLE, "CLM_ALOWD_CHRG_AMT", "Allowed Charge Amount", charge / 2);
    amount(j, SUBMITTED, "CLM_SBMT_CHRG_AMT", "Total Charge Amount", charge);
    amount(j, BY_PATIENT, "CLM_BENE_PMT_AMT", "Paid By Beneficiary Amount", 0);
    amount(j, TO_PROVIDER, "CLM_PRVDR_PMT_AMT", "Provider Payment Amount", claim.payment.unwrap_or(0));
    amount(j, DEDUCTIBLE, "CLM_MDCR_DDCTBL_AMT", "Beneficiary Deductible Amount", charge / 9);
}
