//! Which answer belongs to which path.
//!
//! The order is BCDA's: the bearer token is looked at before the path is known, so that a bad one fails even where none
//! is needed; what nobody serves is a plain 404, a method nobody registered (HEAD among them) an empty 405.

use std::sync::Arc;
use std::time::Duration;

use super::faults::{Kind, Place, wait};
use super::outcome::{dialect, outcome};
use super::reply::Reply;
use super::request::Request;
use super::tokens::Bearer;
use super::{ACO, Bcda, data, export, held, metadata, status};
use crate::Api;

/// Longer than any client should wait.
const HANG: Duration = Duration::from_secs(600);

pub fn answer(bcda: &Arc<Bcda>, request: &Request) -> Reply {
    if request.path == "/sandbox/log" {
        return Reply::json(200, serde_json::to_vec(&*held(&bcda.log)).unwrap_or_default());
    }
    let place = place(request);
    let fault = place.and_then(|place| bcda.fault().at(place, &request.path));
    let mut lost = false;
    match fault {
        Some((Kind::Status(_, status), value)) => return in_front(status, &value),
        Some((Kind::Reset(_), _)) => return Reply { lost: true, ..Reply::new(0) },
        Some((Kind::Hang(_), _)) => {
            std::thread::sleep(HANG);
            return Reply { lost: true, ..Reply::new(0) };
        }
        Some((Kind::Expired(_), _)) => held(&bcda.tokens).revoke(request),
        Some((Kind::Lost(_), _)) => lost = true,
        _ => {}
    }
    Reply { lost, ..served(bcda, request) }
}

fn place(request: &Request) -> Option<Place> {
    let path = request.path.as_str();
    if path == "/auth/token" {
        return Some(Place::Token);
    }
    if path.starts_with("/data/") {
        return Some(Place::Data);
    }
    let rest = path.strip_prefix("/api/")?.split_once('/')?.1;
    if rest.ends_with("/$export") {
        Some(Place::Start)
    } else if rest == "jobs" {
        Some(Place::List)
    } else {
        rest.starts_with("jobs/").then_some(Place::Poll)
    }
}

/// What a proxy says when it does not ask BCDA.
fn in_front(status: u16, value: &str) -> Reply {
    if !matches!(status, 429 | 503) {
        return Reply::html(status);
    }
    match wait(value) {
        Some(wait) => Reply::new(status).with("Retry-After", wait),
        None => Reply::new(status),
    }
}

fn served(bcda: &Arc<Bcda>, request: &Request) -> Reply {
    let path = request.path.as_str();
    if path == "/auth/token" {
        if request.method != "POST" {
            return Reply::new(405);
        }
        let (reply, given) = held(&bcda.tokens).give(request, &bcda.settings);
        held(&bcda.log).tokens += u64::from(given);
        return reply;
    }
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    if let ["data", job, file] = parts[..]
        && request.method == "GET"
        && bcda.fault().strike(Kind::OpenFiles, path).is_some()
    {
        // The URL is the secret; whoever sends a token sends it to a stranger.
        let told = request.header("authorization").is_some();
        return if told { Reply::text(400, "Bad Request") } else { data::serve(bcda, request, job, file) };
    }
    let api = dialect(path);
    let bearer = held(&bcda.tokens).check(request, api);
    let bearer = match bearer {
        Bearer::Refused(reply) => return reply,
        bearer => bearer,
    };
    if matches!(bearer, Bearer::Good) && bcda.fault().strike(Kind::AcoUnknown, path).is_some() {
        return Reply { keep: true, ..outcome(api, 403, "Unauthorized Error") };
    }
    let protected = |answer: &dyn Fn() -> Reply| match bearer {
        Bearer::Good if bcda.fault().strike(Kind::AcoDenied, path).is_some() => {
            outcome(api, 403, &format!("ACO (CMS_ID: {ACO}) is unauthorized"))
        }
        Bearer::Good => answer(),
        Bearer::Missing if bcda.fault().strike(Kind::NoAuth, path).is_some() => answer(),
        _ => outcome(api, 401, "Invalid Token"),
    };
    let get = request.method == "GET";
    let only_get = |answer: &dyn Fn() -> Reply| if get { answer() } else { Reply::new(405) };
    match parts[..] {
        ["_version"] => only_get(&|| Reply::json(200, metadata::VERSION)),
        // Its headers are written too late to name a type; Go guesses this one.
        ["_health"] => {
            only_get(&|| Reply::new(200).with("Content-Type", "text/plain; charset=utf-8").body(metadata::HEALTH))
        }
        ["_auth"] => only_get(&|| Reply::json(200, metadata::AUTH)),
        ["auth", "welcome"] => only_get(&|| protected(&|| Reply::json(200, metadata::WELCOME))),
        ["data", job, file] => only_get(&|| protected(&|| data::serve(bcda, request, job, file))),
        ["api", version, ref rest @ ..] => {
            let Some(api) = Api::parse(version).filter(|api| bcda.settings.versions.contains(api)) else {
                return Reply::nowhere();
            };
            match rest {
                ["metadata"] => only_get(&|| metadata::statement(api, &base(request))),
                ["Patient", "$export"] => only_get(&|| protected(&|| export::start(bcda, request, api, None))),
                ["Group", group, "$export"] => {
                    only_get(&|| protected(&|| export::start(bcda, request, api, Some(group))))
                }
                ["jobs"] => only_get(&|| protected(&|| status::list(bcda, request, api))),
                ["jobs", id] => match request.method.as_str() {
                    "GET" => protected(&|| status::status(bcda, request, api, id)),
                    "DELETE" => protected(&|| status::cancel(bcda, api, id)),
                    _ => Reply::new(405),
                },
                ["attribution_status"] => only_get(&|| protected(&|| metadata::attribution(bcda, api))),
                _ => Reply::nowhere(),
            }
        }
        _ => Reply::nowhere(),
    }
}

/// What every URL that is handed out begins with: the host as the client named it.
pub fn base(request: &Request) -> String {
    format!("http://{}", request.header("host").unwrap_or("127.0.0.1"))
}
