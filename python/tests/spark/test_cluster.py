"""Spark with two executors: every table is the command's, and what goes wrong there is told here."""

import json
import shutil

import pytest
from commands import bag, convert
from spark_session import session

import claimfeed
from claimfeed import spark as claims

TABLES = ["CCLF1", "CCLF2", "CCLF3", "CCLF4", "CCLF5", "CCLF6", "CCLF7", "CCLF8", "CCLF9", "CCLFA", "CCLFB"]


@pytest.fixture(scope="module")
def spark():
    made = session("local-cluster[2,1,1024]")
    claims.register(made)
    yield made
    made.stop()


def load(spark, path, table, **options):
    return spark.read.format("claimfeed").options(table=table, target_bytes=400_000, **options).load(str(path))


def rows(frame):
    return bag(frame.toArrow())


def test_every_table_is_the_commands(spark, v3, tmp_path):
    expected = convert(v3, tmp_path / "raw", "--adjustments", "raw")
    for table in TABLES:
        found = load(spark, v3, table)
        assert found.columns == expected[table].column_names
        assert rows(found) == bag(expected[table]), table
    assert load(spark, v3, "CCLF5").rdd.getNumPartitions() > 2, "the work is spread"


def test_splits_by_map_in_arrow_are_the_same(spark, v3, tmp_path):
    expected = convert(v3, tmp_path / "raw", "--adjustments", "raw", "--tables", "CCLF7")
    assert rows(claims.read_splits(spark, v3, "CCLF7", target_bytes=400_000)) == bag(expected["CCLF7"])


def test_final_is_the_commands(spark, deliveries, tmp_path):
    expected = convert(deliveries, tmp_path / "final")
    skipped = json.loads((tmp_path / "final" / "summary.json").read_text())["skipped"]
    assert skipped["older-version"] > 5 and skipped["replaced"] > 5, "there is something to leave out"
    for table in ["CCLF1", "CCLF5", "CCLF7"]:
        assert rows(claims.final(spark, deliveries, table, target_bytes=400_000)) == bag(expected[table]), table
    names = ["CLM_LINE_NUM", "BENE_MBI_ID"]
    some = claims.final(spark, deliveries, "CCLF5", columns=names)
    assert some.columns == names and rows(some) == bag(expected["CCLF5"].select(names))
    spark.catalog.clearCache()


def test_columns_keys_and_sql(spark, v3):
    frame = load(spark, v3, "CCLF5", columns="CLM_LINE_CVRD_PD_AMT,BENE_MBI_ID,patient_id", keys="true")
    assert frame.columns == ["CLM_LINE_CVRD_PD_AMT", "BENE_MBI_ID", "patient_id"]
    frame.createOrReplaceTempView("lines")
    [[people, missing]] = spark.sql("select count(distinct patient_id), count_if(BENE_MBI_ID is null) from lines").collect()
    assert people > 5 and missing == 0


def test_a_saved_context_is_as_good(spark, v3, tmp_path):
    claims.save_context(claimfeed.context(claimfeed.plan(v3)), tmp_path / "context")
    assert (tmp_path / "context").stat().st_mode & 0o777 == 0o600
    assert rows(load(spark, v3, "CCLF1", context=tmp_path / "context")) == rows(load(spark, v3, "CCLF1"))


def message(work):
    with pytest.raises(Exception) as raised:
        work()
    assert "SECRET" not in str(raised.value)
    return str(raised.value)


def broken(export, folder, line):
    shutil.copytree(export, folder)
    path = next(path for path in folder.iterdir() if "ExplanationOfBenefit" in path.name)
    lines = path.read_text().splitlines(keepends=True)
    lines[40] = line + "\n"
    path.write_text("".join(lines))
    return path, sum(len(line.encode()) for line in lines[:40])


def test_a_broken_line_is_told_in_the_driver(spark, v3, tmp_path):
    path, byte = broken(v3, tmp_path / "broken", '{"resourceType":"ExplanationOfBenefit","id":"SECRET"')
    told = message(lambda: load(spark, tmp_path / "broken", "CCLF5", strict="true").collect())
    assert "expected one JSON resource" in told and f"`{path}`, line 41, byte {byte}" in told


def test_a_claim_of_another_version_is_told_in_the_driver(spark, v3, tmp_path):
    other = json.dumps({
        "resourceType": "ExplanationOfBenefit", "id": "SECRET", "status": "active",
        "type": {"coding": [{"system": "https://bluebutton.cms.gov/resources/codesystem/eob-type", "code": "CARRIER"}]},
        "meta": {"profile": ["http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-Professional-NonClinician"]},
    })
    path, _ = broken(v3, tmp_path / "mixed", other)
    told = message(lambda: load(spark, tmp_path / "mixed", "CCLF5", strict="true").collect())
    assert str(path) in told and "line 41" in told
    told = message(lambda: load(spark, v3, "CCLF5", version="v2").collect())
    assert "v2" in told and "v3" in told and "line 1" in told


def test_a_file_that_is_gone_is_told_in_the_driver(spark, v3, tmp_path):
    assert str(tmp_path / "none") in message(lambda: load(spark, tmp_path / "none", "CCLF5").collect())
    shutil.copytree(v3, tmp_path / "gone")
    frame = claims.read_splits(spark, tmp_path / "gone", "CCLF5")
    shutil.rmtree(tmp_path / "gone")
    told = message(frame.collect)
    assert "FileNotFoundError" in told and str(tmp_path / "gone") in told


def test_options_that_are_not_there_are_told(spark, v3):
    told = message(lambda: load(spark, v3, "CCLF5", tabel="CCLF1").collect())
    assert "found `tabel`" in told
