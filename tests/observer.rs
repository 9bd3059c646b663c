//! What happens beside a job while its observer is told: an input that changes, a disk that is full in the end. Either way no table
//! gets its name.

use std::time::Duration;

use claimfeed::job::{Job, Observer};
use claimfeed::report::Issue;
use claimfeed::sandbox::Synth;
use claimfeed::write::csv::CsvSink;
use claimfeed::{Api, Error, Result};

/// Does something to a file as soon as the first chunk is through.
struct Meddler<F: FnMut() + Send>(Option<F>);

impl<F: FnMut() + Send> Observer for Meddler<F> {
    fn progress(&mut self, _: u64, _: u64) -> Result<()> {
        if let Some(mut meddle) = self.0.take() {
            meddle();
        }
        Ok(())
    }
}

#[test]
fn an_input_that_changes_while_it_is_read() {
    let parent = tempfile::tempdir().unwrap();
    let export = parent.path().join("export");
    Synth { beneficiaries: 10, seed: 3, ..Synth::new(Api::V2) }.write(&export).unwrap();
    let file = export.join("ExplanationOfBenefit.ndjson");
    let text = std::fs::read(&file).unwrap();
    let out = parent.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let end_of_a_line = text.len() / 2 + text[text.len() / 2..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let open = || std::fs::OpenOptions::new().write(true).open(&file).unwrap();
    let meddle = |what: &str, length: usize| match what {
        "cut" => open().set_len(length as u64).unwrap(),
        "append" => std::fs::write(&file, [&text[..], &text[..length]].concat()).unwrap(),
        "rewrite" => {
            std::thread::sleep(Duration::from_millis(20));
            std::fs::write(&file, text.to_ascii_uppercase()).unwrap();
        }
        _ => std::fs::remove_file(&file).unwrap(),
    };
    for (what, length, words) in [
        ("cut", 0, "it became shorter while it was read"),
        ("cut", text.len() / 2, "it became shorter while it was read"),
        ("cut", end_of_a_line, "it became shorter while it was read"),
        ("cut", text.len() - 1, "it became shorter while it was read"),
        ("append", end_of_a_line, "it changed while it was read"),
        ("rewrite", 0, "it changed while it was read"),
        ("remove", 0, "No such file"),
    ] {
        for chunk in [4 << 10, 64 << 10] {
            std::fs::write(&file, &text).unwrap();
            let mut job = Job::new([&export]).unwrap();
            job.chunk = chunk;
            job.threads = 1;
            let mut meddler = Meddler(Some(|| meddle(what, length)));
            let result = job.run(&mut CsvSink::new(&out), &mut meddler);
            let Err(error @ Error::File { .. }) = result else { panic!("{what} to {length}: {result:?}") };
            assert!(error.to_string().contains(words), "{what} to {length}: {error}");
            assert_eq!(error.exit_code(), 1);
            assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0, "{what} to {length}");
        }
    }
}

/// Keeps what it hears on a disk that is full in the end.
#[derive(Default)]
struct Full {
    issues: u64,
    is_complete: bool,
}

impl Observer for Full {
    fn issue(&mut self, _: &Issue, _: &str) -> Result<()> {
        assert!(!self.is_complete, "an issue behind the last one");
        self.issues += 1;
        Ok(())
    }

    fn complete(&mut self) -> Result<()> {
        self.is_complete = true;
        Err(Error::Interrupted)
    }
}

#[test]
fn no_table_has_its_name_before_the_observer_has_kept_all_issues() {
    let (export, tables) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    Synth { beneficiaries: 3, ..Synth::new(Api::V2) }.write(export.path()).unwrap();
    std::fs::remove_file(export.path().join("Patient.ndjson")).unwrap();
    let mut observer = Full::default();
    let mut sink = CsvSink::new(tables.path());
    let error = Job::new([export.path()]).unwrap().run(&mut sink, &mut observer).unwrap_err();
    assert!(matches!(error, Error::Interrupted) && observer.is_complete && observer.issues > 0);
    drop(sink);
    assert_eq!(std::fs::read_dir(tables.path()).unwrap().count(), 0);
}
