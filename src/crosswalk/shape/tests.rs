//! Walks that know shapes against walks that do not: the same captures, whatever came before.

use proptest::prelude::*;

use super::*;
use crate::crosswalk::builder::Builder;
use crate::crosswalk::path::{Literal, Step, Test};
use crate::crosswalk::plan::{Mode, Plan};
use crate::crosswalk::walk::Walker;
use crate::parse::scan::Scanner;

fn key(name: &str) -> Step {
    Step::Key(name.into())
}

fn slice(path: &[&str], accept: &[&str]) -> Step {
    let path = path.iter().map(|name| String::from(*name)).collect();
    let literal = |text: &&str| match text.strip_suffix('*') {
        Some(prefix) => Literal::StartsWith(prefix.into()),
        None => Literal::Is(String::from(*text)),
    };
    Step::Where(Test { path, accept: accept.iter().map(literal).collect() })
}

/// A bit of everything: slices by concept and by text, by beginning and by presence, texts that decide and are
/// captured, all modes, a scope, an index, a family.
fn plan() -> Plan {
    let code = ["category", "coding", "code"];
    let mut builder = Builder::new();
    let scope = builder.scope("part");
    for scope in [0, scope] {
        let list = if scope == 0 { vec![key("list")] } else { Vec::new() };
        let mut want = |steps: &[Step], mode: Mode, unless: &[String], families: Option<&[String]>| {
            builder.capture(scope, &[&list[..], steps].concat(), mode, unless, families)
        };
        let amount = [key("amount"), key("value")];
        let none: &[String] = &[];
        want(&[&[slice(&code, &["a"])], &amount[..]].concat(), Mode::Single, none, None);
        want(&[&[slice(&code, &["b", "c"])], &amount[..]].concat(), Mode::First, none, None);
        want(&[slice(&code, &["d*"]), key("note")], Mode::Last, none, None);
        want(&[slice(&code, &[]), key("note")], Mode::Many, none, None);
        want(&[slice(&["url"], &["a"]), key("note")], Mode::Many, none, None);
        want(&[key("category"), key("coding"), key("code")], Mode::List(3), none, None);
        want(&[key("note")], Mode::First, &["b".into()], None);
        want(&[key("category"), key("coding"), key("system")], Mode::Many, none, None);
        want(&[key("category"), key("text")], Mode::Many, none, None);
        want(&[key("category"), key("coding"), Step::Index(1), key("system")], Mode::First, none, None);
        want(&[slice(&["url"], &["c"]), key("category"), key("text")], Mode::First, none, Some(&["a".into()]));
    }
    let family = builder.capture(0, &[key("kind")], Mode::First, &[], None);
    builder.decide_family_by(family);
    builder.finish()
}

/// What a walk gives, by a walker that may have walked before.
fn walked(walker: &mut Walker<u32>, plan: &Plan, line: &str) -> Option<String> {
    let mut scanner = Scanner::default();
    let record = scanner.group(line.as_bytes())?.record(0, line.len());
    let end = walker.walk(plan, &record);
    record.is_sound(end).then(|| format!("{end} {:?}", walker.frames))
}

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a",
        "b",
        "c",
        "d1",
        "d2",
        "",
        "long enough to cross a word of 64 bytes, or even two of them",
    ])
    .prop_map(String::from)
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => text().prop_map(|text| format!("\"{text}\"")),
        6 => (0..1000i32, 0..3u32).prop_map(|(n, scale)| format!("{:.*}", scale as usize, f64::from(n - 300) / 10.0)),
        3 => prop::sample::select(vec!["null", "null", "null", "true", "{}", "[]", "[\"a\",\"b\"]", r#"{"x":[{"y":"}"}]}"#, "[[1],{}]"])
            .prop_map(String::from),
    ]
}

