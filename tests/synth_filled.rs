//! Every CCLF field that a version can fill is filled somewhere, and no other.

use std::collections::{BTreeMap, BTreeSet};

use claimfeed::Api;
use claimfeed::sandbox::Synth;

/// Labels by table.
type Labels = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// Those that were not blank in at least one row, and all that were seen.
fn labels(api: Api) -> (Labels, Labels) {
    let synth = Synth::new(api);
    let (mut filled, mut seen) = (Labels::new(), Labels::new());
    for index in 0..300 {
        for row in synth.expected(index) {
            for (label, value) in row.cells {
                seen.entry(row.table).or_default().insert(label);
                if !value.is_empty() {
                    filled.entry(row.table).or_default().insert(label);
                }
            }
        }
    }
    (filled, seen)
}

/// Labels that no version fills.
const NEVER: &[&str] = &[
    "BENE_HIC_NUM",
    "BENE_EQTBL_BIC_HICN_NUM",
    "BENE_RRB_NUM",
    "BENE_FIPS_CNTY_CD",
    "CLM_PBP_INCLSN_AMT",
    "CLM_PBP_RDCTN_AMT",
    "CLM_OPRTNL_OUTLR_AMT",
    "CLM_MDCR_NEW_TECH_AMT",
    "CLM_ISLET_ISOLN_AMT",
    "CLM_SQSTRTN_RDCTN_AMT",
    "CLM_MIPS_PMT_AMT",
];

/// v1 and v2: what only v3 has.
const OLD: &[&str] =
    &["CLM_IDR_LD_DT", "CLM_OP_SRVC_TYPE_CD", "CLM_REV_APC_HIPPS_CD", "PRVS_ID_EFCTV_DT", "PRVS_ID_OBSLT_DT"];

/// v3: lost by the server, or (the line diagnosis) served wrongly.
const NEW: &[&str] = &[
    "CLM_LINE_DGNS_CD",
    "HCPCS_BETOS_CD",
    "CLM_DSPNSNG_STUS_CD",
    "CLM_LINE_BENE_PMT_AMT",
    "BENE_LINE_1_ADR",
    "BENE_LINE_2_ADR",
    "BENE_LINE_3_ADR",
    "BENE_LINE_4_ADR",
    "BENE_LINE_5_ADR",
    "BENE_LINE_6_ADR",
    "GEO_ZIP_PLC_NAME",
    "GEO_ZIP4_CD",
];

fn check(api: Api, tables: usize, blank: &dyn Fn(&str, &str) -> bool) {
    let (filled, seen) = labels(api);
    assert_eq!(seen.len(), tables);
    for (table, labels) in &seen {
        for label in labels {
            let is_filled = filled.get(table).is_some_and(|filled| filled.contains(label));
            assert_eq!(is_filled, !blank(table, label), "{api:?} {table} {label}");
        }
    }
}

#[test]
fn v1_fills_what_it_can() {
    check(Api::V1, 9, &|table, label| {
        NEVER.contains(&label) || OLD.contains(&label) || (table, label) == ("CCLF7", "CLM_EFCTV_DT")
    });
}

#[test]
fn v2_fills_what_it_can() {
    check(Api::V2, 9, &|table, label| {
        NEVER.contains(&label)
            || OLD.contains(&label)
            || matches!((table, label), ("CCLF7", "CLM_EFCTV_DT") | ("CCLF1", "CLM_ORG_CNTL_NUM"))
    });
}

#[test]
fn v3_fills_what_it_can() {
    check(Api::V3, 11, &|_, label| NEVER.contains(&label) || NEW.contains(&label));
}

#[test]
fn keys_are_unique() {
    for api in [Api::V1, Api::V2, Api::V3] {
        let synth = Synth::new(api);
        let mut keys = BTreeSet::new();
        for row in (0..50).flat_map(|index| synth.expected(index)) {
            assert!(keys.insert((row.table, row.key.clone())), "{api:?} {} {:?}", row.table, row.key);
        }
    }
}
