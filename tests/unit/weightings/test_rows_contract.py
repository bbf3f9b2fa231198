"""What every weighting that reads the rows keeps: one case a member, all checks for each."""

import functools

import numpy as np
import pytest

from mtl_keras import _registry
from mtl_keras.weightings import _base
from tests.helpers.marks import fast_only
from tests.unit.weightings._cases import NUM_PARAMETERS, ROWS, Runner, ordinary_batches

pytestmark = pytest.mark.graph

RNG = np.random.default_rng(0)
PLAIN = RNG.normal(size=(4, NUM_PARAMETERS))
LOSSES = np.array([0.5, 2.0, 1.0, 4.0])
HARD = {
    "plain": PLAIN[:3],
    "zeros": 0.0 * PLAIN[:3],
    "zero row": PLAIN[:3] * [[1.0], [0.0], [1.0]],
    "equal": PLAIN[[0, 0, 1]],
    "opposed": PLAIN[[0, 0, 1]] * [[1.0], [-1.0], [1.0]],
    "uneven": PLAIN[:3] * [[1e-10], [1.0], [1e15]],
    "tiny": PLAIN[:3] * 1e-10,
    "huge": PLAIN[:3] * 1e15,
}
HARD_LOSSES = [[0.5, 2.0, 1.0], [0.0, 1e-10, 1e15]]


@functools.cache
def runner(name, num_tasks=3, mode="graph"):
    """One traced function per member, size and mode, for all tests."""
    return Runner(name, num_tasks, mode)


def close(actual, expected, tolerance, message=""):
    """Compares directions relative to the largest coordinate."""
    size = max(np.abs(expected).max(), 1e-30)
    np.testing.assert_allclose(actual / size, expected / size, rtol=0, atol=tolerance, err_msg=message)


def test_every_registered_member_has_a_case():
    members = {n: _registry._MEMBERS["weightings"][n] for n in _registry.names("weightings")}
    registered = {n for n, member in members.items() if issubclass(member, _base.GradientAggregator)}
    assert registered <= set(ROWS), f"Add to `_cases.py`: {registered - set(ROWS)}"


@pytest.mark.parametrize("name", ROWS)
def test_finite(name):
    for kind, rows in HARD.items():
        for losses in HARD_LOSSES:
            run = runner(name).reset()
            for _ in range(2):
                assert np.isfinite(run(losses, rows=rows)).all(), kind
            assert all(np.isfinite(v.numpy()).all() for v in run.variables), kind


@pytest.mark.parametrize("name", fast_only(ROWS, ["graddrop", "moco", "trimmed_mean"]))
def test_xla_equals_graph(name):
    for kind, rows in HARD.items():
        for losses in HARD_LOSSES:
            graph, xla = runner(name).reset(), runner(name, mode="xla").reset()
            for _ in range(2):
                value, other = graph(losses, rows=rows), xla(losses, rows=rows)
                assert np.isfinite(other).all(), kind
                if not ROWS[name].random:
                    close(other, value, 1e-5, kind)


@pytest.mark.parametrize("name", ROWS)
def test_eager_equals_graph(name):
    eager, graph = runner(name, mode="eager").reset(), runner(name).reset()
    for rows in (HARD["plain"], HARD["zero row"]):
        close(eager(LOSSES[:3], rows=rows), graph(LOSSES[:3], rows=rows), 1e-5)


@pytest.mark.parametrize("name", ROWS)
def test_an_absent_task_changes_nothing_for_the_others(name):
    keep = [0, 1, 3]
    present = np.array([1.0, 1.0, 0.0, 1.0])
    small, large = runner(name, 3).reset(), runner(name, 4).reset()
    for scale in (1.0, 2.0, 0.7):
        rows = PLAIN * scale * present[:, None]
        actual = large(LOSSES * present, present, rows)
        close(actual, small(LOSSES[keep], rows=rows[keep]), 1e-5)


@pytest.mark.parametrize("name", ROWS)
def test_the_state_of_an_absent_task_stays(name):
    run = runner(name, 4).reset()
    for scale in (1.0, 2.0):
        run(LOSSES, rows=PLAIN * scale)
    before = [v.numpy() for v in run.weighting.variables]
    present = np.array([1.0, 1.0, 0.0, 1.0])
    run(LOSSES * present, present, PLAIN[::-1] * present[:, None])
    for variable, old in zip(run.weighting.variables, before, strict=True):
        if variable.shape[:1] == (4,):
            np.testing.assert_array_equal(variable.numpy()[2], old[2])


@pytest.mark.parametrize("name", ROWS)
def test_all_absent_gives_finite_numbers(name):
    run = runner(name).reset()
    run(LOSSES[:3], rows=PLAIN[:3])
    np.testing.assert_array_equal(run(np.zeros(3), np.zeros(3), np.zeros((3, NUM_PARAMETERS))), 0.0)
    assert all(np.isfinite(v.numpy()).all() for v in run.variables)


@pytest.mark.parametrize("name", [n for n, case in ROWS.items() if case.equivariant])
def test_permuted_tasks_give_the_same_direction(name):
    order = [2, 0, 1]
    run, scales = runner(name).reset(), (1.0, 2.0, 0.7)
    expected = [run(LOSSES[:3], rows=PLAIN[:3] * scale) for scale in scales]
    run.reset()
    for scale, direction in zip(scales, expected, strict=True):
        close(run(LOSSES[order], rows=PLAIN[order] * scale), direction, 1e-5)


@pytest.mark.parametrize("name", ROWS)
def test_one_task_alone_is_followed(name):
    run = Runner(name, 1, "eager")
    for scale in (1e-10, 1.0, 1e15):
        rows = PLAIN[:1] * scale
        direction = run.reset()([2.0], rows=rows)
        length = direction @ rows[0] / (rows[0] @ rows[0])
        assert length > 0.0
        close(direction, length * rows[0], 1e-5)
        if ROWS[name].unit:
            np.testing.assert_allclose(length, 1.0, rtol=1e-5)


@pytest.mark.parametrize("name", [n for n, case in ROWS.items() if not case.random])
def test_a_first_batch_with_loss_0_is_forgotten(name):
    results = []
    for first in (None, 0.0, 1e-12, 1e-6, 1e-2):
        run = runner(name).reset()
        for losses, rows in ordinary_batches(first):
            result = run(losses, rows=rows)
        results.append(result)
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], atol=0.25 * np.abs(results[0]).max())
