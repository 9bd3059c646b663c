//! ExplanationOfBenefit of v2: R4 by the CARIN profile, facts from CCW.

mod drug;
mod institutional;
pub(crate) mod parts;
mod professional;
mod revenue;

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
