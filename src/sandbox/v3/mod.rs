//! ExplanationOfBenefit, Patient and Coverage of v3: R4 from the IDR, in the shape of the Java server.
//!
//! The data dictionary describes another shape (the StructureMap output); where they differ this is the server's:
//! rendering members found by `careTeam.sequence = item.sequence`, all modifiers in one concept, periods on lines.

mod authorization;
pub mod coverage;
mod diagnosis;
mod drug;
mod institutional;
mod parts;
pub mod patient;
mod professional;
mod revenue;

use crate::sandbox::json::Json;
use crate::sandbox::model::{Beneficiary, Body, Claim, Standing};

/// One claim as one resource.
pub fn write(j: &mut Json, beneficiary: &Beneficiary, claim: &Claim) {
    let patient = beneficiary.id.to_string();
    if claim.standing == Standing::Authorization {
        return authorization::write(j, claim, &patient);
    }
    match &claim.body {
        Body::Drug(drug) => drug::write(j, claim, drug, &patient),
        Body::Professional(body) => professional::write(j, claim, body, &patient),
        Body::Institutional(body) => institutional::write(j, claim, body, &patient),
    }
}
