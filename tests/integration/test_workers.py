"""Several workers, as processes of this machine, with real connections."""

import json

import pytest

from tests.helpers.workers import run_workers
from tests.integration import rows_of_a_worker


@pytest.mark.slow
def test_two_workers_together_see_each_row_once(tmp_path):
    rows_of_a_worker.write(tmp_path)
    workers = run_workers("tests.integration.rows_of_a_worker", [[str(tmp_path)]] * 2)
    assert not any(worker.returncode for worker in workers), workers[0].stderr[-3000:]
    first, second = (json.loads(worker.stdout.split("SEEN ")[1]) for worker in workers)
    assert list(first) == ["from_arrays", "from_parquet", "from_records", "mix"]
    for name, epochs in first.items():
        for one, other in zip(epochs, second[name], strict=True):
            assert len(one) == len(other)
            assert sorted(one + other) == list(range(rows_of_a_worker.ROWS)), name
        assert epochs[0] != epochs[1], name
