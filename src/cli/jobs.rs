//! `claimfeed jobs`

use std::path::PathBuf;
use std::sync::Arc;

use claimfeed::Result;
use claimfeed::fetch::job::{Status, deadline};
use claimfeed::fetch::{Client, Dialect, Export, Jobs};

use super::fetch::{ExportArgs, exit_code, show};
use super::server::ServerArgs;
use super::table::Columns;
use super::watch::Watch;

/// See and end the jobs of an organisation
#[derive(Debug, clap::Args)]
pub struct JobsCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List all jobs, of all versions
    List {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Ask after one job
    Status(One),
    /// End a job that runs
    Cancel(One),
    /// Wait for a job that was started elsewhere, and fetch its files. BCDA says what it was asked for; the options that say so count
    /// only where a server does not (--bulk)
    Attach {
        #[command(flatten)]
        one: One,
        /// Folder to write to, made if it is not there
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
        #[command(flatten)]
        export: Box<ExportArgs>,
    },
}

#[derive(Debug, clap::Args)]
struct One {
    /// Number of the job, or its address
    job: String,
    #[command(flatten)]
    server: ServerArgs,
}

impl JobsCommand {
    /// Runs it.
    pub fn run(self) -> Result<u8> {
        let server = match &self.verb {
            Verb::List { server } => server,
            Verb::Status(one) | Verb::Cancel(one) | Verb::Attach { one, .. } => &one.server,
        };
        let watch = Arc::new(Watch::new(server.quiet)?);
        let result = server.client(&watch).and_then(|client| self.ask(&client, server.dialect()?));
        watch.end();
        result
    }

    fn ask(&self, client: &Client, dialect: Dialect) -> Result<u8> {
        let jobs = Jobs { client, dialect };
        match &self.verb {
            Verb::List { .. } => {
                let mut listed = jobs.list(&[])?;
                listed.sort_by(|a, b| a.start.cmp(&b.start));
                let mut columns = Columns::new(&["job", "status", "started", "last change", "request"]);
                for job in listed {
                    columns.row([job.id, job.status, job.start, job.end, job.request]);
                }
                let text = if columns.len() > 0 { columns.to_string() } else { "no jobs\n".to_string() };
                super::print(text.as_bytes())
            }
            Verb::Status(one) => {
                let text = match jobs.ask(&jobs.url(&one.job)?)?.0 {
                    Status::Waiting(words) => format!("running: {}\n", if words.is_empty() { "-" } else { &words }),
                    Status::Done(_, expires) => match expires.as_deref().and_then(deadline) {
                        Some(until) => {
                            format!("done; its files are kept until {}\n", until.strftime("%Y-%m-%d %H:%M UTC"))
                        }
                        None => "done\n".to_string(),
                    },
                };
                super::print(text.as_bytes())
            }
            Verb::Cancel(one) => {
                jobs.cancel(&jobs.url(&one.job)?)?;
                super::print(b"cancelled\n")
            }
            Verb::Attach { one, output, export } => {
                let mut fetch = export.fetch(client, dialect, output, false)?;
                fetch.job = Some(one.job.clone());
                // What the job was asked for, whatever the options are: the state must not say otherwise.
                if let Dialect::Bcda(_) = dialect {
                    let known = jobs.list(&[])?.into_iter().find(|job| one.job.rsplit('/').next() == Some(&job.id));
                    let request = known.and_then(|job| job.asked_for());
                    if let Some(asked) = request.and_then(|request| Export::of_request(&request)) {
                        fetch.export = asked;
                    }
                }
                let fetched = fetch.run()?;
                super::tell(&show(&fetched));
                Ok(exit_code(&fetched))
            }
        }
    }
}
