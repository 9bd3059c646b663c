//! Facility claims in v2.

use super::parts::{self, SUBMITTED, balance, balance_count};
use super::revenue;
use crate::Api;
use crate::sandbox::ccw::{self, US_NPI};
use crate::sandbox::chance::Chance;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Family, Institutional};

pub fn write(j: &mut Json, claim: &Claim, body: &Institutional, patient: &str) {
    let is_inpatient = !matches!(claim.family, Family::Outpatient);
    j.object(|j| {
        parts::benefit_balance(j, |j| balances(j, claim, body));
        parts::period(j, claim, true);
        team(j, claim, body);
        contained(j, body);
        j.key("created").string("2025-02-04T08:00:00-05:00");
        parts::diagnoses(j, claim);
        j.key("extension").array(|j| extensions(j, claim, body));
        let facility = body.bill[0].to_string();
        j.key("facility").object(|j| {
            j.key("extension").array(|j| ccw::extension(j, "clm_fac_type_cd", &facility, facility_name(body.bill[0])));
        });
        j.key("id").string(&ccw::claim_id(claim));
        parts::identifiers(j, claim, "clm_id", |_| {});
        parts::insurance(j, claim, patient);
        j.key("item").array(|j| {
            for line in &body.lines {
                revenue::item(j, claim, body, line);
            }
        });
        parts::meta(
            j,
            match claim.family {
                Family::Outpatient => "Outpatient-Institutional",
                Family::Hha => "Professional-NonClinician",
                _ => "Inpatient-Institutional",
            },
        );
        parts::outcome(j, patient);
        if let Some(payment) = claim.payment {
            j.key("payment").object(|j| {
                j.key("amount");
                ccw::money(j, Api::V2, payment);
            });
        }
        procedures(j, claim, body);
        j.key("provider").raw("{\"reference\":\"#provider-org\"}");
        j.key("resourceType").string("ExplanationOfBenefit");
        j.key("status").string(ccw::status(claim));
        j.key("subType").object(|j| {
            let (code, text) = if is_inpatient { ("inpatient", "Inpatient") } else { ("outpatient", "Outpatient") };
            j.key("coding").array(|j| {
                j.coding(code, "", "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBInstitutionalClaimSubType");
            });
            j.key("text").string(text);
        });
        j.list("supportingInfo", |j| {
            let mark = j.mark();
            information(j, claim, body);
            if claim.scattered {
                j.scatter(mark, &mut Chance::new(claim.salt, &[2]));
            }
        });
        if let Some(charge) = claim.charge {
            j.key("total")
                .array(|j| parts::amount(j, SUBMITTED, "clm_tot_chrg_amt", "Claim Total Charge Amount", charge));
        }
        let (code, display) = if claim.family == Family::Hha {
            ("professional", "Professional")
        } else {
            ("institutional", "Institutional")
        };
        parts::kind(j, claim, code, display);
    });
}

fn facility_name(code: char) -> &'static str {
    match code {
        '1' => "Hospital",
        '2' => "Skilled Nursing Facility (SNF)",
        '3' => "Home Health Agency (HHA)",
        _ => "",
    }
}

