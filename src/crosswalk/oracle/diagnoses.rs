//! Which diagnoses of a claim a table wants, in which order and under which number: diagnoses.csv, read aloud.

use serde_json::Value;

use super::super::schema::DiagnosisRule;
use super::Oracle;
use super::find;

/// Types of one diagnosis that are looked at.
const TYPES: usize = 4;

/// One diagnosis of a table's list.
#[derive(Clone, Copy)]
pub(super) struct Diagnosis<'a> {
    /// the element of the claim
    pub element: &'a Value,
    /// CLM_PROD_TYPE_CD
    pub product: &'a str,
    /// 1-based within the product
    pub number: usize,
}

/// A diagnosis some rule is about.
struct Candidate<'a> {
    element: &'a Value,
    rule: &'a DiagnosisRule,
    code: String,
    sequence: i64,
}

/// The table's diagnoses; none if diagnoses.csv does not name the table.
pub(super) fn ordered<'a>(oracle: &Oracle<'a>, table: &str, eob: &'a Value) -> Vec<Diagnosis<'a>> {
    let rules: Vec<&'a DiagnosisRule> = oracle.version.diagnoses.iter().filter(|rule| rule.table == table).collect();
    let all: Vec<Candidate<'a>> = find::elements(eob, "diagnosis")
        .into_iter()
        .filter_map(|element| {
            let code = oracle.fact("%dx", "code", element)?;
            let types: Vec<String> = oracle.facts("%dx", "type", element).into_iter().map(find::text).collect();
            let rule = rule_of(&rules, &types).filter(|rule| rule.product != "-")?;
            // A diagnosis without a usable sequence comes after those that have one.
            let sequence = oracle.facts("%dx", "sequence", element).first().and_then(|value| find::whole(value));
            let sequence = sequence.unwrap_or(i64::MAX);
            Some(Candidate { element, rule, code, sequence })
        })
        .collect();
    let repeats = |one: &&Candidate<'_>| {
        let same = |other: &Candidate<'_>| other.rule.product == one.rule.product && other.code == one.code;
        one.rule.unless_repeated && all.iter().any(|other| !other.rule.unless_repeated && same(other))
    };
    let mut kept: Vec<&Candidate<'a>> = all.iter().filter(|one| !repeats(one)).collect();
    kept.sort_by_key(|one| (&one.rule.product, one.rule.order, one.sequence));

    let mut list: Vec<Diagnosis<'a>> = Vec::new();
    let mut again: Vec<Diagnosis<'a>> = Vec::new();
    for one in kept {
        let number = 1 + list.iter().filter(|before| before.product == one.rule.product).count();
        list.push(Diagnosis { element: one.element, product: &one.rule.product, number });
        if number == 1 && !one.rule.first_also.is_empty() {
            again.push(Diagnosis { element: one.element, product: &one.rule.first_also, number: 1 });
        }
    }
    list.extend(again);
    list
}

/// The rule of lowest order for these types; of equal ones the first in the file, so that the order of types in
/// the record does not matter.
fn rule_of<'a>(rules: &[&'a DiagnosisRule], types: &[String]) -> Option<&'a DiagnosisRule> {
    let types = &types[..types.len().min(TYPES)];
    let about = |rule: &&&'a DiagnosisRule| {
        rule.kind == "*" || if types.is_empty() { rule.kind.is_empty() } else { types.contains(&rule.kind) }
    };
    rules.iter().filter(about).min_by_key(|rule| rule.order).copied()
}
