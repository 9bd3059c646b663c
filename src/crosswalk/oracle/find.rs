//! Follows a path through a JSON value, step by step, as FHIRPath does with collections.
//!
//! A collection is a list of values, each with its position in the array it was found in. A member of a collection
//! is that member of each of its objects; arrays open into their elements, nulls are nothing, and an array directly
//! inside an array is not FHIR and is nothing too. Only strings, numbers and truth values have a text.

use serde_json::{Map, Number, Value};

use super::super::path::{Link, Path, Root, Step, Test};

/// Begins the text of a number whose digits an f64 cannot vouch for; no other text of a number begins so.
pub(super) const INEXACT: char = '≈';

/// Digits that survive the way through an f64 whatever they are.
const EXACT_DIGITS: usize = 15;

/// What links of a path refer to.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    /// the resource
    pub record: &'a Value,
    /// the element the row is made of
    pub row: Option<&'a Value>,
}

/// A value and its position in the array it was found in.
type Found<'a> = (usize, &'a Value);

/// The scalars at a path that starts at `start`, in the record's order; empty strings and those the path names
/// with `$this !=` are nothing.
///
/// Through a link each element gives at most its first one.
pub(super) fn values<'a>(path: &Path, start: &'a Value, scene: Scene<'_>) -> Vec<&'a Value> {
    let start = opened(start);
    let absent = |value: &&Value| value.as_str().is_some_and(|text| path.unless.iter().any(|one| one == text));
    let present =
        |found: Vec<Found<'a>>| scalars(&found).into_iter().filter(|value| !absent(value)).collect::<Vec<_>>();
    match path.steps.iter().position(|step| matches!(step, Step::Linked(_))) {
        None => present(follow(start, &path.steps, scene)),
        Some(at) => {
            let (to, beyond) = path.steps.split_at(at + 1);
            let first = |linked| present(follow(vec![linked], beyond, scene)).into_iter().next();
            follow(start, to, scene).into_iter().filter_map(first).collect()
        }
    }
}

/// The texts of [`values`].
pub(super) fn texts(path: &Path, start: &Value, scene: Scene<'_>) -> Vec<String> {
    values(path, start, scene).into_iter().map(text).collect()
}

/// The objects under a member of a resource.
pub(super) fn elements<'a>(record: &'a Value, key: &str) -> Vec<&'a Value> {
    member(&opened(record), key).into_iter().map(|(_, value)| value).filter(|value| value.is_object()).collect()
}

/// The whole number a value stands for, if it does.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64()?;
            (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64)
        }
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

fn follow<'a>(start: Vec<Found<'a>>, steps: &[Step], scene: Scene<'_>) -> Vec<Found<'a>> {
    steps.iter().fold(start, |found, step| match step {
        Step::Key(key) => member(&found, key),
        Step::Index(n) => found.into_iter().filter(|(position, _)| position == n).collect(),
        Step::Where(test) => found.into_iter().filter(|(_, value)| passes(value, test)).collect(),
        Step::Linked(link) => found.into_iter().filter(|(_, value)| linked(value, link, scene)).collect(),
    })
}

/// What a value holds once its array, if it is one, is opened.
fn opened(value: &Value) -> Vec<Found<'_>> {
    let held: Vec<Found<'_>> = match value {
        Value::Array(elements) => elements.iter().enumerate().filter(|(_, element)| !element.is_array()).collect(),
        value => vec![(0, value)],
    };
    held.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

fn member<'a>(found: &[Found<'a>], key: &str) -> Vec<Found<'a>> {
    let objects = found.iter().filter_map(|(_, value)| value.as_object());
    objects.filter_map(|object: &'a Map<String, Value>| object.get(key)).flat_map(opened).collect()
}

fn members<'a>(value: &'a Value, keys: &[String]) -> Vec<Found<'a>> {
    keys.iter().fold(opened(value), |found, key| member(&found, key))
}

/// Scalars, first to last, without empty strings.
fn scalars<'a>(found: &[Found<'a>]) -> Vec<&'a Value> {
    let scalar = |value: &&Value| !value.is_object() && value.as_str() != Some("");
    found.iter().map(|(_, value)| *value).filter(scalar).collect()
}

fn passes(value: &Value, test: &Test) -> bool {
    let accepted = |value: &Value| value.as_str().is_some_and(|text| test.accept.iter().any(|one| one.accepts(text)));
    members(value, &test.path).iter().any(|(_, value)| test.accept.is_empty() || accepted(value))
}

