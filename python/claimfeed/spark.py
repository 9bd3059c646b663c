"""Spark 4: an export as a data source, without a scheduler of our own.

::

    from claimfeed import spark as claims
    claims.register(spark)
    spark.read.format("claimfeed").option("table", "CCLF5").load("/data/export")

    claims.final(spark, "/data/export", "CCLF5")            # the same claims as `--adjustments final`
    claims.read_splits(spark, "/data/export", "CCLF5")      # by mapInArrow, MBIs in a broadcast

Options of the source (all but the path are optional):

    path           files or folders, several separated by commas; executors must see the same paths
    table          CCLF1 ... CCLF9, CCLFA, CCLFB, or VERSIONS; default CCLF5
    columns        only these, separated by commas: what is not asked for is not extracted
    keys           true: append patient_id, claim_group_id, last_updated, fhir_id, source_file, source_line, source_number
    version        v1, v2 or v3; default: told by the files
    target_bytes   of one partition; default 128 MiB
    threads        workers in one task; default 1, because Spark owns the cores
    strict         true: a broken line or a lost value fails the task
    thorough       true: look for Patients also in files that begin with claims
    context        Arrow IPC file of patient_id and mbi, in place of reading the Patients when planning

A partition's rows are every version of every claim (`--adjustments raw`); `final` keeps the newest by SQL. CCLF8 and CCLF9 need
everything that is known of a beneficiary and come as one partition. The Patients' MBIs are read when the query is planned and
travel with the task, once per executor.
"""

from __future__ import annotations

import functools
import json
import os
from typing import Any, Iterator

import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.pandas.types import from_arrow_schema

import claimfeed

TABLE = "CCLF5"


def register(spark: Any) -> None:
    """Makes `format("claimfeed")` known to a session."""
    spark.dataSource.register(ClaimfeedSource)


class Options:
    """What a source was asked for, as plain values that pickle."""

    def __init__(self, options: dict[str, str]) -> None:
        given = {name.lower(): value for name, value in options.items()}
        known = {
            "path", "paths", "table", "columns", "keys", "version", "target_bytes", "threads", "strict", "thorough", "context",
        }
        unknown = sorted(set(given) - known)
        if unknown:
            raise claimfeed.UsageError(f"expected options of {', '.join(sorted(known))}, found `{unknown[0]}`")
        self.paths = _words(given.get("path", "")) + json.loads(given.get("paths", "[]"))
        if not self.paths:
            raise claimfeed.UsageError("expected a path, found none\n  hint: `.load(\"export/\")`")
        self.table = given.get("table", TABLE).upper()
        self.columns = _words(given.get("columns", "")) or None
        self.keys = _flag("keys", given)
        self.version = given.get("version")
        self.target_bytes = int(given.get("target_bytes", 128 << 20))
        self.threads = int(given.get("threads", 1))
        self.strict = _flag("strict", given)
        self.thorough = _flag("thorough", given)
        self.context = given.get("context")

    def plan(self) -> list[claimfeed.Split]:
        return claimfeed.plan(self.paths, self.target_bytes, api=self.version)

    def has_splits(self) -> bool:
        return self.table == "VERSIONS" or dict(claimfeed.tables()).get(self.table, self.table != "CCLF0")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _flag(name: str, given: dict[str, str]) -> bool:
    text = given.get(name, "false").lower()
    if text not in ("true", "false"):
        raise claimfeed.UsageError(f"expected `{name}` to be true or false, found `{text}`")
    return text == "true"


class Piece(InputPartition):
    """A split, as JSON; none stands for the whole export."""

    def __init__(self, split: str | None) -> None:
        super().__init__(split)
        self.split = split


class ClaimfeedSource(DataSource):
    """See the module."""

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        self._asked = Options(dict(options))

    @classmethod
    def name(cls) -> str:
        return "claimfeed"

    def schema(self) -> Any:
        asked = self._asked
        # Only the beginning of each file is read for the version.
        version = asked.version or asked.plan()[0].api
        found = claimfeed.schema(asked.table, version, columns=asked.columns, keys=asked.keys and asked.has_splits())
        return from_arrow_schema(pa.schema(found))

    def reader(self, schema: Any) -> DataSourceReader:
        return ClaimfeedReader(self._asked)


