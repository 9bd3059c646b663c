//! What a server says of a finished job never panics: the manifest, its pages, when the files go, how long to wait, what is
//! wrong. A manifest that is accepted says the same after it was written with more about each file, and read again.
#![no_main]

use std::time::Duration;

use claimfeed::fetch::Patience;
use claimfeed::fetch::job::deadline;
use claimfeed::fetch::manifest::{Kind, Manifest};
use claimfeed::fetch::outcome::Outcome;
use claimfeed::fetch::patience::wished;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|text: &str| {
    let outcome = Outcome::read(text);
    // Its words stand in a message of one line.
    assert!(outcome.words().chars().count() <= 402 && !outcome.words().contains(['\n', '\r', '\x1b']));
    let _ = deadline(text);
    let patience = Patience::default();
    let asked = wished(text, Timestamp::UNIX_EPOCH);
    let pause = patience.pause(Duration::from_secs(4), asked);
    assert!((Duration::from_secs(4)..=patience.cap).contains(&pause));

    let Ok(manifest) = Manifest::read(text) else { return };
    let plain = manifest.told(std::iter::empty::<Map<String, Value>>()).to_string();
    assert_eq!(Manifest::read(&plain).expect("what was read is written"), manifest);
    let _ = (manifest.transaction_time(), manifest.wants_token());
    let Ok(files) = manifest.files() else { return };
    for file in &files {
        // It becomes part of a file's name.
        assert!(!file.resource.is_empty() && file.resource.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
    let about = (0..files.len()).map(|at| Map::from_iter([("lines".to_string(), Value::from(at))]));
    let told = Manifest::read(&manifest.told(about).to_string()).expect("what was read is written");
    assert_eq!(told.files().expect("nothing of a file was taken away"), files);

    let mut joined = manifest.clone();
    joined.join(manifest.clone());
    assert_eq!(joined.next(), manifest.next());
    let of = |kind| move |file: &&claimfeed::fetch::manifest::Listed| file.kind == kind;
    let twice = joined.files().expect("files of both pages");
    for kind in [Kind::Output, Kind::Error, Kind::Deleted] {
        assert_eq!(twice.iter().filter(of(kind)).count(), 2 * files.iter().filter(of(kind)).count());
    }
});
