//! What a run tells of itself when it is over: its report, made of its totals.

use std::collections::BTreeMap;

use super::{Run, Totals};
use crate::crosswalk::amount::cents;
use crate::crosswalk::path::Root;
use crate::crosswalk::schema::{LAYOUT_VERSION, Table};
use crate::job::tally::MonthTally;
use crate::report::{
    BeneficiaryReport, FieldFill, MonthSums, NO_MONTH, Payments, PseudonymReport, Report, SUMMARY_VERSION,
};

impl Run<'_> {
    fn month(&self, tally: &MonthTally, has_control: bool) -> MonthSums {
        let sums = &tally.sums;
        MonthSums {
            claims: sums.claims,
            claims_skipped: sums.skipped,
            claims_written: tally.written,
            rows: tally.rows.iter().map(|(at, rows)| (self.crosswalk.tables[*at].name.clone(), *rows)).collect(),
            read: cents(sums.paid),
            skipped: cents(sums.paid_skipped),
            written: if has_control { cents(sums.written) } else { String::new() },
        }
    }

    /// A table's name and how often each of its columns has a value.
    fn fields(&self, table: usize, filled: &[u64]) -> (String, Vec<FieldFill>) {
        let table = &self.crosswalk.tables[table];
        let columns = table.columns.iter().zip(filled).map(|(column, filled)| FieldFill {
            field: column.label.clone(),
            status: column.status.name().to_string(),
            filled: *filled,
        });
        (table.name.clone(), columns.collect())
    }

    pub(super) fn report(&self, totals: Totals, beneficiaries: BeneficiaryReport, fills: &[Vec<u64>]) -> Report {
        let crosswalk = self.crosswalk;
        let field = |table: usize, column: usize| {
            format!("{}.{}", crosswalk.tables[table].name, crosswalk.tables[table].columns[column].label)
        };
        let mut filled = BTreeMap::new();
        for (table, columns) in fills.iter().enumerate() {
            for (column, count) in columns.iter().enumerate().filter(|(_, count)| **count > 0) {
                filled.insert(field(table, column), *count);
            }
        }
        let blank_keys = totals
            .blank_keys
            .iter()
            .map(|((table, key), count)| (field(*table, crosswalk.tables[*table].keys[*key]), *count));
        let mut payments = BTreeMap::new();
        for (at, family) in totals.families.iter().enumerate().filter(|(_, family)| family.claims > 0) {
            let control = self.wanted.iter().find(|table| {
                let table = &crosswalk.tables[**table];
                table.families.contains(&at) && table.control.is_some()
            });
            let written_field =
                control.map_or(String::new(), |table| field(*table, crosswalk.tables[*table].control.unwrap_or(0)));
            let comparable = control.is_some_and(|table| crosswalk.tables[*table].row == Root::Eob)
                && written_field.ends_with(".CLM_PMT_AMT");
            let months = totals.months.iter().filter(|((family, _), _)| *family == at);
            payments.insert(
                crosswalk.families[at].clone(),
                Payments {
                    claims: family.claims,
                    claims_skipped: family.skipped,
                    claims_unreadable: family.unreadable,
                    read: cents(family.paid),
                    skipped: cents(family.paid_skipped),
                    written: if control.is_some() { cents(family.written) } else { String::new() },
                    written_field,
                    equal: (comparable && family.unreadable == 0)
                        .then_some(family.paid - family.paid_skipped == family.written),
                    dated_by: crosswalk.month(at).map_or(String::new(), |(table, column)| field(table, column)),
                    months: months
                        .map(|((_, month), tally)| {
                            (month.name().unwrap_or_else(|| NO_MONTH.to_string()), self.month(tally, control.is_some()))
                        })
                        .collect(),
                },
            );
        }
        Report {
            summary_version: SUMMARY_VERSION,
            producer: concat!("claimfeed ", env!("CARGO_PKG_VERSION")).to_string(),
            layout: LAYOUT_VERSION.to_string(),
            api: Some(crosswalk.api),
            finished: String::new(),
            files: self.sink.files(),
            tables: self.wanted.iter().map(|at| (crosswalk.tables[*at].name.clone(), totals.rows[*at])).collect(),
            titles: self.wanted.iter().map(|at| &self.job.schemas.tables[*at]).map(described).collect(),
            fields: self.wanted.iter().map(|at| self.fields(*at, &totals.filled[*at])).collect(),
            skipped: totals.skipped,
            cancelled: totals.cancelled,
            fills: filled,
            blank_keys: blank_keys.collect(),
            issues: totals.issues.counts(|source| self.sources[source].path.display().to_string()),
            inputs: totals.inputs,
            ignored_files: Vec::new(),
            payments,
            pseudonyms: self.job.pseudonyms.as_ref().map(|pseudonyms| PseudonymReport {
                key_check: pseudonyms.check().to_string(),
                dates_shifted: pseudonyms.shifts(),
            }),
            beneficiaries,
            elapsed_seconds: 0.0,
            gigabytes_per_second: 0.0,
        }
    }
}

fn described(table: &Table) -> (String, String) {
    (table.layout.table.clone(), table.title.clone())
}