fn balances(j: &mut Json, claim: &Claim, body: &Institutional) {
    let amounts = &body.amounts;
    let mut put = |variable: &str, display: &str, amount: Option<i64>| {
        if let Some(cents) = amount {
            balance(j, variable, display, cents);
        }
    };
    put("clm_pass_thru_per_diem_amt", "Claim Pass Thru Per Diem Amount", amounts.per_diem);
    put("nch_profnl_cmpnt_chrg_amt", "Professional Component Charge Amount", amounts.professional);
    if claim.family == Family::Outpatient {
        put("nch_bene_ptb_ddctbl_amt", "NCH Beneficiary Part B Deductible Amount", amounts.deductible);
        put("nch_bene_ptb_coinsrnc_amt", "NCH Beneficiary Part B Coinsurance Amount", amounts.coinsurance);
        put("clm_op_prvdr_pmt_amt", "Claim Outpatient Provider Payment Amount", claim.payment);
    } else {
        put(
            "nch_bene_ip_ddctbl_amt",
            "NCH Beneficiary Inpatient (or other Part A) Deductible Amount",
            amounts.inpatient_deductible,
        );
        put(
            "nch_bene_pta_coinsrnc_lblty_amt",
            "NCH Beneficiary Part A Coinsurance Liability Amount",
            amounts.coinsurance,
        );
        put("nch_ip_ncvrd_chrg_amt", "NCH Inpatient(or other Part A) Non-covered Charge Amount", amounts.noncovered);
        put(
            "nch_ip_tot_ddctn_amt",
            "NCH Inpatient (or other Part A) Total Deductible/Coinsurance Amount",
            amounts.deductible,
        );
    }
    put("clm_pps_cptl_dsprprtnt_shr_amt", "Claim PPS Capital Disproportionate Share Amount", amounts.capital_share);
    put("clm_pps_cptl_ime_amt", "Claim PPS Capital Indirect Medical Education (IME) Amount", amounts.capital_ime);
    put("nch_bene_blood_ddctbl_lblty_am", "NCH Beneficiary Blood Deductible Liability Amount", amounts.blood);
    put("prpayamt", "NCH Primary Payer (if not Medicare) Claim Paid Amount", body.payer.map(|_| 12_500));
    if claim.family.is_stay() {
        balance(j, "clm_pps_cptl_excptn_amt", "Claim PPS Capital Exception Amount", 0);
        balance(j, "clm_pps_cptl_fsp_amt", "Claim PPS Capital Federal Specific Portion (FSP) Amount", 31_244);
        balance(j, "clm_pps_cptl_outlier_amt", "Claim PPS Capital Outlier Amount", 0);
        balance(j, "clm_pps_old_cptl_hld_hrmls_amt", "Claim PPS Old Capital Hold Harmless Amount", 0);
        balance(j, "nch_drg_outlier_aprvd_pmt_amt", "NCH DRG Outlier Approved Payment Amount", 0);
        balance_count(
            j,
            "clm_utlztn_day_cnt",
            "Claim Medicare Utilization Day Count",
            i64::from(claim.thru.0 - claim.from.0),
        );
        balance_count(j, "bene_tot_coinsrnc_days_cnt", "Beneficiary Total Coinsurance Days Count", 0);
        balance_count(j, "clm_non_utlztn_days_cnt", "Claim Medicare Non Utilization Days Count", 0);
        balance_count(j, "bene_lrd_used_cnt", "Beneficiary Medicare Lifetime Reserve Days (LRD) Used Count", 0);
    }
}

fn team(j: &mut Json, claim: &Claim, body: &Institutional) {
    let members = [
        (&body.attending, ("attending", "Attending")),
        (&body.operating, ("operating", "Operating")),
        (&body.other, ("otheroperating", "Other Operating")),
        (&body.rendering, ("performing", "Performing provider")),
    ];
    j.list("careTeam", |j| {
        let mark = j.mark();
        let present = members.iter().filter_map(|(person, role)| person.as_ref().map(|person| (person, *role)));
        for (index, (person, role)) in present.enumerate() {
            parts::member(j, claim.sequence(index), person, role);
        }
        if claim.scattered {
            j.scatter(mark, &mut Chance::new(claim.salt, &[3]));
        }
    });
}

fn contained(j: &mut Json, body: &Institutional) {
    j.key("contained").array(|j| {
        j.object(|j| {
            j.key("active").raw("true");
            j.key("id").string("provider-org");
            j.key("identifier").array(|j| {
                j.object(|j| {
                    j.key("type").raw("{\"coding\":[{\"code\":\"PRN\",\"system\":\"http://terminology.hl7.org/CodeSystem/v2-0203\"}]}");
                    j.key("value").string(&body.oscar);
                });
                j.object(|j| {
                    j.key("system").string(US_NPI);
                    j.key("type").raw(
                        "{\"coding\":[{\"code\":\"npi\",\"system\":\"http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType\"}]}",
                    );
                    j.key("value").string(&body.npi);
                });
            });
            j.key("meta").raw("{\"profile\":[\"http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Organization\"]}");
            j.key("name").string(body.name);
            j.key("resourceType").string("Organization");
        });
    });
}

