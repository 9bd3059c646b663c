//! Facility claims in v1.

use super::parts::{self, amount, money, money_extension};
use crate::sandbox::ccw::{self, HCPCS, UCUM, US_NPI};
use crate::sandbox::chance::Chance;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Family, Institutional, RevenueLine};

pub fn write(j: &mut Json, claim: &Claim, body: &Institutional, patient: &str) {
    let family = claim.family;
    j.object(|j| {
        j.key("benefitBalance").array(|j| balances(j, claim));
        parts::period(j, claim, family != Family::Hospice);
        team(j, claim, body);
        parts::diagnoses(j, claim, body.drg.as_deref());
        j.list("extension", |j| extensions(j, claim, body));
        let facility = body.bill[0].to_string();
        j.key("facility").object(|j| {
            j.key("display").string(body.name);
            j.key("extension").array(|j| ccw::extension(j, "clm_fac_type_cd", &facility, ""));
            j.key("identifier").object(|j| {
                j.key("system").string(US_NPI).key("value").string(&body.npi);
            });
        });
        if let Some((start, end)) = body.admission {
            j.key("hospitalization").object(|j| {
                if let Some(end) = end {
                    j.key("end").date(end);
                }
                if family == Family::Hospice {
                    j.key("extension").array(|j| ccw::quantity_extension(j, "bene_hospc_prd_cnt", 200));
                }
                j.key("start").date(start);
            });
        }
        parts::identifiers(j, claim, "clm_id", |_| {});
        j.key("information").array(|j| {
            let mark = j.mark();
            information(j, claim, body);
            if claim.scattered {
                j.scatter(mark, &mut Chance::new(claim.salt, &[2]));
            }
        });
        parts::insurance(j, claim, patient);
        j.key("item").array(|j| {
            for line in &body.lines {
                item(j, claim, body, line);
            }
        });
        parts::meta(j);
        j.key("organization").object(|j| {
            j.key("display").string(body.name);
            j.key("identifier").object(|j| {
                j.key("system").string(US_NPI).key("value").string(&body.npi);
            });
        });
        parts::patient(j, patient);
        parts::payment(j, claim);
        procedures(j, claim, body);
        j.key("provider").object(|j| {
            j.key("identifier").object(|j| {
                j.key("system").joined(ccw::VARIABLE, "prvdr_num").key("value").string(&body.oscar);
            });
        });
        parts::status(j, claim);
        if let Some(charge) = claim.charge {
            j.key("totalCost");
            money(j, charge);
        }
        let (code, display) = match family {
            Family::Outpatient => ("professional", "Professional"),
            Family::Hha => ("", ""),
            _ => ("institutional", "Institutional"),
        };
        parts::kind(j, claim, code, display, Some(body.bill[1]));
    });
}

fn balances(j: &mut Json, claim: &Claim) {
    j.object(|j| {
        j.key("category").raw(
            "{\"coding\":[{\"code\":\"medical\",\"display\":\"Medical Health Coverage\",\
             \"system\":\"http://hl7.org/fhir/benefit-category\"}]}",
        );
        j.key("financial").array(|j| {
            for (variable, display, count) in [
                ("bene_tot_coinsrnc_days_cnt", "Beneficiary Total Coinsurance Days Count", 0),
                ("clm_non_utlztn_days_cnt", "Claim Medicare Non Utilization Days Count", 0),
                ("clm_utlztn_day_cnt", "Claim Medicare Utilization Day Count", i64::from(claim.thru.0 - claim.from.0)),
            ] {
                j.object(|j| {
                    j.key("type").concept(|j| {
                        j.object(|j| {
                            j.key("code").joined(ccw::VARIABLE, variable).key("display").string(display);
                            j.key("system").joined(ccw::CODESYSTEM, "benefit-balance");
                        });
                    });
                    j.key("usedUnsignedInt").integer(count);
                });
            }
        });
    });
}

/// Position of the rendering member: after the others.
fn rendering(claim: &Claim, body: &Institutional) -> Option<i64> {
    let before = [&body.operating, &body.other, &body.attending].iter().filter(|person| person.is_some()).count();
    body.rendering.as_ref().map(|_| parts::team_sequence(claim, before))
}

/// The attending member is primary as the rendering one is; only no line refers to it.
fn team(j: &mut Json, claim: &Claim, body: &Institutional) {
    let members = [
        (&body.operating, ("assist", "Assisting Provider")),
        (&body.other, ("other", "Other")),
        (&body.attending, parts::PRIMARY),
        (&body.rendering, parts::PRIMARY),
    ];
    j.list("careTeam", |j| {
        let mark = j.mark();
        let present = members.iter().filter_map(|(person, role)| person.as_ref().map(|person| (person, *role)));
        for (index, (person, role)) in present.enumerate() {
            parts::member(j, parts::team_sequence(claim, index), &person.npi, role);
        }
        if claim.scattered {
            j.scatter(mark, &mut Chance::new(claim.salt, &[3]));
        }
    });
}

