//! A picture says how CCLF writes a value: `X(07)`, `9(13)`, `-9(13).99`, `YYYY-MM-DD`.
//!
//! A picture turns the text of a FHIR value into the text of a cell, or says why it cannot. It never rounds, never
//! cuts unless the crosswalk says `.cut()`, and never touches a float: amounts stay decimal digits from the JSON
//! to the table. Amounts and dates that do not fit stay blank, because typed columns hold them; a code that does not
//! fit is written as served, because a text column can hold it and a lost code may be a lost key.

/// Bytes of a text that is written although it is wider than its picture; also of an id. A row repeats what stands in its claim,
/// so a megabyte there would become gigabytes.
pub const WIDEST: usize = 1 << 10;

/// How a field is written, from a layout's `picture` and `type` columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// `X(n)`: text of at most `width` characters
    Text {
        /// in characters
        width: usize,
    },
    /// `9(n)`: a whole number of at most `width` digits, kept as text (codes keep their leading zeros)
    Digits {
        /// in digits
        width: usize,
    },
    /// `-9(a).99`: a sign column, `whole` digits, a point, `scale` digits
    Decimal {
        /// digits before the point
        whole: usize,
        /// digits after the point
        scale: usize,
    },
    /// `YYYY-MM-DD`
    Date,
}

/// Why a value does not fit its picture. Names what was found, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Misfit {
    /// more characters or digits than the picture has
    TooWide,
    /// letters where a number is expected
    NotANumber,
    /// more decimals than the picture has: writing it would round
    TooManyDecimals,
    /// more digits than the parser can vouch for
    Inexact,
    /// not a full calendar date
    NotADate,
    /// a sign where the picture has no column for one (synthetic ids are negative)
    Signed,
}

macro_rules! words {
    ($($misfit:ident: $words:literal,)*) => {
        impl Misfit {
            /// What is told of a value that stays blank.
            pub fn blank(self) -> &'static str {
                match self {
                    $(Misfit::$misfit => {
                        concat!("expected a value that fits its picture, found one that is ", $words, ": blank")
                    })*
                }
            }

            /// What is told of a code that is written all the same.
            pub fn as_served(self) -> &'static str {
                match self {
                    $(Misfit::$misfit => {
                        concat!("expected a code that fits its picture, found one that is ", $words, ": written as served")
                    })*
                }
            }
        }
    };
}

words! {
    TooWide: "wider than its picture",
    NotANumber: "not a number",
    TooManyDecimals: "more decimals than its picture",
    Inexact: "more digits than can be read exactly",
    NotADate: "not a full date",
    Signed: "signed, though its picture has no column for a sign",
}

/// What a picture made of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// the cell's text was appended
    Written,
    /// the value means "nothing": nothing was appended
    Blank,
    /// appended after cutting it to the width, as the crosswalk's `.cut()` allows
    Cut,
    /// appended whole, though a fixed-width field could not hold it
    AsServed(Misfit),
}

impl Picture {
    /// Reads a layout's cells: `picture` as CMS prints it, `kind` one of `char`, `int`, `num`, `date`.
    ///
    /// CMS types two amounts of CCLF5 as `X(15)` and `X(17)`; with kind `num` they are decimals of that width.
    pub fn parse(picture: &str, kind: &str) -> Result<Picture, String> {
        let count = |text: &str| -> Result<usize, String> {
            text.split_once('(')
                .and_then(|(_, rest)| rest.split_once(')'))
                .and_then(|(digits, _)| digits.parse().ok())
                .filter(|width| (1..=WIDEST).contains(width))
                .ok_or_else(|| format!("expected a picture such as `X(07)` or `-9(13).99`, found `{text}`"))
        };
        match Picture::of(picture, kind, count)? {
            // More digits than any database or Arrow has exactly.
            Picture::Decimal { whole, scale } if whole + scale > 38 => {
                Err(format!("expected at most 38 digits, found `{picture}`"))
            }
            picture => Ok(picture),
        }
    }

    fn of(picture: &str, kind: &str, count: impl Fn(&str) -> Result<usize, String>) -> Result<Picture, String> {
        match kind {
            "date" if picture == "YYYY-MM-DD" => Ok(Picture::Date),
            "char" => Ok(Picture::Text { width: count(picture)? }),
            "int" => Ok(Picture::Digits { width: count(picture)? }),
            "num" if picture.starts_with('X') => {
                let width = count(picture)?;
                width
                    .checked_sub(4)
                    .map(|whole| Picture::Decimal { whole, scale: 2 })
                    .ok_or_else(|| format!("expected room for sign, point and cents, found `{picture}`"))
            }
            "num" => {
                let scale = picture.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                Ok(Picture::Decimal { whole: count(picture)?, scale })
            }
            _ => Err(format!(
                "expected a type of char, int, num or date that fits the picture, found `{kind}` with `{picture}`"
            )),
        }
    }

