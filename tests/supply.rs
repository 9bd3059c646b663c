//! What the program is made of: licences, sources and doubles of its dependencies as deny.toml allows them, and where its
//! own unsafe code stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Texts in quotes of the list that begins with `head` in deny.toml.
fn listed(head: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    let list = text.split(head).nth(1).unwrap_or_else(|| panic!("no {head}"));
    let list = &list[..list.find("\n]").unwrap_or(list.len())];
    list.lines().filter_map(|line| Some(line.split('"').nth(1)?.to_string())).collect()
}

/// What Cargo.lock has, with what each package says of itself.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Whether licences that are allowed fulfil an expression of SPDX; `/` is the old word for OR.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut at = 0;
    let holds = any(&words, &mut at, allowed);
    assert_eq!(at, words.len(), "{expression} is an expression");
    holds
}

fn any(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut holds = all(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        holds |= all(words, at, allowed);
    }
    holds
}

fn all(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut holds = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        holds &= one(words, at, allowed);
    }
    holds
}

fn one(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    *at += 1;
    if words[*at - 1] == "(" {
        let holds = any(words, at, allowed);
        *at += 1;
        return holds;
    }
    let mut licence = words[*at - 1].to_string();
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{licence} WITH {}", words[*at + 1]);
        *at += 2;
    }
    allowed.contains(&licence)
}

#[test]
fn expressions_are_read() {
    let allowed = ["MIT", "Apache-2.0 WITH LLVM-exception"].map(String::from).into();
    for (expression, holds) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("MIT AND (GPL-3.0 OR MIT)", true),
        ("(GPL-3.0 OR MIT) AND GPL-3.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
    ] {
        assert_eq!(is_allowed(expression, &allowed), holds, "{expression}");
    }
}

#[test]
fn licences_and_sources() {
    let (allowed, registries) = (listed("[licenses]\nallow = ["), listed("allow-registry = "));
    let packages = packages();
    assert!(packages.len() > 100 && allowed.len() > 5 && registries.len() == 1);
    for package in packages {
        let name = format!("{} {}", package["name"], package["version"]);
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(is_allowed(licence, &allowed), "{name}: expected a licence of deny.toml, found {licence}");
        let Some(source) = package["source"].as_str() else {
            let ours = ["claimfeed", "claimfeed-python"].map(Value::from);
            assert!(ours.contains(&package["name"]), "{name}: expected a package of a registry, found one of a path");
            continue;
        };
        let from = source.strip_prefix("registry+").unwrap_or(source);
        assert!(registries.contains(from), "{name}: expected a registry of deny.toml, found {from}");
    }
}

#[test]
fn doubles_are_those_that_are_known() {
    let known = listed("\nskip = [");
    let mut versions: BTreeMap<String, u32> = BTreeMap::new();
    for package in packages() {
        *versions.entry(package["name"].as_str().unwrap().to_string()).or_default() += 1;
    }
    let doubles: BTreeSet<String> =
        versions.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect();
    assert_eq!(doubles, known, "the list in deny.toml is neither too short nor too long");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The inventory that DESIGN explains: three calls in one file, each with its reason.
#[test]
fn unsafe_code_stands_in_one_place() {
    let mut found = Vec::new();
    for path in ["src", "python/src"].into_iter().flat_map(|folder| sources(&root().join(folder))) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let code = text.lines().map(|line| line.split("//").next().unwrap());
        let count = code
            .filter(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe"))
            .count();
        if count > 0 {
            assert_eq!(text.matches("// SAFETY:").count(), count, "{}: a reason for each", path.display());
            found.push((path.strip_prefix(root()).unwrap().display().to_string(), count));
        }
    }
    assert_eq!(found, [("src/parse/scan/wide.rs".to_string(), 3)]);
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    }
}

/// No image is built here; but what one would be built of is there, is let through, and is a workspace that cargo takes.
#[test]
fn the_dockerfile_copies_a_whole_workspace() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    let (dockerfile, ignore) = (read("Dockerfile"), read(".dockerignore"));
    let let_through: BTreeSet<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    assert!(ignore.starts_with("*\n"), "all else is left out");
    for line in dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let words: Vec<&str> = line.split_whitespace().filter(|word| !word.starts_with("--")).collect();
        let (to, from) = words.split_last().unwrap();
        for from in from.iter().filter(|from| !from.starts_with('/')) {
            assert!(let_through.contains(from), ".dockerignore leaves {from} out");
            let to = if *to == "./" { folder.path().join(from) } else { folder.path().join(to) };
            copy(&root().join(from), &to);
        }
    }
    let checked = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--no-deps", "--format-version", "1"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let metadata: Value = serde_json::from_slice(&checked.stdout).unwrap();
    let targets = |package: &Value| package["targets"].as_array().cloned().unwrap_or_default();
    let is_ours = |target: &Value| target["name"] == "claimfeed" && target["kind"][0] == "bin";
    assert!(metadata["packages"].as_array().unwrap().iter().flat_map(targets).any(|target| is_ours(&target)));
}