fn extensions(j: &mut Json, claim: &Claim, body: &Institutional) {
    let (code, display) = ccw::near_line(claim.family);
    ccw::extension(j, "nch_near_line_rec_ident_cd", code, display);
    if claim.family.is_stay() {
        ccw::extension(j, "fi_clm_actn_cd", "1", "Original debit action (always a 1 for all regular bills)");
    }
    for (variable, amount) in [
        ("ime_op_clm_val_amt", body.amounts.operating_ime),
        ("clm_uncompd_care_pmt_amt", body.amounts.uncompensated),
        ("dsh_op_clm_val_amt", body.amounts.operating_share),
    ] {
        if let Some(cents) = amount {
            j.object(|j| {
                j.key("url").joined(ccw::VARIABLE, variable).key("valueMoney");
                ccw::money(j, Api::V2, cents);
            });
        }
    }
    if let Some(control) = &claim.control {
        ccw::identifier_extension(j, "fi_doc_clm_cntl_num", control);
    }
    j.object(|j| {
        j.key("url").joined(ccw::VARIABLE, "fi_clm_proc_dt").key("valueDate").date(claim.received);
    });
    if let Some(reason) = body.nonpayment {
        ccw::extension(j, "clm_mdcr_non_pmt_rsn_cd", reason.code, reason.display);
    }
    ccw::extension(j, "clm_srvc_clsfctn_type_cd", &body.bill[1].to_string(), "");
    if let Some(contractor) = &claim.contractor {
        ccw::extension(j, "fi_num", ccw::unpadded(claim, contractor), "");
    }
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
                    let term = procedure.term;
                    if procedure.icd9 {
                        j.coding(term.code, term.display, ccw::ICD9);
                    } else {
                        j.coding(term.code, term.display, "http://www.cms.gov/Medicare/Coding/ICD10");
                        j.coding(term.code, term.display, "http://hl7.org/fhir/sid/icd-10");
                    }
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
    parts::info_code(j, next(), "nch_ptnt_stus_ind_cd", "NCH Patient Status Indicator Code", "A", "Discharged");
    if let Some((start, end)) = body.admission {
        j.object(|j| {
            parts::carin_category(j, "admissionperiod", "Admission Period", None);
            j.key("sequence").integer(next());
            j.key("timingPeriod").object(|j| {
                if let Some(end) = end {
                    j.key("end").date(end);
                }
                j.key("start").date(start);
            });
        });
    }
    if let Some(kind) = body.admission_type {
        j.object(|j| {
            parts::carin_category(
                j,
                "admtype",
                "Information",
                Some(("clm_ip_admsn_type_cd", "Claim Inpatient Admission Type Code")),
            );
            j.key("code").concept(|j| {
                j.coding(kind.code, kind.display, "https://www.nubc.org/CodeSystem/PriorityTypeOfAdmitOrVisit");
            });
            j.key("sequence").integer(next());
        });
    }
    if let Some(source) = body.admission_source {
        parts::info_code(
            j,
            next(),
            "clm_src_ip_admsn_cd",
            "Claim Source Inpatient Admission Code",
            source.code,
            source.display,
        );
    }
    if let Some(drg) = &body.drg {
        parts::info_code(j, next(), "clm_drg_cd", "Claim Diagnosis Related Group Code (or MS-DRG Code)", drg, "");
    }
    if claim.family.is_stay() {
        j.object(|j| {
            parts::info_category(j, "nch_blood_pnts_frnshd_qty", "NCH Blood Pints Furnished Quantity");
            j.key("sequence").integer(next());
            j.key("valueQuantity")
                .raw("{\"code\":\"[pt_us]\",\"system\":\"http://unitsofmeasure.org\",\"unit\":\"pint\",\"value\":2}");
        });
    }
    parts::info_code(
        j,
        next(),
        "clm_mco_pd_sw",
        "Claim MCO Paid Switch",
        "0",
        "No managed care organization (MCO) payment",
    );
    j.object(|j| {
        parts::carin_category(j, "typeofbill", "Type of Bill", None);
        let meaning = if body.bill[2] == '1' { "Admit thru discharge claim" } else { "" };
        j.key("code").concept(|j| ccw::coding(j, "clm_freq_cd", &body.bill[2].to_string(), meaning));
        j.key("sequence").integer(next());
    });
    if let Some(discharge) = body.discharge {
        j.object(|j| {
            parts::carin_category(j, "discharge-status", "Discharge Status", None);
            let code = ccw::unpadded(claim, discharge.code);
            j.key("code").concept(|j| ccw::coding(j, "ptnt_dschrg_stus_cd", code, discharge.display));
            j.key("sequence").integer(next());
        });
    }
    if let Some(payer) = body.payer {
        parts::info_code(
            j,
            next(),
            "nch_prmry_pyr_cd",
            "NCH Primary Payer Code (if not Medicare)",
            payer.code,
            payer.display,
        );
    }
}
