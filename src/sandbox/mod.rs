//! Synthetic BCDA exports, with the CCLF rows that a converter must make of them.
//!
//! A run invents a population from a seed, writes it as the ndjson files of one API version, and can say for every
//! beneficiary which cells belong in CCLF. The cells come from the invented facts, not from the JSON.
//!
//! ```
//! use claimfeed::Api;
//! use claimfeed::sandbox::Synth;
//!
//! let synth = Synth { beneficiaries: 2, ..Synth::new(Api::V2) };
//! let mut lines = 0;
//! synth.beneficiary(0, &mut |_resource, _line| lines += 1);
//! assert!(lines > 2);
//! assert!(synth.expected(0).iter().any(|row| row.table == "CCLF8"));
//! ```

mod ccw;
mod chance;
mod date;
mod expected;
mod export;
mod json;
mod make;
mod model;
pub mod server;
mod shape;
mod shuffle;
mod v1;
mod v2;
mod v3;
mod vocabulary;

use std::io;
use std::path::Path;

use crate::Api;

pub use expected::ExpectedRow;
pub use export::{Amount, Tally};
pub use shape::Shape;

use chance::Chance;
use json::Json;
use make::Maker;
use model::Beneficiary;

/// In what order objects write their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrder {
    /// Alphabetical, as BCDA does.
    Sorted,
    /// Random in every object, the same for the same seed; about ten times slower.
    Shuffled,
}

/// The resource types of an export, in the order in which a beneficiary's resources come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// a beneficiary
    Patient,
    /// one part of Medicare of a beneficiary
    Coverage,
    /// a claim
    ExplanationOfBenefit,
}

impl Resource {
    /// All of them, in that order.
    pub const ALL: [Resource; 3] = [Resource::Patient, Resource::Coverage, Resource::ExplanationOfBenefit];

    /// The FHIR name, which also begins the file name.
    pub const fn name(self) -> &'static str {
        match self {
            Resource::Patient => "Patient",
            Resource::Coverage => "Coverage",
            Resource::ExplanationOfBenefit => "ExplanationOfBenefit",
        }
    }
}

/// A synthetic export: everything that decides its bytes.
#[derive(Clone, Debug)]
pub struct Synth {
    /// Which shapes the resources have.
    pub api: Api,
    /// How many people.
    pub beneficiaries: u64,
    /// Another seed, another population.
    pub seed: u64,
    /// Parts per resource type; beneficiaries are dealt to them in runs, never split.
    pub files: u32,
    /// Compressed files.
    pub gzip: bool,
    /// Of the keys in every object.
    pub key_order: KeyOrder,
    /// Mean; single beneficiaries have a quarter of it up to almost twice as many.
    pub claims_per_beneficiary: u32,
    /// How often irregular things happen.
    pub shape: Shape,
}

impl Synth {
    /// 100 beneficiaries with about 40 claims each, one plain file per type, sorted keys, rare oddities.
    pub fn new(api: Api) -> Synth {
        Synth {
            api,
            beneficiaries: 100,
            seed: 1,
            files: 1,
            gzip: false,
            key_order: KeyOrder::Sorted,
            claims_per_beneficiary: 40,
            shape: Shape::default(),
        }
    }

    /// Writes the export and its `manifest.json` into `dir`, which is made if it is missing.
    ///
    /// Memory stays flat: one beneficiary at a time.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn write(&self, dir: &Path) -> Result<Tally, io::Error> {
        export::write(self, dir)
    }

    /// Gives every resource of the beneficiary at `index` to `emit`: one line of JSON, without its newline.
    pub fn beneficiary(&self, index: u64, emit: &mut dyn FnMut(Resource, &[u8])) {
        self.render(&self.make(index), index, &mut Json::default(), emit);
    }

    /// The CCLF rows of the beneficiary at `index` under a converter's default policy, by table, and within a table in
    /// the order in which the resources and their lines come.
    pub fn expected(&self, index: u64) -> Vec<ExpectedRow> {
        expected::rows(self.api, &self.make(index))
    }

    pub(crate) fn make(&self, index: u64) -> Beneficiary {
        let maker = Maker { api: self.api, seed: self.seed, claims: self.claims_per_beneficiary, shape: &self.shape };
        maker.beneficiary(index)
    }

    /// `json` is scratch space, kept by the caller to spare allocations.
    pub(crate) fn render(
        &self,
        beneficiary: &Beneficiary,
        index: u64,
        json: &mut Json,
        emit: &mut dyn FnMut(Resource, &[u8]),
    ) {
        let mut order = Chance::new(self.seed, &[index, 4]);
        let mut send = |resource: Resource, json: &mut Json, write: &dyn Fn(&mut Json)| {
            json.clear();
            write(json);
            match self.key_order {
                KeyOrder::Sorted => emit(resource, json.bytes()),
                KeyOrder::Shuffled => emit(resource, &shuffle::keys(json.bytes(), &mut order)),
            }
        };
        match self.api {
            Api::V1 | Api::V2 => {
                send(Resource::Patient, json, &|j| ccw::patient::write(j, self.api, beneficiary));
                for (part, start) in ccw::coverage::parts(beneficiary) {
                    send(Resource::Coverage, json, &|j| ccw::coverage::write(j, self.api, beneficiary, part, start));
                }
            }
            Api::V3 => {
                send(Resource::Patient, json, &|j| v3::patient::write(j, beneficiary));
                for id in &beneficiary.merged {
                    send(Resource::Patient, json, &|j| v3::patient::merged(j, *id, beneficiary));
                }
                for coverage in v3::coverage::list(beneficiary) {
                    send(Resource::Coverage, json, &|j| v3::coverage::write(j, beneficiary, &coverage));
                }
            }
        }
        for claim in &beneficiary.claims {
            send(Resource::ExplanationOfBenefit, json, &|j| match self.api {
                Api::V1 => v1::write(j, beneficiary, claim),
                Api::V2 => v2::write(j, beneficiary, claim),
                Api::V3 => v3::write(j, beneficiary, claim),
            });
        }
    }
}
