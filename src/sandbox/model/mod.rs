//! The facts of a synthetic population as the payer knows them, before any API gives them a shape.
//!
//! Renderers turn these facts into FHIR, `expected` turns them into CCLF cells; neither looks at the other's work, which
//! is what makes the comparison of a converter with `expected` worth anything. Nothing here knows JSON.

pub mod beneficiary;
pub mod claim;
pub mod drug;
pub mod institutional;
pub mod professional;

pub use beneficiary::{Address, Beneficiary, Entitlement, Mbi};
pub use claim::{Body, Claim, Diagnosis, Enhancement, Family, Person, Procedure, Role, Standing};
pub use drug::Drug;
pub use institutional::{Institutional, RevenueLine};
pub use professional::{Professional, Renderer, ServiceLine};

/// Money or a quantity in hundredths: cents, or hundredths of a unit.
pub type Hundredths = i64;

/// A drug on a line of a medical claim.
#[derive(Clone, Debug)]
pub struct Ndc {
    /// 11 digits.
    pub code: String,
    pub name: &'static str,
    pub unit: &'static str,
    pub quantity: Hundredths,
}
