//! What time it is where the server is.
//!
//! This machine's clock may be wrong, and may be set while a fetch runs. So nothing is decided by it: pauses, timeouts and the
//! life of a token are measured by the monotonic clock, and what is compared with times of the server's is a time of the
//! server's, which each of its replies has in its head (`Date`).

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// The server's clock as far as it was heard.
#[derive(Debug, Default)]
pub struct Clock {
    heard: Mutex<Option<(Timestamp, Instant)>>,
}

impl Clock {
    /// Takes the time of a reply that came this moment; one without leaves the clock as it is.
    pub fn hear(&self, date: Option<Timestamp>) {
        if let Some(date) = date {
            *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, Instant::now()));
        }
    }

    /// The server's time, to the second; `None` until it was heard.
    pub fn told(&self) -> Option<Timestamp> {
        let (date, at) = (*self.heard.lock().unwrap_or_else(PoisonError::into_inner))?;
        date.checked_add(at.elapsed()).ok()
    }

    /// The server's time, else this machine's.
    pub fn now(&self) -> Timestamp {
        self.told().unwrap_or_else(Timestamp::now)
    }

    /// The server's time is so far from this machine's that what is good for minutes is not good there.
    pub fn is_another(&self) -> bool {
        self.told().is_some_and(|told| told.duration_since(Timestamp::now()).abs() > SignedDuration::from_secs(60))
    }
}

/// The time in a reply's head.
pub fn date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_time_goes_on_from_its_last_word() {
        let clock = Clock::default();
        assert_eq!(clock.told(), None);
        let server = date("Fri, 21 Nov 2036 00:02:00 GMT").unwrap();
        clock.hear(Some(server));
        clock.hear(None);
        std::thread::sleep(std::time::Duration::from_millis(5));
        let since = clock.now().duration_since(server).as_millis();
        assert!((5..60_000).contains(&since), "{since} ms after what was heard");
        assert_eq!(date("soon"), None);
    }
}
