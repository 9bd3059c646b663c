//! The reconciliation of a run: what came in against what went out, and how full every column is.
//!
//! Made of a [`Report`] alone, which is what summary.json holds: nothing of the data is read again, so it can be made
//! on another machine and in any output format. [`page`](page()) is the same for a browser. Counts and sums only, never a
//! value of the data.

mod chart;
mod fill;
mod months;
mod page;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::api::Api;
use crate::crosswalk::amount::{cents, scaled};
use crate::report::{FieldFill, IssueCount, MonthSums, Payments, Report, Weight};

pub use page::page;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// nothing was lost, and every sum that can be compared is equal
    Complete,
    /// something was left out or left blank that no rule leaves out
    Losses,
    /// sums differ though nothing was lost
    SumsDiffer,
}

/// The whole of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reconciliation {
    /// how it ended
    pub verdict: Verdict,
    /// name and version of the program that converted
    pub producer: String,
    /// version of the CCLF layouts
    pub layout: String,
    /// API version of the input
    pub api: Option<Api>,
    /// when the run ended, UTC
    pub finished: String,
    /// what was read
    pub input: InputSize,
    /// claims and amounts, in against out
    pub families: Vec<Family>,
    /// how full each column is
    pub tables: Vec<Table>,
    /// claims left out by rule, by reason
    pub skipped: BTreeMap<String, u64>,
    /// claims no longer in force that are written as original and cancellation, by reason
    pub cancelled: BTreeMap<String, u64>,
    /// what was left out or left blank though no rule says so
    pub losses: Vec<Trouble>,
    /// codes that the value maps do not know
    pub unknown_codes: Vec<Trouble>,
    /// written, but worth knowing
    pub notices: Vec<Trouble>,
    /// values that stand in for ones the API does not serve, by `TABLE.FIELD`
    pub fills: BTreeMap<String, u64>,
    /// rows with a blank in a column that loaders join or filter by, by `TABLE.FIELD`
    pub blank_keys: BTreeMap<String, u64>,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct InputSize {
    /// input files
    pub files: u64,
    /// on disk
    pub bytes: u64,
    /// after inflating
    pub uncompressed_bytes: u64,
    /// by resource type
    pub resources: BTreeMap<String, u64>,
}

/// One claim family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Family {
    /// e.g. `CARRIER`
    pub family: String,
    /// `TABLE.FIELD` of the date whose month a claim counts in
    pub dated_by: String,
    /// `TABLE.FIELD` of the control column
    pub control: String,
    /// all months
    pub total: Flow,
    /// by month, `YYYY-MM` or `unknown`
    pub months: BTreeMap<String, Flow>,
}

/// In against out; amounts as decimal text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// claims read
    pub claims_in: u64,
    /// of these, left out by a rule
    pub claims_skipped: u64,
    /// of these, with a row in a table that was written
    pub claims_out: u64,
    /// of these, neither: lost, or of a table that was not asked for
    pub claims_without_rows: u64,
    /// rows written, by table
    pub rows_out: BTreeMap<String, u64>,
    /// sum of the claims' payment amounts
    pub paid_in: String,
    /// the part of it in claims left out by a rule
    pub paid_skipped: String,
    /// sum of the control column as written; empty where its table was not asked for
    pub paid_out: String,
    /// in less skipped less out; empty where the control column is another amount, so that they need not be equal
    pub difference: String,
}

/// One table's columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// e.g. `CCLF5`
    pub table: String,
    /// CMS's description
    pub title: String,
    /// rows written
    pub rows: u64,
    /// in layout order
    pub fields: Vec<Field>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// CCLF label
    pub field: String,
    /// what the version provides: `mapped`, `derived` or `absent`
    pub status: String,
    /// rows with a value
    pub filled: u64,
    /// thousandths of the rows, rounded down, so that 1000 is all of them
    pub per_mille: u64,
    /// the version serves it, there are rows, and none has it
    pub never_filled: bool,
}

/// Issues of one kind about one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// e.g. `misfit`
    pub kind: String,
    /// `TABLE.FIELD`, empty if it is about none
    pub field: String,
    /// how many
    pub count: u64,
    /// expectation and finding
    pub message: String,
}

impl Reconciliation {
    /// Of a run's report.
    pub fn of(report: &Report) -> Reconciliation {
        let troubles = |wanted: &dyn Fn(&IssueCount) -> bool| {
            let mut found: Vec<Trouble> = report.issues.iter().filter(|issue| wanted(issue)).map(trouble).collect();
            found.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.kind, &a.field).cmp(&(&b.kind, &b.field))));
            found
        };
        let unknown = |issue: &IssueCount| issue.kind == "unknown-code";
        Reconciliation {
            verdict: match report.exit_code() {
                0 => Verdict::Complete,
                3 => Verdict::Losses,
                _ => Verdict::SumsDiffer,
            },
            producer: report.producer.clone(),
            layout: report.layout.clone(),
            api: report.api,
            finished: report.finished.clone(),
            input: input(report),
            families: report.payments.iter().map(|(name, payments)| family(name, payments)).collect(),
            tables: report.tables.iter().map(|(name, rows)| table(report, name, *rows)).collect(),
            skipped: report.skipped.clone(),
            cancelled: report.cancelled.clone(),
            losses: troubles(&|issue| issue.weight == Weight::Loss && !unknown(issue)),
            unknown_codes: troubles(&unknown),
            notices: troubles(&|issue| issue.weight == Weight::Notice),
            fills: report.fills.clone(),
            blank_keys: report.blank_keys.clone(),
        }
    }

    /// All families together.
    pub fn total(&self) -> Flow {
        let mut total = Flow::default();
        let (mut paid_in, mut skipped) = (0, 0);
        for family in &self.families {
            let flow = &family.total;
            total.claims_in += flow.claims_in;
            total.claims_skipped += flow.claims_skipped;
            total.claims_out += flow.claims_out;
            total.claims_without_rows += flow.claims_without_rows;
            add_rows(&mut total.rows_out, &flow.rows_out);
            paid_in += amount(&flow.paid_in);
            skipped += amount(&flow.paid_skipped);
        }
        total.paid_in = cents(paid_in);
        total.paid_skipped = cents(skipped);
        total
    }
}

