"""`claimfeed.read` into Polars, DuckDB and pyarrow beside the command's Arrow files: the same table of the same export.

    make bench-python [INPUT=export] [ROUNDS=5]

Each is a process of its own, in turns, so that a busy moment hits all alike. Shown are the best and the median time in GB/s of
uncompressed input, the ratio to the command, and the peak memory of the process. Every process says how many rows it has,
which must be equal. Libraries are imported before the clock starts.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

READ = """
import sys, time
import claimfeed
export, table = sys.argv[1:]
{prepare}
started = time.perf_counter()
{work}
print(time.perf_counter() - started, count)
"""

WAYS = {
    "polars": ("import polars", "count = len(polars.DataFrame(claimfeed.read(export, table)))"),
    "duckdb": (
        "import duckdb\nbase = duckdb.connect()",
        "rows = claimfeed.read(export, table)\nbase.execute('create table t as select * from rows')\n"
        "count = base.execute('select count(*) from t').fetchone()[0]",
    ),
    # pyarrow.table looks whether it is given a data frame, for which it imports pandas.
    "pyarrow": ("import pandas, pyarrow", "count = pyarrow.table(claimfeed.read(export, table)).num_rows"),
    "batches": ("", "count = sum(len(batch) for batch in claimfeed.read(export, table))"),
}


def timed(arguments):
    """Standard output and peak memory in MB."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(arguments, stdout=out, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 3):
            sys.exit(f"expected exit code 0 or 3, found {process.returncode}: {' '.join(map(str, arguments))}")
        out.seek(0)
        return out.read(), used.ru_maxrss / 1024


def command(claimfeed, export, table, folder):
    """Seconds, rows, MB, uncompressed bytes."""
    target = pathlib.Path(folder) / "tables"
    _, memory = timed([claimfeed, "convert", export, "-o", target, "--force", "--format", "arrow", "--tables", table])
    told = json.loads((target / "summary.json").read_text())
    return told["elapsed_seconds"], told["tables"][table], memory, sum(one["uncompressed_bytes"] for one in told["inputs"])


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--claimfeed", required=True)
    asked.add_argument("--input")
    asked.add_argument("--table", default="CCLF5")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--beneficiaries", default="500", help="of the synthetic export, if no input is named")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        export = given.input or pathlib.Path(folder) / "export"
        if not given.input:
            timed([given.claimfeed, "synth", "--api", "v3", "--beneficiaries", given.beneficiaries, "-o", export])
        seconds, memory, rows = {}, {}, set()
        for _ in range(given.rounds):
            took, count, used, size = command(given.claimfeed, export, given.table, folder)
            results = {"command": (took, count, used)}
            for name, (prepare, work) in WAYS.items():
                program = READ.format(prepare=prepare, work=work)
                out, used = timed([sys.executable, "-c", program, export, given.table])
                # DuckDB draws a progress bar before it.
                took, count = out.splitlines()[-1].split()[-2:]
                results[name] = (float(took), int(count), used)
            for name, (took, count, used) in results.items():
                seconds.setdefault(name, []).append(took)
                memory[name] = max(memory.get(name, 0), used)
                rows.add(count)
    if len(rows) != 1:
        sys.exit(f"expected the same number of rows, found {sorted(rows)}")
    print(f"{given.table}, {rows.pop()} rows of {size / 1e9:.2f} GB, {given.rounds} rounds, {os.cpu_count()} cores")
    print(f"{'way':10}{'best GB/s':>11}{'median':>9}{'of command':>12}{'peak MB':>9}")
    best = min(seconds["command"])
    for name, all_of_it in seconds.items():
        print(f"{name:10}{size / 1e9 / min(all_of_it):>11.2f}{size / 1e9 / statistics.median(all_of_it):>9.2f}"
              f"{best / min(all_of_it):>12.2f}{memory[name]:>9.0f}")


if __name__ == "__main__":
    main()