fn linked(element: &Value, link: &Link, scene: Scene<'_>) -> bool {
    let first = |value, keys: &[String]| scalars(&members(value, keys)).into_iter().next();
    match link {
        Link::Reference(keys) => {
            let reference = first(scene.record, keys).map(text);
            let id = first(element, &["id".to_string()]).map(text);
            id.is_some_and(|id| reference == Some(format!("#{id}")))
        }
        Link::Sequence { lists, negated } => {
            let lists: Vec<Vec<&Value>> = lists
                .iter()
                .map(|(root, keys)| {
                    let start = if *root == Root::Eob { Some(scene.record) } else { scene.row };
                    start.map(|start| scalars(&members(start, keys))).unwrap_or_default()
                })
                .collect();
            let sequence = first(element, &["sequence".to_string()]).and_then(whole);
            let named = |list: &Vec<&Value>| sequence.is_some() && list.iter().any(|one| whole(one) == sequence);
            if *negated {
                !lists.iter().any(named)
            } else {
                lists.iter().find(|list| !list.is_empty()).is_some_and(named)
            }
        }
    }
}

/// The text of a scalar.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number_text(number),
        _ => String::new(),
    }
}

/// Whole numbers as they are, others as the shortest decimal that reads back the same; zero has no sign.
fn number_text(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    if float == 0.0 {
        return "0".to_string();
    }
    let decimal = float.to_string();
    let digits = decimal.replace(['-', '.'], "");
    if digits.trim_matches('0').len() > EXACT_DIGITS { format!("{INEXACT}{decimal}") } else { decimal }
}

#[cfg(test)]
mod tests {
    use super::super::super::path::{Cell, Source};
    use super::*;
    use serde_json::json;

    fn found(cell: &str, record: &Value, row: Option<&Value>) -> Vec<String> {
        let Source::Path(path) = Cell::parse(cell).unwrap().alternatives.remove(0).source else { panic!("a literal") };
        let start = if path.root == Root::Item { row.unwrap() } else { record };
        texts(&path, start, Scene { record, row })
    }

    #[test]
    fn members_open_arrays_and_skip_what_is_nothing() {
        let eob = json!({"a": [{"b": [1, "", null, [2], {"c": 3}, "x"]}, {"b": 4.5}, [{"b": 5}], "y"]});
        assert_eq!(found("%eob.a.b", &eob, None), ["1", "x", "4.5"]);
        assert_eq!(found("%eob.a[1].b", &eob, None), ["4.5"]);
        assert_eq!(found("%eob.a.b.c", &eob, None), ["3"]);
        assert_eq!(found("%eob.a.b[4].c", &eob, None), ["3"]);
        assert_eq!(found("%eob.a.b[1].c", &eob, None), [""; 0]);
    }

    #[test]
    fn tests_look_at_strings_and_exists_at_anything() {
        let eob = json!({"a": [{"k": ["p", "q"], "v": 1}, {"k": 7, "v": 2}, {"k": null, "v": 3}, {"k": {}, "v": 4}]});
        assert_eq!(found("%eob.a.where(k='q').v", &eob, None), ["1"]);
        assert_eq!(found("%eob.a.where(k='7').v", &eob, None), [""; 0]);
        assert_eq!(found("%eob.a.where(k.exists()).v", &eob, None), ["1", "2", "4"]);
        assert_eq!(found("%eob.a.v.where($this != '1')", &eob, None), ["1", "2", "3", "4"]);
    }

    #[test]
    fn links_compare_numbers_and_give_one_value_each() {
        let eob = json!({"item": [{"l": []}, {"l": [2, "1"]}],
            "t": [{"sequence": 1, "v": ["a", "b"]}, {"sequence": 2.0, "v": "c"}, {"sequence": 3, "v": "d"}, {"v": "e"}],
            "contained": [{"id": "x", "v": 1}, {"id": "y", "v": 2}], "r": {"reference": "#y"}});
        let row = Some(&eob["item"][1]);
        assert_eq!(found("%eob.t.where(sequence in %item.l).v", &eob, row), ["a", "c"]);
        assert_eq!(found("%eob.t.where(sequence in (%item.none | %item.l)).v", &eob, row), ["a", "c"]);
        assert_eq!(found("%eob.t.where((sequence in %eob.item.l).not()).v", &eob, None), ["d", "e"]);
        assert_eq!(found("%eob.contained.where('#' + id = %eob.r.reference).v", &eob, None), ["2"]);
    }

    #[test]
    fn numbers_keep_their_digits_or_are_marked() {
        let eob = json!({"n": [120, 20.2, 120.0, -0.0, 18446744073709551615u64, 1e21, 12345678901234.567, true]});
        let expected = [
            "120",
            "20.2",
            "120",
            "0",
            "18446744073709551615",
            "1000000000000000000000",
            "≈12345678901234.566",
            "true",
        ];
        assert_eq!(found("%eob.n", &eob, None), expected);
    }
}