fn trouble(issue: &IssueCount) -> Trouble {
    Trouble { kind: issue.kind.clone(), field: issue.field.clone(), count: issue.count, message: issue.message.clone() }
}

fn input(report: &Report) -> InputSize {
    let mut size = InputSize { files: report.inputs.len() as u64, ..InputSize::default() };
    for input in &report.inputs {
        size.bytes += input.bytes;
        size.uncompressed_bytes += input.uncompressed_bytes;
        add_rows(&mut size.resources, &input.resources);
    }
    size
}

fn add_rows(total: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (name, count) in more {
        *total.entry(name.clone()).or_default() += count;
    }
}

fn family(name: &str, payments: &Payments) -> Family {
    // Without a verdict for the family the sums need not be equal, in no month either.
    let comparable = payments.equal.is_some();
    let months: BTreeMap<String, Flow> =
        payments.months.iter().map(|(month, sums)| (month.clone(), flow(sums, comparable))).collect();
    let mut total = flow(
        &MonthSums {
            claims: payments.claims,
            claims_skipped: payments.claims_skipped,
            claims_written: payments.months.values().map(|sums| sums.claims_written).sum(),
            rows: BTreeMap::new(),
            read: payments.read.clone(),
            skipped: payments.skipped.clone(),
            written: payments.written.clone(),
        },
        comparable,
    );
    months.values().for_each(|month| add_rows(&mut total.rows_out, &month.rows_out));
    Family {
        family: name.to_string(),
        dated_by: payments.dated_by.clone(),
        control: payments.written_field.clone(),
        total,
        months,
    }
}

fn flow(sums: &MonthSums, comparable: bool) -> Flow {
    let difference = amount(&sums.read) - amount(&sums.skipped) - amount(&sums.written);
    Flow {
        claims_in: sums.claims,
        claims_skipped: sums.claims_skipped,
        claims_out: sums.claims_written,
        claims_without_rows: sums.claims.saturating_sub(sums.claims_skipped + sums.claims_written),
        rows_out: sums.rows.clone(),
        paid_in: sums.read.clone(),
        paid_skipped: sums.skipped.clone(),
        paid_out: sums.written.clone(),
        difference: if comparable { cents(difference) } else { String::new() },
    }
}

/// Cents of a decimal text that this program wrote; 0 for an empty one.
fn amount(text: &str) -> i128 {
    scaled(text.as_bytes(), 2).unwrap_or(0)
}

fn table(report: &Report, name: &str, rows: u64) -> Table {
    let field = |fill: &FieldFill| Field {
        field: fill.field.clone(),
        status: fill.status.clone(),
        filled: fill.filled,
        per_mille: (fill.filled * 1000).checked_div(rows).unwrap_or(0),
        never_filled: rows > 0 && fill.filled == 0 && fill.status != "absent",
    };
    Table {
        table: name.to_string(),
        title: report.titles.get(name).cloned().unwrap_or_default(),
        rows,
        fields: report.fields.get(name).into_iter().flatten().map(field).collect(),
    }
}

/// A count with its thousands apart: `1,234,567`.
pub fn thousands(count: u64) -> String {
    grouped(&count.to_string())
}

/// A decimal text with its thousands apart: `-1,234.50`.
pub fn grouped(number: &str) -> String {
    let (sign, rest) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, decimals) = rest.split_once('.').map_or((rest, ""), |(whole, _)| (whole, &rest[whole.len()..]));
    let mut text = sign.to_string();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + decimals
}

/// Bytes as a person reads them, powers of ten: `1.06 GB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// A share of thousandths: `99.9 %`; what is there but rounds to nothing is `< 0.1 %`.
pub fn share(filled: u64, per_mille: u64) -> String {
    match (filled, per_mille) {
        (0, _) => "0 %".to_string(),
        (_, 0) => "< 0.1 %".to_string(),
        (_, 1000) => "100 %".to_string(),
        _ => format!("{}.{} %", per_mille / 10, per_mille % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_from_the_right() {
        for (number, text) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("1234567.80", "1,234,567.80"),
            ("-123456.00", "-123,456.00"),
            ("-1.00", "-1.00"),
            ("", ""),
        ] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(
            (size(999), size(31_800_000), size(1_060_000_000)),
            ("999 B".into(), "31.8 MB".into(), "1.06 GB".into())
        );
    }

    #[test]
    fn a_share_is_never_rounded_up_to_all_or_down_to_nothing() {
        assert_eq!(share(0, 0), "0 %");
        assert_eq!(share(1, 0), "< 0.1 %");
        assert_eq!(share(9_999, 999), "99.9 %");
        assert_eq!(share(10_000, 1000), "100 %");
    }
}
