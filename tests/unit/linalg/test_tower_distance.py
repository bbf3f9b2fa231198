"""Distances between towers."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.linalg.tower_distance import l1_distance, squared_l2_distance, trace_norm

NORMS = [squared_l2_distance, l1_distance, trace_norm]
TWO = [[np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0])], [np.array([[1.0, 0.0], [0.0, 4.0]]), np.array([-1.0])]]


def towers(num_towers, seed=0, shapes=((3, 4), (4,), (2, 2, 1, 3))):
    rng = np.random.default_rng(seed)
    return [[rng.normal(size=shape).astype("float32") for shape in shapes] for _ in range(num_towers)]


def stacks(groups):
    return [np.stack([tensor.ravel() for tensor in tensors]).astype("float64") for tensors in zip(*groups, strict=True)]


def pairwise(groups, distance):
    pairs = itertools.combinations(groups, 2)
    return sum(distance(np.float64(a) - np.float64(b)) for one, other in pairs for a, b in zip(one, other, strict=True))


def gradient(norm, groups):
    variables = [[tf.Variable(tensor) for tensor in tower] for tower in groups]
    with tf.GradientTape() as tape:
        value = norm(variables)
    return [[g.numpy() for g in tower] for tower in tape.gradient(value, variables)]


def test_values_by_hand():
    assert float(squared_l2_distance(TWO)) == pytest.approx(4 + 9 + 4)
    assert float(l1_distance(TWO)) == pytest.approx(2 + 3 + 2)
    # (1, 2) and (2, 1) have the singular values 3 and 1; (3) over (4) has 5.
    groups = [[np.array([1.0, 2.0]), np.array([3.0])], [np.array([2.0, 1.0]), np.array([4.0])]]
    assert float(trace_norm(groups)) == pytest.approx(3 + 1 + 5)


@pytest.mark.parametrize("num_towers", [2, 3, 5])
def test_values_by_numpy(num_towers):
    groups = towers(num_towers)
    nuclear = sum(np.linalg.svd(stack, compute_uv=False).sum() for stack in stacks(groups))
    assert float(squared_l2_distance(groups)) == pytest.approx(pairwise(groups, lambda d: (d**2).sum()), rel=1e-5)
    assert float(l1_distance(groups)) == pytest.approx(pairwise(groups, lambda d: abs(d).sum()), rel=1e-5)
    assert float(trace_norm(groups)) == pytest.approx(nuclear, rel=1e-5)


@pytest.mark.parametrize("num_towers", [2, 4])
def test_gradient_of_l2_and_l1(num_towers):
    groups = towers(num_towers)
    of_l2, of_l1 = gradient(squared_l2_distance, groups), gradient(l1_distance, groups)
    for i, tower in enumerate(groups):
        for k, tensor in enumerate(tower):
            differences = [tensor - other[k] for other in groups]
            np.testing.assert_allclose(of_l2[i][k], 2 * sum(differences), rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(of_l1[i][k], sum(np.sign(differences)), atol=1e-6)


@pytest.mark.parametrize("num_towers", [2, 3, 5])  # with more and with fewer towers than entries
def test_gradient_of_the_trace_norm_is_that_of_the_singular_values(num_towers):
    groups = towers(num_towers)
    ours = stacks(gradient(trace_norm, groups))
    for stack, rows in zip(stacks(groups), ours, strict=True):
        u, _, vt = np.linalg.svd(stack, full_matrices=False)
        np.testing.assert_allclose(rows, u @ vt, atol=1e-4)


def test_gradient_of_the_trace_norm_by_finite_differences():
    groups, eps = towers(3, shapes=((2, 3),)), 1e-6
    stack = stacks(groups)[0]
    ours = stacks(gradient(trace_norm, groups))[0]
    for index in np.ndindex(stack.shape):
        up, down = stack.copy(), stack.copy()
        up[index] += eps
        down[index] -= eps
        difference = (np.linalg.norm(up, "nuc") - np.linalg.norm(down, "nuc")) / (2 * eps)
        assert ours[index] == pytest.approx(difference, abs=1e-4)


@pytest.mark.parametrize("norm", NORMS)
def test_equal_towers(norm):
    (tower,) = towers(1)
    groups = [tower, tower, tower]
    expected = sum(np.sqrt(3) * np.linalg.norm(tensor) for tensor in tower) if norm is trace_norm else 0.0
    assert float(norm(groups)) == pytest.approx(expected, rel=1e-5, abs=1e-9)
    for rows, stack in zip(stacks(gradient(norm, groups)), stacks(groups), strict=True):
        # Of rank 1: the norm is √3·‖θ‖, its gradient θ / (√3·‖θ‖) in each row.
        slope = stack / (np.sqrt(3) * np.linalg.norm(stack[0])) if norm is trace_norm else np.zeros_like(stack)
        np.testing.assert_allclose(rows, slope, atol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_zero_towers(norm):
    groups = [[np.zeros((2, 3), "float32")] for _ in range(3)]
    assert float(norm(groups)) == 0.0
    for rows in stacks(gradient(norm, groups)):
        np.testing.assert_array_equal(rows, 0.0)


def test_trace_norm_of_a_stack_of_low_rank():
    a, b = (np.random.default_rng(seed).normal(size=6).astype("float32") for seed in (0, 1))
    groups = [[a], [b], [a + b], [a - b]]
    (stack,) = stacks(groups)
    u, s, vt = np.linalg.svd(stack, full_matrices=False)
    assert float(trace_norm(groups)) == pytest.approx(s[:2].sum(), rel=1e-5)
    (rows,) = stacks(gradient(trace_norm, groups))
    np.testing.assert_allclose(rows, u[:, :2] @ vt[:2], atol=1e-4)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("norm", NORMS)
def test_finite_at_any_scale(norm, scale):
    groups = [[np.float32(scale) * tensor for tensor in tower] for tower in towers(3)]
    assert np.isfinite(float(norm(groups)))
    assert all(np.isfinite(g).all() for tower in gradient(norm, groups) for g in tower)


@pytest.mark.parametrize("norm", [*NORMS[:2], pytest.param(trace_norm, marks=pytest.mark.slow)])
@pytest.mark.graph
def test_eager_graph_and_xla_agree(norm):
    groups = [[tf.constant(tensor) for tensor in tower] for tower in towers(3)]
    eager = float(norm(groups))
    for jit_compile in (False, True):
        assert float(tf.function(norm, jit_compile=jit_compile)(groups)) == pytest.approx(eager, rel=1e-4)


@pytest.mark.parametrize("norm", NORMS)
def test_towers_of_unlike_length(norm):
    with pytest.raises(ValueError, match="zip"):
        norm([[keras.ops.ones(2)], [keras.ops.ones(2), keras.ops.ones(2)]])
