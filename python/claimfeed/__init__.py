"""BCDA exports (FHIR) of Medicare claims as CCLF tables.

Whole exports::

    claimfeed.convert("export/", "tables", format="parquet")       # files, as the command writes them
    rows = claimfeed.read("export/", "CCLF5")                      # one table, as an Arrow stream
    pyarrow.table(rows); polars.DataFrame(rows); duckdb.sql("select * from rows")

In pieces, for an engine that brings its own scheduler::

    splits = claimfeed.plan("export/", 128 << 20)
    context = claimfeed.context(splits)                            # Patient to MBI, needed by every split
    for split in splits:
        for batch in claimfeed.read_split(split, "CCLF5", context):
            ...

Amounts are exact decimals, dates are dates, codes are text with their leading zeros; an empty cell is null. Nothing needs
pyarrow: rows, batches and schemas speak the Arrow PyCapsule interface.

Exceptions mirror the command's exit codes: `UsageError` 2, `LossError` 3, `LoginError` 5, `ServerError` 6, `ClaimfeedError` 1; a file that cannot be read is an
`OSError`, Ctrl-C a `KeyboardInterrupt`. Messages name file, line and byte, and never a value of the data.
"""

from __future__ import annotations

import json as _json
import os as _os
from typing import Any, Iterable, Sequence, Union

from . import _claimfeed
from ._claimfeed import (
    Batch,
    ClaimfeedError,
    Context,
    LoginError,
    LossError,
    Rows,
    Schema,
    ServerError,
    Split,
    UsageError,
    __version__,
    context,
    plan,
    read,
    read_split,
    schema,
    tables,
)

__all__ = [
    "Batch", "ClaimfeedError", "Context", "LoginError", "LossError", "Report", "Rows", "Schema", "ServerError", "Split",
    "UsageError", "__version__",
    "context", "convert", "fetch", "plan", "read", "read_split", "report", "report_of", "schema", "sum_reports", "tables",
]

Path = Union[str, "_os.PathLike[str]"]


class Report(dict):
    """What a run told: the content of summary.json. Counts are numbers, amounts decimal texts."""

    @property
    def exit_code(self) -> int:
        """What the command would end with: 0 all is well, 3 done with losses, 4 control sums differ."""
        return _claimfeed.exit_code(self.to_json())

    def to_json(self) -> str:
        """The same as text."""
        return _json.dumps(self)

    def reconcile(self) -> dict[str, Any]:
        """In against out by claim type and month, and the fill rate of every column."""
        return _json.loads(_claimfeed.reconcile(self.to_json()))

    def to_html(self) -> str:
        """One page with charts, without scripts or links."""
        return _claimfeed.reconcile(self.to_json(), html=True)


def convert(
    inputs: Path | Sequence[Path],
    output: Path,
    *,
    tables: str | Sequence[str] | None = None,
    format: str | Sequence[str] = "csv",
    api: str | None = None,
    lineage: bool = False,
    threads: int | None = None,
    strict: bool = False,
    schemas: Path | None = None,
    adjustments: str = "final",
    verify: str = "used",
) -> Report:
    """Converts an export into files, one per table and format, with summary.json and report.html beside them.

    inputs: files or folders (NDJSON; plain, gzip or zstd).
    output: folder, made with mode 0700; it must be empty. When summary.json is there, all is.
    tables: names; all of CMS's by default; `enrollment` if named.
    format: csv, parquet, arrow, arrow-stream, or several.
    threads: workers; all cores by default.
    adjustments: `final` (claims in force), `cclf-pairs` or `raw` (all that no rule leaves out); inputs of several folders are several
        deliveries, of which the newest version counts.

    The command's list of every issue, issues.csv, is not written. The report has `exit_code` 3 if something was left out or left blank: nothing is raised for that unless `strict`.
    """
    return Report(_json.loads(_claimfeed.convert(
        inputs, output, tables=tables, format=format, api=api, lineage=lineage, threads=threads, strict=strict, schemas=schemas,
        adjustments=adjustments, verify=verify,
    )))


def fetch(
    output: Path,
    *,
    server: str | None = None,
    api: str = "v2",
    group: str = "all",
    types: Sequence[str] | None = None,
    since: str | None = None,
    parallel: int = 5,
) -> dict[str, Any]:
    """Fetches an export from BCDA into a folder, as `claimfeed fetch` does; killed, the same call goes on from there.

    server: address; by default what BCDA_BASE_URL (or BCDA_API_URL, BCDA_URL) says, else CMS's public sandbox.
    api: v1, v2 or v3.
    since: an instant (2026-01-31T00:00:00Z), or `auto`: what came since the last fetch, in a folder of its own in `output`.
    parallel: downloads at once.

    Id and secret come from the environment: BCDA_CLIENT_ID, BCDA_CLIENT_SECRET. Gives the folder with the files, counts of what
    this call brought (files, bytes as stored, resources, warnings; zero if all was there), errors, the server's
    `transaction_time`, and `exit_code`, which is 3 if the server could not export some of it.
    """
    return _json.loads(_claimfeed.fetch(
        output, server=server, api=api, group=group, types=types, since=since, parallel=parallel))


def report(output: Path) -> Report:
    """The report of a finished conversion: a folder that `convert` or the command wrote, or its summary.json."""
    path = _os.fspath(output)
    if _os.path.isdir(path):
        path = _os.path.join(path, "summary.json")
    with open(path, encoding="utf-8") as file:
        return Report(_json.load(file))


def report_of(source: Rows | Context) -> Report | None:
    """The report of rows, once they are read (what is left of them is dropped), or of a context (None if it was given)."""
    text = source._report()
    return None if text is None else Report(_json.loads(text))


def sum_reports(reports: Iterable[Report | dict[str, Any]]) -> Report:
    """Adds up the reports of a context and of its splits, in input order: what one run on the same files would tell."""
    return Report(_json.loads(_claimfeed.sum_reports([_json.dumps(report) for report in reports])))
