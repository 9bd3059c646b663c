//! How often the irregular things of real exports happen.
//!
//! Every number is a share between 0 and 1 unless it says otherwise. The defaults make each oddity rare enough to leave
//! the bulk realistic and common enough that a few hundred beneficiaries show all of them.

use crate::sandbox::model::Family;

/// The knobs of the generator. `Shape::plain()` turns every oddity off.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Relative weights of the claim types, in the order of `Family::ALL`.
    pub mix: [f64; 8],
    /// v1/v2: `status: cancelled`.
    pub cancelled: f64,
    /// v3: lone cancellations (adjustment type 1), Part D included.
    pub void: f64,
    /// v3: replacements (adjustment type 2), institutional only.
    pub replacement: f64,
    /// v3: `NotFinalAction`.
    pub superseded: f64,
    /// v3: partially adjudicated.
    pub shared: f64,
    /// v3: Medicare Advantage, of inpatient claims.
    pub advantage: f64,
    /// v3: election notices, of hospice claims.
    pub notice: f64,
    /// v3: prior authorisations, per claim.
    pub authorization: f64,
    /// Part D versions other than the original.
    pub changed_pde: f64,
    /// v3: claims or lines with benefit enhancements.
    pub enhanced: f64,
    /// Claims under ICD-9.
    pub icd9: f64,
    /// Claims that mix ICD-9 and ICD-10, of the others.
    pub mixed_icd: f64,
    /// Amounts below zero.
    pub negative_amounts: f64,
    /// Sequence numbers that start at 2 or later, or have gaps.
    pub gaps: f64,
    /// Arrays out of order.
    pub scattered: f64,
    /// Optional header parts missing all together.
    pub sparse: f64,
    /// Beneficiaries with names or addresses that need escapes.
    pub awkward: f64,
    /// Beneficiaries with a former MBI.
    pub renumbered: f64,
    /// v3: merged Patients.
    pub merged: f64,
    /// v1/v2: us-mbi without its currency.
    pub no_currency: f64,
    /// All ids negative, as in some sandbox data.
    pub negative_ids: bool,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            mix: [0.60, 0.25, 0.10, 0.03, 0.007, 0.004, 0.006, 0.003],
            cancelled: 0.01,
            void: 0.01,
            replacement: 0.05,
            superseded: 0.01,
            shared: 0.02,
            advantage: 0.05,
            notice: 0.10,
            authorization: 0.003,
            changed_pde: 0.05,
            enhanced: 0.04,
            icd9: 0.03,
            mixed_icd: 0.01,
            negative_amounts: 0.01,
            gaps: 0.05,
            scattered: 0.02,
            sparse: 0.02,
            awkward: 0.10,
            renumbered: 0.08,
            merged: 0.03,
            no_currency: 0.05,
            negative_ids: false,
        }
    }
}

impl Shape {
    /// Only what every export has: no cancellations, no versions, no irregular arrays, one MBI each.
    pub fn plain() -> Shape {
        Shape {
            cancelled: 0.0,
            void: 0.0,
            replacement: 0.0,
            superseded: 0.0,
            shared: 0.0,
            advantage: 0.0,
            notice: 0.0,
            authorization: 0.0,
            changed_pde: 0.0,
            enhanced: 0.0,
            icd9: 0.0,
            mixed_icd: 0.0,
            negative_amounts: 0.0,
            gaps: 0.0,
            scattered: 0.0,
            sparse: 0.0,
            awkward: 0.0,
            renumbered: 0.0,
            merged: 0.0,
            no_currency: 0.0,
            ..Shape::default()
        }
    }

    /// The family whose weight covers `point`, a share of the total weight.
    pub(crate) fn family(&self, point: f64) -> Family {
        let mut left = point * self.mix.iter().sum::<f64>();
        for (family, weight) in Family::ALL.into_iter().zip(self.mix) {
            left -= weight;
            if left < 0.0 {
                return family;
            }
        }
        Family::Carrier
    }
}
