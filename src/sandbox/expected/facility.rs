//! Rows of a facility claim: CCLF1 to CCLF4 and CCLFA.

use super::{Context, ExpectedRow, Money, Quantity, Row, header_indicator, indicator, money};
use crate::Api;
use crate::sandbox::model::{Claim, Diagnosis, Enhancement, Family, Institutional, Role};

pub(super) fn rows(context: &Context, claim: &Claim, body: &Institutional, rows: &mut Vec<ExpectedRow>) {
    rows.push(header(context, claim, body));
    lines(context, claim, body, rows);
    for procedure in &body.procedures {
        let mut row = context.claim_row("CCLF3", claim);
        row.key("CLM_VAL_SQNC_NUM", procedure.number);
        row.put("CLM_PRCDR_CD", procedure.term.code).put("CLM_PRCDR_PRFRM_DT", procedure.date);
        row.put("DGNS_PRCDR_ICD_IND", indicator(procedure.icd9));
        provider(context, claim, body, &mut row);
        rows.push(row.finish());
    }
    diagnoses(context, claim, body, rows);
    if context.is_v3() && !body.enhancement.is_empty() {
        rows.push(enhanced(context, claim, body));
    }
}

/// v3 has no OSCAR number where it takes the provider for a person.
fn oscar<'a>(context: &Context, body: &'a Institutional) -> Option<&'a str> {
    Some(body.oscar.as_str()).filter(|_| !context.is_v3() || body.is_organisation)
}

/// The cells that CCLF3 and CCLF4 share.
fn provider(context: &Context, claim: &Claim, body: &Institutional, row: &mut Row) {
    row.blank(&["BENE_EQTBL_BIC_HICN_NUM"]);
    row.put("PRVDR_OSCAR_NUM", oscar(context, body)).put("CLM_BLG_PRVDR_OSCAR_NUM", oscar(context, body));
    row.put("CLM_FROM_DT", claim.from).put("CLM_THRU_DT", claim.thru);
}

fn header(context: &Context, claim: &Claim, body: &Institutional) -> ExpectedRow {
    let code = |role: Role| claim.of_role(role).next().map(|diagnosis| diagnosis.term.code);
    let npi = |person: &Option<crate::sandbox::model::Person>| person.as_ref().map(|person| person.npi.clone());
    let amounts = &body.amounts;
    let mut row = context.claim_row("CCLF1", claim);
    row.put("PRVDR_OSCAR_NUM", oscar(context, body));
    row.put("CLM_FROM_DT", claim.from).put("CLM_THRU_DT", claim.thru);
    row.put("CLM_BILL_FAC_TYPE_CD", body.bill[0]).put("CLM_BILL_CLSFCTN_CD", body.bill[1]);
    row.put("PRNCPL_DGNS_CD", code(Role::Principal));
    // v2 calls the admitting diagnosis of a nursing home just another one.
    let is_admitting_lost = context.api == Api::V2 && claim.family == Family::Snf;
    row.put("ADMTG_DGNS_CD", code(Role::Admitting).filter(|_| !is_admitting_lost));
    row.put("CLM_MDCR_NPMT_RSN_CD", body.nonpayment.map(|term| term.code));
    row.put("CLM_PMT_AMT", money(claim.payment));
    row.put("CLM_NCH_PRMRY_PYR_CD", body.payer.map(|term| term.code));
    row.put("PRVDR_FAC_FIPS_ST_CD", body.state.fips);
    row.put("BENE_PTNT_STUS_CD", body.discharge.map(|term| term.code));
    row.put("DGNS_DRG_CD", body.drg.clone());
    row.put("CLM_OP_SRVC_TYPE_CD", context.new_in_v3(body.service_type));
    row.put("FAC_PRVDR_NPI_NUM", &body.npi).put("CLM_BLG_PRVDR_NPI_NUM", &body.npi);
    row.put("OPRTG_PRVDR_NPI_NUM", npi(&body.operating)).put("CLM_OPRTG_PRVDR_NPI_NUM", npi(&body.operating));
    row.put("ATNDG_PRVDR_NPI_NUM", npi(&body.attending)).put("CLM_ATNDG_PRVDR_NPI_NUM", npi(&body.attending));
    row.put("OTHR_PRVDR_NPI_NUM", npi(&body.other)).put("CLM_OTHR_PRVDR_NPI_NUM", npi(&body.other));
    row.put("CLM_ADJSMT_TYPE_CD", context.adjustment(claim));
    row.put("CLM_EFCTV_DT", claim.effective).put("CLM_IDR_LD_DT", context.loaded(claim));
    row.blank(&["BENE_EQTBL_BIC_HICN_NUM"]);
    row.put("CLM_ADMSN_TYPE_CD", body.admission_type.map(|term| term.code));
    row.put("CLM_ADMSN_SRC_CD", body.admission_source.map(|term| term.code));
    row.put("CLM_BILL_FREQ_CD", body.bill[2]);
    let is_query_lost = context.api == Api::V1 && claim.family == Family::Hospice;
    row.put("CLM_QUERY_CD", claim.query.map(|term| term.code).filter(|_| !is_query_lost));
    row.put("DGNS_PRCDR_ICD_IND", header_indicator(claim));
    row.put("CLM_MDCR_INSTNL_TOT_CHRG_AMT", money(claim.charge));
    row.put("CLM_MDCR_IP_PPS_CPTL_IME_AMT", money(amounts.capital_ime));
    row.put("CLM_OPRTNL_IME_AMT", money(amounts.operating_ime));
    row.put("CLM_MDCR_IP_PPS_DSPRPRTNT_AMT", money(amounts.capital_share));
    row.put("CLM_HIPPS_UNCOMPD_CARE_AMT", money(amounts.uncompensated));
    row.put("CLM_OPRTNL_DSPRPRTNT_AMT", money(amounts.operating_share));
    row.put("CLM_BLG_PRVDR_OSCAR_NUM", oscar(context, body));
    row.put("CLM_CNTL_NUM", claim.control.clone());
    let original = claim.original_control.clone().filter(|_| context.api != Api::V2);
    row.put("CLM_ORG_CNTL_NUM", original).put("CLM_CNTRCTR_NUM", claim.contractor.clone());
    row.finish()
}

