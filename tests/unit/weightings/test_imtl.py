"""IMTL's scales, and that only the length of its direction depends on them."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import weightings as w
from tests.unit.weightings._gramian_cases import gramian_of, jacobians

pytestmark = pytest.mark.graph


def test_scales_go_to_one_over_the_loss():
    imtl = w.IMTL(learning_rate=0.1)
    imtl.build(3)
    losses = tf.constant([0.5, 1.0, 4.0])
    call = tf.function(imtl)
    for _ in range(300):
        call(tf.eye(3), losses, tf.ones(3))
    np.testing.assert_allclose(np.exp(imtl.log_scales.numpy()), [2.0, 1.0, 0.25], rtol=1e-3)


def test_scales_do_not_turn_the_direction():
    j = jacobians()["plain"]
    ones = np.ones(3, "float32")
    imtl, imtl_g = w.IMTL(), w.IMTLG()
    imtl.build(3)
    imtl_g.build(3)
    imtl.log_scales.assign([1.0, -2.0, 0.5])
    first = np.array(imtl(gramian_of(j), ones, ones)) @ j
    second = np.array(imtl_g(gramian_of(j), ones, ones)) @ j
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    np.testing.assert_allclose(abs(cosine), 1.0, rtol=1e-6)
