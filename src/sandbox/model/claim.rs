//! What every claim has, whatever was done and whoever billed it.

use super::{Drug, Hundredths, Institutional, Professional};
use crate::sandbox::date::Date;
use crate::sandbox::vocabulary::Term;

/// The eight claim types of BCDA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    Carrier,
    Pde,
    Outpatient,
    Dme,
    Inpatient,
    Snf,
    Hha,
    Hospice,
}

impl Family {
    pub const ALL: [Family; 8] = [
        Family::Carrier,
        Family::Pde,
        Family::Outpatient,
        Family::Dme,
        Family::Inpatient,
        Family::Snf,
        Family::Hha,
        Family::Hospice,
    ];

    /// The eob-type code, which is the only safe discriminator of a claim.
    pub const fn eob_type(self) -> &'static str {
        match self {
            Family::Carrier => "CARRIER",
            Family::Pde => "PDE",
            Family::Outpatient => "OUTPATIENT",
            Family::Dme => "DME",
            Family::Inpatient => "INPATIENT",
            Family::Snf => "SNF",
            Family::Hha => "HHA",
            Family::Hospice => "HOSPICE",
        }
    }

    /// The prefix of v1 and v2 resource ids.
    pub const fn prefix(self) -> &'static str {
        match self {
            Family::Carrier => "carrier-",
            Family::Pde => "pde-",
            Family::Outpatient => "outpatient-",
            Family::Dme => "dme-",
            Family::Inpatient => "inpatient-",
            Family::Snf => "snf-",
            Family::Hha => "hha-",
            Family::Hospice => "hospice-",
        }
    }

    /// Inpatient and skilled nursing: stays that are paid by the stay and carry PPS amounts.
    pub const fn is_stay(self) -> bool {
        matches!(self, Family::Inpatient | Family::Snf)
    }
}

/// Why a claim does, or does not, belong in CCLF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The ordinary case: the latest version, not an adjustment.
    Original,
    /// v3 adjustment type 2, whose cancelled original is not served.
    Replacement,
    /// v3 adjustment type 1 without its original. Legal only for a PDE.
    Void,
    /// v1/v2 `status: cancelled`.
    Cancelled,
    /// v3 tag `NotFinalAction`; claims of phase 1 have it too.
    Superseded,
    /// v3 partially adjudicated claim of phase 1 or 2.
    Shared(u8),
    /// v3 Medicare Advantage.
    Advantage,
    /// v3 hospice election notice.
    Notice,
    /// v3 prior authorisation, not a claim at all.
    Authorization,
}

impl Standing {
    /// Whether the default policy of a converter writes rows for the claim.
    pub const fn is_in_cclf(self, family: Family) -> bool {
        match self {
            Standing::Original | Standing::Replacement => true,
            Standing::Void => matches!(family, Family::Pde),
            _ => false,
        }
    }

    /// Claims that have not reached the National Claims History lack what only it knows.
    pub const fn is_partial(self) -> bool {
        matches!(self, Standing::Shared(_) | Standing::Notice)
    }
}

/// A provider in person.
#[derive(Clone, Debug)]
pub struct Person {
    pub npi: String,
    pub given: &'static str,
    pub family: &'static str,
    /// Index into `vocabulary::service::SPECIALTIES`.
    pub specialty: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Principal,
    /// A D row of CCLF4; `secondary` on professional claims.
    Other,
    External,
    Admitting,
    Reason,
}