fn extensions(j: &mut Json, claim: &Claim, body: &Institutional) {
    let amounts = &body.amounts;
    let is_outpatient = claim.family == Family::Outpatient;
    money_extension(j, "ime_op_clm_val_amt", amounts.operating_ime);
    money_extension(j, "dsh_op_clm_val_amt", amounts.operating_share);
    money_extension(j, "clm_pass_thru_per_diem_amt", amounts.per_diem);
    money_extension(j, "nch_profnl_cmpnt_chrg_amt", amounts.professional);
    // Served twice, for no reason that anybody knows.
    money_extension(j, "ime_op_clm_val_amt", amounts.operating_ime);
    money_extension(j, "clm_uncompd_care_pmt_amt", amounts.uncompensated);
    money_extension(j, "nch_bene_ip_ddctbl_amt", amounts.inpatient_deductible);
    let (coinsurance, deductible) = if is_outpatient {
        ("nch_bene_ptb_coinsrnc_amt", "nch_bene_ptb_ddctbl_amt")
    } else {
        ("nch_bene_pta_coinsrnc_lblty_amt", "nch_ip_tot_ddctn_amt")
    };
    money_extension(j, coinsurance, amounts.coinsurance);
    money_extension(j, "nch_ip_ncvrd_chrg_amt", amounts.noncovered);
    money_extension(j, deductible, amounts.deductible);
    money_extension(j, "clm_pps_cptl_dsprprtnt_shr_amt", amounts.capital_share);
    money_extension(j, "clm_pps_cptl_ime_amt", amounts.capital_ime);
    money_extension(j, "nch_bene_blood_ddctbl_lblty_am", amounts.blood);
    if claim.family.is_stay() {
        for variable in ["clm_pps_cptl_excptn_amt", "clm_pps_cptl_outlier_amt", "clm_pps_old_cptl_hld_hrmls_amt"] {
            money_extension(j, variable, Some(0));
        }
        money_extension(j, "clm_pps_cptl_fsp_amt", Some(31_244));
        money_extension(j, "nch_drg_outlier_aprvd_pmt_amt", Some(0));
    }
    if let Some(reason) = body.nonpayment {
        ccw::extension(j, "clm_mdcr_non_pmt_rsn_cd", reason.code, reason.display);
    }
    money_extension(j, "prpayamt", Some(body.payer.map_or(0, |_| 12_500)));
    if let Some(contractor) = &claim.contractor {
        ccw::identifier_extension(j, "fi_num", ccw::unpadded(claim, contractor));
    }
    if let Some(control) = &claim.control {
        ccw::identifier_extension(j, "fi_doc_clm_cntl_num", control);
    }
    if let Some(control) = &claim.original_control {
        ccw::identifier_extension(j, "fi_orig_clm_cntl_num", control);
    }
}

fn item(j: &mut Json, claim: &Claim, body: &Institutional, line: &RevenueLine) {
    j.object(|j| {
        j.key("adjudication").array(|j| adjudication(j, claim, line));
        if let Some(member) = rendering(claim, body) {
            j.key("careTeamLinkId").array(|j| {
                j.integer(member);
            });
        }
        if let Some(ndc) = &line.ndc {
            j.key("extension").array(|j| {
                j.object(|j| {
                    j.key("url").joined(ccw::VARIABLE, "rev_cntr_ndc_qty").key("valueQuantity").object(|j| {
                        j.key("code").string(ndc.unit).key("system").string(UCUM).key("value").hundredths(ndc.quantity);
                    });
                });
                j.object(|j| {
                    j.key("url").string(ccw::NDC).key("valueCoding");
                    j.coding(&ndc.code, ndc.name, ccw::NDC);
                });
            });
        }
        j.key("locationAddress").object(|j| {
            j.key("state").string(if claim.salt & 2 == 0 { body.state.usps } else { body.state.ssa });
        });
        j.list("modifier", |j| {
            for modifier in &line.modifiers {
                j.concept(|j| {
                    j.coding(modifier, "", HCPCS);
                });
            }
        });
        j.key("quantity").object(|j| {
            j.key("value").hundredths(line.units);
        });
        j.key("revenue").object(|j| {
            let code = ccw::unpadded(claim, line.revenue.code);
            j.key("coding").array(|j| ccw::coding(j, "rev_cntr", code, line.revenue.display));
            if line.number.is_multiple_of(2) {
                j.key("extension").array(|j| ccw::extension(j, "rev_cntr_ddctbl_coinsrnc_cd", "A", ""));
            }
        });
        j.key("sequence").integer(i64::from(line.number));
        if let Some(hcpcs) = line.hcpcs {
            j.key("service").concept(|j| {
                j.coding(hcpcs, "", HCPCS);
            });
        }
        if let Some(date) = line.date {
            j.key("servicedDate").date(date);
        }
    });
}

