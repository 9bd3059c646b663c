//! Shows a fetch to a person: on a terminal one line that changes, elsewhere a line now and then.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use claimfeed::Result;
use claimfeed::fetch::{Event, Observer};
use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};

/// Between two lines about the same, where nothing can be overwritten.
const SELDOM: Duration = Duration::from_secs(30);

/// Tells what a fetch does, and whether it was interrupted.
pub struct Watch {
    quiet: bool,
    bar: Option<ProgressBar>,
    seen: Mutex<Seen>,
    /// set by SIGINT and SIGTERM
    interrupted: Arc<AtomicBool>,
}

#[derive(Default)]
struct Seen {
    job: String,
    words: String,
    told: Option<Instant>,
    all: usize,
    there: usize,
    bytes: u64,
    since: Option<Instant>,
    came: usize,
}

impl Watch {
    /// Listens for interruptions; a second one ends the process at once.
    pub fn new(quiet: bool) -> Result<Watch> {
        let interrupted = super::signals::interruption(std::path::Path::new("."))?;
        let bar = (!quiet && super::log::is_watched()).then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Ok(Watch { quiet, bar, seen: Mutex::default(), interrupted })
    }

    /// Takes the changing line away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// A line that stays.
    fn say(&self, text: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.println(text),
            None => super::tell(&format!("{text}\n")),
        }
    }

    /// What is going on: overwritten on a terminal, else told seldom, or at once if it is `new`.
    fn show(&self, seen: &mut Seen, text: &str, new: bool) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_string()),
            None if new || seen.told.is_none_or(|told| told.elapsed() >= SELDOM) => {
                seen.told = Some(Instant::now());
                self.say(text);
            }
            None => {}
        }
    }
}

impl Observer for Watch {
    fn tell(&self, event: Event<'_>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = &mut *seen;
        match event {
            Event::Started(job) | Event::Attached(job) => {
                seen.job = job.to_string();
                let how = if matches!(event, Event::Started(_)) { "started" } else { "is under way already: taken up" };
                self.say(&format!("job {job} {how}"));
            }
            Event::Waiting(words, elapsed) => {
                let new = seen.words != words;
                seen.words = words.to_string();
                let words = if words.is_empty() { "no word of its progress" } else { words };
                let elapsed = HumanDuration(Duration::from_secs(elapsed.as_secs()));
                self.show(seen, &format!("waiting for job {}: {words}, {elapsed}", seen.job.clone()), new);
            }
            Event::Again(what, pause) => {
                self.say(&format!("{what}; again in {:.0} s", pause.as_secs_f64().ceil()));
            }
            Event::Files { all, there } => {
                (seen.all, seen.there, seen.since) = (all, there, Some(Instant::now()));
                let kept = if there > 0 { format!(", {there} of them whole already") } else { String::new() };
                self.say(&format!("{all} files to fetch{kept}"));
            }
            Event::Bytes(bytes) => seen.bytes += bytes,
            Event::Whole(_) => {
                seen.there += 1;
                seen.came += 1;
            }
            Event::Note(text) => self.say(text),
            _ => {}
        }
        if matches!(event, Event::Bytes(_) | Event::Whole(_)) {
            let seconds = seen.since.map_or(0.0, |since| since.elapsed().as_secs_f64()).max(0.001);
            // Sizes are not told by the server: what is left is guessed from the files that came.
            let left = match seen.came {
                0 => String::new(),
                came => {
                    let left = seconds / came as f64 * seen.all.saturating_sub(seen.there) as f64;
                    format!(", about {} left", HumanDuration(Duration::from_secs(left as u64)))
                }
            };
            let speed = HumanBytes((seen.bytes as f64 / seconds) as u64);
            let text = format!("{} of {} files, {}, {speed}/s{left}", seen.there, seen.all, HumanBytes(seen.bytes));
            let last = seen.there == seen.all && matches!(event, Event::Whole(_));
            self.show(seen, &text, last);
        }
    }

    fn stopped(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
