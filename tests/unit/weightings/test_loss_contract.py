"""What every weighting that reads the losses keeps: one case a member, all checks for each."""

import functools

import numpy as np
import pytest

from mtl_keras import _registry
from mtl_keras.weightings import _base
from tests.helpers.marks import fast_only
from tests.unit.weightings._cases import LOSSES, Runner, ordinary_batches

pytestmark = pytest.mark.graph

HARD = {
    "plain": [0.5, 2.0, 1.0],
    "zero": [0.0, 2.0, 1.0],
    "all zero": [0.0, 0.0, 0.0],
    "tiny": [1e-10, 2e-10, 3e-10],
    "huge": [1e15, 2e15, 3e15],
    "uneven": [1e-10, 1.0, 1e15],
}
NEGATIVE = {"negative": [-0.5, 2.0, 1.0], "all negative": [-5.0, -2.0, -1e15]}
PLAIN = np.array([0.5, 2.0, 1.0, 4.0])


@functools.cache
def runner(name, num_tasks=3, mode="graph"):
    """One traced function per member, size and mode, for all tests."""
    return Runner(name, num_tasks, mode)


def finite(run):
    return all(np.isfinite(v.numpy()).all() for v in run.variables)


def test_every_registered_member_has_a_case():
    members = {n: _registry._MEMBERS["weightings"][n] for n in _registry.names("weightings")}
    registered = {n for n, member in members.items() if issubclass(member, _base.LossScalarizer)}
    assert registered <= set(LOSSES), f"Add to `_cases.py`: {registered - set(LOSSES)}"


def test_negative_losses_are_permitted_or_an_error():
    """The engine raises it: tests/unit/engine/test_lowest_losses.py."""
    for name, case in LOSSES.items():
        assert case.negative == (case.make().lowest_losses is None), name


def hard(name):
    return (HARD | (NEGATIVE if LOSSES[name].negative else {})).items()


@pytest.mark.parametrize("name", LOSSES)
def test_finite(name):
    for kind, losses in hard(name):
        run = runner(name).reset()
        for _ in range(3):
            assert np.isfinite(run(losses)).all(), kind
        assert finite(run), kind


@pytest.mark.parametrize("name", fast_only(LOSSES, ["dwa", "famo", "rlw_dirichlet", "stch", "uncertainty"]))
def test_xla_equals_graph(name):
    for kind, losses in hard(name):
        graph, xla = runner(name).reset(), runner(name, mode="xla").reset()
        for _ in range(3):
            value, other = graph(losses), xla(losses)
            assert np.isfinite(other).all(), kind
            if not LOSSES[name].random:
                np.testing.assert_allclose(other[1:], value[1:], rtol=1e-5, atol=1e-30, err_msg=kind)
                np.testing.assert_allclose(other[0], value[0], rtol=1e-5, atol=1e-6, err_msg=kind)
        assert finite(xla), kind


@pytest.mark.parametrize("name", LOSSES)
def test_eager_equals_graph(name):
    eager, graph = runner(name, mode="eager").reset(), runner(name).reset()
    for losses in (HARD["plain"], HARD["zero"]):
        np.testing.assert_allclose(eager(losses), graph(losses), rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", LOSSES)
def test_the_objective_is_a_number_that_has_weights_of_at_least_zero(name):
    run = runner(name).reset()
    for scale in (1.0, 0.7, 0.9):
        assert (run(PLAIN[:3] * scale)[1:] >= 0.0).all()


@pytest.mark.parametrize("name", [n for n, case in LOSSES.items() if not case.random])
def test_an_absent_task_changes_nothing_for_the_others(name):
    keep = [0, 1, 3]
    present = np.array([1.0, 1.0, 0.0, 1.0])
    small, large = runner(name, 3).reset(), runner(name, 4).reset()
    for scale in (1.0, 0.5, 0.8):
        losses = PLAIN * scale * present
        actual = large(losses, present)
        assert actual[1:][2] == 0.0
        np.testing.assert_allclose(np.delete(actual, 3), small(losses[keep]), rtol=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_the_state_of_an_absent_task_stays(name):
    run = runner(name, 4).reset()
    for losses in (PLAIN, PLAIN * 0.5):
        run(losses)
    before = [v.numpy() for v in run.weighting.variables]
    present = np.array([1.0, 1.0, 0.0, 1.0])
    run(PLAIN * present, present)
    run.weighting.on_epoch_end(0)
    for variable, old in zip(run.weighting.variables, before, strict=True):
        if variable.shape[:1] == (4,) and variable.name not in ("totals", "counts", "means"):
            np.testing.assert_array_equal(variable.numpy()[2], old[2])


@pytest.mark.parametrize("name", LOSSES)
def test_all_absent_gives_zeros_and_keeps_the_state(name):
    run = runner(name).reset()
    run(PLAIN[:3])
    np.testing.assert_array_equal(run(np.zeros(3), np.zeros(3)), 0.0)
    assert finite(run)


@pytest.mark.parametrize("name", [n for n, case in LOSSES.items() if case.equivariant])
def test_permuted_tasks_have_permuted_weights(name):
    order = [2, 0, 1]
    steps = [PLAIN[:3] * scale for scale in ([1, 1, 1], [0.5, 0.9, 0.8], [0.7, 0.2, 0.9])]
    run = runner(name).reset()
    expected = [run(losses)[1:] for losses in steps]
    run.reset()
    for losses, weights in zip(steps, expected, strict=True):
        np.testing.assert_allclose(run(losses[order])[1:], weights[order], rtol=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_one_task_alone_is_followed(name):
    run = Runner(name, 1, "eager")
    for loss in (1e-10, 0.5, 2.0, 1e15):
        weight = run.reset()([loss])[1]
        assert weight >= 0.0
        if LOSSES[name].unit:
            np.testing.assert_allclose(weight, 1.0, rtol=1e-5)
    assert np.isfinite(run.reset()([0.0])).all()


@pytest.mark.parametrize("name", [n for n, case in LOSSES.items() if not case.random])
def test_a_first_batch_with_loss_0_is_forgotten(name):
    results = []
    for first in (None, 0.0, 1e-12, 1e-6):
        run = runner(name).reset()
        for losses, _ in ordinary_batches(first):
            result = run(losses)[1:]
        results.append(result)
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], atol=0.25 * np.abs(results[0]).max())
