"""Whole exports into files: what the command does, with exceptions for its exit codes and Ctrl-C."""

import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

import pyarrow.parquet
import pytest
from commands import bag, command, convert

import claimfeed


def test_files_are_the_commands(export, tmp_path):
    expected = convert(export, tmp_path / "expected")
    report = claimfeed.convert(export, tmp_path / "found", format=["parquet", "csv"])
    for name, table in expected.items():
        assert bag(pyarrow.parquet.read_table(tmp_path / "found" / f"{name}.parquet")) == bag(table), name
    command("convert", export, "-o", tmp_path / "csv")
    for name in expected:
        file = f"{name}.csv"
        assert (tmp_path / "found" / file).read_bytes() == (tmp_path / "csv" / file).read_bytes(), name
    told = claimfeed.report(tmp_path / "expected")
    for part in ["inputs", "tables", "payments", "issues", "fields", "skipped"]:
        assert report[part] == told[part], part
    assert report == claimfeed.report(tmp_path / "found")
    assert report.exit_code == told.exit_code
    assert report.reconcile() and report.to_html().startswith("<!DOCTYPE html>")


def test_only_the_owner_reads_what_is_written(v3, tmp_path):
    claimfeed.convert(v3, tmp_path / "out", tables="CCLF8")
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    for path in (tmp_path / "out").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "CCLF0.csv", "CCLF8.csv", "report.html", "summary.json"]


@pytest.mark.parametrize(
    "call, exception, code, words",
    [
        (lambda e, o: claimfeed.read(e, "CCLF99"), claimfeed.UsageError, 2, "expected tables of CCLF1, .*found `CCLF99`"),
        (lambda e, o: claimfeed.read(e, "CCLF5", columns=["PRICE"]), claimfeed.UsageError, 2, "found `PRICE`"),
        (lambda e, o: claimfeed.read(e, "CCLF5", api="v2"), claimfeed.UsageError, 2, "found v3 beside v2.*line 1"),
        (lambda e, o: claimfeed.plan(e, api="v9"), claimfeed.UsageError, 2, "found `v9`"),
        (lambda e, o: claimfeed.convert(e, o, format="xlsx"), claimfeed.UsageError, 2, "found `xlsx`"),
        (lambda e, o: claimfeed.convert(e, e), claimfeed.UsageError, 2, "expected an empty output folder"),
        (lambda e, o: claimfeed.read(e / "none", "CCLF5"), FileNotFoundError, None, "none"),
        (lambda e, o: claimfeed.schema("CCLF5", "auto"), claimfeed.UsageError, 2, "v1, v2 or v3"),
    ],
)
def test_exceptions_mirror_exit_codes(v3, tmp_path, call, exception, code, words):
    with pytest.raises(exception, match="(?s)" + words) as raised:
        call(v3, tmp_path / "out")
    if code:
        assert raised.value.exit_code == code
    assert not (tmp_path / "out").exists(), "nothing is left behind"


def test_a_broken_line_is_told_with_its_place_and_no_value(v3, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(v3, broken)
    claims = next(path for path in broken.iterdir() if "ExplanationOfBenefit" in path.name)
    lines = claims.read_text().splitlines(keepends=True)
    lines[7] = '{"resourceType":"ExplanationOfBenefit","id":"SECRET"\n'
    claims.write_text("".join(lines))
    byte = sum(len(line.encode()) for line in lines[:7])
    place = f"{claims.name}`, line 8, byte {byte}"
    with pytest.raises(claimfeed.LossError, match=place) as raised:
        claimfeed.read(broken, "CCLF5", strict=True)
    assert raised.value.exit_code == 3 and "SECRET" not in str(raised.value)
    splits = [split for split in claimfeed.plan(broken, 20_000) if split.path == claims]
    context = claimfeed.context(claimfeed.plan(broken))
    with pytest.raises(claimfeed.LossError, match=place):
        for split in splits:
            list(claimfeed.read_split(split, "CCLF5", context, strict=True))
    rows = claimfeed.read(broken, "CCLF5")
    assert claimfeed.report_of(rows).exit_code == 3


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """So much that Ctrl-C comes in between: the same claims many times."""
    folder = tmp_path_factory.mktemp("long")
    command("synth", "--api", "v3", "--beneficiaries", 60, "-o", folder / "one")
    claims = next(path for path in (folder / "one").iterdir() if "ExplanationOfBenefit" in path.name)
    text = claims.read_bytes()
    with open(folder / "claims.ndjson", "wb") as file:
        while file.tell() < 300 << 20:
            file.write(text)
    return folder / "claims.ndjson"


def interrupt(work):
    """Seconds until the KeyboardInterrupt that a signal starts after a quarter of the time that the work takes."""
    started = time.monotonic()
    work("whole")
    timer = threading.Timer((time.monotonic() - started) / 4, signal.raise_signal, [signal.SIGINT])
    # What runs behind a shell's back may have been told to ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer.start()
    started = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            work("ended")
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)
    return time.monotonic() - started


def test_ctrl_c_ends_a_conversion_and_leaves_nothing(long, tmp_path):
    took = interrupt(lambda out: claimfeed.convert(long, tmp_path / out, adjustments="raw"))
    assert (tmp_path / "whole").exists() and not (tmp_path / "ended").exists()
    assert took < 5


def test_ctrl_c_ends_rows_of_a_split(long):
    [split] = claimfeed.plan(long, 1 << 40)
    assert interrupt(lambda _: list(claimfeed.read_split(split, "CCLF5"))) < 5


def test_other_threads_go_on(long):
    beats = 0
    running = True

    def beat():
        nonlocal beats
        while running:
            time.sleep(0.005)
            beats += 1

    heart = threading.Thread(target=beat)
    heart.start()
    started = time.monotonic()
    claimfeed.read(long, "CCLF5", columns=["BENE_MBI_ID"], adjustments="raw", threads=1)
    took = time.monotonic() - started
    running = False
    heart.join()
    assert took > 0.1, "too short to tell"
    # With the lock held there would be none at all.
    assert beats > 3, (beats, took)


def test_every_public_name_is_explained_and_has_a_stub():
    stub = (pathlib.Path(claimfeed.__file__).parent / "_claimfeed.pyi").read_text()
    for name in claimfeed.__all__:
        thing = getattr(claimfeed, name)
        if name == "__version__":
            continue
        in_package = getattr(thing, "__module__", "") == "claimfeed" and hasattr(thing, "__code__")
        assert in_package or name == "Report" or f"def {name}(" in stub or f"class {name}" in stub, name
        assert thing.__doc__, name
    assert (pathlib.Path(claimfeed.__file__).parent / "py.typed").exists()


def test_the_version_is_the_commands():
    assert command("--version").stdout.split()[1] == claimfeed.__version__
    assert subprocess.run([sys.executable, "-c", "import claimfeed"], check=True).returncode == 0
