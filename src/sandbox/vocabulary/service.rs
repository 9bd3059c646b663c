//! What was done, by whom, and how it was billed.

use super::{Term, term};

/// A HCPCS or CPT code with its BETOS group.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    pub hcpcs: &'static str,
    pub betos: &'static str,
    /// CMS type of service.
    pub kind: &'static str,
}

const fn service(hcpcs: &'static str, betos: &'static str, kind: &'static str) -> Service {
    Service { hcpcs, betos, kind }
}

pub const PHYSICIAN: &[Service] = &[
    service("99213", "M1B", "1"),
    service("99214", "M1B", "1"),
    service("99203", "M1A", "1"),
    service("99232", "M2B", "1"),
    service("99285", "M3", "1"),
    service("93000", "T2A", "5"),
    service("80053", "T1B", "5"),
    service("85025", "T1D", "5"),
    service("83036", "T1E", "5"),
    service("36415", "T1A", "5"),
    service("71046", "I1A", "4"),
    service("74177", "I2B", "4"),
    service("70551", "I2C", "4"),
    service("66984", "P4B", "2"),
    service("45385", "P8D", "2"),
    service("11721", "P5E", "2"),
    service("97110", "O1F", "W"),
    service("G0439", "M1B", "1"),
    service("G0008", "O1G", "V"),
    service("J0897", "O1E", "1"),
    service("A0428", "O1A", "D"),
    service("Q2039", "O1G", "V"),
];

pub const EQUIPMENT: &[Service] = &[
    service("E0601", "D1C", "R"),
    service("A7034", "D1A", "P"),
    service("E1390", "D1C", "R"),
    service("A4253", "D1A", "P"),
    service("K0001", "D1B", "R"),
    service("E0143", "D1E", "A"),
    service("L0650", "D1F", "P"),
    service("J7613", "D1G", "P"),
];

/// HCPCS codes of facility lines.
pub const FACILITY: &[&str] = &[
    "99283", "36415", "80053", "96372", "G0463", "J1885", "97530", "71046", "G0299", "G0151", "93005", "Q5001", "99457",
];

/// HIPPS codes: home health, nursing home, inpatient rehabilitation.
pub const HIPPS: &[&str] = &["1AA11", "2CB21", "KAPD1", "HDE11", "A0801", "B0603"];

pub const MODIFIERS: &[&str] =
    &["25", "59", "26", "TC", "RT", "LT", "GP", "KX", "76", "95", "GA", "QW", "X5", "CR", "PO", "JZ", "NU", "RR"];

/// Revenue centers; the first is the total line.
pub const REVENUE: &[Term] = &[
    term("0001", "Total charges"),
    term("0120", "Room and board, semi-private: general"),
    term("0250", "Pharmacy: general classification"),
    term("0270", "Medical/surgical supplies: general classification"),
    term("0300", "Laboratory: general classification"),
    term("0305", ""),
    term("0324", "Radiology diagnostic: chest x-ray"),
    term("0420", "Physical therapy: general classification"),
    term("0450", "Emergency room: general classification"),
    term("0510", "Clinic: general classification"),
    term("0551", "Skilled nursing: visit charge"),
    term("0636", "Drugs requiring detailed coding"),
    term("0651", "Hospice services: routine home care"),
    term("0730", ""),
    term("0942", ""),
];

pub const SPECIALTIES: &[(&str, &str, &str, &str)] = &[
    ("08", "Family practice", "207Q00000X", "Family Medicine Physician"),
    ("11", "Internal medicine", "207R00000X", "Internal Medicine Physician"),
    ("06", "Cardiology", "207RC0000X", "Cardiovascular Disease Physician"),
    ("18", "Ophthalmology", "207W00000X", "Ophthalmology Physician"),
    ("30", "Diagnostic radiology", "2085R0202X", "Diagnostic Radiology Physician"),
    ("69", "Clinical laboratory", "291U00000X", "Clinical Medical Laboratory"),
    ("50", "Nurse practitioner", "363L00000X", "Nurse Practitioner"),
    ("A5", "Pharmacy", "333600000X", "Pharmacy"),
];

pub const PAYERS: &[Term] = &[
    term("A", "Employer group health plan insurance for an aged beneficiary"),
    term("D", "No-fault, including automobile"),
    term("E", "Workers' compensation"),
    term("L", "Any liability insurance"),
];

pub const NONPAYMENT: &[Term] = &[
    term("B", "Benefit exhausted"),
    term("N", "All other reasons for nonpayment"),
    term("P", "Payment requested"),
    term("42", ""),
];

pub const DISCHARGE: &[Term] = &[
    term("01", "Discharged to home/self care (routine discharge)."),
    term("03", "Discharged/transferred to a skilled nursing facility (SNF) with Medicare certification."),
    term("06", "Discharged/transferred to home care of organized home health service organization."),
    term("20", "Expired (did not recover - Christian Science patient)."),
    term("30", "Still patient."),
    term("51", "Discharged/transferred to a Hospice \u{e2}\u{80}\u{93} medical facility"),
];

pub const ADMISSION: &[Term] = &[
    term("1", "Emergency - The patient required immediate medical intervention"),
    term("2", "Urgent - The patient required immediate attention"),
    term("3", "Elective - The patient's condition permitted adequate time to schedule"),
    term("9", ""),
];

pub const SOURCE: &[Term] = &[
    term("1", "NON-HEALTH CARE FACILITY POINT OF ORIGIN"),
    term("2", "CLINIC OR PHYSICIAN'S OFFICE"),
    term("4", "TRANSFER FROM A HOSPITAL (DIFFERENT FACILITY)"),
    term("5", ""),
];

pub const PROCESSING: &[Term] = &[
    term("A", "Allowed"),
    term("C", "Non-covered care"),
    term("D", "Denied due to duplicate claim"),
    term("R", "Reprocessed"),
];

pub const DENIAL: &[Term] = &[
    term("1", "Physician/supplier"),
    term("0", "Denied"),
    term("4", ""),
    term("D", "Denied due to demonstration involvement"),
];

/// CARC group and reason.
pub const ADJUSTMENT_REASONS: &[(&str, &str)] =
    &[("CO", "45"), ("CO", "120"), ("PR", "2"), ("OA", "23"), ("PR", "B7"), ("CO", "97")];

/// Demonstration numbers, which v3 serves as benefit-enhancement codes.
pub const DEMONSTRATIONS: &[&str] = &["86", "91", "74", "1", "5", "92", "99"];

/// Condition codes other than 62.
pub const CONDITIONS: &[&str] = &["09", "07", "D9", "20", "A6", "44"];

pub const NDC_UNITS: &[&str] = &["ML", "UN", "GR", "F2", "ME"];
