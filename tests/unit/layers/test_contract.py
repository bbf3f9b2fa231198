"""What holds for every layer that sharing schemes leave in the graph."""

import keras
import numpy as np
import pytest

from mtl_keras import _registry, layers
from mtl_keras.layers import (
    CRF,
    HMM,
    AddPositions,
    AttentionMask,
    AttentionPooling,
    AttentiveTransfer,
    BesidePositions,
    Branching,
    Calibration,
    CopyWithMask,
    CrossStitch,
    DecodeBoxes,
    DecodeCRF,
    DSelectKGate,
    FillEmpty,
    HalveSequence,
    Increasing,
    LargeEmbedding,
    LogitProduct,
    MaskedConv1D,
    MatchPositions,
    MaxOverPositions,
    MeanAndDeviation,
    MixExperts,
    PoolPredictions,
    SoftmaxGate,
    StackedDense,
    StackExperts,
    SubspaceStitch,
    Thresholds,
)

CASES = {  # name: (makes the layer, shape of its input without the batch, or a list of them)
    "AddPositions": (AddPositions, (5, 4)),
    "AddPositions_learned": (lambda: AddPositions("learned", 6, "ones"), (5, 3)),
    "AttentionMask": (AttentionMask, (5, 4)),
    "AttentionPooling": (lambda: AttentionPooling(3, keras.regularizers.L2(1)), (5, 4)),
    "AttentiveTransfer": (AttentiveTransfer, [(3, 4), (3, 4)]),
    "BesidePositions": (BesidePositions, [(2, 3, 4), (5,)]),
    "Branching": (lambda: Branching(2.0, anneal_steps=3, seed=1), [(4,), (4,), (4,)]),
    "Calibration": (lambda: Calibration(0.5), [(1,), (1,)]),
    "CopyWithMask": (CopyWithMask, (4, 3)),
    "CRF": (CRF, (4, 3)),
    "CrossStitch": (lambda: CrossStitch(1, own=0.7), [(3, 4), (3, 4), (3, 4)]),
    "HMM": (HMM, (4, 3)),
    "Increasing": (Increasing, (4,)),
    "FillEmpty": (FillEmpty, (5,)),
    "HalveSequence": (HalveSequence, (5, 2)),
    "LargeEmbedding": (lambda: LargeEmbedding(9, 4), (5,)),
    "LogitProduct": (LogitProduct, [(1,), (1,)]),
    "MaskedConv1D": (lambda: MaskedConv1D(3, 2, activation="tanh"), (5, 4)),
    "MaxOverPositions": (MaxOverPositions, (5, 4)),
    "MatchPositions": (MatchPositions, [(5, 4, 3), (2, 3, 7)]),
    "MeanAndDeviation": (lambda: MeanAndDeviation(0.1), (2,)),
    "SubspaceStitch": (lambda: SubspaceStitch(1, own=0.7, orthogonality=0.1), [(3, 4), (3, 4)]),
    "DecodeBoxes": (lambda: DecodeBoxes(3, iou_threshold=0.3), (2, 2, 7)),
    "DecodeCRF": (lambda: DecodeCRF("probabilities"), (5, 3)),
    "DSelectKGate": (lambda: DSelectKGate(4, 2, 0.5, 0.1, balance=0.2, labels=("a", ["1", "2", "3", "4"], "")), (5,)),
    "DSelectKGate_of_5": (lambda: DSelectKGate(5, 3, gamma=2.0), (5,)),
    "MixExperts": (MixExperts, [(3,), (2, 4), (1, 4)]),
    "MixExperts_of_images": (MixExperts, [(3,), (3, 5, 4, 2)]),
    "PoolPredictions": (lambda: PoolPredictions("numbers", weights=[1, 3]), [(4,), (4,)]),
    "PoolPredictions_of_chains": (lambda: PoolPredictions("chain"), [(5, 3), (5, 3)]),
    "PoolPredictions_of_cells": (lambda: PoolPredictions("cells"), [(2, 2, 7), (2, 2, 7)]),
    "SoftmaxGate": (
        lambda: SoftmaxGate(3, temperature=0.5, balance=0.1, labels=("a", ["x", "y", "z"], "_level1")),
        (5,),
    ),
    "StackExperts": (StackExperts, [(4, 2), (4, 2)]),
    "StackedDense": (
        lambda: StackedDense(3, 4, "relu", kernel_initializer="he_normal", kernel_regularizer=keras.regularizers.L2(1)),
        (5,),
    ),
    "Thresholds": (lambda: Thresholds(4), (1,)),
    "Thresholds_of_1": (lambda: Thresholds(1), (3, 1)),
    "StackedDense_in_a_stack": (lambda: StackedDense(3, 4, use_bias=False), (3, 5)),
}


