//! Changes that turn a sound record into an odd one.
//!
//! A change is four numbers, so that a failing list of changes shrinks to the few that matter. What it applies to is
//! counted among the record's values at that moment.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::write::RAW;

/// One change.
#[derive(Debug, Clone)]
pub struct Change {
    kind: u8,
    place: u32,
    other: u32,
    odd: u32,
}

/// A step down to a value.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Key(String),
    At(usize),
}

/// Numbers as a JSON text may spell them.
const SPELLINGS: [&str; 24] = [
    "0",
    "-0",
    "-0.0",
    "0.00",
    "1.0",
    "2",
    "-1",
    "2.50",
    "1e2",
    "1E-7",
    "1.5e300",
    "1e21",
    "1e400",
    "0.1e-5",
    "12345678901234567890",
    "18446744073709551616",
    "123456789012345.678",
    "9007199254740993",
    "0.30000000000000004",
    "-9223372036854775808",
    "-9223372036854775809",
    "99999999999999.99",
    "1000000000000000000",
    "3.0000",
];

impl Change {
    /// Any change.
    pub fn any() -> impl Strategy<Value = Change> {
        (0..15u8, any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(kind, place, other, odd)| Change {
            kind,
            place,
            other,
            odd,
        })
    }

    /// The change that four numbers say; for those who have their numbers from elsewhere.
    #[allow(dead_code)] // the fuzz target uses it
    pub fn of([kind, place, other, odd]: [u32; 4]) -> Change {
        Change { kind: (kind % 15) as u8, place, other, odd }
    }

    /// Changes the record.
    pub fn apply(&self, record: &mut Value) {
        match self.kind {
            0 | 1 => self.drop_one(record),
            2 => self.duplicate(record),
            3 => self.reorder(record),
            4 | 5 => self.sequence(record),
            6..=8 => self.copy_of_same_key(record),
            14 => self.second_family(record),
            9 => self.wrap(record),
            10 => self.unwrap(record),
            _ => self.replace(record),
        }
    }

    fn drop_one(&self, record: &mut Value) {
        let Some(mut way) = pick(&places(record, |_, _| true), self.place) else { return };
        let Some(last) = way.pop() else { return };
        match (at(record, &way), last) {
            (Some(Value::Object(members)), Step::Key(key)) => drop(members.remove(&key)),
            (Some(Value::Array(elements)), Step::At(n)) => drop(elements.remove(n)),
            _ => {}
        }
    }

    fn duplicate(&self, record: &mut Value) {
        let Some(way) = pick(&places(record, |_, value| matches!(value, Value::Array(e) if !e.is_empty())), self.place)
        else {
            return;
        };
        if let Some(Value::Array(elements)) = at(record, &way) {
            let copy = elements[self.other as usize % elements.len()].clone();
            elements.insert(self.odd as usize % (elements.len() + 1), copy);
        }
    }

    fn reorder(&self, record: &mut Value) {
        let Some(way) = pick(&places(record, |_, value| matches!(value, Value::Array(e) if e.len() > 1)), self.place)
        else {
            return;
        };
        if let Some(Value::Array(elements)) = at(record, &way) {
            let len = elements.len();
            elements.swap(self.other as usize % len, self.odd as usize % len);
            elements.rotate_left(self.odd as usize / 7 % len);
        }
    }

    /// Sequences and the lists that point to them.
    fn sequence(&self, record: &mut Value) {
        let linking = |key: &str, value: &Value| {
            let key = key.to_ascii_lowercase();
            (key.ends_with("sequence") || key.ends_with("linkid")) && !value.is_array()
        };
        let Some(way) = pick(&places(record, linking), self.place) else { return };
        let near = self.other % 5;
        let value = match self.odd % 8 {
            0 => json!(near.to_string()),
            1 => json!(f64::from(near)),
            2 => json!({ RAW: SPELLINGS[self.other as usize % SPELLINGS.len()] }),
            _ => json!(near),
        };
        if let Some(place) = at(record, &way) {
            *place = value;
        }
    }

    /// Another value of the same key: codes, systems, whole elements.
    fn copy_of_same_key(&self, record: &mut Value) {
        let Some(to) = pick(&places(record, |_, value| self.kind == 6 || value.is_string()), self.place) else {
            return;
        };
        let key = key_of(&to);
        let from = places(record, |other, _| other == key);
        let Some(from) = pick(&from, self.other) else { return };
        let copy = at(record, &from).map(|value| value.clone());
        if let (Some(copy), Some(place)) = (copy, at(record, &to)) {
            *place = copy;
        }
    }

