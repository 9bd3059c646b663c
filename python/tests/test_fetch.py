"""An export from a server of our own on loopback."""

import pathlib
import subprocess

import pyarrow as pa
import pytest
from commands import COMMAND

import claimfeed


@pytest.fixture(scope="module")
def server():
    process = subprocess.Popen(
        [COMMAND, "sandbox", "--beneficiaries", "5", "--claims", "4", "--job-seconds", "1"], stdout=subprocess.PIPE, text=True)
    lines = []
    while not any("BCDA_CLIENT_SECRET" in line for line in lines):
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    words = dict(word.split("=", 1) for line in lines for word in line.split() if "=" in word)
    yield lines[0].strip().split()[-1], {name: text.strip("'\"") for name, text in words.items()}
    process.terminate()
    process.wait()


def test_an_export_is_fetched_once_and_read(server, tmp_path, monkeypatch):
    address, secrets = server
    with pytest.raises(claimfeed.UsageError, match="BCDA_CLIENT_ID"):
        claimfeed.fetch(tmp_path / "export", server=address, api="v3")
    for name in ["BCDA_CLIENT_ID", "BCDA_CLIENT_SECRET"]:
        monkeypatch.setenv(name, secrets[name])
    told = claimfeed.fetch(tmp_path / "export", server=address, api="v3")
    assert told["exit_code"] == 0 and told["resources"] > 20
    assert pa.table(claimfeed.read(told["folder"], "CCLF8")).num_rows == 5
    again = claimfeed.fetch(tmp_path / "export", server=address, api="v3")
    brought = dict.fromkeys(["files", "bytes", "resources", "warnings"], 0)
    assert again == {**told, **brought, "folder": again["folder"]}, "all was there"
    assert pathlib.Path(again["folder"]) == pathlib.Path(told["folder"])
    monkeypatch.setenv("BCDA_CLIENT_SECRET", "another-secret")
    with pytest.raises(claimfeed.LoginError) as raised:
        claimfeed.fetch(tmp_path / "refused", server=address, api="v3")
    assert raised.value.exit_code == 5 and "another-secret" not in str(raised.value)
    with pytest.raises(claimfeed.UsageError, match="all or runout"):
        claimfeed.fetch(tmp_path / "other", server=address, api="v3", group="mine")