/// What only the tape reads, or nobody.
fn odd_value() -> impl Strategy<Value = String> {
    let odd = vec![r#""\u0061""#, r#""\"""#, "1e3", "01", "nul", "", "1,", "\"", "}", "1}", "[", "x", " 1 ", "\"a\":1"];
    prop::sample::select(odd).prop_map(String::from)
}

/// Members mostly there and in this order.
fn object(members: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, value)| (prop::bool::weighted(0.9), value).prop_map(move |(there, value)| (there, name, value)))
        .collect();
    (members, prop::bool::weighted(0.1), prop::bool::weighted(0.05))
        .prop_map(|(mut members, turned, twice)| {
            if turned {
                members.reverse();
            }
            let mut texts: Vec<String> = members
                .into_iter()
                .filter(|(there, ..)| *there)
                .map(|(_, name, value)| format!("\"{name}\":{value}"))
                .collect();
            if twice {
                texts.extend(texts.clone());
            }
            format!("{{{}}}", texts.join(","))
        })
        .boxed()
}

fn element() -> BoxedStrategy<String> {
    let coding = || object(vec![("code", value().boxed()), ("display", value().boxed()), ("system", value().boxed())]);
    let codings = prop::collection::vec(coding(), 1..3).prop_map(|codings| format!("[{}]", codings.join(",")));
    let category = object(vec![("coding", codings.boxed()), ("more", value().boxed()), ("text", value().boxed())]);
    let amount = object(vec![("currency", value().boxed()), ("value", value().boxed())]);
    object(vec![
        ("amount", amount),
        ("category", category),
        ("note", value().boxed()),
        ("other", value().boxed()),
        ("url", text().prop_map(|text| format!("\"{text}\"")).boxed()),
    ])
}

fn line() -> impl Strategy<Value = String> {
    let list = || {
        let some = (prop::collection::vec(element(), 1..3), 1..3usize);
        some.prop_map(|(some, times)| format!("[{}]", vec![some.join(","); times].join(",")))
    };
    let pad = Just(format!("\"{}\"", "x".repeat(100)));
    let kind = text().prop_map(|text| format!("\"{text}\""));
    object(vec![("kind", kind.boxed()), ("list", list().boxed()), ("part", list().boxed()), ("z", pad.boxed())])
}

/// The line with other scalars in some members.
fn changed(line: &str, changes: &[(prop::sample::Index, String)]) -> String {
    let mut line = line.to_string();
    for (which, value) in changes {
        let begins: Vec<usize> = line.match_indices("\":").map(|(at, _)| at + 2).collect();
        if begins.is_empty() {
            break;
        }
        let at = begins[which.index(begins.len())];
        let end = line[at..].find([',', '}', ']']).map_or(line.len(), |end| at + end);
        if !line[at..end].starts_with(['{', '[']) {
            line.replace_range(at..end, value);
        }
    }
    line
}

