//! Requests to the server as everything else sends them: with the token, with patience, to followed addresses only.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::address::{Address, Location};
use super::http::{Ask, Fault, Http, Method, Reply};
use super::login::{Login, allow_list};
use super::observer::{Event, Observer};
use super::outcome::Outcome;
use super::patience::{Patience, sleep};
use crate::error::{Error, Result};

/// Redirects within the server that are followed for one request.
const REDIRECTS: usize = 5;

/// Asks the server.
pub struct Client {
    /// the server
    pub address: Address,
    /// how long to wait
    pub patience: Patience,
    /// who is told
    pub observer: Arc<dyn Observer>,
    http: Http,
    login: Login,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("address", &self.address).field("login", &self.login).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of one server.
    pub fn new(address: Address, login: Login, patience: Patience, observer: Arc<dyn Observer>) -> Client {
        Client { http: Http::new(patience.silence), address, patience, observer, login }
    }

    /// The server's time, if it tells it to who asks for a token; the token is asked for if there is none.
    pub fn time(&self) -> Result<Option<Timestamp>> {
        self.login.ticket(None, &self.http, &self.patience, self.observer.as_ref())?;
        Ok(self.http.clock.told())
    }

    /// Sends once. A refused token is renewed once, a redirect within the server followed, and BCDA's stray `404 page not
    /// found` (a connection that reached the wrong part of it) asked again once.
    pub fn once(&self, ask: &Ask, to: Location, with_token: bool) -> Result<std::result::Result<Reply, Fault>> {
        let (mut ask, mut to) = (ask.clone(), to);
        let (mut renewed, mut strayed, mut redirects) = (false, false, 0);
        let mut refused = None;
        loop {
            if self.observer.stopped() {
                return Err(Error::Paused);
            }
            ask.url = to.url.clone();
            let ticket = if with_token && to.home {
                self.login.ticket(refused, &self.http, &self.patience, self.observer.as_ref())?
            } else {
                None
            };
            let header = ticket.as_ref().map(|ticket| ticket.header());
            let reply = match self.http.send(&ask, header.as_ref().map(|text| text.expose_secret())) {
                Ok(reply) => reply,
                Err(fault) => return Ok(Err(fault)),
            };
            if to.home {
                self.http.clock.hear(reply.date());
            }
            match (reply.status, &ticket) {
                (401, Some(ticket)) if !renewed && self.login.renews() => {
                    renewed = true;
                    refused = Some(ticket.number);
                }
                (301 | 302 | 303 | 307 | 308, _) if ask.method == Method::Get => {
                    redirects += 1;
                    let Some(target) = reply.header("location").filter(|_| redirects <= REDIRECTS) else {
                        return Err(Error::Remote(format!(
                            "expected a reply from {}, found more than {REDIRECTS} redirects, or one to nowhere",
                            self.address.host()
                        )));
                    };
                    let home = to.home;
                    to = self.address.follow(&to.url, target)?;
                    // From another host there is no way back to where the token goes.
                    to.home &= home;
                }
                (404, _)
                    if !strayed && reply.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")) =>
                {
                    strayed = true;
                }
                _ => return Ok(Ok(reply)),
            }
        }
    }

    /// Sends until there is a reply that more patience would not change: not 429, not 5xx, not a broken connection.
    ///
    /// `what` names it for messages; `for_good` tells of a 5xx that is an answer.
    pub fn patiently(&self, ask: &Ask, what: &str, for_good: impl Fn(u16, &Outcome) -> bool) -> Result<Answer> {
        self.patiently_at(ask, &Location { url: ask.url.clone(), home: true }, what, for_good)
    }

    /// The same of an address that the server named, which may be on another host: the token does not go there.
    pub fn patiently_at(
        &self,
        ask: &Ask,
        at: &Location,
        what: &str,
        for_good: impl Fn(u16, &Outcome) -> bool,
    ) -> Result<Answer> {
        let mut pauses = self.patience.pauses();
        loop {
            let (retry_after, why) = match self.once(ask, at.clone(), true)? {
                Ok(reply) => {
                    let (status, retry) = (reply.status, reply.retry_after());
                    let answer = Answer::of(reply);
                    match answer {
                        Ok(answer) => {
                            if !matches!(status, 429 | 500..=599) || for_good(status, &answer.outcome()) {
                                return Ok(answer);
                            }
                            (retry, format!("HTTP {status}, {}", answer.outcome().words()))
                        }
                        Err(fault) => (None, fault.message),
                    }
                }
                Err(fault) if fault.connect_timeout => (None, format!("{}{}", fault.message, allow_list(&ask.url))),
                Err(fault) => (None, fault.message),
            };
            let Some(own) = pauses.next() else {
                return Err(Error::Remote(format!(
                    "expected {what} from {}, found after {} tries: {why}\n  hint: what is whole stays; the same command goes on from there",
                    self.address.host(),
                    self.patience.tries
                )));
            };
            let pause = self.patience.pause(own, retry_after);
            self.observer.tell(Event::Again(&format!("{what}: {why}"), pause));
            sleep(pause, self.observer.as_ref())?;
        }
    }

    /// An address that a reply to `from` named.
    pub fn follow(&self, from: &url::Url, named: &str) -> Result<Location> {
        self.address.follow(from, named)
    }

    /// An answer that is not what was asked for.
    pub fn refused(&self, answer: &Answer, what: &str) -> Error {
        let words = answer.outcome().words();
        let found = format!("expected {what} from {}, found HTTP {}, {words}", self.address.host(), answer.status);
        match (answer.status, &words[..]) {
            (401, _) => Error::Login(format!(
                "{found}\n  hint: the token is good, but not for this: the job may belong to another organisation, or the organisation may be disabled"
            )),
            (403, "an HTML page") => Error::Login(format!(
                "{found}\n  hint: this machine's address may not be on the allow list of these credentials"
            )),
            (403, _) => Error::Login(format!(
                "{found}\n  hint: the organisation has no access to this version or group; try another `--api`, or ask CMS"
            )),
            (404, "`404 page not found`") => Error::Remote(format!(
                "{found}\n  hint: the server has no such path; this API version may be switched off there, or not be there yet: try another `--api`"
            )),
            _ => Error::Remote(found),
        }
    }
}

/// A reply with its small body.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status
    pub status: u16,
    /// e.g. where a job is
    pub content_location: Option<String>,
    /// a job's progress in the server's words
    pub progress: Option<String>,
    /// how long the server wants to be left alone
    pub retry_after: Option<Duration>,
    /// when a finished job ends, as sent
    pub expires: Option<String>,
    /// the body
    pub body: String,
}

impl Answer {
    fn of(reply: Reply) -> std::result::Result<Answer, Fault> {
        let header = |name| reply.header(name).map(str::to_string);
        Ok(Answer {
            status: reply.status,
            content_location: header("content-location"),
            progress: header("x-progress"),
            retry_after: reply.retry_after(),
            expires: header("expires"),
            body: reply.text()?,
        })
    }

    /// Reads a reply's small body.
    pub fn read(reply: Reply) -> std::result::Result<Answer, Fault> {
        Answer::of(reply)
    }

    /// What the body says is wrong.
    pub fn outcome(&self) -> Outcome {
        Outcome::read(&self.body)
    }

    /// The first JSON document of the body.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::Deserializer::from_str(&self.body).into_iter().next()?.ok()
    }
}
