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
    keys           true: append patient_id, claim_group_id, last_updated, fhir_id, source_file, source_byte, source_number
    version        v1, v2 or v3; default: told by the files
    target_bytes   of one partition; default 128 MiB
    threads        workers in one task; default 1, because Spark owns the cores
    strict         true: a broken line or a lost value fails the task
    thorough       true: look for Patients also in files that begin with claims
    context        file of `save_context` that executors see too, in place of reading the Patients when planning

A partition's rows are every version of every claim (`--adjustments raw`); `final` keeps those in force by SQL. CCLF8 and CCLF9 need
everything that is known of a beneficiary and come as one partition. The Patients' MBIs are read when the query is planned and
travel with the tasks (about 40 bytes each); a Python worker keeps them from task to task. With millions of people save them once.
"""

from __future__ import annotations

import functools
import json
import os
import warnings
from typing import Any, Iterator

import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

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
        return ClaimfeedReader(self._asked, schema)


class ClaimfeedReader(DataSourceReader):
    """Plans where the driver plans, reads where the executors are."""

    def __init__(self, asked: Options, schema: Any) -> None:
        self.asked = asked
        self.schema = schema
        # Here and not in `partitions`: Spark may pickle the reader before it asks for them.
        self.context: bytes | None = None
        if asked.has_splits() and not asked.context:
            self.context = claimfeed.context(asked.plan(), thorough=asked.thorough).to_ipc()

    def partitions(self) -> list[Piece]:
        asked = self.asked
        splits = asked.plan()
        if not asked.has_splits():
            return [Piece(None)]
        return [Piece(split.to_json()) for split in splits]

    def read(self, partition: Piece) -> Iterator[pa.RecordBatch]:
        asked = self.asked
        if partition.split is None:
            rows = claimfeed.read(
                asked.paths, asked.table, columns=asked.columns, api=asked.version, threads=asked.threads, strict=asked.strict,
            )
        else:
            context = _saved(asked.context) if asked.context else _context(self.context)
            rows = claimfeed.read_split(
                claimfeed.Split.from_json(partition.split), asked.table, context, columns=asked.columns, keys=asked.keys,
                threads=asked.threads, strict=asked.strict,
            )
        yield from batches(rows, self.schema)
        tell_losses(claimfeed.report_of(rows), asked.table)


def batches(rows: claimfeed.Rows, schema: Any) -> Iterator[pa.RecordBatch]:
    """As pyarrow's own, without a copy, under Spark's idea of the schema; exceptions stay claimfeed's."""
    # Sail has none but Arrow's.
    expected = schema if isinstance(schema, pa.Schema) else to_arrow_schema(schema)
    for batch in rows:
        yield pa.RecordBatch.from_arrays(pa.record_batch(batch).columns, schema=expected)


