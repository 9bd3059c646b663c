"""Exports for Spark."""

import json
import os
import pathlib

import pytest
from commands import synth


@pytest.fixture(scope="session")
def deliveries(tmp_path_factory):
    """Two: the later brings some claims anew, and some again under other ids."""
    folder = tmp_path_factory.mktemp("deliveries")
    claims = int(os.environ.get("CLAIMFEED_SPARK_BENEFICIARIES", "12"))
    january = synth(folder / "january", beneficiaries=claims, files=2)
    (folder / "february").mkdir()
    changed = 0
    for path in sorted(january.iterdir()):
        if "ExplanationOfBenefit" not in path.name:
            continue
        with open(path) as lines, open(folder / "february" / path.name, "w") as out:
            for at, line in enumerate(lines):
                claim = json.loads(line)
                if at % 4 == 0:
                    continue
                if at % 4 != 1:
                    claim["meta"]["lastUpdated"] = "2031-02-03T04:05:06.007Z"
                    changed += 1
                if at % 4 == 3:
                    claim["id"] = f"again-{at}-{claim['id']}"
                out.write(json.dumps(claim, separators=(",", ":"), ensure_ascii=False) + "\n")
    assert changed > 20
    return folder


@pytest.fixture(scope="session")
def v3(tmp_path_factory):
    """An export that is there (CLAIMFEED_SPARK_EXPORT), for a run at size; else a small one."""
    given = os.environ.get("CLAIMFEED_SPARK_EXPORT")
    return pathlib.Path(given) if given else synth(tmp_path_factory.mktemp("v3") / "export")