    /// Columns the field takes in a fixed-width line.
    pub fn width(self) -> usize {
        match self {
            Picture::Text { width } | Picture::Digits { width } => width,
            Picture::Decimal { whole, scale } => 1 + whole + if scale > 0 { 1 + scale } else { 0 },
            Picture::Date => 10,
        }
    }

    /// What [`fit`](Picture::fit) does with nearly all values, in a fraction of its time: they are written as they are, but
    /// that a number gets its decimals and a date loses its time. `false`, and nothing appended, if there is more to it.
    #[inline(always)]
    pub(super) fn fit_plain(self, value: &str, out: &mut Vec<u8>) -> bool {
        let bytes = value.as_bytes();
        let is_plain = match self {
            // No blanks at its ends; and no `~` before it, which may mean nothing, nor anything beyond ASCII, as the tape marks
            // numbers it cannot vouch for by such a character (INEXACT).
            Picture::Text { width } => {
                matches!(bytes, [b'!'..=b'}', ..]) && bytes.last() > Some(&b' ') && bytes.len() <= width
            }
            Picture::Digits { width } => {
                !bytes.is_empty() && bytes.len() <= width && bytes.iter().all(u8::is_ascii_digit)
            }
            Picture::Decimal { whole, scale } => return fit_plain_decimal(bytes, whole, scale, out),
            Picture::Date => return fit_date(value, out) == Ok(Fit::Written),
        };
        if is_plain {
            out.extend_from_slice(bytes);
        }
        is_plain
    }

    /// Appends the cell's text to `out`, at most [`WIDEST`] bytes; on an `Err` nothing was appended and the cell stays blank.
    ///
    /// `cut`: the crosswalk allows the text to be shortened to the width.
    pub fn fit(self, value: &str, cut: bool, out: &mut Vec<u8>) -> Result<Fit, Misfit> {
        let value = trim(value);
        if value.is_empty() || value.bytes().all(|b| b == b'~') {
            return Ok(Fit::Blank);
        }
        match self {
            Picture::Text { width } => fit_text(value, width, cut, out),
            Picture::Digits { .. } if value.len() > WIDEST => Err(Misfit::TooWide),
            Picture::Digits { width } => Ok(fit_digits(value, width, out)),
            Picture::Decimal { whole, scale } => fit_decimal(value, whole, scale, out),
            Picture::Date => fit_date(value, out),
        }
    }
}

#[inline]
fn trim(value: &str) -> &str {
    // Hardly any value has something to trim, and asking that is cheaper than trimming.
    let is_blank = |byte: Option<&u8>| byte.is_some_and(|byte| *byte <= b' ');
    let bytes = value.as_bytes();
    if is_blank(bytes.first()) || is_blank(bytes.last()) { value.trim_matches([' ', '\t', '\n', '\r']) } else { value }
}

fn fit_text(value: &str, width: usize, cut: bool, out: &mut Vec<u8>) -> Result<Fit, Misfit> {
    if value.len() <= width || value.chars().count() <= width {
        out.extend_from_slice(value.as_bytes());
        return Ok(Fit::Written);
    }
    if !cut {
        if value.len() > WIDEST {
            return Err(Misfit::TooWide);
        }
        out.extend_from_slice(value.as_bytes());
        return Ok(Fit::AsServed(Misfit::TooWide));
    }
    let end = value.char_indices().nth(width).map_or(value.len(), |(at, _)| at);
    out.extend_from_slice(value[..end].trim_end().as_bytes());
    Ok(Fit::Cut)
}

fn fit_digits(value: &str, width: usize, out: &mut Vec<u8>) -> Fit {
    let (signed, digits) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    // `30.0` is how some servers write the whole number 30.
    let digits = match digits.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole,
        _ => digits,
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        out.extend_from_slice(value.as_bytes());
        return Fit::AsServed(Misfit::NotANumber);
    }
    if signed {
        out.push(b'-');
    }
    out.extend_from_slice(digits.as_bytes());
    match (signed, digits.len() > width) {
        (true, _) => Fit::AsServed(Misfit::Signed),
        (false, true) => Fit::AsServed(Misfit::TooWide),
        (false, false) => Fit::Written,
    }
}

/// Digits before and after the point, with an exponent already applied.
struct Decimal<'a> {
    negative: bool,
    digits: std::borrow::Cow<'a, str>,
    /// how many of `digits` stand after the point
    scale: usize,
}

/// No amount of Medicare has an exponent near this; beyond it the text is hostile.
const MAX_EXPONENT: i32 = 64;

