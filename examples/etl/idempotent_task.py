"""A task for a scheduler (Airflow, Dagster, cron): a delivery becomes a folder of Parquet, once, whatever happens.

    python examples/etl/idempotent_task.py EXPORT WAREHOUSE

Run again on the same delivery it does nothing; killed half-way it begins anew; with losses it fails and the folder does not
appear, unless --allow-losses. The folder's name comes from the delivery's files, so a delivery that changed is another one.
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import sys

import claimfeed


def fingerprint(export: pathlib.Path) -> str:
    """Of names, sizes and times: a delivery that was fetched anew is new."""
    digest = hashlib.sha256(claimfeed.__version__.encode())
    for path in sorted(path for path in export.rglob("*") if path.is_file()):
        facts = path.stat()
        digest.update(f"{path.relative_to(export)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def task(export: pathlib.Path, warehouse: pathlib.Path, allow_losses: bool = False) -> pathlib.Path:
    """The folder with the delivery's tables."""
    target = warehouse / f"delivery-{fingerprint(export)}"
    if target.exists():
        return target
    warehouse.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A folder with this name is whole: it gets it last, by one rename.
    unfinished = warehouse / f".{target.name}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    report = claimfeed.convert(export, unfinished, format="parquet")
    # Sums that differ (4) are no loss that somebody may allow.
    if report.exit_code == 4 or report.exit_code and not allow_losses:
        losses = [(issue["kind"], issue["field"], issue["count"]) for issue in report["issues"] if issue["weight"] == "loss"]
        shutil.rmtree(unfinished)
        raise RuntimeError(f"expected a delivery without losses and equal sums, found exit code {report.exit_code}: {losses}")
    os.rename(unfinished, target)
    return target


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("export", type=pathlib.Path)
    asked.add_argument("warehouse", type=pathlib.Path)
    asked.add_argument("--allow-losses", action="store_true")
    given = asked.parse_args()
    try:
        print(task(given.export, given.warehouse, given.allow_losses))
    except RuntimeError as error:
        sys.exit(str(error))
