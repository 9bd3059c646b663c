//! Part D events in v3.

use super::parts::{self, NONE};
use crate::sandbox::ccw::NDC;
use crate::sandbox::json::Json;
use crate::sandbox::model::{Claim, Drug, Ndc};
use crate::sandbox::v2::parts::{BY_PATIENT, PRIOR_PAYER, SUBMITTED};

/// These two systems are `http`, unlike all others of the host.
const QUALIFIER: &str = "http://bluebutton.cms.gov/fhir/CodeSystem/PRVDR-ID-QLFYR-CD";
const GENERIC: &str = "http://bluebutton.cms.gov/fhir/identifiers/GenericIdNum";

pub fn write(j: &mut Json, claim: &Claim, drug: &Drug, patient: &str) {
    j.object(|j| {
        j.key("adjudication").array(parts::payment_status);
        parts::period(j, claim);
        j.key("careTeam").array(|j| prescriber(j, drug));
        j.key("contained").array(|j| pharmacy(j, drug));
        j.key("created").midnight(claim.effective);
        parts::identity(j, claim);
        j.key("item").array(|j| item(j, drug));
        parts::meta(j, claim, "Pharmacy", patient);
        j.key("payment").object(|j| {
            j.key("date").date(claim.received);
        });
        j.key("provider").object(|j| {
            j.key("reference").joined("#", &drug.pharmacy.1);
        });
        parts::related(j, claim);
        j.key("resourceType").string("ExplanationOfBenefit");
        j.key("status").string("active");
        j.key("supportingInfo").array(|j| {
            let mark = j.mark();
            information(j, claim, drug);
            if claim.scattered {
                j.scatter(mark, &mut crate::sandbox::chance::Chance::new(claim.salt, &[2]));
            }
        });
        j.key("total").array(|j| {
            // Another column than the patient's payment of the line, and zero for Part D.
            parts::amount(j, BY_PATIENT, "CLM_BENE_PMT_AMT", "Paid By Beneficiary Amount", 0);
            parts::amount(j, PRIOR_PAYER, "CLM_OTHR_TP_PD_AMT", "Other Third Party Payer Paid Amount", drug.cost / 11);
            parts::amount(j, SUBMITTED, "TOT_RX_CST_AMT", "Total RX Cost Amount", drug.cost);
        });
        parts::kind(j, claim, "pharmacy", "Drug Plan Event");
    });
}

fn qualifier_display(code: &str) -> &'static str {
    match code {
        "01" => "NPI Number",
        "07" => "NCPDP Provider Identifier",
        "08" => "State license",
        "12" => "DEA",
        _ => "Other",
    }
}

fn prescriber(j: &mut Json, drug: &Drug) {
    let (qualifier, value) = &drug.prescriber_id;
    j.object(|j| {
        j.key("provider").object(|j| {
            j.key("display").string(&parts::name(&drug.prescriber));
            j.key("identifier").object(|j| {
                j.key("system").string(if *qualifier == "01" { parts::US_NPI } else { GENERIC });
                j.key("type").concept(|j| {
                    j.coding(qualifier, qualifier_display(qualifier), QUALIFIER);
                    if *qualifier == "01" {
                        j.coding(
                            "NPI",
                            "National provider identifier",
                            "http://terminology.hl7.org/CodeSystem/v2-0203",
                        );
                    }
                });
                j.key("value").string(value);
            });
            j.key("type").string("Practitioner");
        });
        parts::role_concept(j, ("prescribing", "Prescribing provider"));
        j.key("sequence").raw("1");
    });
}

/// The server repeats the number as an NPI even when the qualifier says that it is none.
fn pharmacy(j: &mut Json, drug: &Drug) {
    let (qualifier, value) = &drug.pharmacy;
    j.object(|j| {
        j.key("active").raw("true").key("id").string(value);
        j.key("identifier").array(|j| {
            parts::npi(j, value);
            j.object(|j| {
                j.key("system").string(GENERIC);
                j.key("type").concept(|j| {
                    j.coding(qualifier, qualifier_display(qualifier), QUALIFIER);
                });
                j.key("value").string(value);
            });
        });
        j.key("meta").raw(parts::ORGANISATION_META);
        j.key("name").string(drug.pharmacy_name).key("resourceType").string("Organization");
    });
}

