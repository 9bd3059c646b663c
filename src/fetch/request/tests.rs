//! What may be asked for, and what is refused.

use super::*;

fn v3(filter: &str) -> Export {
    Export { filters: vec![filter.to_string()], ..Export::all(Api::V3) }
}

fn refusal(export: Export) -> String {
    export.check().unwrap_err().to_string()
}

#[test]
fn the_query_is_encoded_as_the_server_decodes_it() {
    let export = Export {
        types: vec!["Patient".into(), "ExplanationOfBenefit".into()],
        since: Some("2026-01-31T00:00:00.5+02:00".into()),
        ..Export::all(Api::V2)
    };
    let (path, query) = export.path();
    assert_eq!(path, "api/v2/Group/all/$export");
    assert_eq!(query, "_type=Patient,ExplanationOfBenefit&_since=2026-01-31T00:00:00.5%2B02:00");
    assert_eq!(export.series(), "api/v2/Group/all/$export?_type=ExplanationOfBenefit,Patient");
    let filter = "ExplanationOfBenefit?outcome=complete&service-date=ge2024";
    assert_eq!(v3(filter).path().1, "_typeFilter=ExplanationOfBenefit%3Foutcome%3Dcomplete%26service-date%3Dge2024");
    assert_eq!(v3("X?a=1+1%").path().1, "_typeFilter=X%3Fa%3D1%252B1%2525");
    for export in [export, v3(filter), v3("X?a=1+1%"), Export { scope: Scope::Patient, ..Export::all(Api::V1) }] {
        let (path, query) = export.path();
        let url = url::Url::parse(&format!("https://h/{path}?{query}")).unwrap();
        assert_eq!(Export::of_request(&url), Some(export));
    }
}

#[test]
fn what_the_server_would_drop_is_refused() {
    for good in [
        "ExplanationOfBenefit?service-date=ge2024-01-01&service-date=lt2025",
        "ExplanationOfBenefit?outcome=complete,partial",
        "ExplanationOfBenefit?_tag=https://bluebutton.cms.gov/fhir/CodeSystem/System-Type|DDPS&service-date=2024-02",
    ] {
        v3(good).check().unwrap();
        assert!(refusal(Export { dialect: Dialect::Bcda(Api::V2), ..v3(good) }).contains("ignores it"));
    }
    for bad in [
        "ExplanationOfBenefit",
        "Patient?service-date=2024",
        "ExplanationOfBenefit?service-date=ge2024-01-01T00:00:00Z",
        "ExplanationOfBenefit?service-date=ge2024,le2025",
        "ExplanationOfBenefit?service-date=1999",
        "ExplanationOfBenefit?service-date=2024-02-30",
        "ExplanationOfBenefit?service-date=2024-1",
        "ExplanationOfBenefit?service-date=ge2024&service-date=gt2025",
        "ExplanationOfBenefit?service-date=2024&service-date=le2025",
        "ExplanationOfBenefit?outcome=error",
        "ExplanationOfBenefit?_tag=DDPS",
        "ExplanationOfBenefit?patient=1",
        "ExplanationOfBenefit?",
    ] {
        assert!(refusal(v3(bad)).contains("--type-filter"), "{bad}");
    }
    let two = Export { filters: vec!["a".into(), "b".into()], ..Export::all(Api::V3) };
    assert!(refusal(two).contains("found several"));
}

proptest::proptest! {
    /// Any text is decoded to itself, and one that passes passes again; the fuzz target `filter` says the same of more.
    #[test]
    fn what_is_sent_is_what_is_decoded(
        filter in ".{0,30}|(ExplanationOfBenefit|Patient)[?](&?(service-date|_tag|outcome)=(eq|ge|lt)?(2024(-0[1-9])?|complete|partial,?)){0,3}",
    ) {
        let export = v3(&filter);
        let (path, query) = export.path();
        let url = url::Url::parse(&format!("https://h/{path}?{query}")).unwrap();
        let again = Export::of_request(&url).unwrap();
        proptest::prop_assert_eq!(&again, &export);
        proptest::prop_assert_eq!(again.check().is_ok(), export.check().is_ok());
    }
}

#[test]
fn types_groups_and_times_are_checked() {
    let types =
        |api, types: &[&str]| Export { types: types.iter().map(|t| t.to_string()).collect(), ..Export::all(api) };
    types(Api::V2, &["Claim", "Patient"]).check().unwrap();
    assert!(refusal(types(Api::V1, &["Observation"])).contains("BCDA v1"));
    assert!(refusal(types(Api::V3, &["Claim"])).contains("BCDA v3"));
    assert!(refusal(types(Api::V2, &["Patient", "Patient"])).contains("twice"));
    assert!(refusal(types(Api::V2, &["Patient&x=1"])).contains("found `Patient&x=1`"));
    let group = |id: &str| Export { scope: Scope::Group(id.into()), ..Export::all(Api::V2) };
    group("runout").check().unwrap();
    assert!(refusal(group("new")).contains("all or runout"));
    let since = |text: &str| Export { since: Some(text.into()), ..Export::all(Api::V2) };
    for good in ["2026-01-31T00:00:00Z", "2019-12-09T20:44:01.705398Z", "2026-01-31T00:00:00.123456789-05:00"] {
        since(good).check().unwrap();
    }
    for bad in
        ["2026-01-31", "2026-01-31T00:00:00", "2026-01-31t00:00:00z", "", "2026-01-31T00:00Z", "2999-01-01T00:00:00Z"]
    {
        assert!(refusal(since(bad)).starts_with("expected"), "{bad}");
    }
    assert_eq!(utc("2026-01-31T02:00:00+02:00").unwrap(), "2026-01-31T00:00:00Z");
}

#[test]
fn partially_adjudicated_claims_are_asked_for_where_that_is_needed() {
    let filters = |api, types: &[&str], filters: &[&str]| {
        let own = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
        let export = Export { types: own(types), filters: own(filters), ..Export::all(api) }.with_partial();
        export.check().unwrap();
        export.filters
    };
    let all =
        ["SharedSystem", "NationalClaimsHistory", "DDPS"].map(|system| format!("{SYSTEM_TYPE}|{system}")).join(",");
    assert_eq!(filters(Api::V3, &[], &[]), [format!("ExplanationOfBenefit?_tag={all}")]);
    assert_eq!(filters(Api::V3, &["ExplanationOfBenefit"], &[]).len(), 1);
    let dated = "ExplanationOfBenefit?service-date=ge2024";
    assert_eq!(filters(Api::V3, &[], &[dated]), [format!("{dated}&_tag={all}")]);
    let tagged = format!("ExplanationOfBenefit?_tag={SYSTEM_TYPE}|DDPS");
    assert_eq!(filters(Api::V3, &[], &[&tagged]), [tagged]);
    assert!(filters(Api::V3, &["Patient"], &[]).is_empty());
    assert!(filters(Api::V2, &[], &[]).is_empty());
}
