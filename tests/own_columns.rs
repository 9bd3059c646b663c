//! Columns and tables of the user's own: the worked example of docs/own-columns.md, and what a wrong cell says.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use claimfeed::Api;
use common::{claimfeed, convert};

fn project(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

fn claims(api: Api) -> Vec<serde_json::Value> {
    let path = project(&format!("testdata/{}/export/ExplanationOfBenefit.ndjson", api.name()));
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn identifier<'a>(claim: &'a serde_json::Value, system: &str) -> &'a str {
    let all = claim["identifier"].as_array().unwrap();
    all.iter().find(|one| one["system"] == system).map_or("", |one| one["value"].as_str().unwrap())
}

#[test]
fn the_example_adds_columns_and_a_table_and_leaves_cms_s_alone() {
    let schemas = project("examples/own-columns/schemas");
    for api in Api::ALL {
        let export = project(&format!("testdata/{}/export", api.name()));
        let plain = convert(&[&export], &[]);
        let output = convert(&[&export], &["--schemas", schemas.to_str().unwrap()]);
        assert_eq!(output.code, 0, "{}", output.stderr);

        // CMS's columns, and tables without own ones, are what they were.
        for table in ["CCLF2", "CCLF3", "CCLF4", "CCLF6", "CCLF7", "CCLF8", "CCLF9"] {
            assert_eq!(output.table(table), plain.table(table), "{api} {table}");
        }
        for (table, own) in [("CCLF1", "OWN_CLAIM_GROUP"), ("CCLF5", "OWN_LAST_UPDATED")] {
            let ((header, rows), (before, rows_before)) = (output.table(table), plain.table(table));
            assert_eq!(header[..before.len()], before[..]);
            assert_eq!(header[before.len()..], [own]);
            assert!(!rows.is_empty());
            let cut: Vec<Vec<String>> = rows.iter().map(|row| row[..before.len()].to_vec()).collect();
            assert_eq!(cut, rows_before, "{api} {table}");
        }

        // The own columns say what the JSON says.
        let system = "https://bluebutton.cms.gov/resources/variables/clm_id";
        let id = |claim: &serde_json::Value| match api {
            Api::V3 => claim["id"].as_str().unwrap().to_string(),
            _ => identifier(claim, system).to_string(),
        };
        let claims: BTreeMap<String, serde_json::Value> =
            claims(api).into_iter().map(|claim| (id(&claim), claim)).collect();
        let groups = output.column("CCLF1", "OWN_CLAIM_GROUP");
        for (claim, group) in output.column("CCLF1", "CUR_CLM_UNIQ_ID").iter().zip(groups) {
            let expected = identifier(&claims[claim], "https://bluebutton.cms.gov/resources/identifier/claim-group");
            assert_eq!(group, expected);
            assert_eq!(group.is_empty(), api == Api::V3);
        }
        let updated = output.column("CCLF5", "OWN_LAST_UPDATED");
        for (claim, updated) in output.column("CCLF5", "CUR_CLM_UNIQ_ID").iter().zip(updated) {
            assert_eq!(updated, claims[claim]["meta"]["lastUpdated"].as_str().unwrap()[..10]);
        }
        let (header, lines) = output.table("OWN_LINES");
        assert_eq!(header, ["CUR_CLM_UNIQ_ID", "BENE_MBI_ID", "LINE_NUM", "UNITS"]);
        let expected: usize = ["CCLF2", "CCLF5", "CCLF6"].iter().map(|table| output.table(table).1.len()).sum();
        assert_eq!(lines.len(), expected);
        for line in &lines {
            let items = claims[&line[0]]["item"].as_array().unwrap();
            let item = items.iter().find(|item| item["sequence"].as_u64() == line[2].parse().ok()).unwrap();
            let served = item["quantity"]["value"].as_f64();
            assert_eq!(line[3].parse::<f64>().ok(), served);
        }
        assert!(lines.iter().any(|line| !line[3].is_empty()));

        // CMS's file summary lists CMS's files.
        assert_eq!(output.column("CCLF0", "File Number"), plain.column("CCLF0", "File Number"));

        // The report knows them too.
        let fields = output.summary["fields"]["OWN_LINES"].as_array().unwrap();
        assert_eq!(fields[0]["filled"], expected);
        assert_eq!(output.summary["tables"]["OWN_LINES"], expected);
        let own = output.summary["fields"]["CCLF1"].as_array().unwrap().last().unwrap();
        assert_eq!(own["status"], if api == Api::V3 { "absent" } else { "mapped" });
    }
    let schema =
        claimfeed().args(["schema", "OWN_LINES", "--as", "postgres", "--schemas"]).arg(&schemas).output().unwrap();
    let sql = String::from_utf8(schema.stdout).unwrap();
    assert!(sql.contains("CREATE TABLE OWN_LINES (\n    CUR_CLM_UNIQ_ID VARCHAR(20),"), "{sql}");
    assert!(sql.contains("    UNITS DECIMAL(22, 4)\n);"), "{sql}");
}

