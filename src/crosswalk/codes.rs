//! Value maps: what a FHIR code is called in CCLF (`schemas/codes.csv`).
//!
//! A map's `from` may hold `*` (any characters); exact entries win over patterns, patterns are tried in file order.

use std::collections::HashMap;

/// All maps by name.
#[derive(Debug, Clone, Default)]
pub struct Codes {
    maps: HashMap<String, Map>,
}

/// One map.
#[derive(Debug, Clone, Default)]
pub struct Map {
    exact: HashMap<String, String>,
    patterns: Vec<(String, String)>,
}

impl Codes {
    /// Adds a row; false if the map has this `from` already.
    pub fn add(&mut self, map: &str, from: &str, to: &str) -> bool {
        let map = self.maps.entry(map.to_string()).or_default();
        if map.exact.contains_key(from) || map.patterns.iter().any(|(pattern, _)| pattern == from) {
            return false;
        }
        if from.contains(['*', '?']) {
            map.patterns.push((from.to_string(), to.to_string()));
        } else {
            map.exact.insert(from.to_string(), to.to_string());
        }
        true
    }

    /// A map by name.
    pub fn map(&self, name: &str) -> Option<&Map> {
        self.maps.get(name)
    }
}

impl Map {
    /// The CCLF code; `Some("")` means "known, and blank in CCLF"; `None` means the code is unknown to the map.
    pub fn get(&self, from: &str) -> Option<&str> {
        if let Some(to) = self.exact.get(from) {
            return Some(to);
        }
        self.patterns.iter().find(|(pattern, _)| matches(pattern, from)).map(|(_, to)| to.as_str())
    }
}

/// Whether `text` matches `pattern`, where `*` stands for any characters and `?` for exactly one.
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            rest.is_empty()
                || text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| matches(rest, &text[at..]))
        }
        Some(expected) => match text.chars().next() {
            Some(found) if expected == '?' || expected == found => {
                matches(&pattern[expected.len_utf8()..], &text[found.len_utf8()..])
            }
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_entries_win_and_patterns_follow_in_order() {
        let mut codes = Codes::default();
        assert!(codes.add("icd", "*icd-10*", "0"));
        assert!(codes.add("icd", "*", "U"));
        assert!(codes.add("icd", "icd-10-not", "x"));
        assert!(!codes.add("icd", "icd-10-not", "y"));
        let map = codes.map("icd").unwrap();
        assert_eq!(map.get("http://hl7.org/fhir/sid/icd-10-cm"), Some("0"));
        assert_eq!(map.get("icd-10-not"), Some("x"));
        assert_eq!(map.get("other"), Some("U"));
        assert_eq!(map.get(""), Some("U"));
    }

    #[test]
    fn a_question_mark_is_one_character() {
        assert!(matches("?900", "1900"));
        assert!(!matches("?900", "900"));
        assert!(!matches("?900", "11900"));
    }
}