/// A line and others that are much like it.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let change =
        |value: BoxedStrategy<String>, most| prop::collection::vec((any::<prop::sample::Index>(), value), 0..most);
    let changes = (change(value().boxed(), 4), prop::option::weighted(0.2, change(odd_value().boxed(), 2)));
    (line(), prop::collection::vec(changes, 1..40)).prop_map(|(first, others)| {
        let other = |(some, odd): (Vec<_>, Option<Vec<_>>)| changed(&changed(&first, &some), &odd.unwrap_or_default());
        others.into_iter().map(other).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn what_was_walked_before_makes_no_difference(some in prop::collection::vec(lines(), 1..3)) {
        let plan = plan();
        let mut warm = Walker::default();
        let lines: Vec<String> = some.concat();
        for line in lines.iter().chain(&lines) {
            let mut fresh = Walker::without_shapes(&plan);
            let expected = walked(&mut fresh, &plan, line);
            prop_assert_eq!(walked(&mut warm, &plan, line), expected, "{}", line);
        }
    }
}

/// Shapes known and credit of all nodes.
fn known(walker: &Walker<u32>) -> (usize, i32) {
    let all = walker.shapes();
    (all.iter().map(|shapes| shapes.known.len() - 1).sum(), all.iter().map(|shapes| shapes.credit - CREDIT).sum())
}

#[test]
fn objects_that_differ_in_values_and_in_what_nobody_asks_for_have_one_shape() {
    let element = |amount: &str, display: &str, other: &str| {
        format!(
            r#"{{"amount":{{"currency":"USD","value":{amount}}},"category":{{"coding":[{{"code":"a","display":"{display}"}}]}},"other":{other},"url":"x"}}"#
        )
    };
    let line = |elements: &[String]| format!(r#"{{"list":[{}],"z":"{}"}}"#, elements.join(","), "x".repeat(100));
    let (plan, mut walker) = (plan(), Walker::default());
    let first = line(&[element("1", "one", "null"), element("2.5", "two", "[1,{}]"), element("-3", "", "\"x\"")]);
    let expected = walked(&mut walker, &plan, &first);
    assert!(expected.as_ref().is_some_and(|found| found.contains("ambiguous: [0, 0]")), "{expected:?}");
    let (shapes, _) = known(&walker);
    let before = known(&walker).1;
    assert_eq!(walked(&mut walker, &plan, &first), expected);
    assert_eq!(known(&walker), (shapes, before + 3 * FIT), "three objects, all by the shape of the first");
}

#[test]
fn shapes_that_never_fit_rest() {
    let (plan, mut walker, mut rested) = (plan(), Walker::default(), false);
    for n in 0..1000 {
        let line = format!(r#"{{"list":[{{"note":"{n}","n{n}":1,"url":"a"}}],"z":"{}"}}"#, "x".repeat(100));
        assert!(walked(&mut walker, &plan, &line).is_some());
        rested |= walker.shapes().iter().any(|shapes| shapes.rest > 0);
    }
    assert!(rested);
}

#[test]
fn of_too_many_kinds_that_fit_the_latest_are_known() {
    let (plan, mut walker, mut counts) = (plan(), Walker::default(), Vec::new());
    for n in 0..3 * SHAPES {
        // Often enough to be worth learning.
        let elements = vec![format!(r#"{{"note":"{n}","n{n}":1,"url":"a"}}"#); 30].join(",");
        let line = format!(r#"{{"list":[{elements}],"z":"{}"}}"#, "x".repeat(100));
        let mut fresh = Walker::without_shapes(&plan);
        assert_eq!(walked(&mut walker, &plan, &line), walked(&mut fresh, &plan, &line), "{n}");
        counts.push(known(&walker).0);
    }
    assert!(walker.shapes().iter().all(|shapes| shapes.rest == 0));
    assert_eq!(counts.iter().max(), Some(&SHAPES));
    assert_eq!(counts[SHAPES], 1);
}

#[test]
fn what_one_path_skips_and_another_asks_for_stays_asked_for() {
    let (plan, mut warm) = (plan(), Walker::default());
    for system in ["null", "true", "\"\"", "\"s\"", "\"t\""] {
        let line = format!(
            r#"{{"list":[{{"category":{{"coding":[{{"system":{system},"code":"a"}}]}}}}],"z":"{}"}}"#,
            "x".repeat(100)
        );
        let mut fresh = Walker::without_shapes(&plan);
        assert_eq!(walked(&mut warm, &plan, &line), walked(&mut fresh, &plan, &line), "{system}");
    }
}

#[test]
fn plans_do_not_share_what_a_walker_knows() {
    let plan = |accepted: &str| {
        let mut builder = Builder::new();
        let slice = slice(&["category", "coding", "code"], &[accepted]);
        builder.capture(0, &[key("part"), slice, key("value")], Mode::First, &[], None);
        builder.finish()
    };
    let line = r#"{"part":[{"category":{"coding":[{"code":"a","display":"A"}]},"value":7}]}"#;
    let (here, there, mut walker) = (plan("a"), plan("b"), Walker::default());
    for _ in 0..3 {
        for (plan, found) in [(&here, true), (&here, true), (&there, false), (&there, false)] {
            assert!(walked(&mut walker, plan, line).is_some());
            assert_eq!(walker.frames.get(0, plan.slot(0).at) != 0, found);
        }
    }
}
