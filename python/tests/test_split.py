"""An export in pieces."""

import multiprocessing
import pickle

import polars
import pyarrow as pa
import pytest
from commands import bag, convert

import claimfeed


def pieces(splits, table, context, **options):
    rows = [claimfeed.read_split(split, table, context, **options) for split in splits]
    return pa.concat_tables([pa.table(one) for one in rows]), [claimfeed.report_of(one) for one in rows]


def test_pieces_of_any_size_are_the_whole(export, tmp_path):
    expected = convert(export, tmp_path / "tables", "--adjustments", "raw")
    for size in [170_001, 1 << 40]:
        splits = claimfeed.plan(export, size)
        context = claimfeed.context(splits)
        for table in ["CCLF1", "CCLF5", "CCLF7"]:
            assert bag(pieces(splits, table, context)[0]) == bag(expected[table]), (table, size)


def test_reports_of_pieces_add_up(v3):
    splits = claimfeed.plan(v3, 50_000)
    context = claimfeed.context(splits)
    _, reports = pieces(splits, "CCLF1", context)
    total = claimfeed.sum_reports([claimfeed.report_of(context), *reports])
    rows = claimfeed.read(v3, "CCLF1", adjustments="raw")
    expected = claimfeed.report_of(rows)
    for report in [total, expected]:
        report["inputs"].sort(key=lambda one: one["file"])
    for part in ["inputs", "tables", "skipped", "blank_keys", "payments", "beneficiaries"]:
        assert total[part] == expected[part], part
    assert total.exit_code == expected.exit_code


def test_splits_travel(v3):
    splits = claimfeed.plan(v3, 50_000)
    assert pickle.loads(pickle.dumps(splits)) == splits
    assert [claimfeed.Split.from_json(split.to_json()) for split in splits] == splits
    assert splits[0].start == 0 and splits[0].api == "v3"


def _rows(piece):
    split, context = piece
    return sum(len(batch) for batch in claimfeed.read_split(split, "CCLF5", context))


def test_a_pool_of_processes_reads_splits(v3):
    splits = claimfeed.plan(v3, 50_000)
    context = claimfeed.context(splits)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        counts = pool.map(_rows, [(split, context) for split in splits])
    assert sum(counts) == pa.table(claimfeed.read(v3, "CCLF5", adjustments="raw")).num_rows


def test_a_context_comes_from_any_table(v3):
    splits = claimfeed.plan(v3)
    context = claimfeed.context(splits)
    assert len(context) == 15
    frame = polars.DataFrame(context)
    assert frame.columns == ["patient_id", "mbi"]
    again = claimfeed.Context(frame.rows())
    assert bag(pieces(splits, "CCLF5", again)[0]) == bag(pieces(splits, "CCLF5", context)[0])
    saved = claimfeed.Context.from_ipc(frame.write_ipc_stream(None).getvalue())
    assert polars.DataFrame(saved).equals(frame)
    nobody, reports = pieces(splits, "CCLF5", None)
    assert set(nobody.column("BENE_MBI_ID").to_pylist()) == {None}
    assert claimfeed.sum_reports(reports).exit_code == 3, "each claim without its Patient is a loss"
    with pytest.raises(claimfeed.UsageError, match="no `mbi`"):
        claimfeed.Context.from_ipc(frame.drop("mbi").write_ipc_stream(None).getvalue())


def test_schemas_are_those_of_the_rows(v3):
    splits = claimfeed.plan(v3)
    for table in ["CCLF1", "CCLFB", "VERSIONS"]:
        for keys in [False, True]:
            schema = pa.schema(claimfeed.schema(table, "v3", keys=keys))
            assert pieces(splits, table, None, keys=keys)[0].schema.equals(schema, check_metadata=True)
