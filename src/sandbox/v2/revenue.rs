//! Revenue lines of facility claims in v2.

use super::parts::{self, COINSURANCE, DEDUCTIBLE, NONCOVERED, PRIOR_PAYER, SUBMITTED, TO_PATIENT, TO_PROVIDER};
use crate::sandbox::ccw::{self, HCPCS, NDC, UCUM};
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Family, Institutional, RevenueLine};

/// Position of the rendering member among the members, if there is one.
fn rendering(claim: &Claim, body: &Institutional) -> Option<i64> {
    let before = [&body.attending, &body.operating, &body.other].iter().filter(|person| person.is_some()).count();
    body.rendering.as_ref().map(|_| claim.sequence(before))
}

pub fn item(j: &mut Json, claim: &Claim, body: &Institutional, line: &RevenueLine) {
    j.object(|j| {
        j.key("adjudication").array(|j| adjudication(j, claim, line));
        if let Some(member) = rendering(claim, body) {
            j.key("careTeamSequence").array(|j| {
                j.integer(member);
            });
        }
        // Zero units leave no trace in v2.
        if line.units != 0 {
            j.key("extension").array(|j| ccw::quantity_extension(j, "rev_cntr_unit_cnt", line.units));
        }
        j.key("locationAddress").object(|j| {
            j.key("state").string(if claim.salt & 2 == 0 { body.state.usps } else { body.state.ssa });
        });
        modifiers(j, claim, line);
        if let Some(hcpcs) = line.hcpcs {
            j.key("productOrService").object(|j| {
                j.key("coding").array(|j| {
                    if claim.family == Family::Inpatient {
                        ccw::coding(j, "hcpcs_cd", hcpcs, "");
                    }
                    j.coding(hcpcs, "", HCPCS);
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
        }
        if let Some(ndc) = &line.ndc {
            j.key("quantity").object(|j| {
                j.key("value").hundredths(ndc.quantity);
            });
        }
        j.key("revenue").object(|j| {
            let code = ccw::unpadded(claim, line.revenue.code);
            j.key("coding").array(|j| {
                ccw::coding(j, "rev_cntr", if code.is_empty() { "0" } else { code }, line.revenue.display);
                if line.number.is_multiple_of(2) {
                    j.coding("A", "", "https://www.nubc.org/CodeSystem/RevenueCodes");
                    ccw::coding(j, "rev_cntr_ddctbl_coinsrnc_cd", "A", "");
                }
            });
            if claim.family == Family::Outpatient {
                j.key("extension").array(|j| {
                    ccw::extension(
                        j,
                        "rev_cntr_stus_ind_cd",
                        "A",
                        "Services not paid under OPPS; uses a different fee schedule",
                    );
                });
            }
        });
        j.key("sequence").integer(i64::from(line.number));
        if let Some(date) = line.date {
            j.key("servicedDate").date(date);
        }
    });
}

fn adjudication(j: &mut Json, claim: &Claim, line: &RevenueLine) {
    if let Some((group, reason)) = line.reason {
        parts::denial(j, "rev_cntr_1st_ansi_cd", &[group, reason].concat(), "");
    }
    parts::amount(j, SUBMITTED, "rev_cntr_rate_amt", "Revenue Center Rate Amount", line.charge / 2);
    parts::amount(j, SUBMITTED, "rev_cntr_tot_chrg_amt", "Revenue Center Total Charge Amount", line.charge);
    parts::amount(
        j,
        NONCOVERED,
        "rev_cntr_ncvrd_chrg_amt",
        "Revenue Center Non-Covered Charge Amount",
        line.charge / 10,
    );
    if claim.family == Family::Outpatient {
        parts::amount(j, DEDUCTIBLE, "rev_cntr_blood_ddctbl_amt", "Revenue Center Blood Deductible Amount", 0);
        parts::amount(
            j,
            DEDUCTIBLE,
            "rev_cntr_cash_ddctbl_amt",
            "Revenue Center Cash Deductible Amount",
            line.charge / 20,
        );
        parts::amount(
            j,
            COINSURANCE,
            "rev_cntr_coinsrnc_wge_adjstd_c",
            "Revenue Center Coinsurance/Wage Adjusted Coinsurance Amount",
            line.charge / 5,
        );
        parts::amount(j, COINSURANCE, "rev_cntr_rdcd_coinsrnc_amt", "Revenue Center Reduced Coinsurance Amount", 0);
        parts::amount(
            j,
            PRIOR_PAYER,
            "rev_cntr_1st_msp_pd_amt",
            "Revenue Center 1st Medicare Secondary Payer (MSP) Paid Amount",
            0,
        );
        parts::amount(
            j,
            PRIOR_PAYER,
            "rev_cntr_2nd_msp_pd_amt",
            "Revenue Center 2nd Medicare Secondary Payer (MSP) Paid Amount",
            0,
        );
    }
    if let Some(paid) = line.paid {
        parts::amount(
            j,
            TO_PROVIDER,
            "rev_cntr_prvdr_pmt_amt",
            "Revenue Center (Medicare) Provider Payment Amount",
            paid / 2 + 11,
        );
        parts::amount(j, TO_PATIENT, "rev_cntr_bene_pmt_amt", "Revenue Center Payment Amount to Beneficiary", 0);
        parts::amount(j, SUBMITTED, "rev_cntr_pmt_amt_amt", "Revenue Center (Medicare) Payment Amount", paid);
    }
}

/// The unit of the drug stands among the modifiers, before or after the real ones.
fn modifiers(j: &mut Json, claim: &Claim, line: &RevenueLine) {
    let is_first = claim.salt & 4 == 0;
    let unit = |j: &mut Json| {
        if let Some(ndc) = &line.ndc {
            j.concept(|j| {
                j.coding(ndc.unit, "", UCUM);
            });
        }
    };
    j.list("modifier", |j| {
        if is_first {
            unit(j);
        }
        for modifier in &line.modifiers {
            j.concept(|j| {
                j.coding(modifier, "", HCPCS);
            });
        }
        if !is_first {
            unit(j);
        }
    });
}
