"""Every public constructor refuses what is no number where it takes one, and takes NumPy's scalars."""

import dataclasses
import importlib
import inspect
import math
import typing

import keras
import numpy as np
import pytest

import mtl_keras as mtl

FAMILIES = ["callbacks", "heads", "layers", "losses", "metrics", "sharing", "towers", "weightings"]
REQUIRED = {  # arguments without a default
    "Task": {"name": "odd", "head": mtl.heads.Binary()},
    "callbacks.Backup": {"folder": "backups"},
    "callbacks.Freeze": {"parts": "shared"},
    "callbacks.SoftSharing": {"strength": 0.1},
    "heads.Detection": {"num_classes": 3},
    "heads.Multiclass": {"num_classes": 3},
    "heads.Multilabel": {"num_labels": 3},
    "heads.Ordinal": {"num_classes": 3},
    "heads.Segmentation": {"num_classes": 3},
    "heads.Tagging": {"num_tags": 3},
    "layers.AddPositions": {"max_length": 8},
    "layers.AttentionPooling": {"units": 4},
    "layers.CrossStitch": {"index": 0},
    "layers.DSelectKGate": {"num_experts": 3},
    "layers.LargeEmbedding": {"input_dim": 9, "output_dim": 4},
    "layers.MaskedConv1D": {"filters": 4, "kernel_size": 3},
    "layers.PoolPredictions": {"kind": "numbers"},
    "layers.SoftmaxGate": {"num_experts": 3},
    "layers.StackedDense": {"num_experts": 3, "units": 4},
    "layers.SubspaceStitch": {"index": 0},
    "layers.Thresholds": {"num_thresholds": 3},
    "losses.Pinball": {"quantiles": (0.1, 0.9)},
    "metrics.MacroF1": {"num_classes": 3},
    "metrics.MeanAveragePrecision": {"num_classes": 3},
    "metrics.SpanF1": {"tags": ("O", "B-a", "I-a")},
    "towers.Applications": {"model": "MobileNetV2"},
    "towers.Existing": {"model": keras.layers.Dense(4)},
}
WRONG = [float("nan"), float("inf"), -float("inf"), True, np.bool_(True), "1"]
NO_COUNT = [1.5, np.float32(2.5)]


def _classes():
    """Returns `{"family.Name": class}` of what users construct."""
    found = {"Task": mtl.Task}
    for family in FAMILIES:
        module = importlib.import_module(f"mtl_keras.{family}")
        members = {name: getattr(module, name) for name in module.__all__}
        found |= {
            f"{family}.{name}": member
            for name, member in members.items()
            if inspect.isclass(member) and member.__module__.rpartition(".")[2] not in ("_base", "_stage")
        }
    return found


CLASSES = _classes()


def _parameters(cls):
    """Returns `{argument: its types}` of a constructor, without keyword dictionaries."""
    if dataclasses.is_dataclass(cls):
        hints = typing.get_type_hints(cls)
        return {field.name: _types(hints[field.name]) for field in dataclasses.fields(cls) if field.init}
    if not cls.__init__.__module__.startswith("mtl_keras"):
        return {}  # Keras' own constructor, of a class that adds no argument
    hints = typing.get_type_hints(cls.__init__)
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return {p.name: _types(hints.get(p.name)) for p in parameters if p.kind not in kinds}


def _types(hint):
    return set(typing.get_args(hint)) or {hint}


def _pairs(*kinds):
    """Returns pairs of a class and its arguments that take one of some types, and nothing that is not a number."""
    simple = {int, float, type(None)}
    return [
        (name, argument)
        for name, cls in CLASSES.items()
        for argument, types in _parameters(cls).items()
        if types & set(kinds) and types <= simple and argument != "name"
    ]


def _make(name, **arguments):
    return CLASSES[name](**{**REQUIRED.get(name, {}), **arguments})


def _default(name, argument):
    parameter = inspect.signature(CLASSES[name].__init__).parameters[argument]
    return REQUIRED.get(name, {}).get(argument, parameter.default)


@pytest.mark.parametrize("name", CLASSES)
def test_every_argument_has_a_type(name):
    parameters = _parameters(CLASSES[name])
    assert not [argument for argument, types in parameters.items() if types == {None}]


@pytest.mark.parametrize("name", CLASSES)
def test_the_smallest_call_works(name):
    _make(name)


@pytest.mark.parametrize(("name", "argument"), _pairs(int, float))
def test_what_is_no_number_is_refused(name, argument):
    wrong = WRONG + (NO_COUNT if float not in _parameters(CLASSES[name])[argument] else [])
    for value in wrong:
        with pytest.raises(ValueError, match=f"`{argument}` must be .*Received: {argument}="):
            _make(name, **{argument: value})


@pytest.mark.parametrize(("name", "argument"), _pairs(int, float))
def test_numpy_scalars_are_taken_and_become_plain(name, argument):
    default = _default(name, argument)
    if default is None:
        default = 0.5 if float in _parameters(CLASSES[name])[argument] else 2
    scalars = [np.int64(default), np.int32(default)] if isinstance(default, int) else [np.float64(default)]
    if isinstance(default, float) and float(np.float32(default)) == default:
        scalars.append(np.float32(default))
    for value in scalars:
        made = _make(name, **{argument: value})
        kept = getattr(made, argument, default)
        assert type(kept) in (int, float, str, tuple, type(None)) or not isinstance(kept, np.generic)
        if hasattr(made, "get_config") and not isinstance(made, keras.callbacks.Callback):
            again = type(made).from_config(made.get_config()).get_config()
            assert again == made.get_config()
            assert not any(isinstance(v, np.generic) for v in keras.tree.flatten(made.get_config()))


def test_the_kinds_of_wrong_numbers_are_what_they_say():
    assert not any(isinstance(value, float) and math.isfinite(value) for value in WRONG)
