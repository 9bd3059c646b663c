//! Oddities of a claim, one each, with what belongs to it: rows or none, and the words of its issue.

use claimfeed::Api;
use claimfeed::report::Weight;
use serde_json::{Value, json};

use super::lot::{CLAIMS, Material, rows, run};

/// A text, whether it gives rows, and kind and words of its issue; none if it is as good as any.
struct Case {
    name: String,
    text: Vec<u8>,
    has_rows: bool,
    issue: Option<(&'static str, &'static str)>,
}

#[derive(Default)]
struct Cases(Vec<Case>);

impl Cases {
    fn add(
        &mut self,
        name: &str,
        text: impl Into<Vec<u8>>,
        has_rows: bool,
        issue: Option<(&'static str, &'static str)>,
    ) {
        self.0.push(Case { name: name.to_string(), text: text.into(), has_rows, issue });
    }

    fn fine(&mut self, name: &str, text: impl Into<Vec<u8>>) {
        self.add(name, text, true, None);
    }

    fn broken(&mut self, name: &str, text: impl Into<Vec<u8>>, words: &'static str) {
        self.add(name, text, false, Some(("broken-line", words)));
    }

    fn misfit(&mut self, name: &str, text: impl Into<Vec<u8>>, words: &'static str) {
        self.add(name, text, true, Some(("misfit", words)));
    }
}

const NOT_JSON: &str = "expected one JSON resource, found something that is not JSON: left out";
const NUMBER: &str = "expected one JSON resource, found a broken or too large number: left out";
const NOT_UTF8: &str = "expected one JSON resource, found bytes that are not UTF-8: left out";
const NO_DATE: &str = "found one that is not a full date";
const NO_TYPE: &str = "found JSON without a resourceType: left out";

fn changed(claim: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut value = serde_json::from_str(claim).unwrap();
    change(&mut value);
    value.to_string()
}

/// The claim with something more at its end.
fn with(claim: &str, more: &str) -> String {
    format!("{},{more}}}", &claim[..claim.len() - 1])
}

/// The claim with the first text behind `mark` replaced.
fn replaced(claim: &str, mark: &str, by: &str) -> String {
    let start = claim.find(mark).unwrap_or_else(|| panic!("no {mark}")) + mark.len();
    let length = claim[start..].find([',', '}']).unwrap();
    format!("{}{by}{}", &claim[..start], &claim[start + length..])
}

