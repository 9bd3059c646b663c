//! How many downloads run at once.
//!
//! When a server says that it is too much, all workers hear it: half as many go on, none before the pause is over, and one
//! more joins after some downloads went well.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::observer::Observer;
use crate::error::{Error, Result};

/// Downloads that go well before one more may run beside them.
const STEADY: usize = 8;

#[derive(Debug)]
struct Crowd {
    allowed: usize,
    inside: usize,
    well: usize,
    not_before: Instant,
}

/// Lets some in at a time.
#[derive(Debug)]
pub struct Gate {
    most: usize,
    crowd: Mutex<Crowd>,
    left: Condvar,
}

/// A place inside.
#[derive(Debug)]
pub struct Pass<'g>(&'g Gate);

impl Gate {
    /// `most` at once, at least one.
    pub fn new(most: usize) -> Gate {
        let crowd = Crowd { allowed: most.max(1), inside: 0, well: 0, not_before: Instant::now() };
        Gate { most: most.max(1), crowd: Mutex::new(crowd), left: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place.
    pub fn enter(&self, observer: &dyn Observer) -> Result<Pass<'_>> {
        let mut crowd = self.lock();
        loop {
            if observer.stopped() {
                return Err(Error::Paused);
            }
            let pause = crowd.not_before.saturating_duration_since(Instant::now());
            if pause.is_zero() && crowd.inside < crowd.allowed {
                crowd.inside += 1;
                return Ok(Pass(self));
            }
            // In slices, for nobody wakes us when the caller wants to stop.
            let slice = Duration::from_millis(100);
            let slice = if pause.is_zero() { slice } else { pause.min(slice) };
            crowd = self.left.wait_timeout(crowd, slice).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The server wants less: half as many, after a pause.
    pub fn push_back(&self, pause: Duration) {
        let mut crowd = self.lock();
        let until = Instant::now() + pause;
        // Workers that are refused together have made one mistake, not five.
        if crowd.not_before <= Instant::now() {
            crowd.allowed = (crowd.allowed / 2).max(1);
        }
        crowd.not_before = crowd.not_before.max(until);
        crowd.well = 0;
    }

    /// A download went well.
    pub fn went_well(&self) {
        let mut crowd = self.lock();
        crowd.well += 1;
        if crowd.well >= STEADY && crowd.allowed < self.most {
            crowd.allowed += 1;
            crowd.well = 0;
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::super::Silent;
    use super::*;

    #[test]
    fn a_refusal_halves_and_success_grows_again() {
        let gate = Gate::new(4);
        let allowed = || gate.lock().allowed;
        gate.push_back(Duration::from_millis(30));
        gate.push_back(Duration::from_millis(30));
        assert_eq!(allowed(), 2, "refused together: halved once");
        let before = Instant::now();
        let passes = [gate.enter(&Silent).unwrap(), gate.enter(&Silent).unwrap()];
        assert!(before.elapsed() >= Duration::from_millis(20));
        drop(passes);
        gate.push_back(Duration::ZERO);
        gate.push_back(Duration::ZERO);
        assert_eq!(allowed(), 1, "never none");
        (0..100).for_each(|_| gate.went_well());
        assert_eq!(allowed(), 4, "never more than asked for");
    }
}
