"""The solvers meet their optimality conditions, in float64 numpy, on easy and on singular matrices."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import linalg

pytestmark = pytest.mark.graph

SIZES = (2, 3, 8)
nonnegative_qp = tf.function(linalg.nonnegative_qp, autograph=False)
dual_cone_coefficients = tf.function(linalg.dual_cone_coefficients, autograph=False)
min_norm_point = tf.function(linalg.min_norm_point, autograph=False)
solve_reciprocal = tf.function(linalg.solve_reciprocal, autograph=False)


def rows(num_tasks, rank, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(num_tasks, rank)) @ rng.normal(size=(rank, 2 * rank))


def gramian(num_tasks, rank=None, seed=0):
    j = rows(num_tasks, rank or 2 * num_tasks, seed).astype("float32")
    return j @ j.T


def cosines(num_tasks, rank=None, seed=0):
    g = np.float64(gramian(num_tasks, rank, seed))
    n = np.sqrt(np.diag(g))
    return g / n / n[:, None]


def test_simplex_projection_by_bisection():
    rng = np.random.default_rng(0)
    for scale in (1e-3, 1.0, 1e3):
        point = scale * rng.normal(size=7)
        low, high = point.min() - 1.0, point.max()
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if np.maximum(point - middle, 0).sum() > 1 else (low, middle)
        actual = linalg.project_simplex(tf.constant(point), tf.ones(7)).numpy()
        np.testing.assert_allclose(actual, np.maximum(point - low, 0), atol=1e-9)


def test_simplex_projection_leaves_out_the_absent():
    point = np.array([0.3, 9.0, -2.0, 0.4])
    actual = linalg.project_simplex(tf.constant(point), tf.constant([1.0, 0.0, 1.0, 1.0])).numpy()
    np.testing.assert_allclose(actual, [0.45, 0.0, 0.0, 0.55])


@pytest.mark.parametrize("scale", [1.0, 1e45])
def test_simplex_projection_of_huge_numbers(scale):
    point = tf.constant([3.0 * scale, -scale, 3.0 * scale], "float64")
    np.testing.assert_allclose(linalg.project_simplex(point, tf.ones(3)).numpy(), [0.5, 0.0, 0.5])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rank", [1, 2, None])
def test_nonnegative_qp(size, rank):
    matrix = cosines(size, rank)
    linear = matrix @ np.random.default_rng(1).normal(size=(size, 4))  # in its range, so bounded
    z, residual = nonnegative_qp(tf.constant(matrix), tf.constant(linear.T))
    z = z.numpy()
    y = z @ matrix + linear.T
    assert (z >= 0).all()
    assert (y >= -1e-4 * np.abs(linear).max()).all()
    assert np.abs(np.minimum(z, y)).max() <= 1e-4 * np.abs(linear).max()
    assert residual <= 1e-4


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rank", [1, 2, None])
def test_dual_cone(size, rank):
    matrix = cosines(size, rank)
    v, residual = dual_cone_coefficients(tf.constant(matrix), tf.eye(size, dtype="float64"))
    v = v.numpy()
    y = v @ matrix
    assert residual <= 1e-5
    assert (v >= np.eye(size) - 1e-12).all()
    assert (y >= -1e-5).all()
    assert np.abs((v - np.eye(size)) * y).max() <= 1e-5


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rank", [1, 2, None])
@pytest.mark.parametrize("scale", [1e-10, 1.0, 1e15])
def test_min_norm_point(size, rank, scale):
    matrix = gramian(size, rank) * np.float32(scale) * np.float32(scale)
    weights, residual = min_norm_point(tf.constant(matrix), tf.ones(size))
    weights = weights.numpy()
    np.testing.assert_allclose(weights.sum(), 1.0, rtol=1e-12)
    assert (weights >= 0).all()
    assert residual <= 1e-5
    slopes = np.float64(matrix) @ weights
    assert (slopes - weights @ slopes >= -1e-5 * np.diag(matrix).max()).all()


def test_min_norm_point_of_nearly_equal_rows():
    rng = np.random.default_rng(0)
    j = rng.normal(size=(1, 9)) + 1e-2 * rng.normal(size=(4, 9))  # condition number of G: 1e5
    matrix = j @ j.T
    weights, _ = min_norm_point(tf.constant(matrix), tf.ones(4))
    weights = weights.numpy()
    slopes = matrix @ weights
    value = weights @ slopes
    assert (slopes >= value * (1 - 1e-5)).all()  # so the value is within 1e-5 of the least
    assert np.abs(weights * (slopes - value)).max() <= 1e-5 * value


def test_min_norm_point_of_two_rows():
    for a, b, c in [(18.0, -22.0, 38.0), (1.0, 2.0, 9.0), (1.0, -1.0, 1.0), (1e-20, 0.0, 1e20)]:
        weights, _ = min_norm_point(tf.constant([[a, b], [b, c]]), tf.ones(2))
        first = np.clip((c - b) / (a + c - 2 * b), 0.0, 1.0)
        np.testing.assert_allclose(weights.numpy(), [first, 1 - first], atol=1e-7)


@pytest.mark.parametrize("exponent", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("size", SIZES)
def test_reciprocal(size, exponent):
    matrix = gramian(size)
    weights, residual = solve_reciprocal(tf.constant(matrix), exponent)
    assert residual <= 1e-8
    weights = weights.numpy()
    assert (weights > 0).all()
    np.testing.assert_allclose(np.float64(matrix) @ weights, weights**-exponent, rtol=2e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_eigen(jit_compile):
    matrix = cosines(8)
    values, vectors = tf.function(linalg.eigen, autograph=False, jit_compile=jit_compile)(tf.constant(matrix))
    values, vectors = values.numpy(), vectors.numpy()
    np.testing.assert_allclose((vectors * values) @ vectors.T, matrix, atol=1e-9)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix), atol=1e-9)


def test_damped_solve():
    """Like the inverse where there is one, and like the pseudo-inverse where the right-hand side has a solution."""
    matrix = cosines(6)
    target = np.arange(1.0, 7.0)
    actual = linalg.damped_solve(tf.constant(matrix), tf.constant(target)).numpy()
    np.testing.assert_allclose(actual, np.linalg.solve(matrix, target), rtol=1e-6)
    singular = cosines(6, 3)
    actual = linalg.damped_solve(tf.constant(singular), tf.constant(singular @ target)).numpy()
    np.testing.assert_allclose(singular @ actual, singular @ target, rtol=1e-5)


def test_unit_gramian_of_mixed_scales():
    j = np.array([[3.0e15, 4.0e15], [3.0e-10, -4.0e-10], [0.0, 0.0]], "float32")
    cosine, norms, nonzero = linalg.unit_gramian(tf.constant(j @ j.T))
    np.testing.assert_allclose(cosine.numpy()[0, 1], -7 / 25, rtol=1e-6)
    np.testing.assert_allclose(norms.numpy(), [5e15, 5e-10, 0.0], rtol=1e-6)
    np.testing.assert_array_equal(nonzero.numpy(), [True, True, False])


def test_equal_projection():
    j = rows(3, 6)
    weights = linalg.equal_projection_weights(tf.constant(j @ j.T, "float32"), tf.ones(3)).numpy()
    projections = (j / np.linalg.norm(j, axis=1)[:, None]) @ (weights @ j)
    np.testing.assert_allclose(weights.sum(), 1.0, rtol=1e-6)
    np.testing.assert_allclose(projections, projections.mean(), rtol=1e-4)
