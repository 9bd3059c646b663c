//! Facility claims in v3.

use super::parts::{self, NONE, NUBC, amount, bb, info};
use super::revenue;
use crate::Api;
use crate::sandbox::ccw;
use crate::sandbox::chance::Chance;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Family, Institutional};
use crate::sandbox::v2::parts::{COINSURANCE, DEDUCTIBLE, NONCOVERED, SUBMITTED, TO_PATIENT, TO_PROVIDER};

pub fn write(j: &mut Json, claim: &Claim, body: &Institutional, patient: &str) {
    let is_outpatient = claim.family == Family::Outpatient;
    j.object(|j| {
        j.key("adjudication").array(|j| adjudication(j, claim, body));
        parts::period(j, claim);
        team(j, claim, body);
        j.key("contained").array(|j| {
            parts::insurer(j);
            if body.is_organisation {
                organisation(j, body);
            } else {
                parts::practitioner(j, &body.npi, body.name, "Office");
            }
        });
        j.key("created").midnight(claim.effective);
        super::diagnosis::diagnoses(j, claim);
        parts::identity(j, claim);
        j.key("insurer").raw("{\"reference\":\"#insurer-org\"}");
        j.key("item").array(|j| {
            for line in &body.lines {
                revenue::item(j, line);
            }
        });
        parts::meta(
            j,
            claim,
            if is_outpatient { "Outpatient-Institutional" } else { "Inpatient-Institutional" },
            patient,
        );
        if let Some(payment) = claim.payment {
            j.key("payment").object(|j| {
                j.key("amount");
                ccw::money(j, Api::V3, payment);
            });
        }
        procedures(j, claim, body);
        j.key("provider").object(|j| {
            j.key("reference").joined("#", &body.npi);
        });
        parts::related(j, claim);
        j.key("resourceType").string("ExplanationOfBenefit").key("status").string("active");
        j.key("subType").concept(|j| {
            let code = if is_outpatient { "outpatient" } else { "inpatient" };
            j.coding(code, "", "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBInstitutionalClaimSubType");
        });
        j.key("supportingInfo").array(|j| {
            let mark = j.mark();
            information(j, claim, body);
            if parts::is_info_scattered(claim) {
                j.scatter(mark, &mut Chance::new(claim.salt, &[2]));
            }
        });
        j.list("total", |j| totals(j, claim, body));
        parts::kind(
            j,
            claim,
            "institutional",
            match claim.family {
                Family::Hha => "Home Health Services",
                Family::Snf => "Skilled Nursing Facility Care",
                Family::Hospice => "Hospice Care",
                Family::Outpatient => "Outpatient Hospital Care",
                _ => "Inpatient Hospital Care",
            },
        );
    });
}

