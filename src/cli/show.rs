//! What a run came to, for a person.

use claimfeed::Api;
use claimfeed::report::{PseudonymReport, Report};

use super::table::Columns;

/// The summary; it ends with the place of the tables.
pub fn show(report: &Report, place: &str) -> String {
    let mut text = String::new();
    let mut add = |part: String| text.push_str(&part);
    let resources: u64 = report.inputs.iter().flat_map(|input| input.resources.values()).sum();
    let bytes: u64 = report.inputs.iter().map(|input| input.uncompressed_bytes).sum();
    add(format!(
        "{} resources, {:.1} MB of API {} in {:.2} s ({:.2} GB/s)\n\n",
        resources,
        bytes as f64 / 1e6,
        report.api.map_or("?", Api::name),
        report.elapsed_seconds,
        report.gigabytes_per_second
    ));
    let mut tables = Columns::new(&["table", "rows"]);
    for (table, rows) in &report.tables {
        tables.row([table.clone(), rows.to_string()]);
    }
    add(tables.to_string());
    let mut payments = Columns::new(&["family", "claims", "skipped", "CLM_PMT_AMT read", "skipped", "written", "in"]);
    for (family, sums) in &report.payments {
        payments.row([
            family.clone(),
            sums.claims.to_string(),
            sums.claims_skipped.to_string(),
            sums.read.clone(),
            sums.skipped.clone(),
            sums.written.clone(),
            sums.written_field.clone(),
        ]);
    }
    if payments.len() > 0 {
        add(format!("\n{payments}"));
    }
    let list = |title: &str, counts: Vec<(String, u64)>| {
        let mut columns = Columns::new(&[title, "count"]);
        counts.into_iter().for_each(|(name, count)| columns.row([name, count.to_string()]));
        if columns.len() > 0 { format!("\n{columns}") } else { String::new() }
    };
    let counts = |map: &std::collections::BTreeMap<String, u64>| map.iter().map(|(k, v)| (k.clone(), *v)).collect();
    add(list("left out by rule", counts(&report.skipped)));
    add(list("written as original and cancellation", counts(&report.cancelled)));
    add(list("filled", counts(&report.fills)));
    add(list("blank in a key column", counts(&report.blank_keys)));
    let mut issues = Columns::new(&["issue", "field", "count", "first at"]);
    for issue in &report.issues {
        let place = &issue.example;
        issues.row([
            issue.kind.clone(),
            issue.field.clone(),
            issue.count.to_string(),
            format!("{}, line {}, byte {}", place.file, place.line, place.byte),
        ]);
    }
    if issues.len() > 0 {
        add(format!("\n{issues}"));
    }
    if let Some(PseudonymReport { key_check, dates_shifted }) = &report.pseudonyms {
        let dates = if *dates_shifted { ", dates shifted" } else { ", dates as they are" };
        add(format!("\npseudonyms by the key {key_check}{dates}\n"));
    }
    add(format!("\n{place}\n"));
    text
}
