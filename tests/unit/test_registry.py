"""Look-up by string."""

import keras
import pytest

import mtl_keras as mtl
from mtl_keras import _registry

FAMILIES = {  # the look-up strings that users write
    "heads": ["binary", "multiclass", "multilabel", "regression"],
    "sharing": ["hard", "single_task", "soft"],
    "towers": ["conv", "lenet", "mlp", "resnet"],
}


@pytest.mark.parametrize("family", FAMILIES)
def test_names_are_those_of_the_files(family):
    assert set(FAMILIES[family]) <= set(_registry.names(family))
    for name, cls in _registry._MEMBERS[family].items():
        assert cls.__module__ == f"mtl_keras.{family}.{name}"
        assert cls.__name__.lower() == name.replace("_", "")


@pytest.mark.parametrize(
    ("family", "name", "cls"),
    [
        ("towers", "lenet", mtl.towers.LeNet),
        ("towers", "mlp", mtl.towers.MLP),
        ("sharing", "single_task", mtl.sharing.SingleTask),
        ("heads", "binary", mtl.heads.Binary),
        ("losses", "elementwise_mean_squared_error", mtl.losses.ElementwiseMeanSquaredError),
    ],
)
def test_a_name_gives_a_member_with_its_defaults(family, name, cls):
    assert type(_registry.get(family, name)) is cls


@pytest.mark.parametrize("instance", [mtl.sharing.Hard(), None, 3, keras.layers.Dense(2)], ids=lambda i: repr(i)[:6])
def test_anything_but_a_string_passes_through(instance):
    assert _registry.get("sharing", instance) is instance


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"Unknown name 'harrd' in mtl_keras.sharing. Expected one of: aitm, .*soft\."):
        _registry.get("sharing", "harrd")
    with pytest.raises(ValueError, match=r"Unknown name 'x' in mtl_keras.nowhere"):
        _registry.get("nowhere", "x")
    assert _registry.names("nowhere") == []


def test_only_what_has_a_config_is_registered_with_keras():
    assert keras.saving.get_registered_object("mtl_keras>Multiclass") is mtl.heads.Multiclass
    assert keras.saving.get_registered_object("mtl_keras>Hard") is None