fn adjudication(j: &mut Json, claim: &Claim, body: &Institutional) {
    let amounts = &body.amounts;
    parts::payment_status(j);
    let days = i64::from(claim.thru.0 - claim.from.0);
    for (code, display, count) in [
        ("CLM_MDCR_IP_LRD_USE_CNT", "Beneficiary Medicare Lifetime Reserve Days (LRD) Used Count", 0),
        ("CLM_INSTNL_MDCR_COINS_DAY_CNT", "Beneficiary Total Coinsurance Days Count", 0),
        ("CLM_INSTNL_NCVRD_DAY_CNT", "Claim Medicare Non Utilization Days Count", 0),
        ("CLM_INSTNL_CVRD_DAY_CNT", "Claim Medicare Utilization Day Count", days),
    ] {
        j.object(|j| {
            parts::category(j, NONE, code, display);
            j.key("value").integer(count);
        });
    }
    for (code, display, cents) in [
        ("CLM_OPRTNL_DSPRTNT_AMT", "Operating Disproportionate Share Amount", amounts.operating_share),
        ("CLM_OPRTNL_IME_AMT", "Operating Indirect Medical Education Amount", amounts.operating_ime),
        ("CLM_INSTNL_PER_DIEM_AMT", "Claim Pass Thru Per Diem Amount", amounts.per_diem),
        ("CLM_MDCR_IP_PPS_DSPRPRTNT_AMT", "Claim PPS Capital Disproportionate Share Amount", amounts.capital_share),
        ("CLM_MDCR_IP_PPS_EXCPTN_AMT", "Claim PPS Capital Exception Amount", Some(0)),
        ("CLM_MDCR_IP_PPS_CPTL_FSP_AMT", "Claim PPS Capital Federal Specific Portion (FSP) Amount", Some(31_244)),
        (
            "CLM_MDCR_IP_PPS_CPTL_IME_AMT",
            "Claim PPS Capital Indirect Medical Education (IME) Amount",
            amounts.capital_ime,
        ),
        ("CLM_MDCR_IP_PPS_OUTLIER_AMT", "Claim PPS Capital Outlier Amount", Some(0)),
        (
            "CLM_MDCR_INSTNL_PRMRY_PYR_AMT",
            "Primary Payer (if not Medicare) Claim Paid Amount",
            body.payer.map(|_| 12_500),
        ),
        ("CLM_INSTNL_PRFNL_AMT", "Professional Component Charge Amount", amounts.professional),
        ("CLM_INSTNL_DRG_OUTLIER_AMT", "DRG Outlier Approved Payment Amount", Some(0)),
        ("CLM_HIPPS_UNCOMPD_CARE_AMT", "Claim Uncompensated Care Payment Amount", amounts.uncompensated),
        (
            "CLM_MDCR_IP_BENE_DDCTBL_AMT",
            "Beneficiary Inpatient (or other Part A) Deductible Amount",
            amounts.inpatient_deductible,
        ),
        ("CLM_FINL_STDZD_PYMT_AMT", "Standardized Payment Amount", claim.payment.map(|cents| cents / 2)),
        ("CLM_HAC_RDCTN_PYMT_AMT", "Hospital Acquired Condition Reduction Amount", Some(0)),
        ("CLM_HIPPS_MODEL_BNDLD_PMT_AMT", "Blended Payment Amount", Some(0)),
        ("CLM_HIPPS_READMSN_RDCTN_AMT", "Readmission Reduction Amount", Some(0)),
        ("CLM_HIPPS_VBP_AMT", "HIPPS Value Based Purchasing Amount", Some(0)),
        ("CLM_INSTNL_LOW_VOL_PMT_AMT", "Low Volume Payment Amount", Some(0)),
        ("CLM_PPS_MD_WVR_STDZD_VAL_AMT", "Maryland Waiver Standardized Amount", Some(0)),
        ("CLM_SITE_NTRL_CST_BSD_PYMT_AMT", "Site-Neutral Cost-Based Payment Amount", Some(0)),
        ("CLM_SS_OUTLIER_STD_PYMT_AMT", "Short Stay Outlier Payment Amount", Some(0)),
        ("CLM_BLOOD_CHRG_AMT", "Blood Charge Amount", Some(0)),
        ("CLM_BLOOD_LBLTY_AMT", "Beneficiary Blood Deductible Liability Amount", amounts.blood),
        ("CLM_BLOOD_NCVRD_CHRG_AMT", "Blood Noncovered Charge Amount", Some(0)),
    ] {
        if let Some(cents) = cents {
            amount(j, NONE, code, display, cents);
        }
    }
}

fn team(j: &mut Json, claim: &Claim, body: &Institutional) {
    let members = [
        (&body.attending, ("attending", "Attending"), 1),
        (&body.operating, ("operating", "Operating"), 2),
        (&body.other, ("otheroperating", "Other Operating"), 3),
        (&body.rendering, ("rendering", "Rendering provider"), 4),
    ];
    j.list("careTeam", |j| {
        let mark = j.mark();
        for (person, role, sequence) in members {
            if let Some(person) = person {
                parts::member(j, sequence, person, role, sequence == 1);
            }
        }
        if claim.scattered {
            j.scatter(mark, &mut Chance::new(claim.salt, &[3]));
        }
    });
}

