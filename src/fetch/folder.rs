//! Names of folders that hold one export each: their order is the exports' order.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, Result};

/// Of an export among others, whose names tell converters which came later: so it comes behind those that are there, even if
/// this machine's clock was set back since.
pub fn next_folder(parent: &Path, now: Timestamp) -> Result<String> {
    let entries = std::fs::read_dir(parent).map_err(|error| Error::file("read", parent, error))?;
    let times = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let (seconds, millis) = name.strip_suffix('Z')?.split_at_checked("20261121T000000".len())?;
        format!("{seconds}.{millis}Z").parse::<Timestamp>().ok().filter(|time| folder_name(*time) == name)
    });
    let later = times.max().and_then(|last| last.checked_add(SignedDuration::from_millis(1)).ok());
    Ok(folder_name(later.map_or(now, |later| later.max(now))))
}

fn folder_name(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%S%.3fZ").to_string().replace('.', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_in_the_order_of_their_exports_whatever_the_clock_says() {
        let parent = tempfile::tempdir().unwrap();
        let next = |now: &str| {
            let name = next_folder(parent.path(), now.parse().unwrap()).unwrap();
            std::fs::create_dir(parent.path().join(&name)).unwrap();
            name
        };
        for other in ["notes", "20301121T000000Z", "20309921T000000000Z", ".claimfeed"] {
            std::fs::create_dir(parent.path().join(other)).unwrap();
        }
        assert_eq!(next("2026-11-21T00:00:00.0129Z"), "20261121T000000012Z");
        assert_eq!(next("2026-11-21T00:00:00.0121Z"), "20261121T000000013Z");
        assert_eq!(next("2025-11-21T00:00:00Z"), "20261121T000000014Z");
        assert_eq!(next("2026-12-21T00:00:00.5Z"), "20261221T000000500Z");
    }
}
