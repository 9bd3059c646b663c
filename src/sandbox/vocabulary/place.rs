//! States and places of service.

use super::{Term, term};

/// A state under its three names.
#[derive(Clone, Copy, Debug)]
pub struct State {
    pub usps: &'static str,
    pub fips: &'static str,
    pub ssa: &'static str,
}

const fn state(usps: &'static str, fips: &'static str, ssa: &'static str) -> State {
    State { usps, fips, ssa }
}

pub const STATES: &[State] = &[
    state("AL", "01", "01"),
    state("AK", "02", "02"),
    state("AZ", "04", "03"),
    state("AR", "05", "04"),
    state("CA", "06", "05"),
    state("CO", "08", "06"),
    state("CT", "09", "07"),
    state("DE", "10", "08"),
    state("DC", "11", "09"),
    state("FL", "12", "10"),
    state("GA", "13", "11"),
    state("HI", "15", "12"),
    state("ID", "16", "13"),
    state("IL", "17", "14"),
    state("IN", "18", "15"),
    state("IA", "19", "16"),
    state("KS", "20", "17"),
    state("KY", "21", "18"),
    state("LA", "22", "19"),
    state("ME", "23", "20"),
    state("MD", "24", "21"),
    state("MA", "25", "22"),
    state("MI", "26", "23"),
    state("MN", "27", "24"),
    state("MS", "28", "25"),
    state("MO", "29", "26"),
    state("MT", "30", "27"),
    state("NE", "31", "28"),
    state("NV", "32", "29"),
    state("NH", "33", "30"),
    state("NJ", "34", "31"),
    state("NM", "35", "32"),
    state("NY", "36", "33"),
    state("NC", "37", "34"),
    state("ND", "38", "35"),
    state("OH", "39", "36"),
    state("OK", "40", "37"),
    state("OR", "41", "38"),
    state("PA", "42", "39"),
    state("PR", "72", "40"),
    state("RI", "44", "41"),
    state("SC", "45", "42"),
    state("SD", "46", "43"),
    state("TN", "47", "44"),
    state("TX", "48", "45"),
    state("UT", "49", "46"),
    state("VT", "50", "47"),
    state("VA", "51", "49"),
    state("VI", "78", "48"),
    state("WA", "53", "50"),
    state("WV", "54", "51"),
    state("WI", "55", "52"),
    state("WY", "56", "53"),
];

/// CMS places of service.
pub const PLACES: &[Term] = &[
    term(
        "11",
        "Office. Location, other than a hospital, nursing facility or clinic, where patients are seen and treated",
    ),
    term(
        "12",
        "Home. Location, other than a hospital or other facility, where the patient receives care in a private residence.",
    ),
    term("21", "Inpatient Hospital"),
    term("22", "On Campus-Outpatient Hospital"),
    term("23", "Emergency Room - Hospital"),
    term("31", "Skilled Nursing Facility"),
    term("02", ""),
    term("81", "Independent Laboratory"),
];
