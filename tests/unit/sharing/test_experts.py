"""What holds for every scheme with experts."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import sharing, towers
from mtl_keras.engine import Partition, maker

TASKS = [mtl.Task("a", mtl.heads.Binary()), mtl.Task("b", mtl.heads.Regression())]
SCHEMES = {
    "OMoE": sharing.OMoE,
    "MMoE": sharing.MMoE,
    "CGC": sharing.CGC,
    "PLE": sharing.PLE,
    "DSelectK": sharing.DSelectK,
}


def _sequence_model():
    ids = keras.Input((None, 3))
    return keras.Model(ids, keras.layers.LSTM(4)(ids))


TOWERS = {  # name: (makes the tower, shape of the inputs, whether its experts are stacked)
    "vectors": (lambda: towers.MLP((5, 4), dropout=0.1, batch_norm=True), (6,), True),
    "several_inputs": (lambda: towers.MLP((5,)), {"x": (3,), "image": (8, 8, 2), "sequence": (4, 3)}, True),
    "images": (lambda: towers.LeNet(filters=(2, 3), units=(5,)), (8, 9), False),
    "images_of_any_size": (lambda: towers.Conv(filters=(2, 3)), (None, None, 3), False),
    "sequences_of_any_length": (lambda: towers.Existing(_sequence_model()), (None, 3), False),
}


def _batch(shape, rows=8):
    if isinstance(shape, dict):
        return {name: _batch(part, rows) for name, part in shape.items()}
    return np.random.default_rng(0).normal(size=(rows, *(side or 7 for side in shape))).astype("float32")


def _labels(rows=8):
    return {"a": np.arange(rows) % 2, "b": np.linspace(-1.0, 1.0, rows)}


def _model(scheme, tower="vectors", **arguments):
    make, shape, _ = TOWERS[tower]
    if scheme == "PLE" and tower == "sequences_of_any_length":
        arguments = {"num_levels": 1, **arguments}  # its tower has one stage
    return mtl.build_model(shape, TASKS, tower=make(), sharing=SCHEMES[scheme](**arguments))


PAIRS = [
    *((scheme, "vectors") for scheme in SCHEMES),
    *(("MMoE", tower) for tower in TOWERS if tower != "vectors"),
    ("CGC", "sequences_of_any_length"),
    ("PLE", "images"),
]


@pytest.mark.parametrize(
    ("scheme", "tower"), [("MMoE", "images"), ("PLE", "vectors"), ("CGC", "sequences_of_any_length")]
)
def test_trains_saves_and_loads(scheme, tower, tmp_path):
    model = _model(scheme, tower, balance=0.1, gate_units=(3,))
    model.compile("sgd", weighting="imtl_g", metrics=[])
    x = _batch(TOWERS[tower][1])
    before = model.get_weights()
    history = model.fit(x, _labels(), verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert "skipped_steps" not in history or history["skipped_steps"] == [0]
    still = [
        v.path
        for v, old in zip(model.variables, before, strict=False)
        if v.trainable and np.array_equal(v.numpy(), old)
    ]
    assert not [path for path in still if "gate" in path or "kernel" in path]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for task, output in model(x).items():
        np.testing.assert_array_equal(loaded(x)[task], output)


@pytest.mark.parametrize(("scheme", "tower"), PAIRS)
class TestTowers:
    def test_experts_are_stacked_where_all_stages_offer_it(self, scheme, tower):
        layers = _model(scheme, tower).layers
        stacked = [x for x in layers if isinstance(x, mtl.layers.StackedDense)]
        stacks = [x for x in layers if isinstance(x, mtl.layers.StackExperts)]
        one_by_one = [x for x in stacks if len(keras.tree.flatten(x.input)) > 1]
        expected = (True, False) if TOWERS[tower][2] else (False, True)
        if (scheme, tower) == ("PLE", "images"):
            expected = (True, True)  # convolutions in the first level, dense layers in the second
        assert (bool(stacked), bool(one_by_one)) == expected


@pytest.mark.parametrize("scheme", SCHEMES)
def test_stacked_experts_give_the_same_numbers(scheme):
    """Each slice of a stack, copied to the layers of the expert that it is."""
    stacked, single = _model(scheme), _model(scheme, stacked=False)
    known = {layer.name for layer in stacked.layers}
    for layer in single.layers:
        if not layer.weights:
            continue
        prefix, _, rest = layer.name.partition("_expert")
        if layer.name in known:  # of a gate, a head, or the only expert of its kind
            weights = stacked.get_layer(layer.name).get_weights()
        else:
            number, rest = rest.split("_", 1)
            weights = stacked.get_layer(f"{prefix}_experts_{rest}").get_weights()
            width = layer.weights[0].shape[-1]
            if "norm" in rest:
                weights = [w[(int(number) - 1) * width : int(number) * width] for w in weights]
            else:
                weights = [w[int(number) - 1] for w in weights]
        layer.set_weights(weights)
    x = _batch((6,))
    for task, output in stacked(x).items():
        np.testing.assert_allclose(single(x)[task], output, atol=1e-6)


@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_experts_and_gates_differ_at_the_start(scheme, stacked):
    model = mtl.build_model((6,), TASKS, tower=towers.MLP((5, 4)), sharing=SCHEMES[scheme](stacked=stacked))
    kernels = []
    for variable in model.trainable_variables:
        if variable.path.endswith("kernel") and ("expert" in variable.path or "gate" in variable.path):
            values = variable.numpy()
            kernels += list(values) if values.ndim == 3 else [values]
    for i, one in enumerate(kernels):
        for other in kernels[:i]:
            assert one.shape != other.shape or np.abs(one - other).max() > 1e-2
    stacks = [
        layer.output for layer in model.layers if layer.name.endswith("experts") or "experts_dense2_act" in layer.name
    ]
    for output in keras.Model(model.input, stacks)(_batch((6,))):
        for e in range(1, output.shape[1]):
            assert np.abs(output[:, e] - output[:, 0]).max() > 1e-2


@pytest.mark.parametrize(("scheme", "weighting"), [("MMoE", "imtl_g"), ("CGC", None), ("DSelectK", None)])
@pytest.mark.slow
def test_the_balance_is_trained(scheme, weighting):
    """A large factor brings the weights of the experts together, starting from one expert for all."""
    model = _model(scheme, balance=10.0)
    learning_rate = 0.005 if scheme == "DSelectK" else 0.05
    model.compile(keras.optimizers.SGD(learning_rate), weighting=weighting, metrics=[])
    gates = [layer for layer in model.layers if layer.name.endswith("gate")]
    for gate in gates:
        for variable in gate.trainable_variables:
            if variable.path.endswith("gate/bias"):
                variable.assign(np.arange(variable.shape[0])[::-1] * 1.0)
            elif variable.path.endswith("gate/z_bias"):
                variable.assign(np.full(variable.shape, 0.3))
    x = _batch((6,))
    before = float(sum(model(x) and model.losses))
    model.fit(x, _labels(), epochs=10, verbose=0)
    after = float(sum(model(x) and model.losses))
    assert before > 1.0
    assert after < 0.5 * before


FEATURES = {
    "OMoE": ["shared_mix"],
    "MMoE": ["shared_experts_dense2_activation"],
    "CGC": ["shared_experts_dense2_activation"],
    "DSelectK": ["shared_experts_dense2_activation"],
    # Of level 1 the experts that the gate of a task and the shared gate read; of level 2 the shared ones.
    "PLE": [
        "a_level1_experts",
        "b_level1_experts",
        "shared_level1_experts_dense1_activation",
        "shared_level2_experts_dense2_activation",
    ],
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_gradients_at_the_features(scheme):
    """Where the tasks part are the experts; that gates read the input, too, adds nothing that is learned."""
    preprocess = keras.layers.Rescaling(0.5)
    model = mtl.build_model((6,), TASKS, tower=towers.MLP((5, 4)), sharing=SCHEMES[scheme](), preprocess=preprocess)
    model.compile("sgd", weighting="mgda", level="features", metrics=[])
    names = sorted(maker(tensor).name for tensor in model.plan.features_model.output["features"])
    assert names == FEATURES[scheme]
    assert np.isfinite(model.train_on_batch(_batch((6,)), _labels(), return_dict=True)["loss"])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_mixed_precision(scheme):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = _model(scheme, balance=0.1)
    finally:
        keras.config.set_dtype_policy("float32")
    model.compile("sgd", metrics=[])
    assert {layer.compute_dtype for layer in model.layers if "mix" in layer.name} == {"bfloat16"}
    assert np.isfinite(model.fit(_batch((6,)), _labels(), verbose=0).history["loss"]).all()


@pytest.mark.parametrize("scheme", SCHEMES)
class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "name"),
        [
            ({"gate_units": 3}, "gate_units"),
            ({"gate_units": (0,)}, "gate_units"),
            ({"gate_units": (True,)}, "gate_units"),
            ({"gate_units": "8"}, "gate_units"),
            ({"balance": -1.0}, "balance"),
            ({"stacked": 1}, "stacked"),
        ],
    )
    def test_arguments(self, scheme, arguments, name):
        with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}="):
            SCHEMES[scheme](**arguments)

    def test_numbers_of_experts(self, scheme):
        counts = [name for name in vars(SCHEMES[scheme]()) if name.startswith("num_")]
        assert counts
        for name in counts:
            for value in (0, 1.5, True):
                with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}={value}"):
                    SCHEMES[scheme](**{name: value})

    @pytest.mark.parametrize("dtype", ["int32", "string"])
    def test_ids_are_no_numbers_for_a_gate(self, scheme, dtype):
        ids = keras.Input((5,), dtype=dtype)
        lookup = keras.layers.Hashing(10) if dtype == "string" else keras.layers.Rescaling(1, dtype="int32")
        tower = keras.Sequential([lookup, keras.layers.Embedding(10, 3), keras.layers.Flatten()])
        arguments = {"num_levels": 1} if scheme == "PLE" else {}
        with pytest.raises(ValueError, match=f"The gates read the input .* dtype {dtype}.*split_after"):
            mtl.build_model(ids, TASKS, tower=tower, sharing=SCHEMES[scheme](**arguments))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_integers_are_numbers_to_the_towers_that_say_so(scheme):
    x = keras.Input((6,), dtype="int32")
    model = mtl.build_model(x, TASKS, tower=towers.MLP((5, 4)), sharing=SCHEMES[scheme]())
    assert np.isfinite(model(np.arange(12).reshape(2, 6))["b"]).all()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_first_stages_serve_all_experts(scheme):
    """Above a shared stage, experts and gates read what it returns."""
    model = mtl.build_model((6,), TASKS, tower=towers.MLP((7, 5, 4)), sharing=SCHEMES[scheme](split_after="dense1"))
    assert model.get_layer("shared_dense1_dense").output.shape == (None, 7)
    gates = [layer for layer in model.layers if layer.name.endswith("gate")]
    assert gates
    assert {gate.input.shape for gate in gates if "level2" not in gate.name} == {(None, 7)}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_columns_of_a_table_are_embedded_once(scheme):
    """Experts and gates read the vector of the columns, strings among them."""
    tower = towers.Tabular(("age",), {"job": ("cook", "clerk")}, embedding_dim=3, units=(5, 4))
    model = mtl.build_model(tower.inputs(), TASKS, tower=tower, sharing=SCHEMES[scheme]())
    embeddings = [layer for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
    assert [layer.name for layer in embeddings] == ["shared_columns_embedding_job"]
    reads = [layer for layer in model.layers if layer.name.endswith("gate") and "level2" not in layer.name]
    assert {gate.input.shape for gate in reads} == {(None, 1 + 3)}
    shared = {id(variable) for variable in Partition(model).shared}
    assert id(embeddings[0].trainable_variables[0]) in shared
    x = {"age": tf.constant([1.0, np.nan]), "job": tf.constant(["cook", "none"])}
    assert np.isfinite(model(x)["b"]).all()
