//! What is said on standard error: to a person as text, or to what collects logs as one JSON object a line.
//!
//! A line of JSON has `time` (UTC, RFC 3339), `level` and `message`; an error has `exit_code` besides. Nothing of the data
//! is in any of them, at any level.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

use claimfeed::Error;
use clap::ValueEnum;

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// for a person
    Text,
    /// one object a line
    Json,
}

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Level {
    /// why the command failed
    Error,
    /// and what it did
    Info,
}

/// Options that every command has.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct LogArgs {
    /// How messages are written to standard error
    #[arg(long, value_enum, default_value = "text", global = true, help_heading = "Messages")]
    log_format: Format,
    /// Which messages are written: why it failed, or also what it did
    #[arg(long, value_enum, default_value = "info", global = true, help_heading = "Messages")]
    log_level: Level,
}

static CHOSEN: OnceLock<LogArgs> = OnceLock::new();

impl LogArgs {
    /// From now on messages are written so.
    pub fn apply(self) {
        let _ = CHOSEN.set(self);
    }
}

fn chosen() -> LogArgs {
    CHOSEN.get().copied().unwrap_or(LogArgs { log_format: Format::Text, log_level: Level::Info })
}

/// Whether somebody looks on: what collects logs wants no lines that change.
pub fn is_watched() -> bool {
    std::io::stderr().is_terminal() && chosen().log_format == Format::Text
}

/// What the command did.
pub fn info(text: &str) {
    write(Level::Info, text, None);
}

/// Why the command failed.
pub fn error(error: &Error) {
    write(Level::Error, &format!("claimfeed: {error}\n"), Some(error.exit_code()));
}

/// Why the program is wrong.
pub fn bug(text: &str, code: u8) {
    write(Level::Error, text, Some(code));
}

fn write(level: Level, text: &str, code: Option<u8>) {
    let chosen = chosen();
    if level > chosen.log_level {
        return;
    }
    let text = match chosen.log_format {
        Format::Text => text.to_string(),
        Format::Json => line(level, text, code),
    };
    // If nobody listens any more, the work is done all the same.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

fn line(level: Level, text: &str, code: Option<u8>) -> String {
    let mut object = serde_json::Map::new();
    let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    object.insert("time".to_string(), time.into());
    object.insert("level".to_string(), if level == Level::Error { "error" } else { "info" }.into());
    object.insert("message".to_string(), text.trim_end().into());
    if let Some(code) = code {
        object.insert("exit_code".to_string(), code.into());
    }
    format!("{}\n", serde_json::Value::Object(object))
}
