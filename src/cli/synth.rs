//! `claimfeed synth`

use std::path::PathBuf;

use claimfeed::sandbox::{KeyOrder, Shape, Synth};
use claimfeed::{Api, Error, Result};

/// Make a synthetic export: invented people, realistic shapes
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claimfeed synth --api v2 --beneficiaries 100 -o export
  claimfeed synth --api v3 --beneficiaries 1000 --seed 7 --files 4 --gzip -o export

The same options give the same bytes. 1,000 beneficiaries are about 0.8 GB; nobody in it is real.")]
pub struct SynthCommand {
    /// API version
    #[arg(long, value_parser = ["v1", "v2", "v3"])]
    api: String,
    /// How many beneficiaries
    #[arg(long, value_name = "N", default_value_t = 100)]
    beneficiaries: u64,
    /// Another seed, another population
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Folder to write to; must be empty or missing
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Compress the files
    #[arg(long)]
    gzip: bool,
    /// Files per resource type
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    files: u32,
    /// Mean number of claims of a beneficiary
    #[arg(long, value_name = "N", default_value_t = 40)]
    claims: u32,
    /// Order of the keys in every object
    #[arg(long, value_parser = ["sorted", "shuffled"], default_value = "sorted")]
    key_order: String,
    /// Claim types as often as in real exports, or all equally often
    #[arg(long, value_parser = ["typical", "even"], default_value = "typical")]
    mix: String,
    /// Leave out everything irregular
    #[arg(long)]
    plain: bool,
}

impl SynthCommand {
    /// Runs it.
    pub fn run(self) -> Result<u8> {
        let folder = &self.output;
        let taken = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
        if taken {
            return Err(Error::Usage(format!(
                "expected an empty or missing output folder, found files in `{}`\n  hint: name another folder",
                folder.display()
            )));
        }
        let mut shape = if self.plain { Shape::plain() } else { Shape::default() };
        if self.mix == "even" {
            shape.mix = [1.0 / 8.0; 8];
        }
        let synth = Synth {
            beneficiaries: self.beneficiaries,
            seed: self.seed,
            files: self.files,
            gzip: self.gzip,
            key_order: if self.key_order == "sorted" { KeyOrder::Sorted } else { KeyOrder::Shuffled },
            claims_per_beneficiary: self.claims,
            shape,
            // clap has checked the name.
            ..Synth::new(Api::parse(&self.api).unwrap_or(Api::V2))
        };
        let tally = synth.write(folder).map_err(|error| Error::file("write to", folder, error))?;
        super::tell(&format!(
            "{} Patients, {} Coverages, {} claims, {:.1} MB written to `{}`\n",
            tally.patients.resources,
            tally.coverages.resources,
            tally.claims.resources,
            tally.bytes() as f64 / 1e6,
            folder.display()
        ));
        Ok(0)
    }
}
