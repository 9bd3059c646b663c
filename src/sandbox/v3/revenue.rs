//! Revenue lines of facility claims in v3.

use super::parts::{self, NONE, NUBC, amount, bb};
use crate::sandbox::json::Json;
use crate::sandbox::model::RevenueLine;
use crate::sandbox::v2::parts::{BENEFIT, BY_PATIENT, DEDUCTIBLE, NONCOVERED, SUBMITTED, TO_PATIENT, TO_PROVIDER};

const HIPPS: &str =
    "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/ProspMedicareFeeSvcPmtGen/HIPPSCodes";

pub fn item(j: &mut Json, line: &RevenueLine) {
    j.object(|j| {
        j.key("adjudication").array(|j| line_adjudication(j, line));
        if let Some(ndc) = &line.ndc {
            parts::drug_detail(j, ndc);
        }
        j.key("extension").array(|j| {
            parts::extension(j, "CLM-OTAF-ONE-IND-CD", "N", "");
            parts::extension(j, "CLM-REV-CNTR-STUS-CD", "A", "");
            parts::extension(j, "CLM-REV-DSCNT-IND-CD", "1", "");
            parts::extension(j, "CLM-REV-PACKG-IND-CD", "0", "");
            parts::extension(j, "CLM-REV-PMT-MTHD-CD", "2", "");
        });
        parts::modifiers(j, &line.modifiers);
        j.key("productOrService").concept(|j| {
            if let Some(hcpcs) = line.hcpcs {
                parts::procedure_coding(j, hcpcs);
            }
            if let Some(hipps) = line.hipps {
                j.coding(hipps, "", HIPPS);
            }
            if line.hcpcs.is_none() && line.hipps.is_none() {
                parts::not_applicable(j);
            }
        });
        j.key("quantity").object(|j| {
            j.key("value").hundredths(line.units);
        });
        j.key("revenue").concept(|j| {
            bb(j, "CLM-REV-CNTR-CD", line.revenue.code, line.revenue.display);
            j.object(|j| {
                j.key("code").string(line.revenue.code).key("system").joined(NUBC, "RevenueCodes");
            });
            bb(j, "CLM-DDCTBL-COINSRNC-CD", "0", "");
        });
        j.key("sequence").integer(i64::from(line.number));
        if let Some((from, thru)) = line.period {
            j.key("servicedPeriod").object(|j| {
                j.key("end").date(thru).key("start").date(from);
            });
        } else if let Some(date) = line.date {
            j.key("servicedDate").date(date);
        }
    });
}

fn line_adjudication(j: &mut Json, line: &RevenueLine) {
    if let Some((group, reason)) = line.reason {
        j.object(|j| {
            j.key("category").raw(
                "{\"coding\":[{\"code\":\"adjustmentreason\",\"display\":\"Adjustment Reason\",\
                 \"system\":\"http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudicationDiscriminator\"}]}",
            );
            j.key("reason").concept(|j| {
                j.coding(group, "", "https://x12.org/codes/claim-adjustment-group-codes");
                bb(j, "ANSI-GRP-CD", group, if group == "CO" { "Contractual Obligations" } else { "" });
                j.coding(reason, "", "https://x12.org/codes/claim-adjustment-reason-codes");
                bb(j, "ANSI-RSN-CD", reason, "");
            });
        });
    }
    amount(j, DEDUCTIBLE, "CLM_LINE_MDCR_DDCTBL_AMT", "Cash Deductible Amount", line.charge / 20);
    amount(j, NONE, "CLM_LINE_BLOOD_DDCTBL_AMT", "Blood Deductible Amount", 0);
    amount(j, TO_PATIENT, "CLM_LINE_BENE_PD_AMT", "Payment Amount to Beneficiary", 0);
    amount(j, BY_PATIENT, "CLM_LINE_BENE_PMT_AMT", "Line Paid By Beneficiary Amount", line.charge / 9);
    amount(j, NONCOVERED, "CLM_LINE_NCVRD_CHRG_AMT", "Non-Covered Charge Amount", line.charge / 10);
    if let Some(paid) = line.paid {
        amount(j, TO_PROVIDER, "CLM_LINE_PRVDR_PMT_AMT", "Line Provider Payment Amount", paid / 2 + 11);
        amount(j, BENEFIT, "CLM_LINE_CVRD_PD_AMT", "Payment Amount", paid);
    }
    amount(j, SUBMITTED, "CLM_LINE_SBMT_CHRG_AMT", "Line Submitted Charge Amount", line.charge);
    amount(
        j,
        NONE,
        "CLM_LINE_INSTNL_ADJSTD_AMT",
        "Revenue Center Coinsurance/Wage Adjusted Coinsurance Amount",
        line.charge / 5,
    );
    amount(j, NONE, "CLM_LINE_INSTNL_RDCD_AMT", "Revenue Center Reduced Coinsurance Amount", 0);
    amount(j, NONE, "CLM_LINE_INSTNL_RATE_AMT", "Revenue Center Rate Amount", line.charge / 2);
    amount(j, NONE, "CLM_LINE_ADD_ON_PYMT_AMT", "Add On Payment Amount", 0);
    amount(j, NONE, "CLM_REV_CNTR_TDAPA_AMT", "Transitional Drug Add-On Payment Adjustment Amount", 0);
}
