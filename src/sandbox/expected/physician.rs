//! Rows of a physician's or a supplier's claim: CCLF5, CCLF6 and CCLFB.

use super::{Context, ExpectedRow, Money, Quantity, Row, header_indicator, money};
use crate::sandbox::model::{Claim, Enhancement, Family, Professional, Role, ServiceLine};

const SLOTS: [&str; 12] = [
    "CLM_DGNS_1_CD",
    "CLM_DGNS_2_CD",
    "CLM_DGNS_3_CD",
    "CLM_DGNS_4_CD",
    "CLM_DGNS_5_CD",
    "CLM_DGNS_6_CD",
    "CLM_DGNS_7_CD",
    "CLM_DGNS_8_CD",
    "CLM_DGNS_9_CD",
    "CLM_DGNS_10_CD",
    "CLM_DGNS_11_CD",
    "CLM_DGNS_12_CD",
];

pub(super) fn rows(context: &Context, claim: &Claim, body: &Professional, rows: &mut Vec<ExpectedRow>) {
    for line in &body.lines {
        let mut row = if claim.family == Family::Dme {
            let mut row = begin(context, "CCLF6", claim, body, line);
            supplier(body, line, &mut row);
            row
        } else {
            let mut row = begin(context, "CCLF5", claim, body, line);
            physician(context, claim, body, line, &mut row);
            row
        };
        row.put("CLM_CARR_PMT_DNL_CD", body.denial.map(|term| term.code));
        row.put("CLM_PRCSG_IND_CD", line.processing.map(|term| term.code));
        rows.push(row.finish());
        if context.is_v3() && claim.family == Family::Carrier && !line.enhancement.is_empty() {
            rows.push(enhanced(context, claim, line));
        }
    }
}

/// The cells that CCLF5 and CCLF6 share.
fn begin(context: &Context, table: &'static str, claim: &Claim, body: &Professional, line: &ServiceLine) -> Row {
    let mut row = context.claim_row(table, claim);
    row.key("CLM_LINE_NUM", line.number);
    row.put("CLM_FROM_DT", claim.from).put("CLM_THRU_DT", claim.thru);
    row.put("CLM_FED_TYPE_SRVC_CD", line.service.kind);
    row.put("CLM_POS_CD", line.place.map(|term| term.code));
    row.put("CLM_LINE_FROM_DT", line.from).put("CLM_LINE_THRU_DT", line.thru.unwrap_or(line.from));
    row.put("CLM_LINE_HCPCS_CD", line.service.hcpcs);
    row.put("CLM_LINE_CVRD_PD_AMT", money(line.paid)).put("CLM_LINE_ALOWD_CHRG_AMT", money(line.allowed));
    row.put("CLM_ADJSMT_TYPE_CD", context.adjustment(claim));
    row.put("CLM_EFCTV_DT", claim.effective).put("CLM_IDR_LD_DT", context.loaded(claim));
    row.put("CLM_CNTL_NUM", claim.control.clone());
    row.put("CLM_DISP_CD", body.disposition.map(|code| format!("{code:0>2}")));
    row.put("CLM_RFRG_PRVDR_NPI_NUM", body.referring.as_ref().map(|person| person.npi.clone()));
    row.blank(&["BENE_EQTBL_BIC_HICN_NUM"]);
    row
}

fn supplier(body: &Professional, line: &ServiceLine, row: &mut Row) {
    row.put("CLM_PRMRY_PYR_CD", line.payer.map(|term| term.code));
    row.put("PAYTO_PRVDR_NPI_NUM", &body.billing.npi).put("CLM_BLG_PRVDR_NPI_NUM", &body.billing.npi);
    row.put("ORDRG_PRVDR_NPI_NUM", body.referring.as_ref().map(|person| person.npi.clone()));
}

fn physician(context: &Context, claim: &Claim, body: &Professional, line: &ServiceLine, row: &mut Row) {
    let renderer = &body.renderers[line.renderer];
    let (specialty, ..) = crate::sandbox::vocabulary::service::SPECIALTIES[renderer.person.specialty];
    row.put("RNDRG_PRVDR_TYPE_CD", renderer.kind);
    row.put("RNDRG_PRVDR_FIPS_ST_CD", line.state.map(|state| state.fips));
    row.put("CLM_PRVDR_SPCLTY_CD", specialty);
    row.put("CLM_LINE_PRMRY_PYR_CD", line.payer.map(|term| term.code));
    // v3 links a diagnosis to the line, but not the line's: a converter must leave the cell blank.
    let diagnosis = line.diagnosis.map(|index| claim.diagnoses[index].term.code);
    row.put("CLM_LINE_DGNS_CD", context.lost_in_v3(diagnosis));
    row.put("CLM_RNDRG_PRVDR_TAX_NUM", renderer.tax.clone());
    row.put("RNDRG_PRVDR_NPI_NUM", &renderer.person.npi).put("CLM_RNDRG_PRVDR_NPI_NUM", &renderer.person.npi);
    row.put("CLM_LINE_SRVC_UNIT_QTY", Quantity(line.units));
    modifiers(&line.modifiers, row);
    let mut codes =
        claim.of_role(Role::Principal).chain(claim.of_role(Role::Other)).map(|diagnosis| diagnosis.term.code);
    for label in SLOTS {
        row.put(label, codes.next());
    }
    row.put("DGNS_PRCDR_ICD_IND", header_indicator(claim));
    row.put("HCPCS_BETOS_CD", context.lost_in_v3(Some(line.service.betos)));
    row.put("CLM_CNTRCTR_NUM", claim.contractor.clone());
}

pub(super) fn modifiers(list: &[&'static str], row: &mut Row) {
    let labels = ["HCPCS_1_MDFR_CD", "HCPCS_2_MDFR_CD", "HCPCS_3_MDFR_CD", "HCPCS_4_MDFR_CD", "HCPCS_5_MDFR_CD"];
    for (index, label) in labels.into_iter().enumerate() {
        row.put(label, list.get(index).copied());
    }
}

fn enhanced(context: &Context, claim: &Claim, line: &ServiceLine) -> ExpectedRow {
    let mut row = context.claim_row("CCLFB", claim);
    row.key("CLM_LINE_NUM", line.number);
    for ((_, _, label, _), on) in Enhancement::SWITCHES.iter().zip(line.enhancement.switches) {
        row.put(label, if on { "Y" } else { "" });
    }
    super::facility::demonstrations(&line.enhancement, &mut row);
    row.put("CLM_MDCR_DDCTBL_AMT", line.deductible.map(Money));
    row.put("CLM_LINE_CARR_HPSA_SCRCTY_CD", line.scarcity);
    row.blank(&["CLM_PBP_INCLSN_AMT", "CLM_PBP_RDCTN_AMT", "CLM_SQSTRTN_RDCTN_AMT"]);
    row.finish()
}
