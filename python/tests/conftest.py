"""Synthetic exports, one for a whole run of the tests."""

import pytest
from commands import synth


@pytest.fixture(scope="session", params=["v1", "v2", "v3"])
def export(request, tmp_path_factory):
    return synth(tmp_path_factory.mktemp("export") / request.param, request.param)


@pytest.fixture(scope="session")
def v3(tmp_path_factory):
    return synth(tmp_path_factory.mktemp("v3") / "export")
