//! Signals that end a command: at the next chunk or request, so that its unfinished files go with it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use claimfeed::{Error, Result};

/// Set by SIGINT and SIGTERM; `folder` is named if they cannot be listened for. A second one ends the process at once: the first may wait for the end of standard input.
pub fn interruption(folder: &Path) -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, interrupted.clone())
            .and_then(|_| signal_hook::flag::register(signal, interrupted.clone()))
            .map_err(|error| Error::file("listen for signals in", folder, error))?;
    }
    Ok(interrupted)
}
