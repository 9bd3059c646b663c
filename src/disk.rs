//! What is on disk: small files that are there whole or not at all, readable by their owner only; files made sure to be
//! there; and folders held by one process.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use crate::error::{Error, Result};

/// What the names of unfinished files begin with.
pub const HIDDEN: &str = ".claimfeed-";

/// Files that are waited for together.
const SYNCED_AT_ONCE: usize = 4;

/// Writes under a hidden name beside the target and renames; a file of that name is replaced. Both the bytes and all
/// names given in the folder before are on disk when the name appears: where it is after a power cut, they are too.
pub fn write_whole(target: &Path, bytes: &[u8]) -> Result<()> {
    let trouble = |error| Error::file("write", target, error);
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Its mode is 0600.
    let mut file = tempfile::NamedTempFile::with_prefix_in(HIDDEN, folder).map_err(trouble)?;
    file.write_all(bytes).map_err(trouble)?;
    file.as_file().sync_all().map_err(trouble)?;
    sync_names(folder)?;
    file.persist(target).map_err(|error| trouble(error.error))?;
    sync_names(folder)
}

/// Makes sure that files are on disk, side by side, since each waits for the disk and little else.
///
/// By threads of its own: who merges may call this, and a thread of a pool that waits for another pool would take up
/// other work meanwhile, which may wait for the merge.
pub fn sync_all(files: &[File]) -> Vec<io::Result<()>> {
    let sync = |files: &[File]| files.iter().map(File::sync_all).collect::<Vec<_>>();
    if files.len() < 2 {
        return sync(files);
    }
    thread::scope(|scope| {
        let shares = files.chunks(files.len().div_ceil(SYNCED_AT_ONCE));
        let begun: Vec<_> =
            shares.map(|share| (share, thread::Builder::new().spawn_scoped(scope, move || sync(share)))).collect();
        let ended = begun.into_iter().map(|(share, thread)| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // Where the system has no more threads, this one does it.
            Err(_) => sync(share),
        });
        ended.flatten().collect()
    })
}

/// What became of an attempt to hold a folder.
#[derive(Debug)]
pub enum Hold {
    /// held as long as the file is open; goes with the process however that ends, and leaves nothing in the folder
    Ours(File),
    /// somebody else holds it
    Theirs,
    /// the file system knows no locks
    Unknown,
}

/// Holds a folder, unless somebody else does.
pub fn hold(folder: &Path) -> io::Result<Hold> {
    let open = File::open(folder)?;
    Ok(match open.try_lock() {
        Ok(()) => Hold::Ours(open),
        Err(TryLockError::WouldBlock) => Hold::Theirs,
        Err(TryLockError::Error(_)) => Hold::Unknown,
    })
}

/// Makes sure that the names in a folder are on disk.
pub fn sync_names(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| Error::file("write", folder, error))
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;

    #[test]
    fn each_file_gets_its_own_answer() {
        for count in 0..10 {
            for bad in 0..count {
                // A pipe cannot be synced.
                let (_reader, writer) = io::pipe().unwrap();
                let mut files: Vec<File> = (1..count).map(|_| tempfile::tempfile().unwrap()).collect();
                files.insert(bad, File::from(OwnedFd::from(writer)));
                let failed: Vec<bool> = sync_all(&files).iter().map(|answer| answer.is_err()).collect();
                assert_eq!(failed, (0..count).map(|at| at == bad).collect::<Vec<_>>());
            }
        }
    }
}
