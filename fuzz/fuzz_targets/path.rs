//! The parser of crosswalk cells never panics, faults point into the cell, and a cell that parses is the same again
//! after it was written out from what it parsed to.
#![no_main]

use std::fmt::Write as _;

use claimfeed::crosswalk::path::{Alternative, Call, Cell, Link, Literal, Path, Pick, Root, Source, Step, Test};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Cell::parse(text) {
        Err(fault) => {
            assert!((1..=text.chars().count() + 1).contains(&fault.column), "{fault}");
            assert!(fault.message.starts_with("expected ") && fault.message.contains(", found "), "{fault}");
        }
        Ok(cell) => {
            let written = written(&cell);
            assert_eq!(Cell::parse(&written).as_ref(), Ok(&cell), "{written}");
        }
    }
});

fn written(cell: &Cell) -> String {
    let alternatives: Vec<String> = cell.alternatives.iter().map(alternative).collect();
    if alternatives.is_empty() { "-".to_string() } else { alternatives.join(" | ") }
}

fn alternative(alternative: &Alternative) -> String {
    let mut out = match &alternative.source {
        Source::Literal(text) => quoted(text),
        Source::Path(path) => way(path),
    };
    for call in &alternative.calls {
        out += &match call {
            Call::Translate(map) => format!(".translate({})", quoted(map)),
            Call::Substring(from, None) => format!(".substring({from})"),
            Call::Substring(from, Some(count)) => format!(".substring({from},{count})"),
            Call::Right(count) => format!(".right({count})"),
            Call::Replace(from, to) => format!(".replace({},{})", quoted(from), quoted(to)),
            Call::ZeroPad(width) => format!(".zeroPad({width})"),
            Call::Select(text) => format!(".select({})", quoted(text)),
            Call::AgeOn(path) => format!(".ageOn({})", way(path)),
            Call::Cut => ".cut()".to_string(),
        };
    }
    if alternative.fill { out + ".fill()" } else { out }
}

fn way(path: &Path) -> String {
    let mut out = format!("%{}", path.root.name());
    if let Some(n) = path.nth {
        let _ = write!(out, "[{n}]");
    }
    let unless: Vec<String> = path.unless.iter().map(|text| format!("$this != {}", quoted(text))).collect();
    let unless = if unless.is_empty() { String::new() } else { format!(".where({})", unless.join(" and ")) };
    // An index right behind the root would be the root's.
    let unless_first = path.nth.is_none() && matches!(path.steps.first(), Some(Step::Index(1..)));
    if unless_first {
        out += &unless;
    }
    for step in &path.steps {
        match step {
            Step::Key(key) => out.extend([".", key]),
            Step::Index(0) => out += ".first()",
            Step::Index(n) => out += &format!("[{n}]"),
            Step::Where(condition) => out += &format!(".where({})", test(condition)),
            Step::Linked(Link::Reference(keys)) => out += &format!(".where('#' + id = {})", list(Root::Eob, keys)),
            Step::Linked(Link::Sequence { lists, negated }) => {
                let lists: Vec<String> = lists.iter().map(|(root, keys)| list(*root, keys)).collect();
                let lists = lists.join(" | ");
                out += &match negated {
                    false => format!(".where(sequence in ({lists}))"),
                    true => format!(".where((sequence in ({lists})).not())"),
                };
            }
        }
    }
    if !unless_first {
        out += &unless;
    }
    out + &match path.pick {
        Pick::Single => String::new(),
        Pick::First => ".first()".to_string(),
        Pick::Last => ".last()".to_string(),
        Pick::Nth(n) => format!("[{n}]"),
        Pick::Join => ".join()".to_string(),
    }
}

fn test(test: &Test) -> String {
    let path = test.path.join(".");
    let dot = if path.is_empty() { "" } else { "." };
    let accepts = |literal: &Literal| match literal {
        Literal::Is(text) => format!("{path}={}", quoted(text)),
        Literal::StartsWith(text) => format!("{path}{dot}startsWith({})", quoted(text)),
    };
    let tests: Vec<String> = test.accept.iter().map(accepts).collect();
    if tests.is_empty() { format!("{path}{dot}exists()") } else { tests.join(" or ") }
}

fn list(root: Root, keys: &[String]) -> String {
    format!("%{}.{}", root.name(), keys.join("."))
}

/// A literal has no escapes and so no quote.
fn quoted(text: &str) -> String {
    format!("'{text}'")
}
