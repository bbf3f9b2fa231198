"""On the toy problem of the papers, methods that balance the tasks get where the plain sum does not."""

import importlib.util
import pathlib

import numpy as np
import pytest
import tensorflow as tf

pytestmark = pytest.mark.graph

PATH = pathlib.Path(__file__).parents[2] / "benchmarks" / "toy_problem.py"


@pytest.fixture(scope="module")
def toy():
    spec = importlib.util.spec_from_file_location("toy_problem", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_direction_is_better_for_both_on_the_pareto_set(toy):
    """A convex combination of the gradients is zero, and x2 at the middle is what the papers draw."""
    points = toy.pareto_set(5)
    for x1, x2 in points:
        x = tf.Variable([x1, x2], dtype="float64")
        with tf.GradientTape(persistent=True) as tape:
            losses = tf.unstack(toy.toy_losses(x))
        first, second = (tape.gradient(loss, x).numpy() for loss in losses)
        w = (x1 + 7) / 14
        np.testing.assert_allclose(w * first / toy.SCALE + (1 - w) * second, 0, atol=1e-6)
    assert points[2, 0] == 0
    assert points[2, 1] == pytest.approx(-8.3552, abs=2e-4)  # of the authors' program


def test_distance(toy):
    assert toy.distance(toy.pareto_set()[0]) == 0
    assert toy.distance([0, 0]) == pytest.approx(8.3551, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "start", "steps"),  # FAMO is the slowest of them to leave (9, 9), and the cheapest by the step
    [("cagrad", (0.0, 0.0), 20_000), ("nash_mtl", (9.0, 9.0), 20_000), ("famo", (9.0, 9.0), 30_000)],
)
def test_reaches_the_pareto_set(toy, method, start, steps):
    assert toy.distance(toy.train(toy.METHODS[method](), start, steps)) < 0.05


@pytest.mark.slow
def test_the_plain_sum_stays_in_the_valley(toy):
    assert toy.distance(toy.train(toy.METHODS["equal"](), (9.0, 9.0), steps=30_000)) > 5
