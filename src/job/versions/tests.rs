//! Which claims count: versions, control numbers, groups.

use std::collections::BTreeSet;

use super::*;

fn place(line: usize) -> Place {
    Place { source: 0, line: line as u64 + 1, byte: 0 }
}

fn older(claims: &[(&str, &str)]) -> Vec<u64> {
    let mut versions = Versions::new(&std::env::temp_dir());
    for (line, (id, updated)) in claims.iter().enumerate() {
        Version::new(id, updated, place(line), None).into_iter().for_each(|version| versions.add(version));
    }
    let older = versions.finish().unwrap();
    let is_older = |line: &usize| older.reason(place(*line)) == Some(Reason::OlderVersion);
    (0..claims.len()).filter(is_older).map(|line| line as u64 + 1).collect()
}

#[test]
fn the_version_updated_last_counts_wherever_it_stands() {
    let (old, new) = ("2026-01-05T23:30:00-05:00", "2026-01-06T05:00:00.5Z");
    assert_eq!(older(&[("a", old), ("b", new), ("a", new)]), [1]);
    assert_eq!(older(&[("a", new), ("b", new), ("a", old)]), [3]);
    assert_eq!(older(&[("a", old), ("a", new), ("a", old)]), [1, 3]);
    assert_eq!(older(&[("a", new), ("a", new)]), [1], "of equal ones the later");
    assert_eq!(older(&[("a", ""), ("a", old), ("a", "yesterday")]), [1, 3], "one that does not say is the oldest");
    assert!(older(&[("", old), ("", new)]).is_empty(), "without an id there is no telling");
}

/// Delivery, id, day of the update, control number, prior one, standing.
type Delivered<'a> = (u32, &'a str, u8, &'a str, &'a str, Standing);

