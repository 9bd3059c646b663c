"""The engine. `claimfeed` re-exports what is public."""

import os
from typing import Any, Iterable, Iterator, Sequence

__version__: str

_Path = str | os.PathLike[str]

class ClaimfeedError(Exception):
    """The run failed: exit code 1."""

    exit_code: int

class UsageError(ClaimfeedError):
    """Asked for something that cannot be, such as two API versions in one run: exit code 2."""

class LossError(ClaimfeedError):
    """With `strict`, the first resource or value that would be lost: exit code 3."""

class LoginError(ClaimfeedError):
    """The server does not accept who is asking: exit code 5."""

class ServerError(ClaimfeedError):
    """The server, its job or its files are not what they should be: exit code 6."""

class Batch:
    """Rows of one table, some thousand at most; all columns of the schema."""

    @property
    def num_rows(self) -> int: ...
    def __len__(self) -> int: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...

class Rows:
    """Rows of one table, in input order, given once: as an Arrow stream without a copy, or batch by batch.

    A consumer of the stream raises its own exceptions, with the engine's message; going through the batches raises
    claimfeed's.
    """

    @property
    def column_names(self) -> list[str]: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __iter__(self) -> Iterator[Batch]: ...
    def __next__(self) -> Batch: ...
    def _report(self) -> str: ...

class Schema:
    """The Arrow schema of a table."""

    @property
    def names(self) -> list[str]: ...
    @property
    def columns(self) -> list[tuple[str, str, dict[str, str]]]:
        """Name, Arrow type and metadata (CMS's positions and picture, FHIR path) of each column."""
    def __arrow_c_schema__(self) -> object: ...

class Split:
    """Some lines of one file: those whose first byte is at `start` or behind and before `end`. A compressed file is one split.

    Pickles, and travels as JSON, to any process or machine that sees the same path.
    """

    @property
    def path(self) -> os.PathLike[str]: ...
    @property
    def start(self) -> int:
        """Byte, 0-based, inclusive."""
    @property
    def end(self) -> int:
        """Byte, exclusive."""
    @property
    def api(self) -> str: ...
    @property
    def resource(self) -> str:
        """`ExplanationOfBenefit` if the file begins with a claim, else empty."""
    def to_json(self) -> str: ...
    @classmethod
    def from_json(cls, text: str) -> Split: ...
    def __eq__(self, other: object) -> bool: ...

class Context:
    """Patients and their MBIs: an Arrow table of `patient_id` and `mbi` (null: a Patient without one). Pickles."""

    def __init__(self, people: Iterable[tuple[str, str | None]] | None = None) -> None:
        """From pairs of Patient.id and MBI."""
    @classmethod
    def from_ipc(cls, data: bytes) -> Context:
        """From an Arrow IPC stream with these columns, as pyarrow, Polars and Spark write it."""
    def to_ipc(self) -> bytes: ...
    def __len__(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def _report(self) -> str | None: ...

def read(
    inputs: _Path | Sequence[_Path],
    table: str,
    *,
    columns: Sequence[str] | None = None,
    api: str | None = None,
    lineage: bool = False,
    threads: int | None = None,
    strict: bool = False,
    schemas: _Path | None = None,
    adjustments: str = "final",
    verify: str = "used",
    spool: _Path | None = None,
) -> Rows:
    """One table of a whole export: what `convert` would write.

    Which claims count is known when the last line has been read, so the work is done when this returns: rows wait in an
    unnamed file of `spool` (default: the system's folder for temporary files), and memory stays small. `columns`: only
    these, in this order; what is not asked for is not extracted. CCLF1 to CCLF9, CCLFA, CCLFB and own
    tables; CCLF0, the summary of a whole conversion, is refused.
    """

def plan(inputs: _Path | Sequence[_Path], target_bytes: int = 134_217_728, *, api: str | None = None) -> list[Split]:
    """Cuts files and folders into splits of about `target_bytes`, in input order. Only the head of each file is read."""

def context(splits: Sequence[Split], *, thorough: bool = False, threads: int = 1, schemas: _Path | None = None) -> Context:
    """Reads the Patients of a plan's files; those that begin with a claim only if `thorough`."""

def schema(
    table: str, api: str, *, columns: Sequence[str] | None = None, keys: bool = False, schemas: _Path | None = None
) -> Schema:
    """The schema of a table, or of `VERSIONS`, without reading data. `api`: v1, v2 or v3."""

def tables(*, schemas: _Path | None = None) -> list[tuple[str, bool]]:
    """Names of all tables, and whether each can be read in splits (CCLF8 and CCLF9 need the whole export)."""

def read_split(
    split: Split,
    table: str,
    context: Context | None = None,
    *,
    columns: Sequence[str] | None = None,
    keys: bool = False,
    strict: bool = False,
    threads: int = 1,
    verify: str = "used",
    schemas: _Path | None = None,
) -> Rows:
    """The rows of one split: every version of every claim, as with `adjustments="raw"`.

    Rows come while the split is read; memory is some chunks of half a megabyte. Without a context BENE_MBI_ID is null, and
    each claim counts as a loss in the report. `keys` appends `patient_id`, `claim_group_id`, `last_updated` (RFC 3339 text),
    `fhir_id`, `source_file`, `source_byte` (of the uncompressed file, where the claim's line begins) and `source_number` (of the
    file in the plan). The table `VERSIONS` has a row for every claim, those too that give no rows: `claim_key`, `updated`
    (nanoseconds since 1970), `source_number`, `source_byte`; and if the inputs are several folders `delivery`, `group_key`,
    `prior_key`, `standing`: what tells claims that are replaced.
    """

def convert(inputs: Any, output: _Path, **options: Any) -> str: ...
def fetch(output: _Path, **options: Any) -> str: ...
def exit_code(text: str) -> int: ...
def reconcile(text: str, *, html: bool = False) -> str: ...
def sum_reports(reports: Sequence[str]) -> str: ...