def save_context(context: claimfeed.Context, path: str) -> None:
    """Writes Patients and MBIs for the option `context`, readable by their owner only."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(context.to_ipc())


def tell_losses(report: dict[str, Any] | None, table: str) -> None:
    """Warns of what a partition lost: kinds, fields and counts, no value. With the option `strict` the first loss ends the job."""
    losses = [issue for issue in (report or {"issues": []})["issues"] if issue["weight"] == "loss"]
    if losses:
        told = ", ".join(f"{issue['kind']} {issue['field']}".strip() + f": {issue['count']}" for issue in losses)
        warnings.warn(f"claimfeed: a partition of {table} has losses ({told}); convert lists each in issues.csv", stacklevel=2)


def _saved(path: str) -> claimfeed.Context:
    facts = os.stat(path)
    return _read(path, facts.st_ino, facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=2)
def _read(path: str, *_facts: int) -> claimfeed.Context:
    """Once for each file that stood there."""
    with open(path, "rb") as file:
        return _context(file.read())


@functools.lru_cache(maxsize=2)
def _context(content: bytes) -> claimfeed.Context:
    """Once per Python worker, which Spark uses for many tasks."""
    return claimfeed.Context.from_ipc(content)


def read_splits(spark: Any, path: Any, table: str = TABLE, **options: Any) -> Any:
    """The same rows by `mapInArrow` over a table of splits, with the MBIs in a Spark broadcast."""
    asked = Options({"path": _text(path), "table": table, **{name: _text(value) for name, value in options.items()}})
    if not asked.has_splits():
        raise claimfeed.UsageError(f"expected a table that splits can give, found `{asked.table}`")
    splits = asked.plan()
    context = spark.sparkContext.broadcast(claimfeed.context(splits, thorough=asked.thorough).to_ipc())
    schema = from_arrow_schema(pa.schema(claimfeed.schema(
        asked.table, splits[0].api, columns=asked.columns, keys=asked.keys)))

    def read(tables: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for pieces in tables:
            for text in pieces.column("split").to_pylist():
                yield from batches(claimfeed.read_split(
                    claimfeed.Split.from_json(text), asked.table, _context(context.value), columns=asked.columns,
                    keys=asked.keys, threads=asked.threads, strict=asked.strict,
                ), schema)

    rows = [(split.to_json(),) for split in splits]
    return spark.createDataFrame(rows, "split string").repartition(len(rows)).mapInArrow(read, schema)


#: Claims that count no more, as (source_number, source_byte): older versions of a claim, of equally new ones the earlier in the
#: input; and claims that a newer one of their group, or one that names them as its prior, has replaced, unless one delivery has
#: both. Voids give no rows anyway. It is the rule of `src/job/versions.rs`, in SQL.
OUT = """
with versions as (
  select *,
    row_number() over (
      partition by claim_key order by updated desc nulls last, source_number desc, source_byte desc) as place,
    sort_array(collect_set(delivery) over (partition by claim_key)) as deliveries
  from {versions}),
claims as (
  select coalesce(group_key, claim_key) as group_key, prior_key, delivery, deliveries, standing, source_number, source_byte,
    struct(coalesce(updated, cast(-9223372036854775808 as bigint)) as updated, source_number as file, source_byte as byte) as at
  from versions
  where place = 1 and standing <> 'left-out' and (group_key is not null or prior_key is not null)),
leading as (
  select group_key, deliveries, max(at) as at from claims group by group_key, delivery, deliveries)
select source_number, source_byte from versions where place > 1
union
select c.source_number, c.source_byte from claims c join leading n
  on c.group_key = n.group_key and n.at > c.at and not arrays_overlap(n.deliveries, c.deliveries)
  where c.standing = 'in-force'
union
select c.source_number, c.source_byte from claims c join claims n
  on c.group_key = n.prior_key and n.at > c.at and not arrays_overlap(n.deliveries, c.deliveries)
  where c.standing = 'in-force'
"""

#: Columns of `keys`, behind the table's own.
KEYS = ["patient_id", "claim_group_id", "last_updated", "fhir_id", "source_file", "source_byte", "source_number"]


def final(spark: Any, path: Any, table: str = TABLE, **options: Any) -> Any:
    """A table with the claims in force only: the rows of `claimfeed convert --adjustments final`.

    Two scans: `VERSIONS` (keys and times of all claims, also of those that a rule leaves out), which are kept in the cluster
    (about 100 bytes a claim; `spark.catalog.clearCache()` drops them), and the table without the lines that count no more.
    Columns of `keys` are there if asked for.
    """
    keys = _text(options.pop("keys", False)) == "true"
    path, texts = _text(path), {name: _text(value) for name, value in options.items()}
    load = lambda texts: spark.read.format("claimfeed").options(**texts)
    if not Options({"path": path, "table": table, **texts}).has_splits():
        return load(texts).option("table", table).load(path)
    versions = load({name: text for name, text in texts.items() if name != "columns"}).option("table", "VERSIONS").load(path)
    out = spark.sql(OUT, versions=versions.persist()).toDF("_number", "_byte")
    wanted = _words(texts.get("columns", ""))
    if wanted:
        texts["columns"] = ",".join(wanted + [name for name in (KEYS if keys else KEYS[-2:]) if name not in wanted])
    rows = load(texts).option("table", table).option("keys", "true").load(path)
    in_force = rows.join(out, (rows["source_number"] == out["_number"]) & (rows["source_byte"] == out["_byte"]), "left_anti")
    return in_force if keys else in_force.select(*[name for name in rows.columns if name not in KEYS or name in wanted])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, (list, tuple)) else os.fspath(value) if hasattr(value, "__fspath__") else str(value)
