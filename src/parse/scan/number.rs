//! Numbers as a JSON text writes them.
//!
//! Amounts keep their digits: nothing here goes through a float. Numbers that need one (an exponent) or more digits
//! than an amount ever has are left to the tape.

/// More digits on one side of the point are for the tape: integers from 19 digits on may not fit its own.
const MAX_DIGITS: usize = 18;

/// Length of the number that `bytes` begin with; `None` if it is none, or not one for the scanner.
#[inline]
pub fn length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let mut end = from;
        while bytes.get(end).is_some_and(u8::is_ascii_digit) {
            end += 1;
        }
        end - from
    };
    let sign = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(sign);
    if whole == 0 || whole > MAX_DIGITS || (whole > 1 && bytes[sign] == b'0') {
        return None;
    }
    let end = sign + whole;
    match bytes.get(end) {
        Some(b'.') => {
            let fraction = digits(end + 1);
            let end = end + 1 + fraction;
            let ends = !matches!(bytes.get(end), Some(b'e' | b'E' | b'.'));
            (fraction > 0 && fraction <= MAX_DIGITS && ends).then_some(end)
        }
        Some(b'e' | b'E') => None,
        _ => Some(end),
    }
}

/// The number as the tape would write it: no zeros at the end of a fraction, no sign on a zero.
#[inline]
pub fn plain(number: &str) -> &str {
    // Only a last 0 can be one too many.
    if number.ends_with('0') { trimmed(number) } else { number }
}

#[cold]
fn trimmed(number: &str) -> &str {
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    if number == "-0" { "0" } else { number }
}

/// The number as a whole one, if it is.
pub fn whole(number: &str) -> Option<i64> {
    let whole: i64 = plain(number).parse().ok()?;
    // Written with a point it is a float for the tape, and that is no whole number from here on.
    let is_float = number.contains('.');
    (!is_float || whole.unsigned_abs() < 1_000_000_000_000_000).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_where_their_grammar_ends() {
        for (text, expected) in [
            ("0", Some(1)),
            ("-0.0,", Some(4)),
            ("12.50}", Some(5)),
            ("123456789012345678", Some(18)),
            ("1234567890123456789", None),
            ("01", None),
            ("-", None),
            ("", None),
            (".5", None),
            ("1.", None),
            ("1.,", None),
            ("1e3", None),
            ("1.5E3", None),
            ("1.2.3", None),
            ("+1", None),
        ] {
            assert_eq!(length(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_written_plainly() {
        for (text, expected) in [
            ("120", "120"),
            ("1.20", "1.2"),
            ("3.0000", "3"),
            ("-0", "0"),
            ("-0.00", "0"),
            ("0.00", "0"),
            ("-10.0", "-10"),
            ("0.30000000000000004", "0.30000000000000004"),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
        assert_eq!(whole("3.0000"), Some(3));
        assert_eq!(whole("3.5"), None);
        assert_eq!(whole("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(whole("1000000000000000"), Some(1_000_000_000_000_000));
        assert_eq!(whole("1000000000000000.0"), None);
    }
}