#[derive(Clone, Copy, Debug)]
pub struct Diagnosis {
    pub role: Role,
    pub term: Term,
    pub icd9: bool,
    /// Present on admission; one character, v3 also several.
    pub poa: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub struct Procedure {
    /// CLM_VAL_SQNC_NUM; may have gaps.
    pub number: u32,
    pub term: Term,
    pub icd9: bool,
    pub date: Option<Date>,
}

/// Benefit enhancements and demonstrations of a claim or a line; v3 only.
#[derive(Clone, Debug, Default)]
pub struct Enhancement {
    /// In the order of `SWITCHES`.
    pub switches: [bool; 6],
    pub demonstrations: Vec<&'static str>,
}

impl Enhancement {
    /// The v3 category codes of the switches, with the CCLF labels that differ between the claim and the line.
    pub const SWITCHES: [(&'static str, &'static str, &'static str, &'static str); 6] = [
        ("CLM_NGACO_PBPMT_SW", "CLM_NGACO_PBPMT_SW", "CLM_LINE_NGACO_PBPMT_SW", "Population Based Payment Indicator"),
        (
            "CLM_NGACO_PDSCHRG_HCBS_SW",
            "CLM_NGACO_PDSCHRG_HCBS_SW",
            "CLM_LINE_NGACO_PDSCHRG_HCBS_SW",
            "Post Discharge Home Visit Benefit Enhancement Indicator",
        ),
        ("CLM_NGACO_SNF_WVR_SW", "CLM_NGACO_SNF_WVR_SW", "CLM_LINE_NGACO_SNF_WVR_SW", "SNF 3-Day Waiver Enhancement"),
        (
            "CLM_NGACO_TLHLTH_SW",
            "CLM_NGACO_TLHLTH_SW",
            "CLM_LINE_NGACO_TLHLTH_SW",
            "Telehealth Benefit Enhancement Indicator",
        ),
        (
            "CLM_NGACO_CPTATN_SW",
            "CLM_NGACO_CPTATN_SW",
            "CLM_LINE_NGACO_CPTATN_SW",
            "AIPBP Benefit Enhancement Indicator",
        ),
        (
            "CLM_ACO_CARE_MGMT_HCBS_SW",
            "CLM_NGACO_CMG_WVR_SW",
            "CLM_NGACO_CMG_WVR_SW",
            "Care Management Home Visits Enhancement",
        ),
    ];

    pub fn is_empty(&self) -> bool {
        self.demonstrations.is_empty() && !self.switches.contains(&true)
    }
}

#[derive(Clone, Debug)]
pub enum Body {
    Institutional(Box<Institutional>),
    Professional(Box<Professional>),
    Drug(Box<Drug>),
}

#[derive(Clone, Debug)]
pub struct Claim {
    pub family: Family,
    pub standing: Standing,
    /// CUR_CLM_UNIQ_ID; negative in the manner of sandbox data when the shape asks for it.
    pub id: i64,
    /// The NCH code that CCLF knows (`71`, ...), or four digits for a partially adjudicated claim.
    pub number: u16,
    pub from: Date,
    pub thru: Date,
    /// Date received; part of the bulk, in no CCLF file.
    pub received: Date,
    /// CLM_EFCTV_DT.
    pub effective: Date,
    /// CLM_IDR_LD_DT; the year 9999 stands for null in real data.
    pub loaded: Option<Date>,
    pub control: Option<String>,
    pub original_control: Option<String>,
    /// Five digits; v1 and v2 drop the leading zeros of some.
    pub contractor: Option<String>,
    pub payment: Option<Hundredths>,
    pub charge: Option<Hundredths>,
    pub query: Option<Term>,
    pub diagnoses: Vec<Diagnosis>,
    /// v3: the principal diagnosis stands a second time among the others, as the first of them.
    pub has_twin: bool,
    pub body: Body,
    /// First `sequence` of the arrays whose numbers carry no meaning, and the step between them.
    pub numbering: (u32, u32),
    /// Arrays that can be read by `sequence` are out of order.
    pub scattered: bool,
    /// A number of its own, for choices that only renderers make (bulk, key order).
    pub salt: u64,
}

impl Claim {
    /// The sequence number of the element at `index`.
    pub const fn sequence(&self, index: usize) -> i64 {
        self.numbering.0 as i64 + index as i64 * self.numbering.1 as i64
    }

    pub const fn is_in_cclf(&self) -> bool {
        self.standing.is_in_cclf(self.family)
    }

    /// CLM_ADJSMT_TYPE_CD as v3 knows it.
    pub const fn adjustment(&self) -> &'static str {
        match self.standing {
            Standing::Void => "1",
            Standing::Replacement => "2",
            _ => "0",
        }
    }

    /// Diagnoses of one role, in the order of their slots.
    pub fn of_role(&self, role: Role) -> impl Iterator<Item = &Diagnosis> + Clone {
        self.diagnoses.iter().filter(move |diagnosis| diagnosis.role == role)
    }
}
