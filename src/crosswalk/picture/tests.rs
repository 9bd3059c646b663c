//! What each picture makes of a value, or says of it.

use super::*;

fn fit(picture: &str, kind: &str, value: &str) -> Result<(Fit, String), Misfit> {
    let mut out = Vec::new();
    let fit = Picture::parse(picture, kind).unwrap().fit(value, false, &mut out)?;
    Ok((fit, String::from_utf8(out).unwrap()))
}

proptest::proptest! {
    /// The short way writes what the long way writes, or nothing.
    #[test]
    fn plain_decimals_are_decimals(value in "-?[0-9]{0,5}[.]?[0-9]{0,4}|[-+0-9.e]{1,8}", whole in 0..6usize, scale in 0..4usize) {
        let (mut short, mut long) = (b"before".to_vec(), b"before".to_vec());
        if fit_plain_decimal(value.as_bytes(), whole, scale, &mut short) {
            proptest::prop_assert_eq!(fit_any_decimal(&value, whole, scale, &mut long), Ok(Fit::Written));
        }
        proptest::prop_assert_eq!(short, long);
    }
}

#[test]
fn amounts_keep_every_digit() {
    let amount = |value: &str| fit("-9(13).99", "num", value).map(|(_, text)| text);
    assert_eq!(amount("120").unwrap(), "120.00");
    assert_eq!(amount("20.2").unwrap(), "20.20");
    assert_eq!(amount("0.61").unwrap(), "0.61");
    assert_eq!(amount(".5").unwrap(), "0.50");
    assert_eq!(amount("-34.130").unwrap(), "-34.13");
    assert_eq!(amount("-0").unwrap(), "0.00");
    assert_eq!(amount("-0.00").unwrap(), "0.00");
    assert_eq!(amount("1.2e3").unwrap(), "1200.00");
    assert_eq!(amount("12e-2").unwrap(), "0.12");
    assert_eq!(amount("9999999999999.99").unwrap(), "9999999999999.99");
    assert_eq!(amount("10000000000000"), Err(Misfit::TooWide));
    assert_eq!(amount("0.005"), Err(Misfit::TooManyDecimals));
    assert_eq!(amount("1e400"), Err(Misfit::TooWide));
    assert_eq!(amount("1e-400"), Err(Misfit::TooManyDecimals));
    assert_eq!(amount("0e400").unwrap(), "0.00");
    for odd in ["x", "-", ".", "1.2.3", "1e", "--1", "0x10"] {
        assert_eq!(amount(odd), Err(Misfit::NotANumber), "{odd}");
    }
}

#[test]
fn quantities_have_four_decimals() {
    assert_eq!(fit("-9(18).9999", "num", "1.5").unwrap().1, "1.5000");
}

#[test]
fn carrier_amounts_are_decimals_though_cms_calls_them_text() {
    assert_eq!(Picture::parse("X(15)", "num"), Ok(Picture::Decimal { whole: 11, scale: 2 }));
    assert_eq!(Picture::parse("X(15)", "num").unwrap().width(), 15);
    assert_eq!(Picture::parse("-9(13).99", "num").unwrap().width(), 17);
}

#[test]
fn dates_are_full_calendar_dates() {
    let date = |value: &str| fit("YYYY-MM-DD", "date", value);
    assert_eq!(date("2024-02-29").unwrap().1, "2024-02-29");
    assert_eq!(date("2025-08-15T00:00:00+00:00").unwrap().1, "2025-08-15");
    for none in ["1000-01-01", "9999-12-31", "0001-01-01", "0001-01-01T00:00:00Z"] {
        assert_eq!(date(none).unwrap(), (Fit::Blank, String::new()));
    }
    for some in ["1000-01-02", "1000-02-01", "1001-01-01", "9999-12-30", "9999-11-30", "9998-12-31", "0001-01-02"] {
        assert_eq!(date(some).unwrap().1, some);
    }
    for odd in
        ["2018", "2018-07", "2023-02-29", "2023-13-01", "2023-00-10", "20230101", "2023-01-01 10:00", "١٢٣٤-01-01"]
    {
        assert_eq!(date(odd), Err(Misfit::NotADate), "{odd}");
    }
}

#[test]
fn codes_that_do_not_fit_are_written_as_served_and_told() {
    assert_eq!(fit("9(02)", "int", "01").unwrap().1, "01");
    assert_eq!(fit("9(09)", "int", "30.0").unwrap().1, "30");
    assert_eq!(
        fit("9(13)", "int", "-9100000007919").unwrap(),
        (Fit::AsServed(Misfit::Signed), "-9100000007919".into())
    );
    assert_eq!(fit("9(12)", "int", "54025.5").unwrap(), (Fit::AsServed(Misfit::NotANumber), "54025.5".into()));
    assert_eq!(fit("9(2)", "int", "100").unwrap(), (Fit::AsServed(Misfit::TooWide), "100".into()));
}

#[test]
fn text_is_trimmed_and_never_cut_unasked() {
    assert_eq!(fit("X(2)", "char", " A ").unwrap().1, "A");
    assert_eq!(fit("X(2)", "char", "~~").unwrap().0, Fit::Blank);
    assert_eq!(fit("X(2)", "char", "ABC").unwrap(), (Fit::AsServed(Misfit::TooWide), "ABC".into()));
    assert_eq!(fit("X(2)", "char", "éé").unwrap().1, "éé");
    let mut out = Vec::new();
    assert_eq!(Picture::Text { width: 3 }.fit("Zoë Ann", true, &mut out), Ok(Fit::Cut));
    assert_eq!(out, "Zoë".as_bytes());
}

proptest::proptest! {
    #[test]
    fn what_fits_plainly_is_written_as_it_fits(
        text in "[-+0-9.~≈A-Zé \t]{0,6}|[0-9]{4}-[0-9]{2}-[0-9]{2}|-?[0-9]{1,4}(\\.[0-9]{0,3})?|1000-01-01\
              |20[0-2][0-9]-0[1-9]-[12][0-9](T00:00:00Z)?",
        width in 1..8usize,
        scale in 0..3usize,
    ) {
        let decimal = Picture::Decimal { whole: width, scale };
        for picture in [Picture::Text { width }, Picture::Digits { width }, decimal, Picture::Date] {
            let (mut plain, mut whole) = (b"before".to_vec(), b"before".to_vec());
            let is_plain = picture.fit_plain(&text, &mut plain);
            let fit = picture.fit(&text, false, &mut whole);
            if is_plain {
                proptest::prop_assert_eq!((fit, plain), (Ok(Fit::Written), whole));
                // The mark of a number that could not be read exactly.
                proptest::prop_assert!(!text.starts_with('≈'));
            } else {
                proptest::prop_assert_eq!(plain, b"before");
            }
        }
    }
}
