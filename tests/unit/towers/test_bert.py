"""BERT."""

import sys

import keras
import numpy as np
import pytest

from mtl_keras.towers import BERT
from tests.unit.towers._build import build, num_trainable_at

keras_hub = pytest.importorskip("keras_hub", reason="needs keras_hub")
IDS = {"tokens": ((None,), "int32")}
ROWS = np.array([[3, 8, 1, 5], [7, 7, 4, 0]], "int32")


def test_base_has_the_published_size():
    """BERT-base, uncased: table of the paper's repository, 110M; the checkpoint has 109,482,240."""
    assert num_trainable_at(BERT(pooled=True), IDS) == (109_482_240, 768)
    assert num_trainable_at(BERT(), IDS) == (109_482_240 - (768 * 768 + 768), 768)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A backbone with random weights, and a folder with it."""
    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=9, num_layers=2, num_heads=2, hidden_dim=4, intermediate_dim=6, max_sequence_length=5
    )
    for weight in backbone.weights:
        weight.assign(keras.random.normal(weight.shape, seed=1))
    folder = tmp_path_factory.mktemp("preset")
    backbone.save_to_preset(folder)
    return backbone, str(folder)


def expected(backbone):
    mask = (ROWS > 0).astype("int32")
    return backbone({"token_ids": ROWS, "segment_ids": np.zeros_like(ROWS), "padding_mask": mask})


def test_preset_gives_what_its_backbone_gives(preset):
    backbone, folder = preset
    outputs = build(BERT(preset=folder), IDS, copies=("one", "two"))({"tokens": ROWS})
    for output in outputs.values():
        there = ROWS > 0
        np.testing.assert_allclose(
            output.numpy()[there], expected(backbone)["sequence_output"].numpy()[there], atol=1e-5
        )


def test_pooled_preset(preset):
    backbone, folder = preset
    pooled = build(BERT(preset=folder, pooled=True), IDS)({"tokens": ROWS})["shared"]
    np.testing.assert_allclose(pooled, expected(backbone)["pooled_output"], atol=1e-5)


def test_a_preset_has_its_own_tokens():
    with pytest.raises(ValueError, match=r"`vocabulary` must be None with a `preset`.*preset='bert' and 2 tokens"):
        BERT(preset="bert", vocabulary=("a", "b"))


def test_pooled_is_a_flag():
    with pytest.raises(ValueError, match=r"`pooled` must be True or False"):
        BERT(pooled="cls")


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(ImportError, match=r'The tower "bert" needs .*`pip install mtl_keras\[text\]`'):
        BERT().stages()
