//! Numbers that join: each is replaced by another of the same length and letters, and never two by the same.
//!
//! A text's letters and digits are permuted (format-preserving encryption, FF1 of NIST SP 800-38G), what separates them
//! stays: `-123` stays negative, `carrier-123` keeps its dash. Digits become digits, digits and capitals become the same, so a
//! column of digits stays one; where FF1 gives a text of another form, it is applied again until the form is right, which
//! keeps it a permutation. Digits without a leading zero get none: not even as integers do two become one.
//!
//! - *Short texts.* FF1 wants a million texts of a length at least: six digits or four letters. Of shorter ones there are so
//!   few that all are put in the order of their keyed hashes, which is a permutation too. Whoever knows some of the pairs
//!   knows much of the rest; no more can be had of five digits.
//! - *Other texts*: letters outside ASCII, other signs, or more than 64 letters. No number of Medicare looks so. They become
//!   a keyed hash of 11 letters (fewer in a narrower field), where two can meet, at odds of one to 2^56 for a pair.

use std::sync::OnceLock;

use aes::Aes256;
use aws_lc_rs::hmac;
use fpe::ff1::{FF1, FlexibleNumeralString};

use super::key::Key;
use super::token;

/// Digits first, so that a numeral is its position.
const BOTH: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LOWER: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// What may stand between letters and says nothing.
const SEPARATORS: &[u8] = b"-._/: ";

/// Letters of a text at most: FF1's time grows with their square.
const LONGEST: usize = 64;

/// Texts of a length that FF1 asks for.
const FEWEST: u32 = 1_000_000;

/// Which letters a text has besides digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    upper: bool,
    lower: bool,
    /// the first numeral is 0
    zero: bool,
}

impl Form {
    /// `None` if the text is none of ours; its letters are counted in `count`.
    fn of(text: &[u8]) -> Option<Form> {
        let is_known = |byte: &u8| byte.is_ascii_alphanumeric() || SEPARATORS.contains(byte);
        let letters = || text.iter().filter(|byte| byte.is_ascii_alphanumeric());
        let count = letters().count();
        (text.iter().all(is_known) && (1..=LONGEST).contains(&count)).then(|| Form {
            upper: letters().any(u8::is_ascii_uppercase),
            lower: letters().any(u8::is_ascii_lowercase),
            zero: letters().next() == Some(&b'0'),
        })
    }

    fn alphabet(self) -> &'static [u8] {
        match (self.upper, self.lower) {
            (false, false) => &BOTH[..10],
            (true, false) => &BOTH[..36],
            (false, true) => LOWER,
            (true, true) => BOTH,
        }
    }

    /// Index of the alphabet.
    fn number(self) -> usize {
        usize::from(self.upper) + 2 * usize::from(self.lower)
    }
}

/// A permutation of the texts of each form and length.
pub struct Permutation {
    /// by number of the alphabet
    ciphers: [FF1<Aes256>; 4],
    short: hmac::Key,
    /// of short texts, by number of the alphabet and length, when they are first met
    orders: [[OnceLock<Vec<u32>>; 6]; 4],
    other: hmac::Key,
}

impl Permutation {
    /// The one of a purpose.
    pub fn new(key: &Key, purpose: &str) -> Permutation {
        let subkey = key.subkey(&format!("{purpose}, long"));
        // Radix 10, 36 and 62, and 32 bytes: all of these FF1 and AES-256 take.
        let cipher =
            |radix| FF1::new(subkey.as_ref(), radix).unwrap_or_else(|_| unreachable!("a radix that FF1 takes"));
        Permutation {
            ciphers: [10, 36, 36, 62].map(cipher),
            short: key.keyed(&format!("{purpose}, short")),
            orders: Default::default(),
            other: key.keyed(&format!("{purpose}, other")),
        }
    }

    /// Appends what stands for a text.
    pub fn apply(&self, text: &[u8], width: usize, out: &mut Vec<u8>) {
        let Some(form) = Form::of(text) else { return token::number(&self.other, text, width, out) };
        let alphabet = form.alphabet();
        let numeral = |byte: &u8| alphabet.iter().position(|letter| letter == byte).map(|at| at as u16);
        let mut numerals: Vec<u16> = text.iter().filter_map(numeral).collect();
        let start = out.len();
        // From a text of this form the way leads back to one: at the latest to itself.
        loop {
            numerals = self.permuted(form, numerals);
            out.truncate(start);
            let mut letters = numerals.iter().map(|numeral| alphabet[usize::from(*numeral)]);
            out.extend(
                text.iter().map(
                    |byte| {
                        if byte.is_ascii_alphanumeric() { letters.next().unwrap_or(*byte) } else { *byte }
                    },
                ),
            );
            if Form::of(&out[start..]) == Some(form) {
                return;
            }
        }
    }

    fn permuted(&self, form: Form, numerals: Vec<u16>) -> Vec<u16> {
        let (radix, length) = (form.alphabet().len() as u32, numerals.len());
        match radix.checked_pow(length as u32).filter(|texts| *texts < FEWEST) {
            Some(texts) => self.short(form.number(), (radix, length), texts, &numerals),
            // The form tells upper from lower case, which have one radix.
            None => self.ciphers[form.number()]
                .encrypt(&[form.number() as u8], &FlexibleNumeralString::from(numerals))
                .map(Vec::from)
                .unwrap_or_else(|_| unreachable!("numerals of the radix, as many as FF1 asks for")),
        }
    }

