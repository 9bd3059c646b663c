"""Synthetic exports, made by the command, which is also what the package is compared with."""

import os
import pathlib
import subprocess

import pyarrow as pa

ROOT = pathlib.Path(__file__).parents[2]
COMMAND = pathlib.Path(os.environ.get("CLAIMFEED_COMMAND", ROOT / "target/debug/claimfeed"))


def command(*arguments):
    """Runs the command; 3 says that something was left out, which is told in the summary."""
    done = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode in (0, 3), done.stderr
    return done


def synth(folder, api="v3", beneficiaries=15, claims=8, **options):
    more = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command("synth", "--api", api, "--beneficiaries", beneficiaries, "--claims", claims, *more, "-o", folder)
    return folder


def convert(export, folder, *options):
    """All tables of the command as pyarrow's."""
    command("convert", *(export if isinstance(export, list) else [export]), "-o", folder, "--format", "arrow", *options)
    tables = {}
    for path in sorted(folder.glob("*.arrow")):
        with pa.ipc.open_file(path) as file:
            tables[path.stem] = file.read_all()
    assert tables
    return tables


def bag(table):
    """Rows as a sorted list: tables are sets of rows, each as often as it is there."""
    return sorted(zip(*(map(str, column.to_pylist()) for column in table.columns)))