@pytest.fixture(params=CASES)
def case(request):
    make, shape = CASES[request.param]
    shapes = shape if isinstance(shape, list) else [shape]
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(6, *shape)).astype("float32") for shape in shapes]
    return make(), arrays if isinstance(shape, list) else arrays[0]


def _model(layer, x):
    inputs = keras.tree.map_structure(lambda array: keras.Input(array.shape[1:]), x)
    return keras.Model(inputs, layer(inputs))


def test_every_layer_has_a_case():
    tried = {type(make()) for make, _ in CASES.values()}
    assert {cls.__name__ for cls in tried} == set(layers.__all__)
    assert {cls.__module__.rsplit(".", 1)[-1] for cls in tried} == set(_registry.names("layers"))


def test_config_round_trip(case):
    layer, _ = case
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(copy) is type(layer)
    assert copy.get_config() == layer.get_config()


def test_the_shape_is_known_before(case):
    layer, x = case
    model = _model(layer, x)
    assert model.output.shape == (None, *layer(x).shape[1:])


@pytest.mark.graph
def test_eager_equals_a_compiled_graph(case):
    layer, x = case
    model = _model(layer, x)
    model.compile(jit_compile=True)
    np.testing.assert_allclose(model.predict(x, verbose=0), layer(x), atol=1e-6)


def test_saves_and_loads(case, tmp_path):
    layer, x = case
    model = _model(layer, x)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), model(x))
    assert [float(loss) for loss in loaded.losses] == [float(loss) for loss in model.losses]


def test_trains_what_it_has_and_what_it_reads(case):
    layer, x = case
    if isinstance(layer, MatchPositions | FillEmpty | LargeEmbedding):
        return  # which read the shape alone of the second input, or integers
    inputs = keras.tree.map_structure(lambda array: keras.Input(array.shape[1:]), x)
    read = keras.tree.map_structure(lambda tensor: keras.layers.Dense(tensor.shape[-1])(tensor), inputs)
    model = keras.Model(inputs, layer(read))
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    before = [np.array(weight) for weight in model.trainable_weights]
    model.fit(x, np.random.default_rng(1).normal(size=(6, *model.output.shape[1:])), verbose=0)
    for new, old in zip(model.trainable_weights, before, strict=True):
        assert np.isfinite(new).all()
        assert np.abs(np.array(new) - old).max() > 0


def test_mixed_precision(case):
    layer, x = case
    config = layer.get_config()
    low = type(layer).from_config({**config, "dtype": "mixed_bfloat16"})
    output = low(keras.tree.map_structure(keras.ops.convert_to_tensor, x))
    assert output.dtype == ("int32" if isinstance(layer, FillEmpty) else "bfloat16")
    assert {weight.dtype for weight in low.weights} <= {"float32"}
    layer(x)  # builds it
    layer.set_weights(low.get_weights())
    np.testing.assert_allclose(keras.ops.cast(output, "float32"), layer(x), atol=0.1)


def test_large_inputs_stay_finite(case):
    layer, x = case
    if isinstance(layer, LargeEmbedding):
        return  # whose table has no such rows
    assert np.isfinite(layer(keras.tree.map_structure(lambda array: array * 1e6, x))).all()
