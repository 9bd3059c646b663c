//! Fetches an export from a BCDA or another Bulk FHIR server, so that what has a name on disk is whole.
//!
//! A [`Fetch`] starts a job or takes up one that runs, waits for it, and downloads its files; it can be killed at any moment
//! and goes on from there. It knows nothing of claims: what comes is checked to be what the manifest says and no more.
//!
//! ```no_run
//! use std::sync::Arc;
//! use claimfeed::Api;
//! use claimfeed::fetch::{Address, Client, Credentials, Export, Fetch, Login, Patience, Silent};
//!
//! # fn main() -> claimfeed::Result<()> {
//! let address = Address::parse("https://sandbox.bcda.cms.gov", &[])?;
//! let secret = std::env::var("BCDA_CLIENT_SECRET").unwrap_or_default();
//! let id = std::env::var("BCDA_CLIENT_ID").unwrap_or_default();
//! let login = Login::new(Credentials::Basic { id, secret: secret.into() }, address.below("auth/token", None));
//! let client = Client::new(address, login, Patience::default(), Arc::new(Silent));
//! let fetched = Fetch::new(&client, Export::all(Api::V2), "export").run()?;
//! println!("{} resources", fetched.counts.lines);
//! # Ok(())
//! # }
//! ```
//!
//! By file: [`address`] where the server is and what may be followed, [`environment`] what variables say of it, [`http`]
//! one request, [`login`] the token, [`client`] requests with token and patience, [`clock`] the server's time, [`request`] what is asked for, [`job`] the server's jobs,
//! [`listing`] their list, [`manifest`] their files, [`folder`] the names of where they go,
//! [`download`] one file, [`verify`] whether it is whole, [`gate`] and [`shelf`] many at once, [`delivery`] all of them,
//! [`state`] and [`journal`] what survives, [`log`] what happened.

pub mod address;
pub mod client;
pub mod clock;
pub mod delivery;
pub mod download;
pub mod environment;
pub mod export;
pub mod folder;
pub mod gate;
pub mod http;
pub mod job;
pub mod journal;
pub mod listing;
pub mod log;
pub mod login;
pub mod manifest;
pub mod observer;
pub mod outcome;
pub mod patience;
pub mod request;
pub mod shelf;
pub mod state;
pub mod verify;

pub use address::Address;
pub use client::Client;
pub use delivery::{Counts, Delivery};
pub use export::{Fetch, Fetched, Since, Stage};
pub use job::Jobs;
pub use login::{Backend, Credentials, Login};
pub use observer::{Event, Observer, Silent};
pub use patience::Patience;
pub use request::{Dialect, Export, Scope};
pub use shelf::Shelf;