fn item(j: &mut Json, drug: &Drug) {
    let ndc = drug.ndc.as_ref().map(|code| Ndc {
        code: code.clone(),
        name: drug.name,
        unit: "EA",
        quantity: drug.quantity + 700,
    });
    j.object(|j| {
        j.key("adjudication").array(|j| {
            parts::amount(j, NONE, "CLM_LINE_PLRO_AMT", "Patient Liability Reduction Other Paid Amount", 0);
            parts::amount(j, NONE, "CLM_LINE_LIS_AMT", "Low Income Cost Sharing Subsidy Amount", drug.patient_pay / 3);
            parts::amount(
                j,
                NONE,
                "CLM_LINE_GRS_BLW_THRSHLD_AMT",
                "Gross Drug Cost Below Out Of Pocket Threshold",
                drug.cost,
            );
            parts::amount(
                j,
                NONE,
                "CLM_LINE_GRS_ABOVE_THRSHLD_AMT",
                "Gross Drug Cost Above Out Of Pocket Threshold",
                0,
            );
            parts::amount(
                j,
                NONE,
                "CLM_LINE_RPTD_GAP_DSCNT_AMT",
                "Claim Line Reported Gap Discount Amount",
                drug.cost / 7,
            );
            parts::amount(j, SUBMITTED, "TOT_RX_CST_AMT", "Total RX Cost Amount", drug.cost);
        });
        if let Some(ndc) = &ndc {
            parts::drug_detail(j, ndc);
        }
        j.key("productOrService").concept(|j| match &ndc {
            None => parts::not_applicable(j),
            Some(_) if drug.compound => {
                j.coding("compound", "", "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBCompoundLiteral");
            }
            Some(ndc) => {
                j.coding(&ndc.code, "", NDC);
            }
        });
        j.key("quantity").object(|j| {
            j.key("value").hundredths(drug.quantity);
        });
        j.key("sequence").raw("1").key("servicedDate").date(drug.filled);
    });
}

fn information(j: &mut Json, claim: &Claim, drug: &Drug) {
    let mut used = 0;
    let mut next = || {
        used += 1;
        claim.sequence(used - 1)
    };
    parts::common_info(j, &mut next, claim);
    parts::info(
        j,
        next(),
        ("CLM_SBMT_FRMT_CD", "Claim Submission Format Code"),
        "CLM-SBMT-FRMT-CD",
        "N",
        "NCPDP ELECTRONIC SUBMISSION",
    );
    parts::info_text(j, next(), ("CLM_SBMTR_CNTRCT_NUM", "Submitter Contract Number"), "S0009");
    parts::info_text(j, next(), ("CLM_SBMTR_CNTRCT_PBP_NUM", "Submitter Contract PBP Number"), "014");
    if let Some(kind) = drug.pharmacy_type {
        let category = ("CLM_PHRMCY_SRVC_TYPE_CD", "Pharmacy Service Type Code");
        parts::info(j, next(), category, "CLM-PHRMCY-SRVC-TYPE-CD", kind, "");
    }
    parts::info(j, next(), ("CLM_PTNT_RSDNC_CD", "Patient Residence Code"), "CLM-PTNT-RSDNC-CD", "01", "Home");
    let compound = if drug.compound { ("2", "Compound") } else { ("1", "Not a Compound") };
    let sequence = next();
    parts::carin(j, "compoundcode", |j| {
        j.key("code").concept(|j| {
            j.coding(compound.0, compound.1, "http://terminology.hl7.org/CodeSystem/NCPDPCompoundCode");
            parts::bb(j, "CLM-CMPND-CD", compound.0, compound.1);
        });
        j.key("sequence").integer(sequence);
    });
    for (category, unit, number) in [("dayssupply", "days", drug.days), ("refillnum", "fill", drug.fill)] {
        if let Some(number) = number {
            let sequence = next();
            parts::carin(j, category, |j| {
                j.key("sequence").integer(sequence).key("valueQuantity").object(|j| {
                    j.key("unit").string(unit).key("value").integer(i64::from(number));
                });
            });
        }
    }
    if let Some(code) = drug.written {
        let sequence = next();
        parts::carin(j, "dawcode", |j| {
            j.key("code").concept(|j| {
                j.coding(
                    code,
                    "",
                    "http://terminology.hl7.org/CodeSystem/NCPDPDispensedAsWrittenOrProductSelectionCode",
                );
            });
            j.key("sequence").integer(sequence);
        });
    }
    let category = ("CLM_DRUG_CVRG_STUS_CD", "Drug Coverage Status Code");
    parts::info(j, next(), category, "CLM-DRUG-CVRG-STUS-CD", "C", "Covered");
    if let Some(reference) = &drug.reference {
        parts::info_text(j, next(), ("CLM_LINE_RX_NUM", "Claim Line Prescription Service Reference Number"), reference);
    }
}
