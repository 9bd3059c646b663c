//! A request for an export is refused with a reason or sent as it was meant: what the server decodes of it is the request again,
//! and passes again.
//!
//! The first line is the filter, the second the time, the others are types.
#![no_main]

use claimfeed::fetch::{Export, request};
use claimfeed::{Api, Error};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let filter = lines.next().unwrap_or_default();
    let since = lines.next().filter(|since| !since.is_empty());
    let types: Vec<String> = lines.take(6).map(str::to_string).collect();
    for api in Api::ALL {
        let filters = if filter.is_empty() { Vec::new() } else { vec![filter.to_string()] };
        let export =
            Export { filters, types: types.clone(), since: since.map(str::to_string), ..Export::all(api) };
        let decoded = |export: &Export| {
            let (path, query) = export.path();
            let url = url::Url::parse(&format!("https://host/{path}?{query}")).expect("an address");
            assert!(url.query_pairs().all(|(name, _)| ["", "_type", "_since", "_typeFilter"].contains(&&*name)));
            Export::of_request(&url).expect("a request for an export")
        };
        match export.check() {
            Ok(()) => {
                let again = decoded(&export);
                assert_eq!(again, export);
                again.check().expect("what passed once passes again");
                assert!(export.filters.is_empty() || api == Api::V3);
            }
            Err(Error::Usage(message)) => assert!(message.starts_with("expected "), "{message}"),
            Err(error) => panic!("another kind of error: {error}"),
        }
        // A filter of any text comes through, passed or not.
        let alone = Export { filters: vec![filter.to_string()], ..Export::all(api) };
        assert_eq!(decoded(&alone), alone);
    }
    if let Ok(utc) = request::utc(filter) {
        assert!(request::instant(&utc).expect("what is sent is an instant") == request::instant(filter).expect("it was"));
        assert!(utc.ends_with('Z') && !utc.contains('+'));
    }
});
