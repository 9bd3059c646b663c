//! The reconciliation as one page of HTML that needs nothing else: no network, no script, its own style and drawings.

use std::collections::BTreeSet;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{Chart, Series};
use super::months::Bars;
use super::{Family, Flow, Reconciliation, Trouble, Verdict, amount, fill, grouped, size, thousands};
use crate::api::Api;
use crate::crosswalk::amount::cents;

/// Colours of the style sheet.
const COLOURS: usize = 8;

/// The page. Names of files do not stand in it, nor does any value of the data.
pub fn page(told: &Reconciliation) -> String {
    let api = told.api.map_or("?", Api::name);
    let day = told.finished.get(..10).unwrap_or("");
    let title = format!("BCDA {api} to CCLF: reconciliation of {day}");
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                h1 { (title) }
                p class="soft" { "finished " (told.finished.replace('T', " ").replace('Z', " UTC")) " · " (told.producer) " · " (told.layout) }
                (verdict(told))
                (tiles(told))
                (families(told))
                (charts(told))
                (months(told))
                (fill_rates(told))
                (left_out(told))
                footer { "Made from summary.json. Counts, sums and names of fields only: no value of the data." }
            }
        }
    };
    markup.into_string()
}

fn verdict(told: &Reconciliation) -> Markup {
    let lost: u64 = told.losses.iter().chain(&told.unknown_codes).map(|trouble| trouble.count).sum();
    let (class, word, text) = match told.verdict {
        Verdict::Complete => {
            ("good", "✓ Complete.", "Nothing was lost, and every sum that can be compared is equal.".to_string())
        }
        Verdict::Losses => (
            "warn",
            "! Done with losses.",
            format!(
                "{} times something was left out or left blank that no rule leaves out; issues.csv lists every place.",
                thousands(lost)
            ),
        ),
        Verdict::SumsDiffer => {
            ("bad", "✗ Sums differ.", "What was written is not what was read, and no issue explains it.".to_string())
        }
    };
    html! { p class={ "verdict " (class) } { b { (word) } " " (text) } }
}

fn tiles(told: &Reconciliation) -> Markup {
    let total = told.total();
    let input = &told.input;
    let inflated = if input.bytes == input.uncompressed_bytes {
        String::new()
    } else {
        format!(", {} inflated", size(input.uncompressed_bytes))
    };
    let resource = |name: &str| thousands(input.resources.get(name).copied().unwrap_or(0));
    let files = if input.files == 1 { "1 file".to_string() } else { format!("{} files", thousands(input.files)) };
    html! {
        dl class="tiles" {
            div { dt { "Input" } dd { (size(input.bytes)) small { (files) (inflated) } } }
            div { dt { "Claims read" } dd { (thousands(total.claims_in)) small { (resource("Patient")) " Patients, " (resource("Coverage")) " Coverages" } } }
            div { dt { "Claims written" } dd { (thousands(total.claims_out)) small { (thousands(total.claims_skipped)) " left out by rule" } } }
            div { dt { "Rows written" } dd { (thousands(told.tables.iter().map(|table| table.rows).sum())) small { (told.tables.len()) " tables" } } }
            div { dt { "Paid, as read" } dd { "$" (grouped(&total.paid_in)) small { "$" (grouped(&total.paid_skipped)) " in claims left out by rule" } } }
        }
    }
}

fn families(told: &Reconciliation) -> Markup {
    html! {
        h2 { "In against out" }
        p class="soft" {
            "Amounts in US dollars. The sum of the claims' payments as read, less what a rule leaves out, is the sum of the "
            "control column as written. Where that column is another amount (paid on lines, paid by the patient), the two "
            "need not be equal, and the difference is left open (–)."
        }
        div class="wide" {
            table {
                thead { (flow_head("claim type", true)) }
                tbody {
                    @for family in &told.families { (flow_row(&family.family, &family.total, Some(&family.control))) }
                    @if told.families.len() > 1 { (sum_row(told)) }
                }
            }
        }
    }
}

fn flow_head(first: &str, with_control: bool) -> Markup {
    html! {
        tr {
            th { (first) }
            th class="n" { "claims in" } th class="n" { "left out" } th class="n" { "claims out" } th class="n" { "no row" }
            th class="n" { "paid in" } th class="n" { "left out" } th class="n" { "written" } th class="n" { "difference" }
            @if with_control { th { "written in" } } @else { th { "rows" } }
        }
    }
}

fn flow_row(name: &str, flow: &Flow, control: Option<&str>) -> Markup {
    let differs = !flow.difference.is_empty() && amount(&flow.difference) != 0;
    let money = |text: &str| if text.is_empty() { "–".to_string() } else { grouped(text) };
    html! {
        tr {
            td { (name) }
            td class="n" { (thousands(flow.claims_in)) }
            td class="n" { (thousands(flow.claims_skipped)) }
            td class="n" { (thousands(flow.claims_out)) }
            td class="n" { (thousands(flow.claims_without_rows)) }
            td class="n" { (money(&flow.paid_in)) }
            td class="n" { (money(&flow.paid_skipped)) }
            td class="n" { (money(&flow.paid_out)) }
            td class={ "n" (if differs { " bad" } else { "" }) } { (money(&flow.difference)) }
            @if let Some(control) = control {
                td { code { (if control.is_empty() { "–" } else { control }) } }
            } @else {
                td { (rows(flow)) }
            }
        }
    }
}

