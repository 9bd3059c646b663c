//! What `--verify` decides: damage in text that no table uses passes by default and is a broken line with `full`.

mod common;

use claimfeed::Api;
use claimfeed::sandbox::Synth;
use common::convert;

#[test]
fn damage_that_nobody_reads_is_found_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export");
    Synth { beneficiaries: 3, ..Synth::new(Api::V2) }.write(&export).unwrap();
    let claims = std::fs::read_dir(&export)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("ExplanationOfBenefit"))
        .unwrap();
    let sound = convert(&[&export], &[]);

    let text = std::fs::read_to_string(&claims).unwrap();
    // A display name is in no table; `\q` is no escape.
    let damaged = text.replacen("\"display\":\"", "\"display\":\"\\q", 1);
    assert_ne!(text, damaged);
    std::fs::write(&claims, damaged).unwrap();
    let used = convert(&[&export], &[]);
    assert_eq!((used.code, used.bytes()), (sound.code, sound.bytes()));
    for strict in [["--verify", "full"], ["--parser", "tape"]] {
        let found = convert(&[&export], &strict);
        let issues = found.issues();
        assert!(issues.iter().any(|issue| issue[1] == "broken-line"), "{issues:?}");
        assert_ne!(found.code, sound.code);
    }
}

#[test]
fn all_ways_to_read_give_the_same_tables() {
    for api in Api::ALL {
        let folder = tempfile::tempdir().unwrap();
        let export = folder.path().join("export");
        Synth { beneficiaries: 10, ..Synth::new(api) }.write(&export).unwrap();
        let scanned = convert(&[&export], &["--lineage"]);
        for way in [["--parser", "tape"], ["--verify", "full"]] {
            let other = convert(&[&export], &["--lineage", way[0], way[1]]);
            assert_eq!((other.code, other.bytes(), other.issues()), (scanned.code, scanned.bytes(), scanned.issues()));
        }
    }
}
