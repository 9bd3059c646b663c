//! Rows of the beneficiary: CCLF8 per hospice stay and CCLF9 per former MBI.
//!
//! BENE_AGE is left open, because it counts from the date of a CCLF file; so is the postal state of an address that v1
//! or v2 serves with its SSA code, because the specification only says that it may be one.

use std::collections::BTreeMap;

use super::{Context, ExpectedRow, Row};
use crate::Api;
use crate::sandbox::date::Date;
use crate::sandbox::model::{Beneficiary, Body, Entitlement, Family};

pub(super) fn rows(context: &Context, rows: &mut Vec<ExpectedRow>) {
    let beneficiary = context.beneficiary;
    let stays = stays(beneficiary);
    if stays.is_empty() {
        rows.push(demographics(context, None));
    }
    for (start, end) in stays {
        rows.push(demographics(context, Some((start, end))));
    }
    let current = beneficiary.current();
    for (index, mbi) in beneficiary.mbis.iter().enumerate() {
        if index == current {
            continue;
        }
        let mut row = Row::new("CCLF9", beneficiary.id.to_string());
        row.key("CRNT_NUM", beneficiary.mbi()).key("PRVS_NUM", &mbi.value);
        row.put("HICN_MBI_XREF_IND", "M");
        row.put("PRVS_ID_EFCTV_DT", context.new_in_v3(mbi.start));
        row.put("PRVS_ID_OBSLT_DT", context.new_in_v3(mbi.end));
        row.blank(&["BENE_RRB_NUM"]);
        rows.push(row.finish());
    }
}

/// Distinct hospice ranges by start, each with the latest end.
fn stays(beneficiary: &Beneficiary) -> BTreeMap<Date, Option<Date>> {
    let mut stays = BTreeMap::new();
    for claim in beneficiary.claims.iter().filter(|claim| claim.family == Family::Hospice && claim.is_in_cclf()) {
        if let Body::Institutional(body) = &claim.body
            && let Some((start, end)) = body.admission
        {
            let latest = stays.entry(start).or_insert(end);
            *latest = end.max(*latest);
        }
    }
    stays
}

fn demographics(context: &Context, stay: Option<(Date, Option<Date>)>) -> ExpectedRow {
    let beneficiary = context.beneficiary;
    let entitlement = &beneficiary.entitlement;
    let address = &beneficiary.address;
    let mut row = Row::new("CCLF8", beneficiary.id.to_string());
    row.key("BENE_MBI_ID", beneficiary.mbi());
    row.key("BENE_RNG_BGN_DT", stay.map(|(start, _)| start)).key("BENE_RNG_END_DT", stay.and_then(|(_, end)| end));
    row.blank(&["BENE_HIC_NUM", "BENE_FIPS_CNTY_CD"]);
    row.put("BENE_FIPS_STATE_CD", address.state.fips);
    row.put("BENE_ZIP_CD", &address.zip[..5]).put("GEO_ZIP5_CD", &address.zip[..5]);
    row.put("GEO_ZIP4_CD", context.lost_in_v3(Some(&address.zip[5..])));
    row.put("BENE_DOB", beneficiary.born).put("BENE_DEATH_DT", beneficiary.died);
    row.put("BENE_SEX_CD", i64::from(beneficiary.sex));
    let race = if context.is_v3() { Some(beneficiary.race.unwrap_or(0)) } else { beneficiary.race };
    row.put("BENE_RACE_CD", race.map(i64::from));
    row.put("BENE_1ST_NAME", beneficiary.given).put("BENE_MIDL_NAME", beneficiary.middle);
    row.put("BENE_LAST_NAME", &beneficiary.family);
    // v1 and v2 say these things on the Part A Coverage, v3 on Part A and Part B alike.
    let is_told = entitlement.part_a.is_some() || context.is_v3() && entitlement.part_b.is_some();
    row.put("BENE_MDCR_STUS_CD", entitlement.status.filter(|_| is_told));
    row.put("BENE_ORGNL_ENTLMT_RSN_CD", entitlement.reason.filter(|_| is_told));
    row.put("BENE_ENTLMT_BUYIN_IND", Entitlement::latest(&entitlement.buyin).filter(|_| is_told));
    let dual = Entitlement::latest(&entitlement.dual);
    // v3 has no Coverage for those who are not dually eligible.
    row.put("BENE_DUAL_STUS_CD", dual.filter(|code| if context.is_v3() { *code != "NA" } else { is_told }));
    row.put("BENE_PART_A_ENRLMT_BGN_DT", entitlement.part_a).put("BENE_PART_B_ENRLMT_BGN_DT", entitlement.part_b);
    let labels = [
        "BENE_LINE_1_ADR",
        "BENE_LINE_2_ADR",
        "BENE_LINE_3_ADR",
        "BENE_LINE_4_ADR",
        "BENE_LINE_5_ADR",
        "BENE_LINE_6_ADR",
    ];
    for (index, label) in labels.into_iter().enumerate() {
        row.put(label, context.lost_in_v3(address.lines.get(index)));
    }
    row.put("GEO_ZIP_PLC_NAME", context.lost_in_v3(address.city));
    if context.api == Api::V3 || !address.is_ssa {
        row.put("GEO_USPS_STATE_CD", address.state.usps);
    }
    row.finish()
}
