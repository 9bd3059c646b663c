//! A BCDA on loopback, to play with and to test clients against.
//!
//! It answers as BCDA's own code does, byte by byte, including what is odd: `expires_in` as a string, two JSON documents
//! in one body, an empty gzip member behind every file, `Expires` in Go's format, a connection that belongs to the
//! server of its first request. What it serves is made by [`Synth`], or is a folder of files. What goes wrong on purpose
//! is a list of [`Faults`].
//!
//! HTTP is written by hand: no server library lets its user choose chunks, leave bodies unfinished or end a connection
//! without a byte. Everybody gets a thread, nothing here has to be fast.
//!
//! ```
//! use claimfeed::Api;
//! use claimfeed::sandbox::Synth;
//! use claimfeed::sandbox::server::{Server, Settings};
//!
//! # fn main() -> claimfeed::Result<()> {
//! let server = Server::start(Settings::new(Synth { beneficiaries: 3, ..Synth::new(Api::V2) }))?;
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert_eq!(server.log().tokens, 0);
//! # Ok(())
//! # }
//! ```

mod data;
mod export;
mod faults;
mod filter;
mod jobs;
mod log;
mod metadata;
mod outcome;
mod query;
mod reply;
mod request;
mod routes;
mod shelf;
mod status;
mod tokens;

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::Api;
use crate::Error;
use crate::Result;
use crate::sandbox::Synth;

pub use faults::Faults;
pub use log::{Entry, Log};

use jobs::Job;
use request::{Heard, Request};
use shelf::Item;
use tokens::Tokens;

/// The ACO whose credentials these are.
const ACO: &str = "A0000";
/// How long BCDA waits for a request.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that decides how the server behaves.
#[derive(Clone)]
pub struct Settings {
    /// The population; its `api`, `files` and `gzip` do not matter.
    pub synth: Synth,
    /// So many files of claims; `None` is BCDA's way, a file for 50 beneficiaries.
    pub files: Option<u64>,
    /// Serve the `*.ndjson.gz` of this folder instead, as they are: `_since` and filters change nothing.
    pub data: Option<PathBuf>,
    /// The others' paths are unknown.
    pub versions: Vec<Api>,
    /// 0 is any that is free.
    pub port: u16,
    /// `sandbox`
    pub client_id: String,
    /// `sandbox`
    pub client_secret: String,
    /// Twenty minutes.
    pub token_life: Duration,
    /// Tokens in five minutes: 100.
    pub token_limit: u64,
    /// From the start of a job to its end, at least.
    pub job_time: Duration,
    /// From the end of a job to its 410: a day.
    pub file_life: Duration,
    /// From its 410 to its 404: an hour.
    pub cleanup: Duration,
    /// What goes wrong.
    pub faults: Faults,
}

impl Settings {
    /// All versions, a free port, jobs that take two seconds, BCDA's other times, no faults.
    pub fn new(synth: Synth) -> Settings {
        Settings {
            synth,
            files: None,
            data: None,
            versions: Api::ALL.to_vec(),
            port: 0,
            client_id: "sandbox".to_owned(),
            client_secret: "sandbox".to_owned(),
            token_life: Duration::from_secs(1200),
            token_limit: 100,
            job_time: Duration::from_secs(2),
            file_life: Duration::from_secs(24 * 3600),
            cleanup: Duration::from_secs(3600),
            faults: Faults::default(),
        }
    }
}

/// What all connections share.
struct Bcda {
    settings: Settings,
    started: Timestamp,
    tokens: Mutex<Tokens>,
    jobs: Mutex<BTreeMap<u64, Job>>,
    faults: Mutex<Faults>,
    log: Mutex<Log>,
    /// A version's whole export, once somebody asked for it.
    shelf: Mutex<HashMap<Api, Arc<[Item]>>>,
}

impl Bcda {
    fn fault(&self) -> MutexGuard<'_, Faults> {
        held(&self.faults)
    }
}

