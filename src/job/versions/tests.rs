//! Which claims count: versions, control numbers, groups.

use std::collections::{BTreeMap, BTreeSet};

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
fn many_claims_with_one_filler_for_a_number_take_no_time() {
    // So many that their keys go to files.
    const MANY: u32 = 40_000;
    const QUARTER: u32 = MANY / 4;
    let ids: Vec<String> = (0..MANY).map(|n| format!("id{n}")).collect();
    // Four deliveries, of which one voids; `named`: claims of the last two have numbers of their own and name the filler as
    // their prior's.
    let counts = |named: bool, voids: u32| {
        let claim = |(n, id): (u32, &'_ String)| {
            let delivery = n % 4;
            let (own, day) = (named && delivery > 1, delivery as u8 + 1);
            let standing = if delivery == voids { Void } else { InForce };
            (delivery, id.clone(), day, if own { id.clone() } else { "0".into() }, if own { "0" } else { "" }, standing)
        };
        let claims: Vec<_> = (0..MANY).zip(&ids).map(claim).collect();
        let claims: Vec<Delivered<'_>> = claims
            .iter()
            .map(|(delivery, id, day, control, prior, standing)| {
                (*delivery, &**id, *day, &**control, *prior, *standing)
            })
            .collect();
        let mut counts = BTreeMap::new();
        reasons(&claims).into_iter().for_each(|reason| *counts.entry(reason).or_insert(0) += 1);
        counts.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(counts(false, 3), [("replaced", 3 * QUARTER), ("void", QUARTER)]);
    assert_eq!(counts(false, 0), [("", 2 * QUARTER), ("replaced", 2 * QUARTER)]);
    assert_eq!(counts(true, 3), [("", QUARTER), ("named-prior", QUARTER), ("replaced", QUARTER), ("void", QUARTER)]);
}

/// A claim for the rules: delivery, id, day of the update, owner, control number, prior one, standing.
type Ruled<'a> = (u32, &'a str, u8, &'a str, &'a str, &'a str, Standing);

/// Where the rules' claims are: in three files by turns.
fn spread(at: usize) -> Place {
    Place { source: at % 3, line: at as u64 + 1, byte: 0 }
}

/// The rules as they are said, of every claim and every other one.
fn by_the_rules(claims: &[Ruled<'_>]) -> Vec<&'static str> {
    let age = |at: usize| (claims[at].2, spread(at).source, at);
    let of = |id: &str| (0..claims.len()).filter(|at| claims[*at].1 == id).collect::<Vec<_>>();
    let is_newest = |at: &usize| of(claims[*at].1).into_iter().all(|other| age(other) <= age(*at));
    let deliveries = |at: usize| of(claims[at].1).into_iter().map(|at| claims[at].0).collect::<BTreeSet<_>>();
    let counting: Vec<usize> = (0..claims.len()).filter(is_newest).filter(|at| claims[*at].6 != LeftOut).collect();
    let mut found = vec![""; claims.len()];
    let mut tell = |at: usize, reason: Reason| {
        let rank = |name: &str| Reason::ALL.iter().position(|reason| reason.name() == name).unwrap_or(usize::MAX);
        if rank(reason.name()) < rank(found[at]) {
            found[at] = reason.name();
        }
    };
    (0..claims.len()).filter(|at| !is_newest(at)).for_each(|at| tell(at, Reason::OlderVersion));
    for old in counting.iter().copied().filter(|at| claims[*at].6 == InForce && !claims[*at].4.is_empty()) {
        let can = |new: &usize| age(*new) > age(old) && deliveries(*new).is_disjoint(&deliveries(old));
        for new in counting.iter().copied().filter(can).filter(|new| claims[*new].3 == claims[old].3) {
            let (control, prior) = (claims[new].4, claims[new].5);
            match (control == claims[old].4, prior == claims[old].4) {
                (true, _) => tell(old, Reason::Replaced),
                (_, true) => tell(old, Reason::NamedPrior),
                _ => continue,
            }
            if claims[new].6 == Void {
                tell(new, Reason::Voids);
            }
        }
    }
    found
}

proptest::proptest! {
    #[test]
    fn claims_met_by_groups_get_what_the_rules_say(
        claims in proptest::collection::vec((0..4u32, 0..9usize, 1..5u8, 0..2usize, 0..4usize, 0..4usize, 0..5usize), 0..24),
    ) {
        let controls = ["", "C1", "C2", "C3"];
        let ids = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let standings = [InForce, InForce, InForce, Void, LeftOut];
        let claims: Vec<Ruled<'_>> = claims
            .into_iter()
            .map(|(delivery, id, day, owner, control, prior, standing)| {
                (delivery, ids[id], day, ["X", "Y"][owner], controls[control], controls[prior], standings[standing])
            })
            .collect();
        let mut versions = Versions::new(&std::env::temp_dir());
        for (at, (delivery, id, day, owner, control, prior, standing)) in claims.iter().enumerate() {
            let kin = Kin::new(*delivery, owner, "CARRIER", control, prior, *standing);
            let updated = format!("2026-01-{day:02}T00:00:00Z");
            versions.add(Version::new(id, &updated, spread(at), Some(kin)).unwrap());
        }
        let older = versions.finish().unwrap();
        let found: Vec<_> = (0..claims.len()).map(|at| older.reason(spread(at)).map_or("", Reason::name)).collect();
        proptest::prop_assert_eq!(found, by_the_rules(&claims));
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
    // Whatever of its versions said so, and however many there are of the number.
    let adjudicated = |control| ("b", control, "", Standing::Adjudicated);
    assert_eq!(partials(&[partial, adjudicated("C1"), adjudicated("C2")]), ["adjudicated-since", "older-version", ""]);
    assert_eq!(partials(&[adjudicated("C2"), partial, adjudicated("C1")]), ["older-version", "adjudicated-since", ""]);
    let other = ("c", "C1", "", Standing::Partial);
    let all = [partial, adjudicated("C1"), other, ("d", "C1", "", Standing::Adjudicated)];
    assert_eq!(partials(&all), ["adjudicated-since", "", "adjudicated-since", ""]);
}

#[test]
fn texts_of_a_key_do_not_run_into_each_other() {
    assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
    assert_ne!(key(&["a", ""]), key(&["a"]));
}
