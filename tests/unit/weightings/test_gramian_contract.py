"""What every weighting that reads a Gramian keeps: one case a member, all checks for each."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import _registry
from mtl_keras.weightings import GramianWeighting, HalvesWeighting
from tests.helpers.marks import fast_only
from tests.unit.weightings._cases import ordinary_batches
from tests.unit.weightings._gramian_cases import CASES, GRAMIAN, HALVES, SCALES, gramian_of, jacobians

pytestmark = pytest.mark.graph

HARD = {
    f"{kind} x {scale:g}": gramian_of(jacobian * scale) for kind, jacobian in jacobians().items() for scale in SCALES
}
LOSSES = np.array([0.5, 2.0, 1.0, 4.0], "float32")
PLAIN = [name for name, case in CASES.items() if not case.variant]
# One for each solver and each loop that XLA compiles, and one without either; the others are slow tests.
XLA = ["aligned_mtl", "cagrad", "con_fig", "dualproj", "fairgrad", "gradnorm", "gradvac", "imtl_g", "modo", "pcd"]


class Runner:
    """A built member whose state can be set back, called eagerly, in a graph or under XLA."""

    def __init__(self, name, num_tasks=3, mode="graph"):
        self.weighting = CASES[name].make()
        self.weighting.build(num_tasks)
        if mode == "eager":
            self.call = self.weighting
        else:
            self.call = tf.function(self.weighting, autograph=False, jit_compile=mode == "xla")
        self.start = [v.numpy() for v in self.variables]

    @property
    def variables(self):
        weighting = self.weighting
        seeds = [] if weighting.seed_generator is None else [weighting.seed_generator.state]
        return weighting.variables + [s for s in seeds if all(s is not v for v in weighting.variables)]

    def reset(self):
        for variable, value in zip(self.variables, self.start, strict=True):
            variable.assign(value)
        return self

    def __call__(self, gramian, losses=None, present=None):
        losses = LOSSES[: len(gramian)] if losses is None else losses
        present = np.ones(len(gramian), "float32") if present is None else present
        tensors = [tf.constant(x, "float32") for x in (gramian, losses, present)]
        return np.array(self.call(*tensors))


def model_with(weighting):
    """Returns a model that holds the weighting as a compiled one does."""
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.weighting = weighting
    return model


@functools.cache
def runner(name, num_tasks=3, mode="graph"):
    """One traced function per member, size and mode, for all tests."""
    return Runner(name, num_tasks, mode)


def close(actual, expected, gramian, tolerance, kind):
    """Compares weights by what they are for: each relative to the largest, in units of the row's norm."""
    norms = np.sqrt(np.diag(np.float64(gramian)))
    norms = np.where(norms > 0, norms, 1.0)
    a, b = np.float64(actual) * norms, np.float64(expected) * norms
    size = max(np.abs(b).max(), 1e-300)
    assert np.abs(a - b).max() <= tolerance * size, f"{kind}: {actual}, {expected}"


def test_every_registered_member_has_a_case():
    members = {n: _registry._MEMBERS["weightings"][n] for n in _registry.names("weightings")}
    for base, cases in ((GramianWeighting, GRAMIAN), (HalvesWeighting, HALVES)):
        registered = {name for name, member in members.items() if issubclass(member, base)}
        assert registered <= set(cases), f"Add to `_gramian_cases.py`: {registered - set(cases)}"


@pytest.mark.parametrize("name", CASES)
def test_config_round_trip(name):
    made = CASES[name].make()
    config = keras.saving.serialize_keras_object(made)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(made)
    assert keras.saving.serialize_keras_object(again) == config
    assert made.name == made.__module__.rsplit(".", 1)[-1]


@pytest.mark.parametrize("name", fast_only(CASES, PLAIN))
def test_finite(name):
    for kind, gramian in HARD.items():
        run = runner(name).reset()
        assert np.isfinite(run(gramian)).all(), kind
        assert np.isfinite(run(gramian)).all(), kind  # with state
        assert all(np.isfinite(v.numpy()).all() for v in run.variables), kind


@pytest.mark.parametrize("name", fast_only(PLAIN, XLA))
def test_xla_equals_graph(name):
    for kind, gramian in HARD.items():
        close(runner(name, mode="xla").reset()(gramian), runner(name).reset()(gramian), gramian, 1e-5, kind)


