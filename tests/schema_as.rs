//! `schema --as`: what no database is needed for.

mod common;

use claimfeed::crosswalk::schema::Schemas;
use claimfeed::write::OutTable;
use claimfeed::write::describe::Form;
use common::claimfeed;

fn schema(arguments: &[&str]) -> String {
    let output = claimfeed().arg("schema").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_form_names_every_column_of_every_table() {
    let schemas = Schemas::embedded().unwrap();
    for form in Form::ALL {
        let text = schema(&["--as", form.name()]);
        for table in &schemas.tables {
            assert!(text.contains(&table.layout.table), "{form:?} {}", table.layout.table);
            // Alone, so that no other table's column of the same name can stand in; in the layout's order.
            let alone = schema(&[&table.layout.table, "--as", form.name()]);
            let mut rest = &alone[..];
            for field in &table.layout.fields {
                let at = rest.find(&field.label);
                let at = at.unwrap_or_else(|| panic!("{form:?} {}.{}", table.layout.table, field.label));
                rest = &rest[at + field.label.len()..];
            }
        }
        assert!(text.contains("Total Records Count"), "{form:?}");
        assert!(!text.contains("fhir_id"));
        assert!(schema(&["--as", form.name(), "--lineage"]).contains("fhir_id"));
    }
}

#[test]
fn pictures_become_types() {
    let sql = schema(&["CCLF5", "--as", "snowflake"]);
    for line in [
        "    CUR_CLM_UNIQ_ID VARCHAR(13),",
        "    CLM_FROM_DT DATE,",
        "    CLM_LINE_CVRD_PD_AMT DECIMAL(13, 2),",
        "    CLM_LINE_SRVC_UNIT_QTY DECIMAL(22, 4),",
    ] {
        assert!(sql.contains(line), "{sql}");
    }
    assert!(schema(&["CCLF5", "--as", "postgres", "--open-text"]).contains("    CUR_CLM_UNIQ_ID TEXT,"));
    assert!(schema(&["CCLF5", "--as", "spark"]).contains("    CUR_CLM_UNIQ_ID STRING,"));
    assert!(schema(&["cclf0", "--as", "spark"]).contains("    `File Number` STRING,"));
    assert_eq!(schema(&["CCLF0"]).lines().count(), 5);
}

#[test]
fn the_arrow_schema_is_the_one_of_the_batches() {
    let described: serde_json::Value = serde_json::from_str(&schema(&["--as", "arrow"])).unwrap();
    let schemas = Schemas::embedded().unwrap();
    let tables = schemas.tables.iter().map(|table| OutTable::of(table, false, false)).chain([OutTable::summary()]);
    let mut count = 0;
    for table in tables {
        let read = arrow_integration_test::schema_from_json(&described[&table.name]).unwrap();
        assert_eq!(read, *claimfeed::write::arrow::schema(&table), "{}", table.name);
        count += 1;
    }
    assert_eq!(described.as_object().unwrap().len(), count);
}

#[test]
fn json_tells_where_a_field_comes_from() {
    let described: serde_json::Value = serde_json::from_str(&schema(&["CCLF1", "--as", "json"])).unwrap();
    let fields = described["tables"][0]["fields"].as_array().unwrap();
    let field = fields.iter().find(|field| field["field"] == "CLM_PMT_AMT").unwrap();
    assert_eq!((&field["start"], &field["end"], &field["picture"]), (&82.into(), &98.into(), &"-9(13).99".into()));
    assert_eq!((&field["type"], &field["sql_type"]), (&"decimal".into(), &"DECIMAL(15, 2)".into()));
    assert_eq!(field["api"]["v2"]["path"], "%eob.payment.amount.value");
    assert_eq!(fields.iter().find(|field| field["field"] == "BENE_HIC_NUM").unwrap()["api"]["v3"]["status"], "absent");
}

#[test]
fn an_unknown_table_or_form_is_refused() {
    for (arguments, message) in [
        (&["CCLF77", "--as", "json"][..], "expected tables of CCLF0, CCLF1,"),
        (&["--as", "oracle"], "invalid value 'oracle'"),
        (&["--lineage"], "--as"),
    ] {
        let output = claimfeed().arg("schema").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(message), "{stderr}");
    }
}

#[test]
fn partial_tables_have_a_schema_of_their_own() {
    let testdata = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/v3/export");
    let output = common::convert(&[&testdata], &["--partial"]);
    for table in ["CCLF1", "CCLF5"] {
        let (header, _) = common::read_csv(&output.folder().join("partial").join(format!("{table}.csv")));
        let text = schema(&[table, "--as", "postgres", "--partial"]);
        let named = text.lines().filter_map(|line| line.strip_prefix("    ")?.split(' ').next());
        assert_eq!(named.collect::<Vec<_>>(), header, "{table}");
        assert!(header.iter().any(|label| label == "STATUS_CD"));
        assert!(!schema(&[table, "--as", "postgres"]).contains("STATUS_CD"));
    }
    for form in Form::ALL {
        assert!(schema(&["--as", form.name(), "--partial"]).contains("STATUS_CD"), "{form:?}");
    }
    assert!(schema(&["--partial", "--coverage", "CCLF1"]).contains("STATUS_CD"));
    let wrong = claimfeed().args(["schema", "--partial", "CCLF7"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
