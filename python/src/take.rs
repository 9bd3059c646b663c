//! What Python gives, as the engine wants it.

use std::path::PathBuf;

use claimfeed::parse::Verify;
use claimfeed::split::Options;
use claimfeed::{Api, crosswalk::schema::Schemas};
use pyo3::prelude::*;

use crate::error::{OrRaise, usage};

/// One path or several.
#[derive(FromPyObject)]
pub enum Paths {
    /// `str` or `os.PathLike`
    One(PathBuf),
    /// a sequence of them
    Many(Vec<PathBuf>),
}

impl From<Paths> for Vec<PathBuf> {
    fn from(paths: Paths) -> Vec<PathBuf> {
        match paths {
            Paths::One(path) => vec![path],
            Paths::Many(paths) => paths,
        }
    }
}

/// One name or several.
#[derive(FromPyObject)]
pub enum Names {
    /// `str`
    One(String),
    /// a sequence of them
    Many(Vec<String>),
}

impl From<Names> for Vec<String> {
    fn from(names: Names) -> Vec<String> {
        match names {
            Names::One(name) => vec![name],
            Names::Many(names) => names,
        }
    }
}

/// `None` and `"auto"` leave it to the content.
pub fn api(name: Option<&str>) -> PyResult<Option<Api>> {
    match name {
        None | Some("auto") => Ok(None),
        Some(name) => Api::parse(name)
            .map(Some)
            .ok_or_else(|| usage(format!("expected an API version of v1, v2, v3, auto, found `{name}`"))),
    }
}

/// `used` or `full`.
pub fn verify(name: &str) -> PyResult<Verify> {
    match name {
        "used" => Ok(Verify::Used),
        "full" => Ok(Verify::Full),
        name => Err(usage(format!("expected verify to be `used` or `full`, found `{name}`"))),
    }
}

/// A folder as with `--schemas`.
pub fn schemas(folder: Option<PathBuf>) -> PyResult<Option<Schemas>> {
    folder.map(|folder| Schemas::with_folder(&folder).or_raise()).transpose()
}

/// Options of splits that all functions share.
pub fn options(columns: Option<Vec<String>>, keys: bool, folder: Option<PathBuf>) -> PyResult<Options> {
    Ok(Options { columns: columns.unwrap_or_default(), keys, schemas: schemas(folder)?, ..Options::default() })
}