#[test]
fn the_document_shows_the_files_of_the_example() {
    let document = std::fs::read_to_string(project("docs/own-columns.md")).unwrap();
    for name in ["own-columns.csv", "own-tables.csv", "own-pseudonyms.csv"] {
        let file = std::fs::read_to_string(project("examples/own-columns/schemas").join(name)).unwrap();
        assert!(document.contains(&format!("```csv\n{file}```\n")), "{name} differs from what the document shows");
    }
}

/// The message of a schemas folder of these files.
fn refusal(files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let output = convert(&[&project("testdata/v2/export")], &["--schemas", folder.path().to_str().unwrap()]);
    assert_eq!(output.code, 2, "{}", output.stderr);
    assert!(!output.folder().exists());
    output.stderr.trim_end().to_string()
}

#[test]
fn a_wrong_cell_is_named_by_file_row_and_column() {
    const HEADER: &str = "table,field,picture,type,v1,v2,v3,note\n";
    let good = "CCLF1,GOOD,X(1),char,%eob.status,%eob.status,%eob.status,\n";
    for (row, message) in [
        (
            "CCLF1,OWN,X(9),char,%eob.id,%eob.identifier..value,%eob.id,",
            "`OWN`: v2, column 17: expected a name, found `.`",
        ),
        (
            "CCLF1,OWN,X(9),char,-,%item.sequence,-,x",
            "`CCLF1.OWN`: v2, expected a path that rows of `%eob` can follow, found `%item`",
        ),
        (
            "CCLF1,OWN,X(9),char,%eob.id,-,%eob.id,",
            "`OWN`: v2, expected a path, or a note that says why there is none (`-`)",
        ),
        (
            "CCLF1,OWN,X(9),char,-,%eob.id.translate('nothing'),-,x",
            "`CCLF1.OWN`: v2, expected a map of codes.csv, found `nothing`",
        ),
        (
            "CCLF1,OWN,9,char,-,%eob.id,-,x",
            "`OWN`: picture, expected a picture such as `X(07)` or `-9(13).99`, found `9`",
        ),
        (
            "CCLF1,CLM_PMT_AMT,X(9),char,-,%eob.id,-,x",
            "`CLM_PMT_AMT`: field, expected a name that `CCLF1` does not have yet",
        ),
        ("CCLF1,GOOD,X(9),char,-,%eob.id,-,x", "`GOOD`: field, expected a name that `CCLF1` does not have yet"),
        ("CCLF1,A B,X(9),char,-,%eob.id,-,x", "`A B`: field, expected letters, digits and `_`, a letter first"),
        (
            "CCLF17,OWN,X(9),char,-,%eob.id,-,x",
            "`OWN`: table, expected a table of tables.csv or own-tables.csv, found `CCLF17`",
        ),
    ] {
        let found = refusal(&[("own-columns.csv", &format!("{HEADER}{good}{row}\n"))]);
        assert_eq!(found, format!("claimfeed: own-columns.csv, row 3, {message}"));
    }
    let found = refusal(&[("own-columns.csv", "table,field\n")]);
    assert!(
        found.starts_with("claimfeed: own-columns.csv, row 1, ``: expected the columns table, field, picture"),
        "{found}"
    );
}

#[test]
fn schema_looks_at_the_paths_of_every_version() {
    let folder = tempfile::tempdir().unwrap();
    let text = "table,field,picture,type,v1,v2,v3,note\nCCLF1,OWN,X(9),char,-,-,%item.sequence,x\n";
    std::fs::write(folder.path().join("own-columns.csv"), text).unwrap();
    let output = claimfeed().args(["schema", "--schemas"]).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "claimfeed: own-columns.csv, row 2, `CCLF1.OWN`: v3, expected a path that rows of `%eob` can follow, found `%item`\n"
    );
}

#[test]
fn a_wrong_table_is_named_too() {
    const HEADER: &str = "table,title,row,families,keys,note\n";
    for (row, message) in [
        ("CCLF5,again,%item,CARRIER,,", "`CCLF5`: table, expected a name of its own, found one that is taken"),
        (
            "../OWN,up,%item,CARRIER,,",
            "`../OWN`: table, expected letters, digits and `_`, a letter first: it names a file",
        ),
        ("OWN,title,%mbi,CARRIER,,", "`OWN`: row, expected %eob, %item or %px: what a row is made of"),
        ("OWN,title,%item,CARIER,,", "`OWN`: families, expected claim types of tables.csv, found `CARIER`"),
        ("OWN,title,%item,,,", "`OWN`: families, expected the claim types that feed the table, found none"),
        ("OWN,title,%item,CARRIER,,", "`OWN`: expected columns of the table in own-columns.csv, found none"),
    ] {
        let found = refusal(&[("own-tables.csv", &format!("{HEADER}{row}\n"))]);
        assert_eq!(found, format!("claimfeed: own-tables.csv, row 2, {message}"));
    }
}
