//! The small exports and tables in testdata/, byte for byte. `make golden` makes them anew; review its diff.

mod common;

use std::path::{Path, PathBuf};

use claimfeed::Api;
use common::{claimfeed, convert};

fn testdata(api: Api) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(api.name())
}

fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn the_generator_makes_the_exports_of_testdata() {
    for api in Api::ALL {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("export");
        let options = "--beneficiaries 4 --claims 7 --seed 13 --mix even -o".split(' ');
        let output = claimfeed().args(["synth", "--api", api.name()]).args(options).arg(&made).output().unwrap();
        assert!(output.status.success());
        assert!(files(&made) == files(&testdata(api).join("export")), "{api}: the export changed");
    }
}

#[test]
fn the_exports_of_testdata_give_its_tables() {
    for api in Api::ALL {
        let output = convert(&[&testdata(api).join("export")], &["--lineage"]);
        assert_eq!(output.code, 0, "{}", output.stderr);
        for (name, expected) in files(&testdata(api).join("tables")) {
            if name == "issues.csv" {
                // It names files as the caller did.
                continue;
            }
            let found = std::fs::read_to_string(output.folder().join(&name)).unwrap();
            for (at, (expected, found)) in expected.lines().zip(found.lines()).enumerate() {
                assert_eq!(found, expected, "{api} {name}, line {}", at + 1);
            }
            assert_eq!(found.lines().count(), expected.lines().count(), "{api} {name}");
        }
    }
}
