//! `claimfeed sandbox`

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use claimfeed::sandbox::Synth;
use claimfeed::sandbox::server::{Faults, Server, Settings};
use claimfeed::{Api, Error, Result};

const EXAMPLES: &str = "\
Examples:
  claimfeed sandbox                                   prints its address and credentials, serves until Ctrl-C
  claimfeed sandbox --beneficiaries 400 --files 400 --token-seconds 6
  claimfeed sandbox --faults cut=100000,data-503=2/10,start-lost

The first line on standard output is the address. GET /sandbox/log tells what has happened, as JSON.";

const FAULTS: &str = "\
Faults, in a comma list; each strikes a path once, a state of the job or the ACO always;
with /N behind it every N-th request of its kind (/1 all), with @N the N-th only:
";

/// Serve a BCDA of one's own on this machine: invented people, real manners
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}{}", FAULTS, Faults::help()))]
pub struct SandboxCommand {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "P", default_value_t = 0)]
    port: u16,
    /// How many beneficiaries
    #[arg(long, value_name = "N", default_value_t = 100)]
    beneficiaries: u64,
    /// Mean number of claims of a beneficiary
    #[arg(long, value_name = "N", default_value_t = 40)]
    claims: u32,
    /// API versions to serve
    #[arg(long, value_name = "LIST", value_parser = ["v1", "v2", "v3", "all"], value_delimiter = ',', default_value = "all")]
    api: Vec<String>,
    /// Another seed, another population
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Files of claims; without it one for every 50 beneficiaries
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    files: Option<u64>,
    /// Serve the *.ndjson.gz of this folder as they are
    #[arg(long, value_name = "DIR", conflicts_with_all = ["beneficiaries", "claims", "files"])]
    data: Option<PathBuf>,
    /// Life of a token
    #[arg(long, value_name = "S", default_value_t = 1200)]
    token_seconds: u64,
    /// Tokens in five minutes
    #[arg(long, value_name = "N", default_value_t = 100)]
    token_limit: u64,
    /// How long a job takes at least
    #[arg(long, value_name = "S", default_value_t = 5)]
    job_seconds: u64,
    /// How long the files of a finished job stay
    #[arg(long, value_name = "S", default_value_t = 86_400)]
    file_seconds: u64,
    /// How long an expired job answers 410 before it is archived
    #[arg(long, value_name = "S", default_value_t = 3_600)]
    cleanup_seconds: u64,
    /// What goes wrong; --help lists all
    #[arg(long, value_name = "LIST", default_value = "")]
    faults: String,
}

impl SandboxCommand {
    /// Runs it until the process is ended.
    pub fn run(self) -> Result<u8> {
        let every = self.api.iter().any(|name| name == "all");
        let synth = Synth {
            beneficiaries: self.beneficiaries,
            seed: self.seed,
            claims_per_beneficiary: self.claims,
            ..Synth::new(Api::V2)
        };
        let server = Server::start(Settings {
            port: self.port,
            versions: Api::ALL
                .into_iter()
                .filter(|api| every || self.api.iter().any(|name| name == api.name()))
                .collect(),
            files: self.files,
            data: self.data,
            token_life: Duration::from_secs(self.token_seconds),
            token_limit: self.token_limit,
            job_time: Duration::from_secs(self.job_seconds),
            file_life: Duration::from_secs(self.file_seconds),
            cleanup: Duration::from_secs(self.cleanup_seconds),
            faults: Faults::parse(&self.faults)?,
            ..Settings::new(synth)
        })?;
        let url = server.url();
        let told = format!(
            "{url}\nexport BCDA_BASE_URL={url}\nexport BCDA_CLIENT_ID=sandbox\nexport BCDA_CLIENT_SECRET=sandbox\n"
        );
        let mut out = std::io::stdout().lock();
        // A reader that has read its line and gone may still want the server.
        match out.write_all(told.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                return Err(Error::file("write to", std::path::Path::new("standard output"), error));
            }
            _ => drop(out),
        }
        server.wait();
        Ok(0)
    }
}