fn organisation(j: &mut Json, body: &Institutional) {
    j.object(|j| {
        j.key("active").raw("true").key("id").string(&body.npi);
        j.key("identifier").array(|j| {
            parts::npi(j, &body.npi);
            j.object(|j| {
                j.key("system").string("http://terminology.hl7.org/NamingSystem/CCN").key("value").string(&body.oscar);
            });
        });
        j.key("meta").raw(parts::ORGANISATION_META);
        j.key("name").string(body.name).key("resourceType").string("Organization");
    });
}

fn procedures(j: &mut Json, claim: &Claim, body: &Institutional) {
    j.list("procedure", |j| {
        let mark = j.mark();
        for procedure in &body.procedures {
            j.object(|j| {
                if let Some(date) = procedure.date {
                    j.key("date").date(date);
                }
                let code = procedure.term.code;
                j.key("procedureCodeableConcept").concept(|j| {
                    if procedure.icd9 {
                        let dotted = [&code[..2], ".", &code[2..]].concat();
                        j.coding(&dotted, "", "http://www.cms.gov/Medicare/Coding/ICD9");
                    } else {
                        j.coding(code, "", "http://www.cms.gov/Medicare/Coding/ICD10");
                    }
                });
                j.key("sequence").integer(i64::from(procedure.number));
                let (code, display) =
                    if procedure.number == 1 { ("principal", "Principal") } else { ("other", "Other") };
                j.key("type").array(|j| {
                    j.concept(|j| {
                        j.coding(code, display, "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBClaimProcedureType");
                    });
                });
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
    parts::common_info(j, &mut next, claim);
    bill(j, next(), body);
    parts::enhancement(j, &mut next, &body.enhancement);
    for condition in &body.conditions {
        info(j, next(), ("CLM_RLT_COND_CD", "Claim Related Condition Code"), "CLM-RLT-COND-CD", condition, "");
    }
    if let Some(query) = claim.query {
        info(j, next(), ("CLM_QUERY_CD", "Claim Query Code"), "CLM-QUERY-CD", query.code, query.display);
    }
    if let Some((start, end)) = body.admission {
        let sequence = next();
        parts::carin(j, "admissionperiod", |j| {
            j.key("sequence").integer(sequence).key("timingPeriod").object(|j| {
                if let Some(end) = end {
                    j.key("end").date(end);
                }
                j.key("start").date(start);
            });
        });
    }
    for (category, nubc, own, term) in [
        ("pointoforigin", "PointOfOrigin", "CLM-ADMSN-SRC-CD", body.admission_source),
        ("discharge-status", "PatDischargeStatus", "BENE-PTNT-STUS-CD", body.discharge),
        ("admtype", "PriorityTypeOfAdmitOrVisit", "CLM-ADMSN-TYPE-CD", body.admission_type),
    ] {
        if let Some(term) = term {
            let sequence = next();
            parts::carin(j, category, |j| {
                j.key("code").concept(|j| {
                    j.object(|j| {
                        j.key("code").string(term.code).key("system").joined(NUBC, nubc);
                    });
                    bb(j, own, term.code, term.display);
                });
                j.key("sequence").integer(sequence);
            });
        }
    }
    if let Some(drg) = &body.drg {
        let sequence = next();
        parts::carin(j, "drg", |j| {
            const SYSTEM: &str = "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/\
                                  MS-DRG-Classifications-and-Software";
            j.key("code").concept(|j| {
                j.coding(drg, "", SYSTEM);
            });
            j.key("sequence").integer(sequence);
        });
    }
    info(
        j,
        next(),
        ("CLM_MDCR_INSTNL_MCO_PD_SW", "MCO Paid Switch"),
        "CLM-MDCR-INSTNL-MCO-PD-SW",
        "0",
        "No managed care organization (MCO) payment",
    );
    info(
        j,
        next(),
        ("CLM_FI_ACTN_CD", "Claim Fiscal Intermediary Action Code"),
        "CLM-FI-ACTN-CD",
        "1",
        "Original debit action",
    );
    if let Some(reason) = body.nonpayment {
        info(
            j,
            next(),
            ("CLM_MDCR_NPMT_RSN_CD", "Claim Non Payment Reason Code"),
            "CLM-MDCR-NPMT-RSN-CD",
            reason.code,
            reason.display,
        );
    }
    if !claim.standing.is_partial() {
        national(j, &mut next, claim, body);
    }
}

/// What only the National Claims History knows.
fn national(j: &mut Json, next: &mut dyn FnMut() -> i64, claim: &Claim, body: &Institutional) {
    let (code, display) = ccw::near_line(claim.family);
    info(j, next(), ("CLM_NRLN_RIC_CD", "Near Line Record Identification Code"), "CLM-NRLN-RIC-CD", code, display);
    parts::info_date(j, next(), ("CLM_NCH_WKLY_PROC_DT", "Weekly Process Date"), claim.effective);
    info(j, next(), ("CLM_DISP_CD", "Claim Disposition Code"), "CLM-DISP-CD", "01", "DEBIT ACCEPTED");
    if let Some(payer) = body.payer {
        info(
            j,
            next(),
            ("CLM_NCH_PRMRY_PYR_CD", "NCH Primary Payer Code"),
            "CLM-NCH-PRMRY-PYR-CD",
            payer.code,
            payer.display,
        );
    }
    let category = ("PRVDR_FAC_FIPS_ST_CD", "Federal Information Processing Standards (FIPS) State Code");
    info(j, next(), category, "US-FIPS-STATE-CODES", body.state.fips, "");
    if let Some(kind) = body.service_type {
        let category = ("CLM_OP_SRVC_TYPE_CD", "Claim Outpatient Service Type Code");
        info(j, next(), category, "CLM-OP-SRVC-TYPE-CD", kind, if kind == "3" { "Elective" } else { "" });
    }
}

/// One code of one to three characters per system: the last character is the one that counts.
fn bill(j: &mut Json, sequence: i64, body: &Institutional) {
    let [facility, class, frequency] = body.bill;
    let text = format!("0{facility}{class}{frequency}");
    parts::carin(j, "typeofbill", |j| {
        j.key("code").concept(|j| {
            j.object(|j| {
                j.key("code").string(&text).key("system").joined(NUBC, "TypeOfBill");
            });
            bb(j, "CLM-BILL-FAC-TYPE-CD", &text[1..2], "");
            bb(j, "CLM-BILL-CLSFCTN-CD", &text[1..3], "");
            bb(j, "CLM-BILL-FREQ-CD", &text[1..4], "");
        });
        j.key("sequence").integer(sequence);
    });
}

fn totals(j: &mut Json, claim: &Claim, body: &Institutional) {
    let amounts = &body.amounts;
    if let Some(charge) = claim.charge {
        amount(j, SUBMITTED, "CLM_SBMT_CHRG_AMT", "Total Charge Amount", charge);
    }
    amount(j, TO_PROVIDER, "CLM_PRVDR_PMT_AMT", "Provider Payment Amount", claim.payment.unwrap_or(0) / 3);
    if let Some(cents) = amounts.deductible {
        amount(j, DEDUCTIBLE, "CLM_MDCR_DDCTBL_AMT", "Beneficiary Deductible Amount", cents);
    }
    if let Some(cents) = amounts.coinsurance {
        amount(j, COINSURANCE, "CLM_MDCR_COINSRNC_AMT", "Beneficiary Coinsurance Liability Amount", cents);
    }
    if let Some(cents) = amounts.noncovered {
        amount(j, NONCOVERED, "CLM_NCVRD_CHRG_AMT", "Inpatient(or other Part A) Non-covered Charge Amount", cents);
    }
    amount(j, TO_PATIENT, "CLM_MDCR_INSTNL_BENE_PD_AMT", "Institutional Paid to Beneficiary Amount", 0);
}