fn read_decimal(value: &str) -> Result<Decimal<'_>, Misfit> {
    let (negative, unsigned) = match value.as_bytes()[0] {
        b'-' => (true, &value[1..]),
        b'+' => (false, &value[1..]),
        _ => (false, value),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => {
            let exponent: i32 = unsigned[at + 1..].parse().map_err(|_| Misfit::NotANumber)?;
            (&unsigned[..at], exponent)
        }
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(Misfit::NotANumber);
    }
    let mut digits = match fraction {
        "" => std::borrow::Cow::Borrowed(whole),
        _ => std::borrow::Cow::Owned(format!("{whole}{fraction}")),
    };
    let mut scale = fraction.len() as i32;
    if exponent != 0 {
        if digits.bytes().all(|b| b == b'0') {
            return Ok(Decimal { negative, digits, scale: fraction.len() });
        }
        if exponent.abs() > MAX_EXPONENT {
            return Err(if exponent > 0 { Misfit::TooWide } else { Misfit::TooManyDecimals });
        }
        scale -= exponent;
        let digits = digits.to_mut();
        while scale < 0 {
            digits.push('0');
            scale += 1;
        }
        while (digits.len() as i32) < scale {
            digits.insert(0, '0');
        }
    }
    Ok(Decimal { negative, digits, scale: scale as usize })
}

fn fit_decimal(value: &str, whole: usize, scale: usize, out: &mut Vec<u8>) -> Result<Fit, Misfit> {
    if fit_plain_decimal(value.as_bytes(), whole, scale, out) {
        return Ok(Fit::Written);
    }
    fit_any_decimal(value, whole, scale, out)
}

/// An amount as servers write nearly all of them, such as `12.5` or `-3`: digits that fit as they are. `false`, and
/// nothing appended, if it is written otherwise.
fn fit_plain_decimal(value: &[u8], whole: usize, scale: usize, out: &mut Vec<u8>) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unsigned = value.strip_prefix(b"-").unwrap_or(value);
    let before = digits(unsigned);
    let after = match unsigned.get(before) {
        None => 0,
        Some(b'.') => digits(&unsigned[before + 1..]),
        Some(_) => return false,
    };
    let is_all = unsigned.len() == before + if unsigned.len() > before { 1 + after } else { 0 };
    // A leading zero, or the sign of a zero, has to go.
    let as_written = unsigned.first() != Some(&b'0') || (before == 1 && unsigned.len() == value.len());
    if !is_all || !as_written || before == 0 || before > whole || scale == 0 || after > scale {
        return false;
    }
    out.extend_from_slice(value);
    if unsigned.len() == before {
        out.push(b'.');
    }
    out.resize(out.len() + scale - after, b'0');
    true
}

fn fit_any_decimal(value: &str, whole: usize, scale: usize, out: &mut Vec<u8>) -> Result<Fit, Misfit> {
    let decimal = read_decimal(value)?;
    let (before, after) = decimal.digits.split_at(decimal.digits.len() - decimal.scale);
    let before = before.trim_start_matches('0');
    let after = after.trim_end_matches('0');
    if before.len() > whole {
        return Err(Misfit::TooWide);
    }
    if after.len() > scale {
        return Err(Misfit::TooManyDecimals);
    }
    if decimal.negative && !(before.is_empty() && after.is_empty()) {
        out.push(b'-');
    }
    out.extend_from_slice(if before.is_empty() { b"0" } else { before.as_bytes() });
    if scale > 0 {
        out.push(b'.');
        out.extend_from_slice(after.as_bytes());
        out.resize(out.len() + scale - after.len(), b'0');
    }
    Ok(Fit::Written)
}

/// CMS writes "no date" as one of these.
const NULL_DATES: [(u32, u32, u32); 3] = [(1000, 1, 1), (9999, 12, 31), (1, 1, 1)];

fn fit_date(value: &str, out: &mut Vec<u8>) -> Result<Fit, Misfit> {
    let bytes = value.as_bytes();
    let full = bytes.len() >= 10
        && (bytes.len() == 10 || bytes[10] == b'T')
        && bytes[..10].iter().enumerate().all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() });
    if !full {
        return Err(Misfit::NotADate);
    }
    let date = &value[..10];
    let number = |range: std::ops::Range<usize>| date[range].bytes().fold(0u32, |n, b| n * 10 + u32::from(b - b'0'));
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    if day == 0 || day > days_in_month(year, month) {
        return Err(Misfit::NotADate);
    }
    if NULL_DATES.contains(&(year, month, day)) {
        return Ok(Fit::Blank);
    }
    out.extend_from_slice(date.as_bytes());
    Ok(Fit::Written)
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
