"""What holds for the graph of every sharing scheme: any stages, any tasks.

Every scheme trains, is saved and exported in `tests/integration/test_sharing_matrix.py`.
"""

import dataclasses

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from tests.unit.sharing.test_contract import CASES

ONLY_BINARY = ["esmm"]
NOTHING_SHARED = ["single_task", "soft"]


@dataclasses.dataclass(frozen=True)
class Recurrent(mtl.towers.Tower):
    """Two recurrent stages, each a sequence of the length of the input."""

    def stages(self):
        def stage(x, name):
            return keras.layers.SimpleRNN(4, return_sequences=True, name=f"{name}_rnn")(x)

        return {"rnn1": stage, "rnn2": stage}


INPUTS = {  # name: (tower, shape of the input, shape of a batch)
    "vectors": (mtl.towers.MLP((6, 4)), (5,), (8, 5)),
    "maps": (mtl.towers.LeNet(filters=(2, 4), units=(6,)), (8, 8), (8, 8, 8)),
    "images of any size": (mtl.towers.Conv(filters=(2, 4)), (None, None, 1), (8, 9, 7, 1)),
    "sequences": (Recurrent(), (None, 3), (8, 5, 3)),
}


def _tasks(scheme):
    if scheme in ONLY_BINARY:
        return [mtl.Task(name, mtl.heads.Binary(hidden=(3,))) for name in "abc"]
    heads = {"a": mtl.heads.Multiclass(3), "b": mtl.heads.Binary(hidden=(3,)), "c": mtl.heads.Regression(2)}
    return [mtl.Task(name, head) for name, head in heads.items()]


def _labels(tasks, rows=8):
    rng = np.random.default_rng(1)
    widths = {"Regression": 2}
    return {t.name: rng.integers(0, 2, (rows, widths.get(type(t.head).__name__, 1))).astype("float32") for t in tasks}


def _x(kind):
    return np.random.default_rng(0).normal(size=INPUTS[kind][2]).astype("float32")


def _model(scheme, kind, tasks=None):
    tower, shape, _ = INPUTS[kind]
    return mtl.build_model(shape, tasks or _tasks(scheme), tower, CASES[scheme]())


@pytest.mark.parametrize(  # the others are in the tests below
    "kind", ["maps", pytest.param("images of any size", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("scheme", CASES)
def test_any_stages(scheme, kind):
    model, tasks = _model(scheme, kind), _tasks(scheme)
    for training in (False, True):
        outputs = model(_x(kind), training=training)
        assert list(outputs) == ["a", "b", "c"]
        for task in tasks:
            assert outputs[task.name].shape == (8, task.head(keras.Input((2,)), "x").shape[-1])
            assert np.isfinite(outputs[task.name]).all()
    assert model.tower_layers["a"]


@dataclasses.dataclass(frozen=True)
class Words(Recurrent):
    """Two recurrent stages above an embedding that masks the padding."""

    def stages(self):
        def embed(x, name):
            return keras.layers.Embedding(7, 4, mask_zero=True, name=f"{name}_embedding")(x)

        return {"words": mtl.towers.Stage(embed, front=True), **super().stages()}


@pytest.mark.parametrize("scheme", CASES)
def test_padding_changes_nothing(scheme):
    words = keras.Input((None,), dtype="int32")
    model = mtl.build_model(words, _tasks(scheme), Words(), CASES[scheme]())
    x = np.array([[1, 2, 3], [6, 5, 4]])
    padded = np.pad(x, ((0, 0), (0, 1)))
    for task, expected in model(x).items():
        np.testing.assert_allclose(model(padded)[task], expected, atol=1e-6)


@pytest.mark.parametrize("scheme", [name for name in CASES if name != "ple"])  # whose two levels need two stages
def test_a_model_of_ones_own_as_the_tower(scheme):
    image = keras.Input((4, 4, 1))
    own = keras.Model(image, keras.layers.Conv2D(2, 3)(image))
    model = mtl.build_model((4, 4, 1), _tasks(scheme), own, CASES[scheme]())
    assert all(np.isfinite(y).all() for y in model(np.ones((2, 4, 4, 1))).values())


@pytest.mark.parametrize("scheme", CASES)
def test_a_single_task(scheme):
    model = _model(scheme, "vectors", _tasks(scheme)[:1])
    assert np.isfinite(model(_x("vectors"))["a"]).all()


@pytest.mark.parametrize("arguments", [{"split_after": 1}, {"groups": [["c", "a"], ["b"]]}])
@pytest.mark.parametrize("scheme", CASES)
def test_common_stages_and_groups(scheme, arguments):
    sharing = CASES[scheme](**arguments)
    model = mtl.build_model((5,), _tasks(scheme), mtl.towers.MLP((6, 6, 4)), sharing)
    x = _x("vectors")
    assert all(np.isfinite(y).all() for y in model(x).values())
    names = [layer.name for layer in model.layers if layer.name.endswith("_dense")]
    if "split_after" in arguments:
        assert [name for name in names if "dense1" in name] == ["shared_dense1_dense"]
    else:
        assert model.tower_layers["a"] == model.tower_layers["c"]
        assert not [name for name in names if name.startswith("c_dense")]


@pytest.mark.parametrize("scheme", CASES)
def test_mixed_precision(scheme):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = _model(scheme, "vectors")
    finally:
        keras.config.set_dtype_policy("float32")
    for y in model(_x("vectors"), training=True).values():
        assert y.dtype == "float32"
        assert np.isfinite(y).all()


@pytest.mark.parametrize("scheme", CASES)
def test_each_task_has_its_own_start(scheme):
    """No two kernels of one shape are equal, but those that begin from a rule."""
    model = _model(scheme, "vectors")
    kernels = [v for v in model.trainable_variables if v.path.endswith("kernel") and "nddr" not in v.path]
    for i, one in enumerate(kernels):
        for other in kernels[i + 1 :]:
            assert one.shape != other.shape or np.abs(one.numpy() - other.numpy()).max() > 1e-3
