//! How long to wait before asking again, and how often.
//!
//! A server's `Retry-After` comes as seconds, as a date, and in the wild as seconds or milliseconds since 1970; it may be
//! zero, past, or five hours. It is honoured within bounds, and never makes the pause shorter than our own.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::Timestamp;

use super::observer::Observer;
use crate::error::{Error, Result};

/// Pauses of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// before the second try of a request
    pub first: Duration,
    /// between later tries, at most
    pub longest: Duration,
    /// of one request
    pub tries: usize,
    /// before the second question after a job; grows to a minute
    pub poll: Duration,
    /// of what a server asks for, at most
    pub cap: Duration,
    /// without a byte from the server
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            tries: 8,
            poll: Duration::from_secs(5),
            cap: Duration::from_secs(300),
            silence: Duration::from_secs(120),
        }
    }
}

impl Patience {
    /// Our own pauses between the tries of one request; one fewer than tries.
    pub fn pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        let builder = ExponentialBuilder::default().with_min_delay(self.first).with_max_delay(self.longest);
        builder.with_max_times(self.tries.saturating_sub(1)).with_jitter().build()
    }

    /// Pauses between questions after a job, without end.
    pub fn polls(&self) -> impl Iterator<Item = Duration> + use<> {
        let longest = (self.poll * 12).min(Duration::from_secs(60)).max(self.poll);
        let builder = ExponentialBuilder::default().with_min_delay(self.poll).with_max_delay(longest).with_factor(1.5);
        builder.without_max_times().build()
    }

    /// Our own pause, or the longer one that the server asks for, up to the cap.
    pub fn pause(&self, own: Duration, asked: Option<Duration>) -> Duration {
        asked.map_or(own, |asked| asked.min(self.cap).max(own))
    }
}

/// Waits, unless the caller wants to stop.
pub fn sleep(pause: Duration, observer: &dyn Observer) -> Result<()> {
    const SLICE: Duration = Duration::from_millis(50);
    let end = Instant::now() + pause;
    loop {
        if observer.stopped() {
            return Err(Error::Paused);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(SLICE));
    }
}

/// What a `Retry-After` asks for from now on, by the clock of who sent it; zero if that is past.
pub fn wished(text: &str, now: Timestamp) -> Option<Duration> {
    // A number this large is a time since 1970 and no pause: 2001 in seconds, and in milliseconds.
    const EPOCH: u64 = 1_000_000_000;
    const EPOCH_MS: u64 = EPOCH * 1000;
    let text = text.trim();
    let at = match text.parse::<u64>() {
        Ok(seconds @ 0..EPOCH) => return Some(Duration::from_secs(seconds)),
        Ok(seconds @ EPOCH..EPOCH_MS) => Timestamp::from_second(seconds as i64).ok()?,
        Ok(ms) => Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()?,
        Err(_) => jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?,
    };
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_in_all_its_forms() {
        let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let seconds = |text: &str| wished(text, now).map(|pause| pause.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds(" 0 "), Some(0));
        assert_eq!(seconds("Sat, 21 Nov 2026 00:02:00 GMT"), Some(120));
        assert_eq!(seconds("Fri, 31 Dec 1999 23:59:59 GMT"), Some(0));
        assert_eq!(seconds(&(now.as_second() + 7).to_string()), Some(7));
        assert_eq!(seconds(&(now.as_millisecond() + 7000).to_string()), Some(7));
        for wrong in ["", "soon", "-5", "1.5", "99999999999999999999"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_server_can_ask_for_more_but_not_for_less_nor_for_hours() {
        let patience = Patience::default();
        let own = Duration::from_secs(4);
        assert_eq!(patience.pause(own, None), own);
        let pause = |text: &str| patience.pause(own, wished(text, Timestamp::UNIX_EPOCH));
        assert_eq!(pause("0"), own);
        assert_eq!(pause("20"), Duration::from_secs(20));
        assert_eq!(pause("18000"), patience.cap);
        assert_eq!(pause("4795000000000"), patience.cap);
    }

    #[test]
    fn tries_are_counted_and_pauses_bounded() {
        let patience = Patience { tries: 5, ..Patience::default() };
        let pauses: Vec<Duration> = patience.pauses().collect();
        assert_eq!(pauses.len(), 4);
        assert!(patience.polls().take(50).all(|pause| pause <= Duration::from_secs(60)));
    }
}