    /// A claim that seems to be of two families.
    fn second_family(&self, record: &mut Value) {
        const FAMILIES: [&str; 8] = ["INPATIENT", "CARRIER", "HOSPICE", "DME", "PDE", "SNF", "OUTPATIENT", "HHA"];
        let Some(Value::Array(codings)) = record.get_mut("type").and_then(|kind| kind.get_mut("coding")) else {
            return;
        };
        let Some(mut coding) = codings.get(self.odd as usize % codings.len().max(1)).cloned() else { return };
        if let Some(code) = coding.get_mut("code") {
            *code = json!(FAMILIES[self.other as usize % FAMILIES.len()]);
            codings.insert(self.place as usize % (codings.len() + 1), coding);
        }
    }

    fn wrap(&self, record: &mut Value) {
        let Some(way) = pick(&places(record, |_, _| true), self.place) else { return };
        let Some(place) = at(record, &way) else { return };
        let inside = place.take();
        *place = match self.odd % 5 {
            0 => json!([inside]),
            1 => json!([[inside]]),
            2 => json!([null, inside]),
            3 => json!([inside, [], {}, ""]),
            _ => json!({ "code": inside }),
        };
    }

    fn unwrap(&self, record: &mut Value) {
        let Some(way) = pick(&places(record, |_, value| matches!(value, Value::Array(e) if !e.is_empty())), self.place)
        else {
            return;
        };
        if let Some(place) = at(record, &way) {
            let first = place.get_mut(0).map(Value::take);
            *place = first.unwrap_or_default();
        }
    }

    fn replace(&self, record: &mut Value) {
        let Some(way) = pick(&places(record, |_, _| true), self.place) else { return };
        if let Some(place) = at(record, &way) {
            *place = odd(self.odd);
        }
    }
}

/// Values nobody expects.
pub fn odd(n: u32) -> Value {
    let spelled = SPELLINGS[n as usize / 32 % SPELLINGS.len()];
    match n % 32 {
        0 => Value::Null,
        1 => json!(""),
        2 => json!("  "),
        3 => json!("~"),
        4 => json!(" 7 "),
        5 => json!("Zoë \u{1F600}\n\"\\/\u{7}"),
        6 => json!("A longer text than any picture of any field in all of the tables has columns for it"),
        7 => json!("9999-12-31"),
        8 => json!("2024-02-30"),
        9 => json!("2024-02-29T23:59:59+00:00"),
        10 => json!("2024"),
        11 => json!(true),
        12 => json!([]),
        13 => json!({}),
        14 => json!([[{"code": "1"}]]),
        15 => json!([null, "", "x"]),
        16 => json!("-12.50"),
        17 => json!("0007"),
        18 => json!("U.07.1"),
        19 => json!("#"),
        20 => json!("1.2e1"),
        21 => json!("62"),
        _ => json!({ RAW: spelled }),
    }
}

/// Ways to all values that pass; the record itself and what only people read are left out.
fn places(record: &Value, passes: impl Fn(&str, &Value) -> bool) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    let mut open = vec![(Vec::new(), record)];
    while let Some((way, value)) = open.pop() {
        if !way.is_empty() && passes(key_of(&way), value) {
            found.push(way.clone());
        }
        let mut enter = |step: Step, value| open.push(([way.as_slice(), &[step]].concat(), value));
        match value {
            Value::Object(members) if !members.contains_key(RAW) => {
                let wanted = members.iter().filter(|(key, _)| !["display", "text", "title"].contains(&key.as_str()));
                wanted.for_each(|(key, value)| enter(Step::Key(key.clone()), value));
            }
            Value::Array(elements) => elements.iter().enumerate().for_each(|(n, value)| enter(Step::At(n), value)),
            _ => {}
        }
    }
    found
}

/// The nearest key on a way.
fn key_of(way: &[Step]) -> &str {
    let key = way.iter().rev().find_map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None });
    key.unwrap_or("")
}

fn pick(ways: &[Vec<Step>], n: u32) -> Option<Vec<Step>> {
    if ways.is_empty() { None } else { Some(ways[n as usize % ways.len()].clone()) }
}

fn at<'a>(record: &'a mut Value, way: &[Step]) -> Option<&'a mut Value> {
    way.iter().try_fold(record, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::At(n) => value.get_mut(n),
    })
}
