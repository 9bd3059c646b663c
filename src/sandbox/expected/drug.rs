//! The row of a drug event: CCLF7.

use super::{Context, ExpectedRow, Money, Quantity};
use crate::sandbox::model::{Claim, Drug};

pub(super) fn row(context: &Context, claim: &Claim, drug: &Drug) -> ExpectedRow {
    // v1 and v2 know providers by NPI only.
    let npi = ("01", drug.pharmacy_npi.clone());
    let (pharmacy_kind, pharmacy) = if context.is_v3() { drug.pharmacy.clone() } else { npi };
    let npi = ("01", drug.prescriber.npi.clone());
    let (prescriber_kind, prescriber) = if context.is_v3() { drug.prescriber_id.clone() } else { npi };
    let mut row = context.claim_row("CCLF7", claim);
    row.put("CLM_LINE_NDC_CD", drug.ndc.clone());
    row.put("CLM_TYPE_CD", format!("{:02}", drug.version));
    row.put("CLM_LINE_FROM_DT", drug.filled);
    row.put("PRVDR_SRVC_ID_QLFYR_CD", pharmacy_kind).put("CLM_SRVC_PRVDR_GNRC_ID_NUM", pharmacy);
    row.put("CLM_DSPNSNG_STUS_CD", context.lost_in_v3(drug.dispensing));
    row.put("CLM_DAW_PROD_SLCTN_CD", drug.written);
    row.put("CLM_LINE_SRVC_UNIT_QTY", Quantity(drug.quantity));
    row.put("CLM_LINE_DAYS_SUPLY_QTY", drug.days);
    row.put("PRVDR_PRSBNG_ID_QLFYR_CD", prescriber_kind).put("CLM_PRSBNG_PRVDR_GNRC_ID_NUM", prescriber);
    row.put("CLM_LINE_BENE_PMT_AMT", context.lost_in_v3(Some(Money(drug.patient_pay))));
    row.put(
        "CLM_ADJSMT_TYPE_CD",
        match drug.version {
            2 => "2",
            3 => "1",
            _ => "0",
        },
    );
    row.put("CLM_EFCTV_DT", context.new_in_v3(Some(claim.effective))).put("CLM_IDR_LD_DT", context.loaded(claim));
    row.put("CLM_LINE_RX_SRVC_RFRNC_NUM", drug.reference.clone()).put("CLM_LINE_RX_FILL_NUM", drug.fill);
    row.put("CLM_PHRMCY_SRVC_TYPE_CD", drug.pharmacy_type);
    row.finish()
}
