//! Value maps: what a FHIR code is called in CCLF (`schemas/codes.csv`).
//!
//! A map's `from` may hold `*` (any characters); exact entries win over patterns, patterns are tried in file order.

use std::collections::{BTreeMap, HashMap};

use memchr::memmem::Finder;

/// All maps by name.
#[derive(Debug, Clone, Default)]
pub struct Codes {
    maps: HashMap<String, Map>,
}

/// One map.
#[derive(Debug, Clone, Default)]
pub struct Map {
    /// there are few of them, and comparing some is quicker than hashing one
    exact: BTreeMap<String, String>,
    patterns: Vec<(Pattern, String)>,
}

/// A `from` that stands for many codes.
#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    /// what must be somewhere in a code, where the pattern says no more than that: `*icd-10*`
    within: Option<Finder<'static>>,
}

impl Pattern {
    fn new(text: &str) -> Pattern {
        let within = text.strip_prefix('*').and_then(|text| text.strip_suffix('*'));
        let within = within.filter(|within| !within.contains(['*', '?']));
        Pattern { text: text.to_string(), within: within.map(|within| Finder::new(within).into_owned()) }
    }

    fn matches(&self, code: &str) -> bool {
        match &self.within {
            Some(within) => within.find(code.as_bytes()).is_some(),
            None => matches(&self.text, code),
        }
    }
}

impl Codes {
    /// Adds a row; false if the map has this `from` already.
    pub fn add(&mut self, map: &str, from: &str, to: &str) -> bool {
        let map = self.maps.entry(map.to_string()).or_default();
        if map.exact.contains_key(from) || map.patterns.iter().any(|(pattern, _)| pattern.text == from) {
            return false;
        }
        if from.contains(['*', '?']) {
            map.patterns.push((Pattern::new(from), to.to_string()));
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
        self.patterns.iter().find(|(pattern, _)| pattern.matches(from)).map(|(_, to)| to.as_str())
    }
}

/// Whether `text` matches `pattern`, where `*` stands for any characters and `?` for exactly one.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (signs, bytes) = (pattern.as_bytes(), text.as_bytes());
    // Behind the character at a position.
    let next = |at: usize| (at + 1..bytes.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(bytes.len());
    let (mut sign, mut at) = (0, 0);
    // Behind the last `*`, and how far the text was when what follows it was tried last: only that needs to be tried again.
    let mut again: Option<(usize, usize)> = None;
    while at < bytes.len() {
        match signs.get(sign) {
            Some(b'*') => {
                sign += 1;
                again = Some((sign, at));
            }
            Some(b'?') => {
                sign += 1;
                at = next(at);
            }
            Some(expected) if *expected == bytes[at] => {
                sign += 1;
                at += 1;
            }
            _ => {
                let Some((behind, from)) = again else { return false };
                sign = behind;
                at = next(from);
                again = Some((behind, at));
            }
        }
    }
    signs[sign..].iter().all(|sign| *sign == b'*')
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
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        for (pattern, text, expected) in [
            ("?900", "1900", true),
            ("?900", "900", false),
            ("?900", "11900", false),
            ("a?c", "aéc", true),
            ("a??c", "aéc", false),
            ("*?", "é", true),
            ("*??", "é", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("**", "ab", true),
            ("a*", "a", true),
            ("*b", "ab", true),
            ("*b", "ba", false),
            ("a*b*c", "abbcbc", true),
            ("a*b*c", "abbcb", false),
            ("*icd-10*", "http://hl7.org/fhir/sid/icd-10-cm", true),
            ("*icd-10*", "http://hl7.org/fhir/sid/icd-1-0", false),
            ("*aab", "aaaab", true),
            ("é*é", "éaé", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    /// Word by word what it says, and slow.
    fn slowly(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, _) => text.is_empty(),
            (Some(('*', rest)), _) => (0..=text.len()).any(|at| slowly(rest, &text[at..])),
            (Some((sign, signs)), Some((found, rest))) => (*sign == '?' || sign == found) && slowly(signs, rest),
            (Some(_), None) => false,
        }
    }

    proptest::proptest! {
        #[test]
        fn a_pattern_means_what_it_says(pattern in "[*?ab\u{e9}]{0,8}", text in "[ab\u{e9}]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = slowly(&chars(&pattern), &chars(&text));
            proptest::prop_assert_eq!(matches(&pattern, &text), expected);
            proptest::prop_assert_eq!(Pattern::new(&pattern).matches(&text), expected);
        }
    }
}