@pytest.mark.parametrize("name", fast_only(CASES, XLA))
def test_eager_equals_graph(name):
    for kind in ("conflicting", "zero row", "stationary"):
        gramian = HARD[f"{kind} x 1"]
        graph = runner(name).reset()(gramian)
        close(runner(name, mode="eager").reset()(gramian), graph, gramian, 1e-5, kind)


@pytest.mark.parametrize("name", fast_only(CASES, PLAIN))
def test_an_absent_task_changes_nothing_for_the_others(name):
    if name.endswith("_shuffled"):
        pytest.skip("draws other orders for another number of tasks; see the case without shuffling")
    keep = [0, 1, 3]
    present = np.array([1, 1, 0, 1], "float32")
    for kind, jacobian in jacobians(4).items():
        small, large = runner(name, 3).reset(), runner(name, 4).reset()
        jacobian = jacobian * present[:, None]
        for step in range(2):
            gramian = gramian_of(jacobian * (1.0 + step))
            expected = small(gramian[np.ix_(keep, keep)], LOSSES[keep])
            actual = large(gramian, LOSSES * present, present)
            assert actual[2] == 0.0, kind
            close(actual[keep], expected, gramian[np.ix_(keep, keep)], 1e-5, kind)


@pytest.mark.parametrize("name", CASES)
def test_the_state_of_an_absent_task_stays(name):
    large = runner(name, 4).reset()
    weighting = large.weighting
    large(gramian_of(jacobians(4)["plain"]))
    before = {v.path: v.numpy() for v in weighting.variables}
    present = np.array([1, 1, 0, 1], "float32")
    large(gramian_of(jacobians(4)["conflicting"] * present[:, None]), LOSSES * present, present)
    for variable in weighting.variables:
        if variable.shape[:1] == (4,):
            np.testing.assert_array_equal(variable.numpy()[2], before[variable.path][2])
        if variable.shape == (4, 4):
            np.testing.assert_array_equal(variable.numpy()[:, 2], before[variable.path][:, 2])


@pytest.mark.parametrize("name", CASES)
def test_all_absent_gives_zeros(name):
    weights = runner(name, 3).reset()(np.zeros((3, 3)), np.zeros(3), np.zeros(3))
    np.testing.assert_array_equal(weights, 0.0)


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if case.equivariant])
def test_permuted_tasks_have_permuted_weights(name):
    order = [2, 0, 1]
    for kind, jacobian in jacobians().items():
        first = runner(name).reset()(gramian_of(jacobian))
        gramian = gramian_of(jacobian)[np.ix_(order, order)]
        close(runner(name).reset()(gramian, LOSSES[order]), first[order], gramian, 1e-4, kind)


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if case.non_conflicting])
def test_no_task_gets_worse(name):
    for kind, gramian in HARD.items():
        weights = np.float64(runner(name).reset()(gramian))
        cosines = gramian @ weights
        sizes = np.sqrt(np.diag(gramian)) * np.sum(np.abs(weights) * np.sqrt(np.diag(gramian)))
        assert (cosines >= -1e-5 * sizes).all(), (kind, weights)


@pytest.mark.parametrize("name", CASES)
def test_one_task_alone_is_followed(name):
    if name == "pcd":  # the primary task is the second one
        return
    for scale in (SCALES[0], SCALES[-1]):
        weights = runner(name, 1, "eager").reset()(np.full((1, 1), 4.0 * scale))
        assert weights.shape == (1,)
        assert weights[0] > 0.0
        if CASES[name].unit:
            np.testing.assert_allclose(weights, 1.0, rtol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_a_saved_state_goes_on_as_if_not_saved(name, tmp_path):
    gramians = [gramian_of(jacobian) for jacobian in jacobians(seed=3).values()][:4]
    first = runner(name).reset()
    for gramian in gramians[:2]:
        first(gramian)
    path = tmp_path / "model.weights.h5"
    model_with(first.weighting).save_weights(path)
    expected = [first(gramian) for gramian in gramians[2:]]
    made = Runner(name, mode="eager")
    model_with(made.weighting).load_weights(path)
    second = runner(name).reset()
    for variable, value in zip(second.variables, made.variables, strict=True):
        variable.assign(value)
    np.testing.assert_array_equal([second(gramian) for gramian in gramians[2:]], expected)


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if not case.variant])
def test_a_first_batch_with_loss_0_is_forgotten(name):
    results = []
    for first in (None, 0.0, 1e-12, 1e-6, 1e-2):
        run = runner(name).reset()
        for losses, rows in ordinary_batches(first):
            result = run(gramian_of(rows), np.float32(losses))
        results.append(result)
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], atol=0.25 * np.abs(results[0]).max())
