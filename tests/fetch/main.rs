//! `claimfeed fetch` and its kin against a server that says exactly what a test wants: every refusal, every odd reply.
//!
//! Each test is a small BCDA of its own: what it answers stands in the test.

#[path = "../common/mod.rs"]
mod common;

mod bcda;
mod files;
mod jobs;
