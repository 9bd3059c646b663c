//! The plan's cells are the oracle's, whatever the record: one of testdata's or one grown from the crosswalk's own
//! paths, changed and written in any order of keys, or text as it comes.
#![no_main]
// The modules are the agreement tests' own, which use more of them.
#![allow(dead_code)]

#[path = "../../tests/agreement/compare.rs"]
mod compare;
#[path = "../edit.rs"]
mod edit;
#[path = "../../tests/agreement/grow.rs"]
mod grow;
#[path = "../../tests/agreement/mutate.rs"]
mod mutate;
#[path = "../../tests/agreement/product.rs"]
mod product;
#[path = "../../tests/agreement/write.rs"]
mod write;

use std::cell::RefCell;
use std::sync::LazyLock;

use arbitrary::{Arbitrary as _, Unstructured};
use claimfeed::Api;
use claimfeed::crosswalk::oracle::Oracle;
use claimfeed::crosswalk::program::Crosswalk;
use claimfeed::crosswalk::schema::Schemas;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

use mutate::Change;

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| Schemas::embedded().expect("the shipped schemas read"));

static CROSSWALKS: LazyLock<[Crosswalk; 3]> =
    LazyLock::new(|| Api::ALL.map(|api| Crosswalk::compile(&SCHEMAS, api).expect("the shipped schemas compile")));

/// Everything of one version.
struct Version {
    oracle: Oracle<'static>,
    product: product::Product<'static>,
    garden: grow::Garden<'static>,
    claims: Vec<Value>,
}

thread_local! {
    static VERSIONS: RefCell<Vec<Version>> = {
        let version = |(at, api): (usize, Api)| {
            let claims = edit::CLAIMS[at].iter().map(|line| serde_json::from_str(line).expect("testdata is sound"));
            Version {
                oracle: Oracle::new(&SCHEMAS, api),
                product: product::Product::new(&CROSSWALKS[at]),
                garden: grow::Garden::new(&SCHEMAS, api),
                claims: claims.collect(),
            }
        };
        RefCell::new(Api::ALL.into_iter().enumerate().map(version).collect())
    };
}

fuzz_target!(|data: &[u8]| {
    VERSIONS.with(|versions| {
        let _ = check(&mut versions.borrow_mut(), &mut Unstructured::new(data));
    });
});

fn check(versions: &mut [Version], choices: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let api = choices.int_in_range(0..=versions.len() - 1)?;
    let version = &mut versions[api];
    let text = match u8::arbitrary(choices)? % 8 {
        0 => {
            let text = choices.bytes(choices.len())?;
            let Ok(text) = str::from_utf8(text) else { return Ok(()) };
            text.to_string()
        }
        1 => {
            let Ok(text) = String::from_utf8(edit::lines(api, choices)) else { return Ok(()) };
            text.lines().next().unwrap_or_default().to_string()
        }
        kind => {
            let mut record = if kind < 5 {
                version.claims[choices.choose_index(version.claims.len())?].clone()
            } else {
                let plants: Vec<[u32; 4]> = choices.arbitrary_iter()?.take(40).collect::<Result<_, _>>()?;
                version.garden.record(u32::arbitrary(choices)?, &plants)
            };
            for _ in 0..choices.int_in_range(0..=13)? {
                Change::of(<[u32; 4]>::arbitrary(choices)?).apply(&mut record);
            }
            write::json(&record, u64::arbitrary(choices)?)
        }
    };
    let compared = compare::compare_claim(&version.oracle, &mut version.product, &SCHEMAS, &text);
    if let Err(found) = compared {
        panic!("{}: {found}\n{text}", Api::ALL[api].name());
    }
    Ok(())
}
