"""A mask and its mean, by hand."""

import numpy as np
import pytest

from mtl_keras import layers


def test_attention_mask():
    layer = layers.AttentionMask(name="a_mask")
    out = layer(np.array([[0.0, np.log(3.0)]]))
    np.testing.assert_allclose(out, [[0.5, 0.75]], rtol=1e-6)
    assert float(layer.inspect(out)["mask"]["a_mask"]["mean"]) == pytest.approx(0.625)
