"""The examples do what they say."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
from decimal import Decimal

import duckdb
import pyarrow.parquet
import pytest
from commands import ROOT, bag, command, convert

EXAMPLES = ROOT / "examples" / "etl"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def total(table, column):
    return sum((value for value in table.column(column).to_pylist() if value is not None), Decimal(0))


@pytest.fixture(scope="module")
def tables(v3, tmp_path_factory):
    return convert(v3, tmp_path_factory.mktemp("tables") / "out")


def test_polars_costs_are_the_tables(v3, tables):
    costs = example("polars_costs").costs(str(v3))
    for table, kind, _, _, paid in example("polars_costs").SOURCES:
        found = costs.filter(costs["kind"] == kind)["paid"].sum()
        assert Decimal(found or 0) == total(tables[table], paid), table
    assert len(costs) > 10


def test_duckdb_joins_the_streams(v3, tables):
    module = example("duckdb_stream")
    rows = module.stays_by_state(module.load(str(v3)))
    assert sum(stays for _, stays, _ in rows) == tables["CCLF1"].num_rows
    assert sum(paid for *_, paid in rows if paid is not None) == total(tables["CCLF1"], "CLM_PMT_AMT")


def run(*arguments):
    return subprocess.run(
        [sys.executable, EXAMPLES / "idempotent_task.py", *arguments], capture_output=True, text=True)


def test_the_task_is_idempotent(v3, tables, tmp_path):
    export, warehouse = tmp_path / "export", tmp_path / "warehouse"
    shutil.copytree(v3, export)
    strict = run(export, warehouse)
    if strict.returncode:
        assert "expected a delivery without losses" in strict.stderr
        assert list(warehouse.iterdir()) == []
    # What a killed run left is no obstacle.
    first = run(export, warehouse, "--allow-losses")
    folder = pathlib.Path(first.stdout.strip())
    left = warehouse / f".{folder.name}.unfinished"
    assert bag(pyarrow.parquet.read_table(folder / "CCLF5.parquet")) == bag(tables["CCLF5"])
    made = (folder / "CCLF5.parquet").stat().st_mtime_ns
    assert run(export, warehouse, "--allow-losses").stdout == first.stdout
    assert (folder / "CCLF5.parquet").stat().st_mtime_ns == made, "nothing was done again"
    shutil.rmtree(folder)
    left.mkdir()
    (left / "CCLF5.parquet").write_text("half")
    assert run(export, warehouse, "--allow-losses").stdout == first.stdout
    assert [path.name for path in warehouse.iterdir()] == [folder.name]
    (export / "more.ndjson").write_text("")
    assert run(export, warehouse, "--allow-losses").stdout != first.stdout, "another delivery"


def test_dbt_builds_and_its_tests_hold(v3, tmp_path):
    tables, project, warehouse = tmp_path / "tables", EXAMPLES / "dbt", tmp_path / "claims.duckdb"
    command("convert", v3, "-o", tables, "--format", "parquet")
    places = {"CLAIMFEED_TABLES": tables, "CLAIMFEED_WAREHOUSE": warehouse, "DBT_TARGET_PATH": tmp_path / "target"}
    dbt = [sys.executable, "-m", "dbt.cli.main", "build", "--project-dir", project, "--profiles-dir", project,
           "--log-path", tmp_path / "logs"]
    done = subprocess.run(
        dbt, env={**os.environ, **{name: str(place) for name, place in places.items()}}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "ERROR=0" in done.stdout and "WARN=0" in done.stdout, done.stdout
    with duckdb.connect(str(warehouse)) as base:
        found = dict(base.sql("select part, sum(paid) from paid_claims group by part").fetchall())
    expected = [("A", "CCLF1", "CLM_PMT_AMT"), ("B", "CCLF5", "CLM_LINE_CVRD_PD_AMT")]
    for part, table, column in expected:
        assert found[part] == total(pyarrow.parquet.read_table(tables / f"{table}.parquet"), column), part