fn lines(context: &Context, claim: &Claim, body: &Institutional, rows: &mut Vec<ExpectedRow>) {
    for line in &body.lines {
        let period = context.new_in_v3(line.period);
        let (from, thru) = period.or(line.date.map(|date| (date, date))).unwrap_or((claim.from, claim.thru));
        // In v3 the period takes the place of the revenue date, and its start is the best that is left of it.
        let date = period.map(|(from, _)| from).or(line.date);
        let mut row = context.claim_row("CCLF2", claim);
        row.key("CLM_LINE_NUM", line.number);
        row.put("CLM_LINE_FROM_DT", from).put("CLM_LINE_THRU_DT", thru);
        row.put("CLM_LINE_PROD_REV_CTR_CD", line.revenue.code).put("CLM_LINE_INSTNL_REV_CTR_DT", date);
        row.put("CLM_LINE_HCPCS_CD", line.hcpcs);
        row.blank(&["BENE_EQTBL_BIC_HICN_NUM"]);
        row.put("PRVDR_OSCAR_NUM", oscar(context, body)).put("CLM_FAC_PRVDR_OSCAR_NUM", oscar(context, body));
        row.put("CLM_FROM_DT", claim.from).put("CLM_THRU_DT", claim.thru);
        row.put("CLM_LINE_SRVC_UNIT_QTY", Quantity(line.units)).put("CLM_LINE_CVRD_PD_AMT", money(line.paid));
        super::physician::modifiers(&line.modifiers, &mut row);
        row.put("CLM_REV_APC_HIPPS_CD", context.new_in_v3(line.hipps));
        rows.push(row.finish());
    }
}

