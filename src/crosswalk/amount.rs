//! Amounts that are added up: whole numbers, for sums must be exact.

/// A written decimal as a whole number of its last decimal: `12.30` at scale 2 is 1230. `None` for a blank.
///
/// Exact for every cell a [`Picture::Decimal`](super::picture::Picture::Decimal) has written; sums of amounts are made of these.
pub fn scaled(cell: &[u8], scale: usize) -> Option<i128> {
    let (negative, digits) = match cell.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, cell),
    };
    let mut number: i128 = 0;
    let mut decimals = None;
    for byte in digits {
        match byte {
            b'.' if decimals.is_none() => decimals = Some(0),
            b'0'..=b'9' => {
                number = number.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                decimals = decimals.map(|n| n + 1);
            }
            _ => return None,
        }
    }
    for _ in decimals.unwrap_or(0)..scale {
        number = number.checked_mul(10)?;
    }
    (decimals.unwrap_or(0) <= scale).then_some(if negative { -number } else { number })
}

/// The text of a whole number of hundredths: 1230 is `12.30`.
pub fn cents(amount: i128) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", amount.unsigned_abs() / 100, amount.unsigned_abs() % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaled_numbers_are_exact() {
        assert_eq!(scaled(b"12.30", 2), Some(1230));
        assert_eq!(scaled(b"-0.05", 2), Some(-5));
        assert_eq!(scaled(b"7", 2), Some(700));
        assert_eq!(scaled(b"9999999999999999999999.99", 2), Some(999_999_999_999_999_999_999_999));
        assert_eq!(scaled(b"", 2), None);
        assert_eq!(scaled(b"1.234", 2), None);
        assert_eq!(cents(-5), "-0.05");
        assert_eq!(cents(123_456), "1234.56");
    }
}
