"""One table of a whole export, into everything that takes an Arrow stream."""

import subprocess
import sys

import duckdb
import pandas
import polars
import pyarrow as pa
import pytest
from commands import bag, convert

import claimfeed


def test_every_table_is_the_commands(export, tmp_path):
    expected = convert(export, tmp_path / "tables")
    names = [name for name, _ in claimfeed.tables()]
    assert sorted(names) == sorted(set(expected) - {"CCLF0"})
    for name in names:
        table = expected[name]
        found = pa.table(claimfeed.read(export, name))
        assert found.schema.equals(table.schema, check_metadata=True), name
        assert found.equals(table), name
    with pytest.raises(claimfeed.UsageError, match="CCLF0.*\n.*summary of a whole conversion"):
        claimfeed.read(export, "CCLF0")


def test_enrollment_is_there_if_it_is_named(v3, tmp_path):
    expected = convert(v3, tmp_path / "tables", "--enrollment")["enrollment"]
    assert pa.table(claimfeed.read(v3, "enrollment")).equals(expected)


def test_polars_duckdb_and_pandas_take_the_stream(v3):
    expected = pa.table(claimfeed.read(v3, "CCLF5"))
    assert expected.num_rows > 50
    assert polars.DataFrame(claimfeed.read(v3, "CCLF5")).to_arrow().cast(expected.schema).equals(expected)
    rows = claimfeed.read(v3, "CCLF5")
    paid, count = duckdb.sql("select sum(CLM_LINE_CVRD_PD_AMT), count(*) from rows").fetchall()[0]
    amounts = [amount for amount in expected.column("CLM_LINE_CVRD_PD_AMT").to_pylist() if amount is not None]
    assert (paid, count) == (sum(amounts), expected.num_rows), "amounts are exact"
    frame = pandas.DataFrame.from_arrow(claimfeed.read(v3, "CCLF5"))
    assert list(frame["BENE_MBI_ID"]) == expected.column("BENE_MBI_ID").to_pylist()


def test_columns_come_as_asked_for(v3):
    names = ["CLM_LINE_CVRD_PD_AMT", "BENE_MBI_ID"]
    found = pa.table(claimfeed.read(v3, "CCLF5", columns=names))
    assert found.equals(pa.table(claimfeed.read(v3, "CCLF5")).select(names))


def test_rows_are_given_once(v3):
    rows = claimfeed.read(v3, "CCLF8")
    assert pa.table(rows).num_rows == 15
    with pytest.raises(claimfeed.ClaimfeedError, match="given once"):
        pa.table(rows)


def test_batches_add_up_and_the_report_is_the_commands(v3):
    rows = claimfeed.read(v3, "CCLF5", threads=2)
    batches = [pa.record_batch(batch) for batch in rows]
    assert bag(pa.Table.from_batches(batches)) == bag(pa.table(claimfeed.read(v3, "CCLF5")))
    report = claimfeed.report_of(rows)
    assert report["tables"] == {"CCLF5": sum(batch.num_rows for batch in batches)}


def test_a_schema_needs_no_data():
    schema = pa.schema(claimfeed.schema("CCLF5", "v3"))
    assert schema.field("CLM_LINE_CVRD_PD_AMT").type == pa.decimal128(15, 2) or pa.types.is_decimal(
        schema.field("CLM_LINE_CVRD_PD_AMT").type
    )
    assert schema.field("CLM_LINE_FROM_DT").type == pa.date32()
    assert schema.field("CLM_POS_CD").metadata


def test_nothing_needs_pyarrow(v3):
    program = """
import sys
sys.modules.update(pyarrow=None, polars=None, pandas=None, numpy=None)
import claimfeed
print(sum(len(batch) for batch in claimfeed.read(sys.argv[1], "CCLF5")))
"""
    done = subprocess.run([sys.executable, "-c", program, v3], capture_output=True, text=True, check=True)
    assert int(done.stdout) == pa.table(claimfeed.read(v3, "CCLF5")).num_rows
