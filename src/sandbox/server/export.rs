//! `$export`: BCDA's checks in BCDA's order, then a job whose files are made aside.

use std::io;
use std::sync::{Arc, OnceLock};

use jiff::{Timestamp, Unit};

use super::faults::Kind;
use super::jobs::{self, Content, Job, Outcome, Product};
use super::outcome::{document, outcome};
use super::query::{self, Query};
use super::reply::Reply;
use super::request::Request;
use super::routes::base;
use super::shelf::{self, Item, Sieve};
use super::{ACO, Bcda, held};
use crate::Api;
use crate::sandbox::Synth;

/// v3's file of warnings: its text is in `details`, and there are no diagnostics.
const WARNINGS: &str = concat!(
    r#"{"resourceType":"OperationOutcome","issue":[{"severity":"warning","code":"processing","details":{"text":"#,
    r#""Default System-Type behavior includes only claims from NCH and DDPS in this export."}}]}"#,
    "\n"
);

/// `group` is `None` for `Patient/$export`.
pub fn start(bcda: &Arc<Bcda>, request: &Request, api: Api, group: Option<&str>) -> Reply {
    let refuse = |text: &str| outcome(api, 400, text);
    if bcda.fault().strike(Kind::AcoDisabled, &request.path).is_some() {
        return outcome(api, 401, "");
    }
    let query = match Query::parse(request, api) {
        Ok(query) => query,
        Err(text) => return refuse(&text),
    };
    if let Err(text) = query::headers(request) {
        return refuse(&text);
    }
    let now = jobs::now();
    // Held to the end: two starts at once are two starts one after the other.
    let mut jobs = held(&bcda.jobs);
    let refused = jobs
        .values()
        .filter(|job| job.state(&bcda.settings, now).runs())
        .any(|job| job.blocks(api, &request.target, query.types.as_deref()));
    if refused {
        return Reply::new(429).with("Retry-After", "0");
    }
    if group.is_some_and(|group| group != "all" && group != "runout") {
        return refuse("Invalid group ID");
    }
    let types = match query.resources(api) {
        Ok(types) => types,
        Err(text) => return refuse(&text),
    };
    if let Some(text) = unattributed(bcda, request, group, &query) {
        return outcome(api, 404, &text);
    }
    let id = jobs.keys().next_back().map_or(jobs::FIRST, |last| last + 1);
    let transaction_time = match api {
        Api::V3 => now,
        // When BFD last loaded data.
        _ => bcda.started,
    };
    let transaction_time = jobs::truncated(transaction_time, Unit::Microsecond);
    let outcome = Arc::new(OnceLock::new());
    jobs.insert(
        id,
        Job {
            id,
            api,
            target: request.target.clone(),
            base: base(request),
            types: query.types.clone(),
            created: now,
            transaction_time,
            cancelled: None,
            outcome: Arc::clone(&outcome),
        },
    );
    drop(jobs);
    held(&bcda.log).jobs += 1;
    let shared = Arc::clone(bcda);
    let target = request.target.clone();
    std::thread::spawn(move || {
        let order = Order { id, api, types, query, target, transaction_time };
        // Without products the job has failed, which its status then says.
        let products = order.prepare(&shared).ok();
        let _ = outcome.set(Outcome { at: jobs::now(), products });
    });
    let relative = bcda.fault().strike(Kind::Relative, &request.path).is_some();
    let base = if relative { String::new() } else { base(request) };
    Reply::new(202).with("Content-Location", format!("{base}/api/{api}/jobs/{id}"))
}

/// The 404s that are states of the world.
fn unattributed(bcda: &Bcda, request: &Request, group: Option<&str>, query: &Query) -> Option<String> {
    let mut faults = bcda.fault();
    let mut strikes = |kind| faults.strike(kind, &request.path).is_some();
    if strikes(Kind::NoAttribution) {
        return Some("failed to start job; attribution file not found".to_owned());
    }
    if strikes(Kind::January) {
        return Some(format!(
            "unable to perform export operations for this Group. No up-to-date attribution information is available for ACOID '{ACO}'. Usually this is due to awaiting new attribution information at the beginning of a Performance Year"
        ));
    }
    if group == Some("runout") && strikes(Kind::RunoutGone) {
        return Some("runout data is no longer available. Runout data expires 180 days after ingestion".to_owned());
    }
    if group == Some("all") && query.since.is_some() && strikes(Kind::SinceTooOld) {
        return Some("failed to start job; attribution file not found for given _since parameter.".to_owned());
    }
    None
}

/// What a job has to make.
struct Order {
    id: u64,
    api: Api,
    types: Vec<String>,
    query: Query,
    target: String,
    transaction_time: Timestamp,
}

impl Order {
    fn prepare(self, bcda: &Bcda) -> io::Result<Vec<Product>> {
        let strikes = |kind| bcda.fault().strike(kind, &self.target).is_some();
        // BCDA takes the type and knows no batch size for it.
        if strikes(Kind::JobFailed) || self.types.iter().any(|name| name == "Observation") {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let names_system = self.query.filter.as_ref().is_some_and(|filter| filter.names_system());
        let claims = self.types.iter().any(|name| name == "ExplanationOfBenefit");
        let warns = (self.api == Api::V3 && claims && !names_system) || strikes(Kind::Warnings);
        let seed = bcda.settings.synth.seed;
        let mut products = Vec::new();
        if !strikes(Kind::NoOutput) {
            let sieve = Sieve {
                api: self.api,
                since: self.query.since,
                until: self.transaction_time,
                filter: self.query.filter,
            };
            for item in items(bcda, self.api).iter().filter(|item| self.types.contains(&item.resource)) {
                let item = match bcda.settings.data {
                    Some(_) => Some(item.clone()),
                    None => sieve.sift(item)?,
                };
                if let Some(item) = item {
                    let name = jobs::file_name(seed, self.id, products.len() as u64);
                    products.push(jobs::product(item, name));
                }
            }
        }
        if let Some(first) = products.first().filter(|_| strikes(Kind::ErrorFile)) {
            products.push(errors(&first.name));
        }
        if warns {
            products.push(Product {
                resource: "OperationOutcome".to_owned(),
                name: "warnings-and-info.ndjson".to_owned(),
                stored: Content::Plain(WARNINGS.into()),
                is_error: true,
            });
        }
        Ok(products)
    }
}

/// The version's whole export, made when somebody first asks for it.
fn items(bcda: &Bcda, api: Api) -> Arc<[Item]> {
    let settings = &bcda.settings;
    let mut shelf = held(&bcda.shelf);
    let made = || shelf::generate(&Synth { api, ..settings.synth.clone() }, settings.files).into();
    Arc::clone(shelf.entry(api).or_insert_with(made))
}

/// One line for each of three people who could not be fetched, with MBIs that nobody has.
fn errors(beside: &str) -> Product {
    let mut text = Vec::new();
    for mbi in ["1S00E00AA11", "1S00E00AA22", "1S00E00AA33"] {
        text.extend(document(
            Api::V1,
            "error",
            "exception",
            &format!(
                "Error retrieving ExplanationOfBenefit for beneficiary MBI {mbi} in ACO 00000000-0000-4000-8000-000000000000"
            ),
        ));
        text.push(b'\n');
    }
    Product {
        resource: "OperationOutcome".to_owned(),
        name: format!("{}-error.ndjson", beside.trim_end_matches(".ndjson")),
        stored: Content::Gzip(shelf::Stored::Memory(shelf::gzip(&text).into())),
        is_error: true,
    }
}
