//! The export as bytes: valid lines, sorted keys, the same for the same seed, the same in one file or in many.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use claimfeed::Api;
use claimfeed::sandbox::{KeyOrder, Resource, Shape, Synth};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

const APIS: [Api; 3] = [Api::V1, Api::V2, Api::V3];

/// A JSON value that only knows whether its keys were in order.
struct Ordered(bool);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Ordered, D::Error> {
        struct Look;
        impl<'de> Visitor<'de> for Look {
            type Value = Ordered;
            fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
                out.write_str("any JSON")
            }
            fn visit_bool<E>(self, _: bool) -> Result<Ordered, E> {
                Ok(Ordered(true))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Ordered, E> {
                Ok(Ordered(true))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Ordered, E> {
                Ok(Ordered(true))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Ordered, E> {
                Ok(Ordered(true))
            }
            fn visit_str<E>(self, _: &str) -> Result<Ordered, E> {
                Ok(Ordered(true))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Ordered, A::Error> {
                let mut sorted = true;
                let mut empty = true;
                while let Some(Ordered(inner)) = elements.next_element()? {
                    sorted &= inner;
                    empty = false;
                }
                Ok(Ordered(sorted && !empty))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Ordered, A::Error> {
                let (mut sorted, mut last) = (true, String::new());
                while let Some((name, Ordered(inner))) = members.next_entry::<String, Ordered>()? {
                    sorted &= inner && last < name;
                    last = name;
                }
                Ok(Ordered(sorted && !last.is_empty()))
            }
        }
        deserializer.deserialize_any(Look)
    }
}

fn lines(synth: &Synth, index: u64) -> Vec<(Resource, Vec<u8>)> {
    let mut lines = Vec::new();
    synth.beneficiary(index, &mut |resource, line| lines.push((resource, line.to_vec())));
    lines
}

/// A folder of its own under the build's temporary directory.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    path
}

#[test]
fn keys_are_sorted_and_nothing_is_empty() {
    for api in APIS {
        let synth = Synth::new(api);
        for index in 0..60 {
            for (resource, line) in lines(&synth, index) {
                let Ordered(sorted) = serde_json::from_slice(&line).expect("every line is JSON");
                assert!(sorted, "{api:?} {resource:?} {index}: {}", String::from_utf8_lossy(&line));
                assert!(line.is_ascii() || std::str::from_utf8(&line).is_ok());
                assert!(!line.iter().any(|byte| b"<>&\n".contains(byte)), "Go escapes these");
            }
        }
    }
}

#[test]
fn a_seed_decides_every_byte() {
    for api in APIS {
        let synth = Synth::new(api);
        assert_eq!(lines(&synth, 7), lines(&synth.clone(), 7));
        assert_ne!(lines(&synth, 7), lines(&Synth { seed: 2, ..synth.clone() }, 7));
        assert_eq!(synth.expected(7), synth.clone().expected(7));
    }
}

#[test]
fn shuffled_keys_change_the_order_and_nothing_else() {
    for api in APIS {
        let sorted = Synth::new(api);
        let shuffled = Synth { key_order: KeyOrder::Shuffled, ..sorted.clone() };
        assert_eq!(lines(&shuffled, 3), lines(&shuffled, 3));
        for ((_, one), (_, other)) in lines(&sorted, 3).iter().zip(lines(&shuffled, 3)) {
            assert_ne!(*one, other);
            assert_eq!(one.len(), other.len());
            let value = |line: &[u8]| serde_json::from_slice::<serde_json::Value>(line).expect("every line is JSON");
            assert_eq!(value(one), value(&other));
        }
    }
}

/// All lines of a resource type, in the order of the parts.
fn read(dir: &Path, resource: Resource, files: u32, gzip: bool) -> Vec<u8> {
    let mut all = Vec::new();
    for part in 1..=files {
        let number = if files > 1 { format!(".{part}") } else { String::new() };
        let path = dir.join(format!("{}{number}.ndjson{}", resource.name(), if gzip { ".gz" } else { "" }));
        let bytes = fs::read(&path).expect("the part is there");
        if gzip {
            flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut all).expect("valid gzip");
        } else {
            all.extend(bytes);
        }
    }
    all
}

#[test]
fn parts_and_compression_do_not_change_the_resources() {
    let whole = Synth { beneficiaries: 11, ..Synth::new(Api::V3) };
    let split = Synth { files: 4, gzip: true, ..whole.clone() };
    let (one, many) = (folder("one"), folder("many"));
    let tally = whole.write(&one).expect("writes");
    assert_eq!(tally, split.write(&many).expect("writes"));
    for resource in Resource::ALL {
        let bytes = read(&one, resource, 1, false);
        assert_eq!(bytes, read(&many, resource, 4, true));
        let amount = [tally.patients, tally.coverages, tally.claims][resource as usize];
        assert_eq!(bytes.len() as u64, amount.bytes);
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count() as u64, amount.resources);
    }
    assert_eq!(tally.by_type.iter().map(|(_, count)| count).sum::<u64>(), tally.claims.resources);
}

#[test]
fn the_manifest_has_the_form_of_a_finished_job() {
    let dir = folder("manifest");
    let synth = Synth { beneficiaries: 2, files: 2, ..Synth::new(Api::V2) };
    synth.write(&dir).expect("writes");
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.join("manifest.json")).expect("is there")).expect("is JSON");
    assert_eq!(manifest["output"].as_array().map(Vec::len), Some(6));
    assert_eq!(manifest["error"], serde_json::json!([]));
    assert!(manifest["JobID"].is_u64());
    for file in manifest["output"].as_array().expect("an array") {
        let url = file["url"].as_str().expect("a text");
        assert!(dir.join(url.rsplit('/').next().expect("has a name")).exists(), "{url}");
    }
}

#[cfg(unix)]
#[test]
fn files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder("private");
    Synth { beneficiaries: 1, ..Synth::new(Api::V1) }.write(&dir).expect("writes");
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in fs::read_dir(&dir).expect("is a folder") {
        assert_eq!(mode(&entry.expect("readable").path()), 0o600);
    }
}

#[test]
fn claim_types_come_in_the_usual_mix() {
    let dir = folder("mix");
    let tally = Synth::new(Api::V2).write(&dir).expect("writes");
    let counts: BTreeMap<&str, u64> = tally.by_type.into_iter().collect();
    let share = |name: &str| counts[name] as f64 / tally.claims.resources as f64;
    assert!((0.57..0.63).contains(&share("CARRIER")));
    assert!((0.22..0.28).contains(&share("PDE")));
    assert!(counts.values().all(|count| *count > 0));
}

#[test]
fn a_plain_shape_has_no_oddities() {
    for api in APIS {
        let synth = Synth { shape: Shape::plain(), ..Synth::new(api) };
        for index in 0..30 {
            let claims =
                lines(&synth, index).iter().filter(|(resource, _)| *resource == Resource::ExplanationOfBenefit).count();
            let rows = synth.expected(index);
            let ids: std::collections::BTreeSet<&str> =
                rows.iter().filter(|row| row.table < "CCLF8").map(|row| row.fhir_id.as_str()).collect();
            assert_eq!(ids.len(), claims, "every claim has rows");
            assert!(rows.iter().all(|row| !matches!(row.table, "CCLF9" | "CCLFA" | "CCLFB")));
        }
    }
}

#[test]
fn negative_ids_are_negative_everywhere() {
    let shape = Shape { negative_ids: true, ..Shape::default() };
    let synth = Synth { shape, ..Synth::new(Api::V3) };
    for row in synth.expected(0) {
        assert!(row.fhir_id.starts_with('-'));
    }
}
