//! What a bug tells: its place in the program, and nothing else.
//!
//! The message of a panic may hold what the program was looking at, and that may be a patient's name. So the message is
//! never shown: file and line are enough to find the bug.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};

/// Exit code of a bug, as of any Rust program.
pub const BUG: u8 = 101;

/// Runs the command; a panic on any thread is told without its message.
pub fn guarded(run: impl FnOnce() -> u8) -> u8 {
    std::panic::set_hook(Box::new(|info| super::log::bug(&words(info.location()), BUG)));
    // What was under way is dropped by unwinding: unfinished files go with it.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(BUG)
}

fn words(place: Option<&Location<'_>>) -> String {
    let place = place.map_or("an unknown place".to_string(), |place| format!("{}:{}", place.file(), place.line()));
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "claimfeed: expected no bug, found one at {place}\n  hint: report this place with the version, {version}; nothing of the data is in it\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_and_no_message() {
        let words = words(Some(Location::caller()));
        assert!(words.contains("src/cli/bug.rs:"), "{words}");
        assert_eq!(words.lines().count(), 2);
    }

    #[test]
    fn a_panic_is_an_exit_code() {
        let before = std::panic::take_hook();
        assert_eq!(guarded(|| panic!("a name")), BUG);
        assert_eq!(guarded(|| 7), 7);
        std::panic::set_hook(before);
    }
}
