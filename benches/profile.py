#!/usr/bin/env python3
"""Instructions per claim of the twenty costliest functions (their own, without those they call), by callgrind.

    benches/profile.py BINARY [INPUT]       without INPUT on a small synthetic export of v2

Instructions are the same in every run, whatever else the machine does; they are not time: what waits for memory looks cheap.
What start-up costs is measured by a run over one beneficiary and taken off. Valgrind has no AVX-512, so the AVX2 functions
run. Functions that were inlined are counted in their callers.
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SHOWN = 20
LINE = re.compile(r"^ *([\d,]+) (?:\([ \d.]+%\))? *(?:[^:\s]+:)?(.+?)(?: \[[^\]]*\])?$")


def synth(binary, api, beneficiaries, folder):
    command = [binary, "synth", "--api", api, "--beneficiaries", str(beneficiaries), "-o", folder]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return folder


def profile(binary, export, scratch):
    """Instructions by function, the number of claims, and the API version."""
    calls, tables = scratch / "calls", scratch / "tables"
    command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={calls}"]
    command += [binary, "convert", export, "-o", tables, "--force", "--threads", "1"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    # 3 is done, with losses that summary.json counts.
    if done.returncode not in (0, 3):
        raise SystemExit(done.stderr)
    summary = json.loads((tables / "summary.json").read_text())
    claims = sum(one["resources"].get("ExplanationOfBenefit", 0) for one in summary["inputs"])
    command = ["callgrind_annotate", "--auto=no", "--threshold=100", calls]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    costs = {}
    for line in listing.splitlines():
        found = LINE.match(line)
        if found and found[2] != "PROGRAM TOTALS":
            costs[found[2]] = costs.get(found[2], 0) + int(found[1].replace(",", ""))
    return costs, claims, summary["api"]


def main():
    if shutil.which("valgrind") is None:
        raise SystemExit("expected valgrind, found none: apt-get install valgrind")
    with tempfile.TemporaryDirectory() as scratch:
        scratch, binary = Path(scratch), sys.argv[1]
        export = Path(sys.argv[2]) if len(sys.argv) > 2 else synth(binary, "v2", 10, scratch / "export")
        costs, claims, api = profile(binary, export, scratch)
        few, one, _ = profile(binary, synth(binary, api, 1, scratch / "one"), scratch)
    if claims <= one:
        raise SystemExit(f"expected more than {one} claims, found {claims}")
    costs = {name: (cost - few.get(name, 0)) / (claims - one) for name, cost in costs.items()}
    whole = sum(costs.values())
    print(f"{claims} claims, {whole:,.0f} instructions a claim\n\n{'a claim':>10} {'share':>7}  function")
    for name, cost in sorted(costs.items(), key=lambda one: -one[1])[:SHOWN]:
        print(f"{cost:10,.0f} {100 * cost / whole:6.1f}%  {name}")


if __name__ == "__main__":
    main()
