//! An export from a server.

use std::path::PathBuf;
use std::sync::Arc;

use claimfeed::Api;
use claimfeed::fetch::environment;
use claimfeed::fetch::request::utc;
use claimfeed::fetch::{Address, Client, Credentials, Dialect, Export, Fetch, Login, Patience, Scope, Since};
use pyo3::prelude::*;
use serde::Serialize;

use crate::error::{OrRaise, usage};
use crate::rows::json;
use crate::{take, wait};

/// What a fetch brought, as Python sees it.
#[derive(Serialize)]
struct Told {
    folder: PathBuf,
    files: u64,
    bytes: u64,
    resources: u64,
    errors: u64,
    warnings: u64,
    transaction_time: Option<String>,
    exit_code: u8,
}

/// See the package.
#[pyfunction]
#[pyo3(signature = (output, *, server=None, api=None, group="all", types=None, since=None, parallel=5))]
#[allow(clippy::too_many_arguments, reason = "Python names them")]
pub fn fetch(
    py: Python<'_>,
    output: PathBuf,
    server: Option<&str>,
    api: Option<&str>,
    group: &str,
    types: Option<Vec<String>>,
    since: Option<&str>,
    parallel: usize,
) -> PyResult<String> {
    let api = take::api(api)?.unwrap_or(Api::V2);
    let address = Address::parse(&server.map_or_else(environment::server, str::to_string), &[]).or_raise()?;
    // They come by the environment only: an argument would stand in histories and notebooks.
    let [id, secret] = ["BCDA_CLIENT_ID", "BCDA_CLIENT_SECRET"].map(|name| environment::variable(&[name]));
    let (Some(id), Some(secret)) = (id, secret) else {
        return Err(usage("expected BCDA_CLIENT_ID and BCDA_CLIENT_SECRET in the environment, found none"));
    };
    let login = Login::new(Credentials::Basic { id, secret: secret.into() }, address.below("auth/token", None));
    let auto = since == Some("auto");
    let export = Export {
        dialect: Dialect::Bcda(api),
        scope: Scope::Group(group.to_string()),
        types: types.unwrap_or_default(),
        since: since.filter(|_| !auto).map(utc).transpose().or_raise()?,
        filters: Vec::new(),
    };
    export.check().or_raise()?;
    let fetched = wait::interruptible(py, |stop| {
        let client = Client::new(address, login, Patience::default(), Arc::new(stop.clone()));
        let since = if auto { Since::Auto } else { Since::Asked };
        Fetch { since, parallel: parallel.max(1), ..Fetch::new(&client, export, &output) }.run()
    })?;
    let counts = fetched.counts;
    json(&Told {
        folder: fetched.folder,
        files: counts.files,
        bytes: counts.bytes,
        resources: counts.lines,
        errors: counts.errors,
        warnings: counts.warnings,
        transaction_time: fetched.transaction_time,
        exit_code: if counts.errors > 0 { 3 } else { 0 },
    })
}
