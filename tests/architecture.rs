//! Who may import whom. The stages form a line; this reads the `use` lines and keeps it one.

use std::path::{Path, PathBuf};

/// Folder or file of `src/` and the modules it may name.
const MAY: [(&str, &[&str]); 15] = [
    ("error", &[]),
    ("api", &[]),
    ("disk", &["error"]),
    ("report", &["api"]),
    ("read", &["error"]),
    ("parse", &["api", "error"]),
    ("crosswalk", &["api", "error", "parse", "crosswalk"]),
    ("pseudonym", &["error", "crosswalk"]),
    ("write", &["disk", "error", "crosswalk", "pseudonym", "write"]),
    ("job", &["api", "error", "report", "read", "parse", "crosswalk", "pseudonym", "write"]),
    ("bench", &["api", "disk", "error", "report", "read", "parse", "crosswalk", "write", "job"]),
    ("reconcile", &["api", "report", "crosswalk"]),
    ("split", &["api", "error", "report", "read", "parse", "crosswalk", "write", "job"]),
    ("fetch", &["api", "disk", "error", "read", "parse"]),
    ("sandbox", &["api", "error", "report", "sandbox"]),
];

fn sources(module: &str) -> Vec<PathBuf> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut open = vec![src.join(module), src.join(format!("{module}.rs"))];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") && path.exists() {
            found.push(path);
        }
    }
    assert!(!found.is_empty(), "{module} is nowhere");
    found
}

#[test]
fn stages_know_only_the_stages_before_them() {
    for (module, may) in MAY {
        for path in sources(module) {
            for (at, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
                let code = line.split("//").next().unwrap();
                for (_, rest) in code.match_indices("crate::").map(|(start, text)| (start, &code[start + text.len()..]))
                {
                    let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    let lower = name == name.to_lowercase();
                    assert!(
                        !lower || name == module || may.contains(&name.as_str()),
                        "{}, line {}: `{module}` may not know `{name}`",
                        path.display(),
                        at + 1
                    );
                }
            }
        }
    }
}

#[test]
fn some_libraries_have_their_doors() {
    let doors: [(&str, &[&str]); 14] = [
        ("simd_json", &["parse"]),
        ("clap", &["cli"]),
        ("indicatif", &["cli"]),
        // What comes in is inflated there, what goes out is compressed here.
        ("zstd::", &["read", "write"]),
        ("flate2", &["read", "write"]),
        ("parquet::", &["write"]),
        // Whole tables leave through write, pieces of an export through split.
        ("arrow::", &["write", "split"]),
        ("maud", &["reconcile"]),
        // Nothing else speaks with the world.
        ("ureq", &["fetch"]),
        ("jsonwebtoken", &["fetch"]),
        ("secrecy", &["fetch", "pseudonym"]),
        ("fpe::", &["pseudonym"]),
        ("aes::", &["pseudonym"]),
        // HTTP is served by hand in one place.
        ("httparse", &["sandbox"]),
    ];
    for (library, doors) in doors {
        for module in [
            "error",
            "api",
            "report",
            "read",
            "parse",
            "crosswalk",
            "pseudonym",
            "write",
            "job",
            "bench",
            "reconcile",
            "split",
            "fetch",
        ] {
            if doors.contains(&module) {
                continue;
            }
            for path in sources(module) {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                let used = code.lines().any(|line| line.split("//").next().unwrap().contains(library));
                assert!(!used, "{}: `{library}` belongs to {doors:?}", path.display());
            }
        }
    }
}
