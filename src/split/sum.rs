//! Reports of splits, added up: what one [`Job`](crate::job::Job) on the same files would report.

use std::collections::BTreeMap;

use crate::crosswalk::amount::{cents, scaled};
use crate::report::{FieldFill, InputReport, IssueCount, MonthSums, Payments, Report};

/// Adds up the context's report and those of all splits of a plan, of one table, in input order: lines of issues, which
/// a split counts from its own first one, become the file's.
pub fn sum<'r>(reports: impl IntoIterator<Item = &'r Report>) -> Report {
    let mut reports = reports.into_iter();
    let Some(mut total) = reports.next().cloned() else { return Report::default() };
    reports.for_each(|report| add(&mut total, report));
    total
}

fn add(total: &mut Report, other: &Report) {
    total.api = total.api.or(other.api);
    counts(&mut total.tables, &other.tables);
    counts(&mut total.skipped, &other.skipped);
    counts(&mut total.cancelled, &other.cancelled);
    counts(&mut total.fills, &other.fills);
    counts(&mut total.blank_keys, &other.blank_keys);
    total.titles.extend(other.titles.clone());
    for (table, columns) in &other.fields {
        fields(total.fields.entry(table.clone()).or_default(), columns);
    }
    let before = |file: &str| total.inputs.iter().find(|known| known.file == file).map_or(0, |known| known.lines);
    let mut issues = other.issues.clone();
    issues.iter_mut().for_each(|one| one.example.line += before(&one.example.file));
    other.inputs.iter().for_each(|one| input(&mut total.inputs, one));
    issues.iter().for_each(|one| issue(&mut total.issues, one));
    for (family, one) in &other.payments {
        match total.payments.get_mut(family) {
            Some(known) => payments(known, one),
            None => drop(total.payments.insert(family.clone(), one.clone())),
        }
    }
    for file in &other.ignored_files {
        if !total.ignored_files.contains(file) {
            total.ignored_files.push(file.clone());
        }
    }
    let (people, more) = (&mut total.beneficiaries, &other.beneficiaries);
    people.beneficiaries += more.beneficiaries;
    people.merged += more.merged;
    people.older_versions += more.older_versions;
    people.without_mbi += more.without_mbi;
}

fn counts(total: &mut BTreeMap<String, u64>, other: &BTreeMap<String, u64>) {
    for (name, count) in other {
        *total.entry(name.clone()).or_default() += count;
    }
}

fn fields(total: &mut Vec<FieldFill>, other: &[FieldFill]) {
    for one in other {
        match total.iter_mut().find(|known| known.field == one.field) {
            Some(known) => known.filled += one.filled,
            None => total.push(one.clone()),
        }
    }
}

fn input(total: &mut Vec<InputReport>, other: &InputReport) {
    let Some(known) = total.iter_mut().find(|known| known.file == other.file) else {
        return total.push(other.clone());
    };
    known.bytes += other.bytes;
    known.uncompressed_bytes += other.uncompressed_bytes;
    known.lines += other.lines;
    known.blank_lines += other.blank_lines;
    counts(&mut known.resources, &other.resources);
    counts(&mut known.claims, &other.claims);
}

fn issue(total: &mut Vec<IssueCount>, other: &IssueCount) {
    let is_same = |known: &&mut IssueCount| {
        (known.weight, &known.kind, &known.field) == (other.weight, &other.kind, &other.field)
    };
    match total.iter_mut().find(is_same) {
        Some(known) => known.count += other.count,
        None => {
            total.push(other.clone());
            total.sort_by(|a, b| (a.weight, &a.kind, &a.field).cmp(&(b.weight, &b.kind, &b.field)));
        }
    }
}

fn payments(total: &mut Payments, other: &Payments) {
    total.claims += other.claims;
    total.claims_skipped += other.claims_skipped;
    total.claims_unreadable += other.claims_unreadable;
    amount(&mut total.read, &other.read);
    amount(&mut total.skipped, &other.skipped);
    amount(&mut total.written, &other.written);
    let is_balanced = in_cents(&total.read) - in_cents(&total.skipped) == in_cents(&total.written);
    total.equal = total.equal.and(other.equal).map(|_| is_balanced);
    for (month, one) in &other.months {
        let known = total.months.entry(month.clone()).or_default();
        month_sums(known, one);
    }
}

fn month_sums(total: &mut MonthSums, other: &MonthSums) {
    total.claims += other.claims;
    total.claims_skipped += other.claims_skipped;
    total.claims_written += other.claims_written;
    counts(&mut total.rows, &other.rows);
    amount(&mut total.read, &other.read);
    amount(&mut total.skipped, &other.skipped);
    amount(&mut total.written, &other.written);
}

/// Adds decimal texts of two places; empty ones are no amount at all.
fn amount(total: &mut String, other: &str) {
    if !other.is_empty() {
        *total = cents(in_cents(total) + in_cents(other));
    }
}

fn in_cents(text: &str) -> i128 {
    scaled(text.as_bytes(), 2).unwrap_or(0)
}
