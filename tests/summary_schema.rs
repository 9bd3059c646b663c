//! summary.json is what docs/summary.schema.json says, member for member, whatever the run was.
//!
//! The few words of JSON Schema that the document uses are checked here; a word that is not known here fails.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use claimfeed::Api;
use claimfeed::report::SUMMARY_VERSION;
use claimfeed::sandbox::Synth;
use common::convert;
use serde_json::{Value, json};

fn schema() -> Value {
    serde_json::from_str(include_str!("../docs/summary.schema.json")).unwrap()
}

/// What is wrong with a value, with its place.
fn faults(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return faults(root, root.pointer(&reference[1..]).unwrap(), value, at, found);
    }
    let mut fault = |what: String| found.push(format!("{at}: {what}"));
    let mut below: Vec<(&Value, &Value, String)> = Vec::new();
    for (word, says) in schema.as_object().unwrap() {
        match word.as_str() {
            "$schema" | "$id" | "title" | "description" | "$defs" => {}
            "const" if says == value => {}
            "enum" if says.as_array().unwrap().contains(value) => {}
            "type" => {
                let kinds = says.as_array().cloned().unwrap_or_else(|| vec![says.clone()]);
                if !kinds.iter().any(|kind| is(value, kind.as_str().unwrap())) {
                    fault(format!("expected {says}, found {value}"));
                }
            }
            "minimum" if value.as_f64() >= says.as_f64() => {}
            "pattern" => {
                let text = value.as_str().unwrap_or("not a text");
                if !matches_pattern(says.as_str().unwrap(), text) {
                    fault(format!("expected {says}, found {text}"));
                }
            }
            "required" => {
                for name in says.as_array().unwrap().iter().map(|name| name.as_str().unwrap()) {
                    if value.get(name).is_none() {
                        fault(format!("expected a member {name}, found none"));
                    }
                }
            }
            "properties" | "additionalProperties" => {}
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                below.extend(items.map(|(n, item)| (says, item, format!("{at}/{n}"))));
            }
            _ => fault(format!("{word} {says} does not hold for {value}")),
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(own), _) => below.push((own, member, at)),
            (None, Value::Object(_)) => below.push((&schema["additionalProperties"], member, at)),
            (None, _) => found.push(format!("{at}: expected no such member")),
        }
    }
    for (schema, value, at) in below {
        faults(root, schema, value, &at, found);
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => panic!("{kind} is no kind"),
    }
}

/// The two patterns of the document.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    if pattern.contains('T') {
        let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        return shape == "0000-00-00T00:00:00Z";
    }
    assert_eq!(pattern, "^(-?[0-9]+\\.[0-9]{2})?$", "a pattern that is known here");
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let amount = text.strip_prefix('-').unwrap_or(text).split_once('.');
    text.is_empty() || amount.is_some_and(|(whole, cents)| digits(whole) && digits(cents) && cents.len() == 2)
}

fn check(value: &Value) -> Vec<String> {
    let (schema, mut found) = (schema(), Vec::new());
    faults(&schema, &schema, value, "", &mut found);
    found
}

fn key(folder: &Path) -> String {
    let path = folder.join("key");
    std::fs::write(&path, "7d".repeat(32)).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    path.display().to_string()
}

#[test]
fn every_summary_follows_it() {
    for api in Api::ALL {
        let folder = tempfile::tempdir().unwrap();
        let export = folder.path().join("export");
        Synth { beneficiaries: 12, seed: 9, ..Synth::new(api) }.write(&export).unwrap();
        let claims = export.join("ExplanationOfBenefit.ndjson");
        let text = std::fs::read_to_string(&claims).unwrap();
        let damaged = format!("{text}\n{{\"cut\n{}", text.replacen("\"active\"", "\"cancelled\"", 3));
        let key = key(folder.path());
        let more: [&[&str]; 5] = [
            &[],
            &["--adjustments", "cclf-pairs", "--enrollment"],
            &["--adjustments", "raw"],
            &["--tables", "CCLF8"],
            &["--pseudonymize", &key, "--shift-dates"],
        ];
        for options in more {
            let output = convert(&[&export], options);
            assert_eq!(check(&output.summary), [""; 0], "{} {options:?}", api.name());
        }
        std::fs::write(&claims, damaged).unwrap();
        let output = convert(&[&export], &["--adjustments", "cclf-pairs"]);
        assert_eq!(output.code, 3);
        assert!(!output.summary["issues"].as_array().unwrap().is_empty());
        assert_eq!(check(&output.summary), [""; 0], "{}", api.name());
    }
    assert_eq!(schema()["properties"]["summary_version"]["const"], SUMMARY_VERSION);
}

/// It says something: a summary that is changed anywhere fails it.
#[test]
fn it_refuses_others() {
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export");
    Synth { beneficiaries: 2, seed: 9, ..Synth::new(Api::V2) }.write(&export).unwrap();
    let sound = convert(&[&export], &["--pseudonymize", &key(folder.path())]).summary;
    let changes: [(&str, Value); 10] = [
        ("/pseudonyms/dates_shifted", json!("no")),
        ("/summary_version", json!(1)),
        ("/api", json!("v4")),
        ("/inputs/0/lines", json!(-1)),
        ("/inputs/0/lines", json!("7")),
        ("/finished", json!("today")),
        ("/payments/CARRIER/read", json!(12.5)),
        ("/payments/CARRIER/read", json!("12.5")),
        ("/fields/CCLF1/0/status", json!("lost")),
        ("/tables/CCLF1", json!(null)),
    ];
    for (path, value) in changes {
        let mut changed = sound.clone();
        *changed.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
        let found = check(&changed);
        assert!(!found.is_empty() && found.iter().all(|fault| fault.starts_with(path)), "{path}: {found:?}");
    }
    for name in sound.as_object().unwrap().keys() {
        let mut changed = sound.clone();
        changed.as_object_mut().unwrap().remove(name);
        // Tables without pseudonyms have none to tell of.
        assert_eq!(check(&changed).len(), usize::from(name != "pseudonyms"), "without {name}");
    }
    let mut changed = sound.clone();
    changed["more"] = json!(1);
    assert_eq!(check(&changed), ["/more: expected no such member"]);
}
