//! Work without the GIL that Ctrl-C ends: the engine runs on another thread, this one listens for signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use claimfeed::fetch;
use claimfeed::job::Observer;
use claimfeed::{Error, Result};
use pyo3::prelude::*;

use crate::error::OrRaise;

/// How long Ctrl-C may go unnoticed.
pub const TICK: Duration = Duration::from_millis(100);

/// Ends a job at its next chunk, a fetch as soon as it can.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Observer for Stop {
    fn progress(&mut self, _: u64, _: u64) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }
}

impl fetch::Observer for Stop {
    fn stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs the work; a signal's exception wins over its result.
pub fn interruptible<T: Send>(py: Python<'_>, work: impl FnOnce(&mut Stop) -> Result<T> + Send) -> PyResult<T> {
    let stop = Stop::default();
    let mut told = stop.clone();
    let (done, wait) = sync_channel::<()>(1);
    py.detach(move || {
        std::thread::scope(|scope| {
            let worker = scope.spawn(move || {
                let result = work(&mut told);
                drop(done);
                result
            });
            let mut signal = None;
            while let Err(RecvTimeoutError::Timeout) = wait.recv_timeout(TICK) {
                if let Err(error) = Python::attach(|py| py.check_signals()) {
                    stop.0.store(true, Ordering::Relaxed);
                    signal.get_or_insert(error);
                }
            }
            let result = worker.join().unwrap_or_else(|_| {
                Err(Error::Usage("the engine ended with a fault of its own; please report it".to_string()))
            });
            match signal {
                Some(error) => Err(error),
                None => result.or_raise(),
            }
        })
    })
}
