//! A byte changed in Patients and Coverages: other beneficiaries keep their rows, and the claims of this one stay.

use std::collections::HashSet;

use claimfeed::Api;
use claimfeed::sandbox::{Resource, Shape, Synth};
use serde_json::Value;

use super::is_long;
use super::lot::{CLAIMS, rows, run};

const PEOPLE: &str = "people.ndjson";

/// What a byte becomes.
const WORDS: &[u8] = b"\"\\{}[],: 0-e\0\x1f\x80\xff";

/// A line of people and whose it is.
struct Person {
    line: String,
    of: u64,
}

/// What tells whose a line is: its own id, or the beneficiary's.
fn ids(person: &Value) -> Vec<String> {
    [&person["id"], &person["beneficiary"]["reference"]].into_iter().filter_map(Value::as_str).map(last).collect()
}

fn last(reference: &str) -> String {
    reference.rsplit('/').next().unwrap_or_default().to_string()
}

fn flipped(api: Api) {
    let beneficiaries: u64 = if is_long() { 24_000 } else { 600 };
    let synth = Synth { claims_per_beneficiary: 1, seed: 11, shape: Shape::plain(), ..Synth::new(api) };
    let (mut people, mut claims) = (Vec::new(), Vec::new());
    for of in 0..beneficiaries {
        synth.beneficiary(of, &mut |resource, line| {
            let line = String::from_utf8(line.to_vec()).unwrap();
            match resource {
                Resource::ExplanationOfBenefit => claims.push((of, line)),
                _ => people.push(Person { line, of }),
            }
        });
    }
    let known: HashSet<String> =
        people.iter().flat_map(|person| ids(&serde_json::from_str(&person.line).unwrap())).collect();

    // Of every second beneficiary one line is damaged, at an offset that goes through all of it with the beneficiaries.
    let (mut damaged, mut hit) = (Vec::new(), 0usize);
    let mut struck: HashSet<u64> = HashSet::new();
    for person in &people {
        let mut bytes = person.line.clone().into_bytes();
        if person.of % 2 == 1
            && (person.of as usize / 2 + damaged.len()).is_multiple_of(3)
            && !struck.contains(&person.of)
        {
            let at = hit * 37 % bytes.len();
            let choice = hit % (8 + WORDS.len());
            bytes[at] = if choice < 8 { bytes[at] ^ (1 << choice) } else { WORDS[choice - 8] };
            let changed: Option<Value> = serde_json::from_slice(&bytes).ok();
            let own = ids(&serde_json::from_str(&person.line).unwrap());
            let collides =
                changed.is_some_and(|one| ids(&one).iter().any(|id| !own.contains(id) && known.contains(id)));
            if collides || bytes[at] == b'\n' || bytes == person.line.as_bytes() {
                bytes = person.line.clone().into_bytes();
            } else {
                struck.insert(person.of);
            }
            hit += 1;
        }
        damaged.push(bytes);
    }
    assert!(struck.len() as u64 > beneficiaries / 5, "{}", struck.len());

    let folder = tempfile::tempdir().unwrap();
    let convert = |name: &str, lines: &[Vec<u8>]| {
        let export = folder.path().join(name);
        std::fs::create_dir(&export).unwrap();
        std::fs::write(export.join(PEOPLE), lines.join(&b'\n')).unwrap();
        let text: Vec<&str> = claims.iter().map(|(_, line)| line.as_str()).collect();
        std::fs::write(export.join(CLAIMS), text.join("\n")).unwrap();
        let out = folder.path().join(format!("{name}-out"));
        let (_, told) = run(&export, &out).unwrap_or_else(|error| panic!("one damaged line ends the run: {error}"));
        (rows(&out, PEOPLE), rows(&out, CLAIMS), told)
    };
    let sound: Vec<Vec<u8>> = people.iter().map(|person| person.line.clone().into_bytes()).collect();
    let (people_before, claims_before, _) = convert("sound", &sound);
    let (people_after, claims_after, told) = convert("damaged", &damaged);

    let mut silent = 0;
    for (at, person) in people.iter().enumerate() {
        let line = at as u64 + 1;
        let text = String::from_utf8_lossy(&damaged[at]);
        if !struck.contains(&person.of) {
            assert_eq!(people_after.get(&line), people_before.get(&line), "beneficiary {} changed", person.of);
        } else if damaged[at] != sound[at] {
            let is_told = told.0.get(PEOPLE).is_some_and(|lines| lines.contains_key(&line));
            let is_sound = serde_json::from_slice::<Value>(&damaged[at]).is_ok();
            assert!(is_told || is_sound, "broken without a word: {text}");
            let was_there = people_before.contains_key(&line);
            assert!(is_told || !was_there || people_after.contains_key(&line), "gone without a word: {text}");
            silent += u64::from(!is_told);
        }
    }
    for (at, (of, _)) in claims.iter().enumerate() {
        let line = at as u64 + 1;
        let (before, after) = (claims_before.get(&line), claims_after.get(&line));
        if struck.contains(of) {
            assert_eq!(before.map(Vec::len), after.map(Vec::len), "rows of a claim went with its Patient");
        } else {
            assert_eq!(before, after, "a claim of beneficiary {of} changed");
        }
    }
    eprintln!(
        "{}: {} of {beneficiaries} beneficiaries damaged, {silent} of them still sound",
        api.name(),
        struck.len()
    );
}

#[test]
fn v1() {
    flipped(Api::V1);
}

#[test]
fn v2() {
    flipped(Api::V2);
}

#[test]
fn v3() {
    flipped(Api::V3);
}
