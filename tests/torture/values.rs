//! A value of the wrong kind at every path of a claim.

use claimfeed::Api;
use serde_json::{Value, json};

use super::is_long;
use super::lot::{Material, Verdict, judge};

/// Damaged text for one claim, about.
const QUICK: usize = 512 << 10;

fn odd() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(-7),
        json!(""),
        json!("  "),
        json!("odd"),
        json!([]),
        json!([[]]),
        json!([null, 1, "x", {}]),
        json!({}),
        json!({"value": {"value": [{"value": 1}]}, "coding": "x", "code": {"code": 1}, "system": []}),
        json!("2024"),
        json!("2024-02"),
        json!("2024-02-30"),
        json!("2024-02-29T23:59:59.999-05:00"),
        json!("x".repeat(300)),
    ]
}

/// Pointers to all values below, the deepest too.
fn paths(value: &Value, at: &mut String, found: &mut Vec<String>) {
    let mut go = |key: &str, value: &Value| {
        let length = at.len();
        at.push('/');
        at.push_str(&key.replace('~', "~0").replace('/', "~1"));
        found.push(at.clone());
        paths(value, at, found);
        at.truncate(length);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| go(key, value)),
        Value::Array(elements) => elements.iter().enumerate().for_each(|(n, value)| go(&n.to_string(), value)),
        _ => {}
    }
}

fn wrong_kinds(api: Api) {
    let material = Material::of(api);
    let mut all = Verdict::default();
    for claim in &material.claims {
        let value: Value = serde_json::from_str(claim).unwrap();
        let mut found = Vec::new();
        paths(&value, &mut String::new(), &mut found);
        let odd = odd();
        let cases = found.len() * odd.len();
        let step = if is_long() { 1 } else { (cases * claim.len()).div_ceil(QUICK).max(1) };
        let case = |n: usize| (&found[n / odd.len()], &odd[n % odd.len()]);
        let chosen: Vec<usize> = (step / 2..cases).step_by(step).collect();
        let damaged = chosen.iter().map(|n| {
            let (path, odd) = case(*n);
            let mut value = value.clone();
            // Wrapped in an array every other time: what stands alone may be repeated, and the reverse.
            let place = value.pointer_mut(path).unwrap();
            *place = if n % 5 == 4 { json!([place.clone(), odd.clone()]) } else { odd.clone() };
            value.to_string()
        });
        all.add(judge(&material, damaged, |n| {
            let (path, odd) = case(chosen[n as usize]);
            format!("{}: {odd} at {path}", api.name())
        }));
    }
    eprintln!("{}: {all:?}", api.name());
    assert!(all.written > 0 && all.told > 0 && all.damaged > 200, "{all:?}");
}

#[test]
fn v1() {
    wrong_kinds(Api::V1);
}

#[test]
fn v2() {
    wrong_kinds(Api::V2);
}

#[test]
fn v3() {
    wrong_kinds(Api::V3);
}