fn dates(cases: &mut Cases, claim: &str) {
    let date = |text: &str| replaced(claim, r#""billablePeriod":{"end":"#, text);
    for text in [
        r#""2024-02-29""#,
        r#""2024-02-29T00:00:00Z""#,
        r#""2024-02-29T23:59:59.999-05:00""#,
        r#""9999-12-31""#,
        r#""\u0032024-02-29""#,
        "null",
    ] {
        cases.fine(&format!("date {text}"), date(text));
    }
    for text in [
        r#""2024""#,
        r#""2024-02""#,
        r#""20240229""#,
        r#""2023-02-29""#,
        r#""0000-00-00""#,
        r#""yesterday""#,
        "20240229",
    ] {
        cases.misfit(&format!("date {text}"), date(text), NO_DATE);
    }
    cases.broken("date with half a surrogate", date(r#""\ud800""#), "found a broken escape in a string");
}

fn amounts(cases: &mut Cases, claim: &str) {
    let paid = claim.find("variables/line_alowd_chrg_amt").unwrap();
    let at = claim[..paid].rfind(r#""value":"#).unwrap();
    let amount = |text: &str| format!("{}{}", &claim[..at], replaced(&claim[at..], r#""value":"#, text));
    for text in ["-0", "-0.00", "0.1000", "1e2", "1E-2", "12.50 ", "\"12.50\"", "null"] {
        cases.fine(&format!("amount {text}"), amount(text));
    }
    let long = "1234567890123456789012345678901234567890";
    for text in [
        "1e400",
        "-1e400",
        long,
        "00.5",
        "5.",
        "-",
        "1.2.3",
        "99999999999999999999",
        "8,69",
        "8 69",
        "8x69",
        "0x10",
        "8_69",
    ] {
        // One damaged byte in 8.69 must not make it 8.00.
        let words = if ["8,69", "8 69", "8x69", "0x10", "8_69"].contains(&text) {
            "expected one JSON resource"
        } else {
            NUMBER
        };
        cases.broken(&format!("amount {text}"), amount(text), words);
    }
    for text in ["+1", ".5", "NaN", "Infinity"] {
        cases.broken(&format!("amount {text}"), amount(text), NOT_JSON);
    }
    cases.misfit("amount of 40 decimals", amount(&format!("0.{long}")), "more digits than can be read exactly");
    cases.misfit("amount with half a cent", amount("0.005"), "more decimals than its picture");
    cases.misfit("amount too wide", amount("123456789012345.67"), "wider than its picture");
    cases.misfit("amount true", amount("true"), "not a number");
    cases.misfit("amount with a comma", amount("\"12,50\""), "not a number");
    cases.add("two amounts", amount("[1").replacen("[1", "[1,2]", 1), true, Some(("ambiguous-value", "found several")));
}

fn bytes(cases: &mut Cases, claim: &str) {
    let raw = |more: &[u8]| [&claim.as_bytes()[..claim.len() - 1], b",\"unused\":\"", more, b"\"}"].concat();
    cases.broken("a byte outside UTF-8 in skipped text", raw(b"\xc3"), NOT_UTF8);
    cases.broken("a surrogate in UTF-8", raw(b"\xed\xa0\x80"), NOT_UTF8);
    cases.broken("a raw NUL in skipped text", raw(b"\0"), NOT_JSON);
    cases.broken("a control character in skipped text", raw(b"\x01"), NOT_JSON);
    cases.broken(
        "a byte outside UTF-8 in a key",
        [&claim.as_bytes()[..2], b"\xff", &claim.as_bytes()[2..]].concat(),
        NOT_UTF8,
    );
    cases.fine("an escaped NUL in skipped text", raw(b"\\u0000"));
    cases.fine("an escaped key", claim.replacen("\"billablePeriod\"", "\"\\u0062illablePeriod\"", 1));
    cases.broken("a byte order mark not at the beginning", format!("\u{feff}{claim}"), NOT_JSON);
    cases.broken(
        "UTF-16",
        claim.encode_utf16().flat_map(u16::to_le_bytes).filter(|byte| *byte != b'\n').collect::<Vec<_>>(),
        NOT_JSON,
    );
    cases.fine("carriage return before the line feed", format!("{claim}\r"));
    cases.fine("spaces around", format!(" \t{claim}  "));
    for (name, text) in [("nothing", ""), ("spaces", "  \t "), ("a carriage return", "\r")] {
        cases.add(name, text, false, None);
    }
}

fn documents(cases: &mut Cases, claim: &str) {
    cases.broken("two resources on a line", format!("{claim} {claim}"), NOT_JSON);
    cases.broken("two resources and a comma", format!("{claim},{claim}"), NOT_JSON);
    cases.broken("a comma at the end", format!("{claim},"), NOT_JSON);
    cases.broken("a comma before the last brace", format!("{},}}", &claim[..claim.len() - 1]), NOT_JSON);
    cases.broken("a comment", format!("{claim}// good"), NOT_JSON);
    cases.broken("single quotes", claim.replace('"', "'"), NOT_JSON);
    cases.broken("a page of HTML", "<html><body>504 Gateway Time-out</body></html>", NOT_JSON);
    for (name, text) in [
        ("a list of one resource", format!("[{claim}]")),
        ("a list of two resources", format!("[{claim},{claim}]")),
        ("null", "null".to_string()),
        ("a number", "7".to_string()),
        ("a text", "\"x\"".to_string()),
        ("an empty object", "{}".to_string()),
        ("an empty list", "[]".to_string()),
    ] {
        cases.add(name, text, false, Some(("unknown-resource", NO_TYPE)));
    }
    let bundle = format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{claim}}}]}}"#);
    cases.add("a Bundle", bundle, false, Some(("unknown-resource", "found another resource: left out")));
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    cases.fine("10,000 lists in skipped text", with(claim, &format!("\"unused\":{}", deep("[", "]"))));
    cases.fine("10,000 objects in skipped text", with(claim, &format!("\"unused\":{}", deep("{\"a\":", "}"))));
    cases.broken("10,000 open brackets", "[".repeat(10_000), "expected one JSON resource");
    cases.broken(
        "10,000 brackets that never close",
        with(claim, &format!("\"unused\":{}", "[".repeat(10_000))),
        NOT_JSON,
    );
    let misplaced = Some(("misplaced-value", "expected a text or a number, found an object: as if it were not there"));
    cases.add(
        "an object as a date",
        replaced(claim, r#""billablePeriod":{"end":"#, r#"{"value":"2024-02-29"}"#),
        true,
        misplaced,
    );
    let payment = changed(claim, |claim| claim["payment"] = json!("12.50"));
    cases.add(
        "a text as the payment",
        payment,
        true,
        Some(("misplaced-value", "expected an object, found a text or a number")),
    );
    cases.add("a list of lists as a date", replaced(claim, r#""billablePeriod":{"end":"#, &deep("[", "]")), true, None);
}

fn arrays(cases: &mut Cases, claim: &str) {
    let items = |change: &dyn Fn(usize, &mut Value)| {
        changed(claim, |claim| {
            claim["item"].as_array_mut().unwrap().iter_mut().enumerate().for_each(|(n, item)| change(n, item));
        })
    };
    cases.fine("no sequence", items(&|_, item| drop(item.as_object_mut().unwrap().remove("sequence"))));
    cases.fine("the same sequence twice", items(&|_, item| item["sequence"] = json!(1)));
    cases.fine("a negative sequence", items(&|n, item| item["sequence"] = json!(-(n as i64))));
    cases.fine("sequences out of order", items(&|n, item| item["sequence"] = json!(99 - n)));
    cases.fine("a sequence as text", items(&|n, item| item["sequence"] = json!(n.to_string())));
    cases.fine("an object where a list stands", changed(claim, |claim| claim["item"] = claim["item"][0].clone()));
    for (name, value) in
        [("an empty list", json!([])), ("null", json!(null)), ("a list of null", json!([null])), ("text", json!("x"))]
    {
        let text = changed(claim, |claim| claim["item"] = value);
        cases.add(
            &format!("{name} for lines"),
            text,
            false,
            Some(("no-lines", "expected a claim with lines, found none")),
        );
    }
    for mark in ["diagnosis", "careTeam", "supportingInfo", "extension", "identifier", "total"] {
        cases.fine(&format!("an empty {mark}"), changed(claim, |claim| claim[mark] = json!([])));
    }
    let no_patient = changed(claim, |claim| drop(claim.as_object_mut().unwrap().remove("patient")));
    cases.add("no patient", no_patient, true, Some(("unknown-patient", "found none: rows have no BENE_MBI_ID")));
    let no_type = changed(claim, |claim| drop(claim.as_object_mut().unwrap().remove("type")));
    cases.add(
        "no type",
        no_type,
        false,
        Some(("unknown-claim-family", "expected a claim with an EOB type, found none")),
    );
    let many = format!("\"item\":[{}]", vec!["{}"; 60_000].join(","));
    let crowded = ("crowded", "expected fewer than 50000 lines and other elements in a resource, found more: left out");
    cases.add(
        "60,000 lines",
        changed(claim, |claim| drop(claim.as_object_mut().unwrap().remove("item"))).replacen(
            '{',
            &format!("{{{many},"),
            1,
        ),
        false,
        Some(crowded),
    );
}

#[test]
fn every_oddity_has_its_words() {
    let material = Material::of(Api::V2);
    let claim = material.claim("CARRIER");
    let mut cases = Cases::default();
    cases.fine("a claim", claim);
    dates(&mut cases, claim);
    amounts(&mut cases, claim);
    bytes(&mut cases, claim);
    documents(&mut cases, claim);
    arrays(&mut cases, claim);

    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export");
    std::fs::create_dir(&export).unwrap();
    std::fs::write(export.join("people.ndjson"), material.people.join("\n")).unwrap();
    let texts: Vec<&[u8]> = cases.0.iter().map(|case| case.text.as_slice()).collect();
    // A byte order mark at the beginning and no line feed at the end mean nothing.
    std::fs::write(export.join(CLAIMS), [b"\xEF\xBB\xBF".as_slice(), &texts.join(&b'\n')].concat()).unwrap();
    let out = folder.path().join("out");
    let (report, told) = run(&export, &out).unwrap();
    assert_eq!(report.inputs[0].lines, cases.0.len() as u64);
    let (rows, issues) = (rows(&out, CLAIMS), &told.0[CLAIMS]);

    let mut wrong = Vec::new();
    for (at, case) in cases.0.iter().enumerate() {
        let line = at as u64 + 1;
        let own = issues
            .get(&line)
            .map_or(Vec::new(), |own| own.iter().map(|issue| (issue.kind, issue.message.clone())).collect());
        let as_expected = match case.issue {
            None => !issues.get(&line).is_some_and(|own| own.iter().any(|issue| issue.weight != Weight::Notice)),
            Some((kind, words)) => own.iter().any(|(found, message)| *found == kind && message.contains(words)),
        };
        if !as_expected || rows.contains_key(&line) != case.has_rows {
            wrong.push(format!(
                "{}: rows {}, expected {:?}, found {own:?}",
                case.name,
                rows.contains_key(&line),
                case.issue
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.0.len(), wrong.join("\n"));
}

/// A whole resource of empty lines, as many as fit: memory and time stay bounded.
#[test]
fn a_line_of_millions_of_lines() {
    let material = Material::of(Api::V2);
    let claim = material.claim("CARRIER");
    let count = if super::is_long() { 21_000_000 } else { 1_000_000 };
    let none = changed(claim, |claim| drop(claim.as_object_mut().unwrap().remove("item")));
    let crowd = none.replacen('{', &format!("{{\"item\":[{}{{}}],", "{},".repeat(count)), 1);
    assert!(crowd.len() < 64 << 20);
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export");
    std::fs::create_dir(&export).unwrap();
    std::fs::write(export.join("people.ndjson"), material.people.join("\n")).unwrap();
    std::fs::write(export.join(CLAIMS), format!("{claim}\n{crowd}\n{claim}")).unwrap();
    let out = folder.path().join("out");
    let (report, _) = run(&export, &out).unwrap();
    let rows = rows(&out, CLAIMS);
    assert!(rows.contains_key(&1) && rows.get(&1) == rows.get(&3) && !rows.contains_key(&2));
    assert_eq!((report.issues[0].kind.as_str(), report.issues[0].count), ("crowded", 1));
}