fn adjudication(j: &mut Json, claim: &Claim, line: &RevenueLine) {
    if let Some((group, reason)) = line.reason {
        parts::reason(j, "rev_cntr_1st_ansi_cd", "Revenue Center 1st ANSI Code", &[group, reason].concat(), "");
    }
    if claim.family == Family::Outpatient {
        amount(j, "rev_cntr_blood_ddctbl_amt", "Revenue Center Blood Deductible Amount", 0);
        amount(j, "rev_cntr_cash_ddctbl_amt", "Revenue Center Cash Deductible Amount", line.charge / 20);
        amount(
            j,
            "rev_cntr_coinsrnc_wge_adjstd_c",
            "Revenue Center Coinsurance/Wage Adjusted Coinsurance Amount",
            line.charge / 5,
        );
        amount(j, "rev_cntr_rdcd_coinsrnc_amt", "Revenue Center Reduced Coinsurance Amount", 0);
    }
    if let Some(paid) = line.paid {
        amount(j, "rev_cntr_prvdr_pmt_amt", "Revenue Center (Medicare) Provider Payment Amount", paid / 2 + 11);
        amount(j, "rev_cntr_bene_pmt_amt", "Revenue Center Payment Amount to Beneficiary", 0);
        amount(j, "rev_cntr_pmt_amt_amt", "Revenue Center (Medicare) Payment Amount", paid);
    }
    amount(j, "rev_cntr_rate_amt", "Revenue Center Rate Amount", line.charge / 2);
    amount(j, "rev_cntr_tot_chrg_amt", "Revenue Center Total Charge Amount", line.charge);
    amount(j, "rev_cntr_ncvrd_chrg_amt", "Revenue Center Non-Covered Charge Amount", line.charge / 10);
}

fn procedures(j: &mut Json, claim: &Claim, body: &Institutional) {
    j.list("procedure", |j| {
        let mark = j.mark();
        for procedure in &body.procedures {
            j.object(|j| {
                if let Some(date) = procedure.date {
                    j.key("date").midnight(date);
                }
                j.key("procedureCodeableConcept").concept(|j| {
                    let system = if procedure.icd9 { ccw::ICD9 } else { "http://hl7.org/fhir/sid/icd-10" };
                    j.coding(procedure.term.code, procedure.term.display, system);
                });
                j.key("sequence").integer(i64::from(procedure.number));
            });
        }
        if claim.scattered {
            j.scatter(mark, &mut Chance::new(claim.salt, &[4]));
        }
    });
}

fn information(j: &mut Json, claim: &Claim, body: &Institutional) {
    let mut used = 0;
    let mut next = || {
        used += 1;
        claim.sequence(used - 1)
    };
    parts::received(j, next(), claim);
    parts::info(j, next(), "nch_ptnt_stus_ind_cd", "NCH Patient Status Indicator Code", "A", "Discharged");
    if let Some(kind) = body.admission_type {
        parts::info_with(j, "clm_ip_admsn_type_cd", "Claim Inpatient Admission Type Code", |j| {
            j.key("code").concept(|j| {
                j.coding(kind.code, kind.display, "https://www.nubc.org/CodeSystem/PriorityTypeOfAdmitOrVisit");
            });
            j.key("sequence").integer(next());
        });
    }
    if let Some(source) = body.admission_source {
        parts::info(
            j,
            next(),
            "clm_src_ip_admsn_cd",
            "Claim Source Inpatient Admission Code",
            source.code,
            source.display,
        );
    }
    parts::info(j, next(), "clm_mco_pd_sw", "Claim MCO Paid Switch", "0", "No managed care organization (MCO) payment");
    parts::info(j, next(), "clm_freq_cd", "Claim Frequency Code", &body.bill[2].to_string(), "");
    if let Some(discharge) = body.discharge {
        let code = ccw::unpadded(claim, discharge.code);
        parts::info(j, next(), "ptnt_dschrg_stus_cd", "Patient Discharge Status Code", code, discharge.display);
    }
    if let Some(payer) = body.payer {
        parts::info(
            j,
            next(),
            "nch_prmry_pyr_cd",
            "NCH Primary Payer Code (if not Medicare)",
            payer.code,
            payer.display,
        );
    }
}