    /// All texts of the length in the order of their hashes: the n-th is replaced by the one at place n.
    fn short(&self, alphabet: usize, (radix, length): (u32, usize), texts: u32, numerals: &[u16]) -> Vec<u16> {
        let order = self.orders[alphabet][length].get_or_init(|| {
            let mut order: Vec<u32> = (0..texts).collect();
            order.sort_by_cached_key(|text| {
                let what = [&[alphabet as u8, length as u8][..], &text.to_be_bytes()].concat();
                let mut hash = [0; 16];
                hash.copy_from_slice(&hmac::sign(&self.short, &what).as_ref()[..16]);
                hash
            });
            order
        });
        let number = numerals.iter().fold(0, |number, numeral| number * radix + u32::from(*numeral));
        let mut number = order[number as usize];
        let mut permuted = vec![0; length];
        for numeral in permuted.iter_mut().rev() {
            *numeral = (number % radix) as u16;
            number /= radix;
        }
        permuted
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::LazyLock;

    use super::super::key::tests::key;
    use super::*;

    fn apply(permutation: &Permutation, text: &str) -> String {
        let mut out = b"before ".to_vec();
        permutation.apply(text.as_bytes(), 40, &mut out);
        String::from_utf8(out).unwrap().strip_prefix("before ").unwrap().to_string()
    }

    #[test]
    fn short_texts_and_some_of_the_long_are_permuted() {
        let permutation = Permutation::new(&key(1), "test");
        for (digits, step) in [(1, 1), (2, 1), (3, 1), (5, 1), (6, 37), (7, 1001), (13, 999_999_937)] {
            let all = 10u64.pow(digits);
            let texts = (0..all).step_by(step).take(30_000).map(|n| format!("{n:0width$}", width = digits as usize));
            let texts: Vec<String> =
                if digits == 5 { (0..all).map(|n| format!("{n:05}")).collect() } else { texts.collect() };
            let seen: HashSet<String> = texts.iter().map(|text| apply(&permutation, text)).collect();
            assert_eq!(seen.len(), texts.len(), "{digits} digits");
            assert!(texts.iter().zip(texts.iter().map(|text| apply(&permutation, text))).all(|(a, b)| {
                b.len() == a.len()
                    && b.bytes().all(|byte| byte.is_ascii_digit())
                    && a.starts_with('0') == b.starts_with('0')
            }));
        }
    }

    /// Orders of short texts are made once for all cases.
    static ONE: LazyLock<Permutation> = LazyLock::new(|| Permutation::new(&key(2), "test"));

    proptest::proptest! {
        /// The form stays, and no two become one.
        #[test]
        fn texts_keep_their_form(texts in proptest::collection::hash_set("[-0-9A-Za-z. ]{1,20}|[0-9]{1,40}|[0-9A-Z]{11}|[0-9a-f]{8}-[0-9a-f]{4}", 1..20)) {
            let mut seen = HashSet::new();
            for text in &texts {
                let made = apply(&ONE, text);
                proptest::prop_assert!(seen.insert(made.clone()));
                proptest::prop_assert_eq!(&made, &apply(&ONE, text));
                if let Some(form) = Form::of(text.as_bytes()) {
                    proptest::prop_assert_eq!(Form::of(made.as_bytes()), Some(form));
                    proptest::prop_assert_eq!(made.len(), text.len());
                    let separators = |text: &str| text.bytes().map(|byte| SEPARATORS.contains(&byte)).collect::<Vec<_>>();
                    proptest::prop_assert_eq!(separators(&made), separators(text));
                }
            }
        }
    }

    #[test]
    fn every_length_up_to_the_longest_is_taken() {
        let permutation = Permutation::new(&key(3), "test");
        for length in 1..=LONGEST + 1 {
            for last in ["9", "Z", "z", "0"] {
                let text = last.repeat(length);
                let made = apply(&permutation, &text);
                assert_eq!(made.len(), if length > LONGEST { 11 } else { length }, "{text}");
            }
            let mixed: String = "Zz".repeat(length)[..length].to_string();
            assert!(apply(&permutation, &mixed) != mixed || length < 4, "{mixed}");
        }
    }

    #[test]
    fn nothing_of_other_texts_is_left() {
        let permutation = Permutation::new(&key(4), "test");
        for text in ["Müller-12345", "+++", "12345&", "\u{661}\u{662}", "--"] {
            let made = apply(&permutation, text);
            assert!(made.len() == 11 && made.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{made}");
        }
        let mut narrow = Vec::new();
        permutation.apply("é".as_bytes(), 5, &mut narrow);
        assert_eq!(narrow.len(), 5);
    }

    #[test]
    fn keys_and_purposes_differ() {
        let made: HashSet<String> = [(1, "id"), (1, "mbi"), (2, "id")]
            .iter()
            .map(|(n, purpose)| apply(&Permutation::new(&key(*n), purpose), "1EG4TE5MK73"))
            .collect();
        assert_eq!(made.len(), 3);
    }
}