/// D rows numbered from 1, E rows numbered from 1, and the first E once more as type 1.
fn diagnoses(context: &Context, claim: &Claim, body: &Institutional, rows: &mut Vec<ExpectedRow>) {
    let mut put = |kind: &'static str, number: usize, diagnosis: &Diagnosis, poa: Option<&'static str>| {
        let mut row = context.claim_row("CCLF4", claim);
        row.key("CLM_PROD_TYPE_CD", kind).key("CLM_VAL_SQNC_NUM", number as i64);
        row.put("CLM_DGNS_CD", diagnosis.term.code).put("CLM_POA_IND", poa);
        row.put("DGNS_PRCDR_ICD_IND", indicator(diagnosis.icd9));
        provider(context, claim, body, &mut row);
        rows.push(row.finish());
    };
    let principal = claim.of_role(Role::Principal);
    let others = claim.of_role(Role::Other);
    let causes: Vec<&Diagnosis> = claim.of_role(Role::External).collect();
    let mut list: Vec<(&Diagnosis, Option<&'static str>)> = Vec::new();
    match context.api {
        Api::V3 if claim.has_twin => list.extend(principal.chain(others).map(|diagnosis| (diagnosis, diagnosis.poa))),
        Api::V3 => {
            list.extend(others.map(|diagnosis| (diagnosis, diagnosis.poa)));
            list.extend(principal.map(|diagnosis| (diagnosis, None)));
        }
        Api::V1 | Api::V2 => {
            list.extend(principal.map(|diagnosis| (diagnosis, diagnosis.poa)));
            if context.api == Api::V2 && claim.family == Family::Snf {
                list.extend(claim.of_role(Role::Admitting).map(|diagnosis| (diagnosis, None)));
            }
            list.extend(others.map(|diagnosis| (diagnosis, diagnosis.poa)));
        }
    }
    let are_causes_lost = context.api == Api::V2 && claim.family == Family::Hha;
    if are_causes_lost {
        list.extend(causes.iter().map(|diagnosis| (*diagnosis, diagnosis.poa)));
    }
    for (index, (diagnosis, poa)) in list.into_iter().enumerate() {
        put("D", index + 1, diagnosis, poa);
    }
    if !are_causes_lost {
        let poa = |diagnosis: &Diagnosis| context.lost_in_v3(diagnosis.poa);
        for (index, diagnosis) in causes.iter().enumerate() {
            put("E", index + 1, diagnosis, poa(diagnosis));
        }
        if let Some(first) = causes.first() {
            put("1", 1, first, poa(first));
        }
    }
}

fn enhanced(context: &Context, claim: &Claim, body: &Institutional) -> ExpectedRow {
    let amounts = &body.amounts;
    let mut row = context.claim_row("CCLFA", claim);
    row.put("CLM_ACTV_CARE_FROM_DT", body.admission.map(|(start, _)| start));
    for ((_, label, _, _), on) in Enhancement::SWITCHES.iter().zip(body.enhancement.switches) {
        row.put(label, if on { "Y" } else { "" });
    }
    demonstrations(&body.enhancement, &mut row);
    row.put("CLM_INSTNL_PER_DIEM_AMT", amounts.per_diem.map(Money));
    row.put("CLM_MDCR_IP_BENE_DDCTBL_AMT", amounts.inpatient_deductible.map(Money));
    row.put("CLM_MDCR_COINSRNC_AMT", amounts.coinsurance.map(Money));
    row.put("CLM_BLOOD_LBLTY_AMT", amounts.blood.map(Money));
    row.put("CLM_INSTNL_PRFNL_AMT", amounts.professional.map(Money));
    row.put("CLM_NCVRD_CHRG_AMT", amounts.noncovered.map(Money));
    row.put("CLM_MDCR_DDCTBL_AMT", amounts.deductible.map(Money));
    row.put("CLM_RLT_COND_CD", if body.conditions.contains(&"62") { "62" } else { "" });
    let reason = body.lines.iter().find_map(|line| line.reason);
    row.put("CLM_1_REV_CNTR_ANSI_RSN_CD", reason.map(|(_, reason)| reason));
    row.put("CLM_1_REV_CNTR_ANSI_GRP_CD", reason.map(|(group, _)| group));
    row.blank(&[
        "CLM_PBP_INCLSN_AMT",
        "CLM_PBP_RDCTN_AMT",
        "CLM_OPRTNL_OUTLR_AMT",
        "CLM_MDCR_NEW_TECH_AMT",
        "CLM_ISLET_ISOLN_AMT",
        "CLM_SQSTRTN_RDCTN_AMT",
        "CLM_MIPS_PMT_AMT",
    ]);
    row.finish()
}

/// Five slots, filled from the first on.
pub(super) fn demonstrations(enhancement: &Enhancement, row: &mut Row) {
    let labels = ["CLM_DEMO_1ST_NUM", "CLM_DEMO_2ND_NUM", "CLM_DEMO_3RD_NUM", "CLM_DEMO_4TH_NUM", "CLM_DEMO_5TH_NUM"];
    for (index, label) in labels.into_iter().enumerate() {
        row.put(label, enhancement.demonstrations.get(index).copied());
    }
}
