"""as_tower."""

import keras
import pytest

from mtl_keras.towers import MLP, Existing, as_tower


def test_recipe_is_returned_as_it_is():
    tower = MLP(units=(3,))
    assert as_tower(tower) is tower


def test_model_and_layer_become_existing():
    for model in (keras.layers.Dense(3), keras.Sequential([keras.layers.Dense(3)])):
        tower = as_tower(model)
        assert isinstance(tower, Existing)
        assert tower.model is model


def test_unknown_name():
    with pytest.raises(ValueError, match=r"Unknown name 'lenett'.*alexnet, bert, bigru, bilstm, cnn_attention, conv"):
        as_tower("lenett")


@pytest.mark.parametrize("tower", [MLP, 3, None, [64, 32]])
def test_anything_else(tower):
    with pytest.raises(ValueError, match=r"`tower` must be one of 'alexnet', 'bert', .* Received: tower="):
        as_tower(tower)