class ClaimfeedReader(DataSourceReader):
    """Plans where the driver plans, reads where the executors are."""

    def __init__(self, asked: Options) -> None:
        self.asked = asked
        self.context: bytes | None = None

    def partitions(self) -> list[Piece]:
        asked = self.asked
        splits = asked.plan()
        if not asked.has_splits():
            return [Piece(None)]
        if asked.table != "VERSIONS":
            # It is pickled with the reader when this has returned.
            if asked.context:
                with open(asked.context, "rb") as file:
                    self.context = file.read()
            else:
                self.context = context_bytes(claimfeed.context(splits, thorough=asked.thorough))
        return [Piece(split.to_json()) for split in splits]

    def read(self, partition: Piece) -> Iterator[pa.RecordBatch]:
        asked = self.asked
        if partition.split is None:
            rows = claimfeed.read(
                asked.paths, asked.table, columns=asked.columns, api=asked.version, threads=asked.threads, strict=asked.strict,
            )
        else:
            context = _context(self.context) if self.context else None
            rows = claimfeed.read_split(
                claimfeed.Split.from_json(partition.split), asked.table, context, columns=asked.columns, keys=asked.keys,
                threads=asked.threads, strict=asked.strict,
            )
        yield from batches(rows)


def batches(rows: claimfeed.Rows) -> Iterator[pa.RecordBatch]:
    """As pyarrow's own, without a copy; exceptions stay claimfeed's."""
    for batch in rows:
        yield pa.record_batch(batch)


def context_bytes(context: claimfeed.Context) -> bytes:
    """Patients and MBIs as an Arrow IPC stream: what the option `context` names in a file."""
    sink = pa.BufferOutputStream()
    table = pa.table(context)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


@functools.lru_cache(maxsize=2)
def _context(content: bytes) -> claimfeed.Context:
    """Once per Python worker, which Spark uses for many tasks."""
    return claimfeed.Context(pa.ipc.open_stream(content).read_all())


def read_splits(spark: Any, path: str, table: str = TABLE, **options: Any) -> Any:
    """The same rows by `mapInArrow` over a table of splits, with the MBIs in a Spark broadcast."""
    asked = Options({"path": path, "table": table, **{name: _text(value) for name, value in options.items()}})
    if not asked.has_splits():
        raise claimfeed.UsageError(f"expected a table that splits can give, found `{asked.table}`")
    splits = asked.plan()
    context = spark.sparkContext.broadcast(context_bytes(claimfeed.context(splits, thorough=asked.thorough)))
    schema = from_arrow_schema(pa.schema(claimfeed.schema(
        asked.table, splits[0].api, columns=asked.columns, keys=asked.keys)))

    def read(tables: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for pieces in tables:
            for text in pieces.column("split").to_pylist():
                yield from batches(claimfeed.read_split(
                    claimfeed.Split.from_json(text), asked.table, _context(context.value), columns=asked.columns,
                    keys=asked.keys, threads=asked.threads, strict=asked.strict,
                ))

    rows = [(split.to_json(),) for split in splits]
    return spark.createDataFrame(rows, "split string").repartition(len(rows)).mapInArrow(read, schema)


#: Which versions of claims do not count: the older ones, and of equally new ones the earlier in the input.
OLDER = """
select source_number, source_line from (
  select *, row_number() over (
    partition by claim_key order by updated desc nulls last, source_number desc, source_line desc) as place
  from {versions})
where place > 1
"""


def final(spark: Any, path: str, table: str = TABLE, **options: Any) -> Any:
    """A table with the newest version of each claim only: the rows of `claimfeed convert --adjustments final`.

    Two scans: `VERSIONS` (a key and a time of every claim, also of those that a rule leaves out), of which a window keeps what
    is older, and the table without these lines. Columns of `keys` go unless asked for.
    """
    keys = _text(options.pop("keys", False)) == "true"
    texts = {name: _text(value) for name, value in options.items()}
    load = spark.read.format("claimfeed").options(**texts)
    if not Options({"path": path, "table": table, **texts}).has_splits():
        return load.option("table", table).load(path)
    wanted = _words(texts.get("columns", ""))
    read = load.option("table", table).option("keys", "true")
    if wanted:
        extra = [name for name in ("source_number", "source_line") if name not in wanted]
        read = read.option("columns", ",".join(wanted + extra))
    rows = read.load(path)
    versions = spark.read.format("claimfeed").options(**{k: v for k, v in texts.items() if k != "columns"})
    older = spark.sql(OLDER, versions=versions.option("table", "VERSIONS").load(path))
    older = older.selectExpr("source_number as _number", "cast(source_line as string) as _line")
    newest = rows.join(older, (rows["source_number"] == older["_number"]) & (rows["source_line"] == older["_line"]), "left_anti")
    if wanted:
        return newest.select(*wanted)
    return newest if keys else newest.select(*rows.columns[:-7])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, (list, tuple)) else os.fspath(value) if hasattr(value, "__fspath__") else str(value)