/// `CCLF1 12, CCLF2 40`
fn rows(flow: &Flow) -> String {
    let tables = flow.rows_out.iter().map(|(table, rows)| format!("{table} {}", thousands(*rows)));
    tables.collect::<Vec<_>>().join(", ")
}

fn sum_row(told: &Reconciliation) -> Markup {
    let total = told.total();
    html! {
        tr class="sum" {
            td { "all" }
            @for count in [total.claims_in, total.claims_skipped, total.claims_out, total.claims_without_rows] {
                td class="n" { (thousands(count)) }
            }
            td class="n" { (grouped(&total.paid_in)) }
            td class="n" { (grouped(&total.paid_skipped)) }
            td {} td {} td {}
        }
    }
}

fn charts(told: &Reconciliation) -> Markup {
    let bars = Bars::of(told.families.iter().flat_map(|family| family.months.keys()));
    if bars.names.is_empty() {
        return html! {};
    }
    let series = |value: &dyn Fn(&Flow) -> i128| -> Vec<Series> {
        let of = |(at, family): (usize, &Family)| {
            let mut values = vec![0; bars.names.len()];
            for (month, flow) in &family.months {
                if let Some(bar) = bars.at(month) {
                    values[bar] += value(flow);
                }
            }
            Series { name: family.family.clone(), colour: at % COLOURS, values }
        };
        told.families.iter().enumerate().map(of).collect()
    };
    let unit = if bars.are_years() { "year" } else { "month" };
    let drawing = |what: &str, axis: &str, scale, series: &[Series], text| {
        let label = format!("{what} by {unit} of service and claim type");
        let chart = Chart { label: &label, unit: axis, bars: &bars, series, scale, text };
        html! { figure { figcaption { (label) } (chart.draw()) } }
    };
    let dated: BTreeSet<&str> = told.families.iter().map(|family| family.dated_by.as_str()).collect();
    html! {
        h2 { "Over time" }
        p class="soft" { "A claim counts in the month of " (dated.into_iter().collect::<Vec<_>>().join(", ")) "; all claims read, those left out by rule too." }
        p class="legend" {
            @for (at, family) in told.families.iter().enumerate() {
                span { svg class="dot" viewBox="0 0 12 12" aria-hidden="true" { rect class={ "c" (at % COLOURS) } width="12" height="12" rx="2" {} } (family.family) }
            }
        }
        (drawing("Claims read", "claims", 1, &series(&|flow| i128::from(flow.claims_in)), |value| grouped(&value.to_string())))
        (drawing("Paid, as read,", "US dollars", 100, &series(&|flow| amount(&flow.paid_in)), |value| format!("${}", grouped(&cents(value)))))
    }
}

fn months(told: &Reconciliation) -> Markup {
    html! {
        h3 { "Month by month" }
        @for family in &told.families {
            details {
                summary { (family.family) span class="soft" { " · " (family.months.len()) " months by " code { (family.dated_by) } } }
                div class="wide" {
                    table {
                        thead { (flow_head("month", false)) }
                        tbody { @for (month, flow) in &family.months { (flow_row(month, flow, None)) } }
                    }
                }
            }
        }
    }
}

fn fill_rates(told: &Reconciliation) -> Markup {
    html! {
        h2 { "Fill rates" }
        p class="soft" { "Share of a table's rows with a value, rounded down; the stronger the colour, the fuller. Point at a tile for the counts." }
        (fill::legend())
        @for table in &told.tables {
            section {
                h3 { (table.table) " " small { (table.title) " · " (thousands(table.rows)) " rows" } }
                (fill::map(table))
            }
        }
    }
}

fn left_out(told: &Reconciliation) -> Markup {
    let counts = |title: &str, text: &str, name: &str, map: &std::collections::BTreeMap<String, u64>| {
        html! {
            @if !map.is_empty() {
                section {
                    h3 { (title) }
                    p class="soft" { (text) }
                    table {
                        thead { tr { th { (name) } th class="n" { "count" } } }
                        tbody { @for (name, count) in map { tr { td { (name) } td class="n" { (thousands(*count)) } } } }
                    }
                }
            }
        }
    };
    html! {
        h2 { "Left out, lost, filled in" }
        (counts("Left out by rule", "Claims that CCLF does not have; skips.csv says which.", "reason", &told.skipped))
        (counts("Cancelled", "Claims no longer in force, written as original and cancellation.", "reason", &told.cancelled))
        (troubles("Lost", "Left out or left blank though no rule says so (exit code 3). issues.csv lists every place.", &told.losses))
        (troubles("Unknown codes", "Codes that no value map knows: blank unless the field has a fallback.", &told.unknown_codes))
        (troubles("Worth knowing", "Written, and counted.", &told.notices))
        (counts("Filled in", "Values that stand in for ones the API does not serve.", "field", &told.fills))
        (counts("Blank in a key column", "Columns that loaders join or filter by: such rows may vanish downstream.", "field", &told.blank_keys))
        @if told.skipped.is_empty() && told.losses.is_empty() && told.unknown_codes.is_empty() && told.fills.is_empty() {
            p { "Nothing." }
        }
    }
}

fn troubles(title: &str, text: &str, troubles: &[Trouble]) -> Markup {
    html! {
        @if !troubles.is_empty() {
            section {
                h3 { (title) }
                p class="soft" { (text) }
                table {
                    thead { tr { th { "kind" } th { "field" } th { "what" } th class="n" { "count" } } }
                    tbody {
                        @for trouble in troubles {
                            tr {
                                td { (trouble.kind) } td { code { (trouble.field) } }
                                td class="text" { (trouble.message) } td class="n" { (thousands(trouble.count)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