/// What a thread left behind that panicked is still whole: nobody panics in mid-change.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running server; it stops when dropped.
pub struct Server {
    address: SocketAddr,
    bcda: Arc<Bcda>,
    stop: Arc<AtomicBool>,
    listener: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Listens on 127.0.0.1 and returns at once.
    ///
    /// # Errors
    /// The port is taken, or the folder of `data` cannot be served.
    pub fn start(settings: Settings) -> Result<Server> {
        let place = format!("127.0.0.1:{}", settings.port);
        let trouble = |error| Error::file("listen on", Path::new(&place), error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).map_err(trouble)?;
        let address = listener.local_addr().map_err(trouble)?;
        let mut shelf = HashMap::new();
        if let Some(dir) = &settings.data {
            let items: Arc<[Item]> = shelf::folder(dir)?.into();
            shelf.extend(Api::ALL.map(|api| (api, Arc::clone(&items))));
        }
        let bcda = Arc::new(Bcda {
            started: jobs::now(),
            tokens: Mutex::default(),
            jobs: Mutex::default(),
            faults: Mutex::new(settings.faults.clone()),
            log: Mutex::default(),
            shelf: Mutex::new(shelf),
            settings,
        });
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, flag) = (Arc::clone(&bcda), Arc::clone(&stop));
        let listener = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if flag.load(Ordering::Acquire) {
                    break;
                }
                let shared = Arc::clone(&shared);
                if let Ok(stream) = stream {
                    // A connection that breaks is the other side's business.
                    std::thread::spawn(move || connection(&shared, stream));
                }
            }
        });
        Ok(Server { address, bcda, stop, listener: Some(listener) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has happened so far.
    pub fn log(&self) -> Log {
        held(&self.bcda.log).clone()
    }

    /// From now on these go wrong, counted anew.
    pub fn set_faults(&self, faults: Faults) {
        *self.bcda.fault() = faults;
    }

    /// Serves until the process ends.
    pub fn wait(mut self) {
        if let Some(listener) = self.listener.take() {
            // It never panics: it only accepts.
            let _ = listener.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(listener) = self.listener.take() else { return };
        self.stop.store(true, Ordering::Release);
        // Wakes the listener, which sees the flag.
        if TcpStream::connect(self.address).is_ok() {
            let _ = listener.join();
        }
    }
}

/// The three servers behind BCDA's port. A connection stays with the one that its first request went to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Data,
    Auth,
    Api,
}

impl Side {
    fn of(path: &str) -> Side {
        if path.starts_with("/data") {
            Side::Data
        } else if path.starts_with("/auth") {
            Side::Auth
        } else {
            Side::Api
        }
    }
}

fn connection(bcda: &Arc<Bcda>, mut stream: TcpStream) {
    // Without these it would still answer, only slower or later.
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let _ = stream.set_nodelay(true);
    let mut spare = Vec::new();
    let mut side = None;
    for at in 0.. {
        let request = match Request::read(&mut stream, &mut spare) {
            Ok(Heard::Request(request)) => request,
            Ok(Heard::Noise) => {
                let reply =
                    reply::Reply::new(400).with("Content-Type", "text/plain; charset=utf-8").body("400 Bad Request");
                let _ = reply.send(&mut stream, false, false);
                return;
            }
            Ok(Heard::Nothing) | Err(_) => return,
        };
        let here = Side::of(&request.path);
        let first = *side.get_or_insert(here);
        let mut reply = if first == here { routes::answer(bcda, &request) } else { reply::Reply::nowhere() };
        let closes = request
            .header("connection")
            .is_some_and(|value| value.split(',').any(|token| token.trim().eq_ignore_ascii_case("close")));
        if request.old || closes {
            reply.keep = false;
        }
        // Asking for the log leaves no trace in it.
        if !request.path.starts_with("/sandbox/") {
            held(&bcda.log).add(Entry {
                method: request.method.clone(),
                target: request.target.clone(),
                status: if reply.lost { 0 } else { reply.status },
                range: request.header("range").map(str::to_owned),
                encoding: request.header("accept-encoding").map(str::to_owned),
                authorization: request.header("authorization").is_some(),
                on_connection: at,
            });
        }
        if !reply.send(&mut stream, request.old, request.method == "HEAD").unwrap_or(false) {
            return;
        }
    }
}
