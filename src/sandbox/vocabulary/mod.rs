//! The codes and words that synthetic claims are made of.
//!
//! Codes come from the public code sets; people, organisations and drugs are inventions. The lists are short on purpose:
//! a converter must not care which code it carries, only where it stands and how it is written.

pub mod diagnosis;
pub mod people;
pub mod place;
pub mod service;

/// A code and the words that explain it; no words is as common as in real exports.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    pub code: &'static str,
    pub display: &'static str,
}

pub(crate) const fn term(code: &'static str, display: &'static str) -> Term {
    Term { code, display }
}
