//! ExplanationOfBenefit of v1: STU3, facts from CCW.
//!
//! Much of what v2 keeps in supportingInfo or benefitBalance is an extension here, and links are called `...LinkId`.

mod drug;
mod institutional;
mod parts;
mod professional;

use crate::sandbox::json::Json;
use crate::sandbox::model::{Beneficiary, Body, Claim};

/// One claim as one resource.
pub fn write(j: &mut Json, beneficiary: &Beneficiary, claim: &Claim) {
    let patient = beneficiary.id.to_string();
    match &claim.body {
        Body::Drug(drug) => drug::write(j, claim, drug, &patient),
        Body::Professional(body) => professional::write(j, claim, body, &patient),
        Body::Institutional(body) => institutional::write(j, claim, body, &patient),
    }
}