fn reasons(claims: &[Delivered<'_>]) -> Vec<&'static str> {
    let mut versions = Versions::new(&std::env::temp_dir());
    for (line, (delivery, id, day, control, prior, standing)) in claims.iter().enumerate() {
        let kin = Kin::new(*delivery, "1S00E00AA00", "CARRIER", control, prior, *standing);
        let updated = format!("2026-01-{day:02}T00:00:00Z");
        versions.add(Version::new(id, &updated, place(line), Some(kin)).unwrap());
    }
    let older = versions.finish().unwrap();
    (0..claims.len()).map(|line| older.reason(place(line)).map_or("", Reason::name)).collect()
}

use Standing::{InForce, LeftOut, Void};

#[test]
fn a_newer_claim_of_another_delivery_replaces_those_of_its_group() {
    let old = (0, "a", 1, "C1", "", InForce);
    assert_eq!(reasons(&[old, (1, "b", 2, "C1", "", InForce)]), ["replaced", ""]);
    assert_eq!(reasons(&[(1, "b", 2, "C1", "", InForce), old]), ["", "replaced"], "in any order");
    assert_eq!(reasons(&[old, (1, "b", 2, "C2", "", InForce)]), ["", ""]);
    assert_eq!(reasons(&[old, (1, "b", 2, "", "", InForce)]), ["", ""]);
    assert_eq!(reasons(&[(0, "a", 1, "", "", InForce), (1, "b", 2, "", "", InForce)]), ["", ""]);
    assert_eq!(reasons(&[old, (0, "b", 2, "C1", "", InForce)]), ["", ""], "one delivery vouches for both");
    let three = [old, (1, "b", 2, "C1", "", InForce), (2, "c", 3, "C1", "", InForce)];
    assert_eq!(reasons(&three), ["replaced", "replaced", ""]);
}

#[test]
fn a_claim_that_was_beside_another_once_does_not_replace_it() {
    let both = [(0, "a", 1, "C1", "", InForce), (0, "b", 1, "C1", "", InForce), (1, "b", 2, "C1", "", InForce)];
    assert_eq!(reasons(&both), ["", "older-version", ""]);
}

#[test]
fn a_claim_replaces_the_one_it_names() {
    let old = (0, "a", 1, "C1", "", InForce);
    assert_eq!(reasons(&[old, (1, "b", 2, "C2", "C1", InForce)]), ["named-prior", ""]);
    assert_eq!(reasons(&[old, (1, "b", 2, "", "C1", InForce)]), ["named-prior", ""]);
    assert_eq!(reasons(&[(0, "a", 3, "C1", "", InForce), (1, "b", 2, "C2", "C1", InForce)]), ["", ""], "not newer");
    assert_eq!(reasons(&[old, (0, "b", 2, "C2", "C1", InForce)]), ["", ""], "one delivery vouches for both");
}

#[test]
fn a_void_takes_its_original_back_and_needs_no_rows_then() {
    let old = (0, "a", 1, "C1", "", InForce);
    assert_eq!(reasons(&[old, (1, "b", 2, "C1", "", Void)]), ["replaced", "void"]);
    assert_eq!(reasons(&[(1, "b", 2, "C1", "", Void)]), [""], "a lone one is the rules' business");
    assert_eq!(reasons(&[old, (1, "b", 2, "C1", "", LeftOut)]), ["", ""]);
}

#[test]
fn what_the_newest_version_says_counts() {
    let claims = [(0, "a", 1, "C1", "", InForce), (1, "b", 2, "C1", "", InForce), (2, "b", 3, "C1", "", LeftOut)];
    assert_eq!(reasons(&claims), ["", "older-version", ""], "the newer one was itself taken back");
}

#[test]
fn many_claims_with_one_filler_for_a_control_number_take_no_time() {
    // So many that their keys go to a file.
    let claims: Vec<(u32, String)> = (0..30_000).map(|n| (n % 3, format!("id{n}"))).collect();
    let claims: Vec<Delivered<'_>> =
        claims.iter().map(|(d, id)| (*d, id.as_str(), *d as u8 + 1, "0", "", InForce)).collect();
    assert_eq!(reasons(&claims).into_iter().filter(|reason| reason.is_empty()).count(), 10_000);
}

/// The rules as they are said, of every claim and every other one.
fn by_the_rules(claims: &[Delivered<'_>]) -> Vec<&'static str> {
    struct Newest<'a> {
        line: usize,
        is: Delivered<'a>,
        deliveries: BTreeSet<u32>,
    }
    let age = |line: usize| (claims[line].2, line);
    let versions = |id: &str| (0..claims.len()).filter(|line| claims[*line].1 == id).collect::<Vec<_>>();
    let is_newest = |line: &usize| versions(claims[*line].1).into_iter().all(|other| age(other) <= age(*line));
    let newest = |line: usize| {
        let deliveries = versions(claims[line].1).into_iter().map(|version| claims[version].0).collect();
        Newest { line, is: claims[line], deliveries }
    };
    let counting: Vec<Newest<'_>> =
        (0..claims.len()).filter(is_newest).map(newest).filter(|claim| claim.is.5 != LeftOut).collect();
    // Of voids of one group and the same deliveries the newest does the voiding.
    let leads = |claim: &Newest<'_>| {
        let is_rival = |other: &Newest<'_>| {
            (other.is.3, other.is.0, &other.deliveries) == (claim.is.3, claim.is.0, &claim.deliveries)
        };
        counting.iter().filter(|other| is_rival(other)).all(|other| age(other.line) <= age(claim.line))
    };
    let mut found = vec![""; claims.len()];
    let mut tell = |line: usize, reason: Reason| {
        let rank = |name: &str| Reason::ALL.iter().position(|reason| reason.name() == name).unwrap_or(usize::MAX);
        if rank(reason.name()) < rank(found[line]) {
            found[line] = reason.name();
        }
    };
    (0..claims.len()).filter(|line| !is_newest(line)).for_each(|line| tell(line, Reason::OlderVersion));
    for old in counting.iter().filter(|claim| claim.is.5 == InForce && !claim.is.3.is_empty()) {
        let can = |new: &&Newest<'_>| age(new.line) > age(old.line) && new.deliveries.is_disjoint(&old.deliveries);
        for new in counting.iter().filter(can) {
            let is_named = new.is.4 == old.is.3 && new.is.4 != new.is.3;
            let is_of_group = new.is.3 == old.is.3;
            match (is_of_group, is_named) {
                (true, _) => tell(old.line, Reason::Replaced),
                (_, true) => tell(old.line, Reason::NamedPrior),
                _ => continue,
            }
            if new.is.5 == Void && (is_named || leads(new)) {
                tell(new.line, Reason::Voids);
            }
        }
    }
    found
}

proptest::proptest! {
    #[test]
    fn claims_met_by_groups_get_what_the_rules_say(
        claims in proptest::collection::vec((0..3u32, 0..8usize, 1..5u8, 0..4usize, 0..4usize, 0..5usize), 0..24),
    ) {
        let controls = ["", "C1", "C2", "C3"];
        let ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let standings = [InForce, InForce, InForce, Void, LeftOut];
        let claims: Vec<Delivered<'_>> = claims
            .into_iter()
            .map(|(delivery, id, day, control, prior, standing)| {
                (delivery, ids[id], day, controls[control], controls[prior], standings[standing])
            })
            .collect();
        proptest::prop_assert_eq!(reasons(&claims), by_the_rules(&claims));
    }
}

#[test]
fn a_partial_claim_goes_once_the_adjudicated_one_is_there() {
    let partials = |claims: &[(&str, &str, &str, Standing)]| {
        let mut versions = Versions::new(&std::env::temp_dir());
        for (line, (id, control, prior, standing)) in claims.iter().enumerate() {
            let kin = Kin::partial(control, prior, *standing);
            versions.add(Version::new(id, "2026-01-01T00:00:00Z", place(line), Some(kin)).unwrap());
        }
        let older = versions.finish().unwrap();
        (0..claims.len()).map(|line| older.reason(place(line)).map_or("", Reason::name)).collect::<Vec<_>>()
    };
    let partial = ("a", "C1", "", Standing::Partial);
    let gone = ["adjudicated-since", ""];
    assert_eq!(partials(&[partial, ("b", "C1", "", Standing::Adjudicated)]), gone);
    assert_eq!(partials(&[partial, ("b", "C2", "C1", Standing::Adjudicated)]), gone);
    assert_eq!(partials(&[partial, ("b", "C2", "", Standing::Adjudicated)]), ["", ""]);
    assert_eq!(partials(&[partial, ("b", "C1", "", Standing::LeftOut)]), ["", ""]);
    assert_eq!(partials(&[("a", "", "", Standing::Partial), ("b", "", "", Standing::Adjudicated)]), ["", ""]);
    assert_eq!(partials(&[partial, partial]), ["older-version", ""]);
}

#[test]
fn texts_of_a_key_do_not_run_into_each_other() {
    assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
    assert_ne!(key(&["a", ""]), key(&["a"]));
}
