"""Runs that use all kinds of state are killed 30 times at random steps, and end bit for bit as in one piece."""

import pytest

from tests.helpers.programs import results_of
from tests.integration.killed_runs import RUNS


@pytest.mark.slow
@pytest.mark.parametrize("several", [False, True], ids=["one replica", "two replicas"])
def test_the_same_bits_every_time(several, tmp_path):
    names = [name for name, options in RUNS.items() if ("replicas" in options) == several]
    results = results_of("tests.integration.killed_runs", str(tmp_path), *names)
    assert list(results) == names
    for name, found in results.items():
        assert found["killed"] == found["whole"], name
    assert len({found["whole"]["variables"] for found in results.values()}) == len(names)
