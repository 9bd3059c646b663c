//! Cell by cell: what the plan says and what the oracle says; the tests and a fuzz target compare with it.

use claimfeed::crosswalk::oracle::Oracle;
use claimfeed::crosswalk::schema::Schemas;
use serde_json::Value;

use super::product::{Claim, Product};

/// The beneficiary of every claim.
pub const MBI: &str = "1S00E00AA01";

/// Fails with both texts if a claim's family, skip reason or any cell differ, be it read by the tape or the scanner.
/// Bytes that either parser refuses agree on nothing and are left out.
pub fn compare_claim(
    oracle: &Oracle<'_>,
    product: &mut Product<'_>,
    schemas: &Schemas,
    text: &str,
) -> Result<u64, String> {
    let (Ok(eob), Ok(claim)) = (serde_json::from_str::<Value>(text), product.claim(text, MBI)) else { return Ok(0) };
    // Of members of one name the oracle knows only the last, the plan meets them all.
    if members_written(text) != members(&eob) {
        return Ok(0);
    }
    let cells = compare_cells(oracle, &claim, schemas, &eob)?;
    // The oracle knows no more digits than the tape.
    if !has_long_number(text)
        && let Some(claim) = product.scanned_claim(text, MBI)
    {
        let scanned = compare_cells(oracle, &claim, schemas, &eob).map_err(|found| format!("scanner: {found}"))?;
        same("number of cells by tape and scanner", &scanned, &cells)?;
    }
    Ok(cells)
}

/// Colons of a JSON text that stand in no string.
fn members_written(text: &str) -> usize {
    let (mut colons, mut in_string, mut bytes) = (0, false, text.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' => drop(bytes.next()),
            b':' if !in_string => colons += 1,
            _ => {}
        }
    }
    colons
}

fn members(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        Value::Array(elements) => elements.iter().map(members).sum(),
        _ => 0,
    }
}

fn has_long_number(text: &str) -> bool {
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    numbers.into_iter().any(|number| number.bytes().filter(u8::is_ascii_digit).count() > 15)
}

fn compare_cells(oracle: &Oracle<'_>, claim: &Claim, schemas: &Schemas, eob: &Value) -> Result<u64, String> {
    let family = oracle.family(eob);
    same("family", &claim.family, &family)?;
    same("skip", &claim.skip, &oracle.skip(eob))?;
    let mut cells = 0;
    for table in schemas.tables.iter().filter(|table| family.as_ref().is_some_and(|f| table.families.contains(f))) {
        let name = &table.layout.table;
        let rows = oracle.claim_rows(name, eob, MBI);
        let plan = claim.tables.iter().find(|(known, _)| known == name).map(|(_, rows)| rows);
        let plan = plan.ok_or_else(|| format!("{name}: the plan has no such table for {family:?}"))?;
        same(&format!("rows of {name}"), &plan.len(), &rows.len())?;
        for (at, (plan, row)) in plan.iter().zip(&rows).enumerate() {
            for (field, (plan, cell)) in table.layout.fields.iter().zip(plan.iter().zip(row)) {
                same(&format!("{name}.{} of row {at}", field.label), plan, cell)?;
                cells += u64::from(!cell.is_empty());
            }
        }
    }
    Ok(cells)
}

pub fn compare_patient(oracle: &Oracle<'_>, product: &mut Product<'_>, text: &str) -> Result<u64, String> {
    let Ok(patient) = serde_json::from_str::<Value>(text) else { return Ok(0) };
    let mbi = oracle.current_mbi(&patient).unwrap_or_default();
    let cells = oracle.patient_cells(&patient);
    let labels: Vec<&str> = cells.iter().map(|(label, _)| label.as_str()).collect();
    let Ok(plan) = product.patient(text, &mbi, &labels) else { return Ok(0) };
    for ((label, cell), plan) in cells.iter().zip(&plan) {
        same(&format!("CCLF8.{label}"), plan, cell)?;
    }
    Ok(cells.iter().filter(|(_, cell)| !cell.is_empty()).count() as u64)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, plan: &T, oracle: &T) -> Result<(), String> {
    if plan == oracle { Ok(()) } else { Err(format!("{what}\n    plan:   {plan:?}\n    oracle: {oracle:?}")) }
}

#[cfg(test)]
#[test]
fn of_two_members_of_one_name_one_is_missing() {
    for (text, is_whole) in [
        (r#"{"a":":\":","b\\":[{"c":1},{"c":null}],"":{}}"#, true),
        (r#"{"a":1,"a":2}"#, false),
        (r#"[{"b":{"c":1},"b":{"d":"e"}}]"#, false),
    ] {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(members_written(text) == members(&value), is_whole, "{text}");
    }
}
