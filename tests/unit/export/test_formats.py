"""onnx, litert and openvino: the numbers of their own runtimes, by the model's names."""

import subprocess
import sys
import textwrap
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl

pytestmark = pytest.mark.graph


@pytest.fixture(scope="module")
def model():
    """Two inputs, names that need care, a dropout, and a task that needs one input alone."""
    image, size = keras.Input((6, 6, 1), name="image"), keras.Input((2,), name="size")
    x = keras.layers.Flatten()(keras.layers.Conv2D(3, 3, activation="relu")(image))
    both = keras.layers.Dropout(0.5)(keras.layers.Concatenate()([x, size]))
    tasks = [mtl.Task("z-digit", mtl.heads.Multiclass(4)), mtl.Task("a.odd", mtl.heads.Binary(hidden=(64,)))]
    outputs = {"z-digit": tasks[0].head(x, "z-digit"), "a.odd": tasks[1].head(both, "a.odd")}
    return mtl.MultiTaskModel({"image": image, "size": size}, outputs, tasks=tasks)


def _inputs(rows):
    rng = np.random.default_rng(0)
    return {"image": rng.random((rows, 6, 6, 1), "float32"), "size": rng.random((rows, 2), "float32")}


def _onnx(model, folder, tasks=None):
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    pytest.importorskip("onnx", reason="needs onnx")
    session = runtime.InferenceSession(
        mtl.export.onnx(model, folder / "m.onnx", tasks), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    wanted = [given.name for given in session.get_inputs()]
    return lambda x: dict(zip(names, session.run(names, {name: x[name] for name in wanted}), strict=True)), wanted


def _litert(model, folder, tasks=None, **options):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")
    file = mtl.export.litert(model, folder / "m.tflite", tasks, **options)
    loaded = interpreter.Interpreter(str(file))
    wanted = loaded.get_signature_list()["serving_default"]["inputs"]
    run = loaded.get_signature_runner("serving_default")
    return lambda x: run(**{name: x[name] for name in wanted}), wanted


def _openvino(model, folder, tasks=None):
    openvino = pytest.importorskip("openvino", reason="needs openvino")
    file = mtl.export.openvino(model, folder / "m.xml", tasks)
    compiled = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    wanted = [name for name in ("image", "size", "x") if any(name in given.get_names() for given in compiled.inputs)]
    assert len(wanted) == len(compiled.inputs)

    def run(x):
        answer = compiled({name: x[name] for name in wanted})
        return {name: answer[output] for output in compiled.outputs for name in output.get_names() & set(model.output)}

    return run, wanted


FORMATS = [_onnx, _litert, _openvino]


@pytest.mark.slow
@pytest.mark.parametrize("make", FORMATS)
def test_equals_predict_by_name(make, model, tmp_path):
    run, wanted = make(model, tmp_path)
    assert set(wanted) == {"image", "size"}
    for rows in (1, 7):
        x = _inputs(rows)
        expected, answer = model.predict(x, verbose=0), run(x)
        assert set(answer) == set(expected)
        for task, value in expected.items():
            np.testing.assert_allclose(answer[task], value, atol=1e-6)
    left = {f.name for f in tmp_path.iterdir()}
    assert left in ({"m.onnx"}, {"m.tflite"}, {"m.xml", "m.bin"})


@pytest.mark.slow
@pytest.mark.parametrize("make", FORMATS)
def test_a_task_alone_takes_its_inputs_alone(make, model, tmp_path):
    run, wanted = make(model, tmp_path, ["z-digit"])
    assert list(wanted) == ["image"]
    answer = run(_inputs(3))
    assert list(answer) == ["z-digit"]
    np.testing.assert_allclose(answer["z-digit"], model.predict(_inputs(3), verbose=0)["z-digit"], atol=1e-6)


L = keras.layers


def _of(inputs, features):
    task = mtl.Task("a", mtl.heads.Binary())
    return mtl.MultiTaskModel({x.name: x for x in inputs}, {"a": task.head(features, "a")}, tasks=[task])


def _categories(dtype):
    """A model of one column of categories."""
    x = keras.Input((), name="x", dtype=dtype)
    look_up = L.StringLookup(vocabulary=["a", "b"]) if dtype == "string" else L.IntegerLookup(vocabulary=[3, 5])
    return _of([x], L.Embedding(3, 2)(look_up(x)))


def _texts():
    x = keras.Input((), name="x", dtype="string")
    ids = L.TextVectorization(vocabulary=["cat", "dog"], output_sequence_length=4)(x)
    return _of([x], L.GlobalAveragePooling1D()(L.Embedding(4, 2)(ids)))


def _table():
    columns = {"age": (1,), "job": keras.Input((1,), dtype="string", name="job")}
    task = mtl.Task("a", mtl.heads.Binary())
    return mtl.build_model(columns, [task], tower=mtl.towers.Tabular(categories={"job": ("x", "y")}, units=(2,)))


def _tower(vocabulary):
    tower = mtl.towers.TextCNN(2, (2,), 2, vocabulary=vocabulary, num_tokens=5, length=4)
    inputs = keras.Input((), dtype="string", name="x") if vocabulary else keras.Input((4,), dtype="int32", name="x")
    return mtl.build_model(inputs, [mtl.Task("a", mtl.heads.Binary())], tower=tower)


LOOK_UPS = {
    "strings": lambda: _categories("string"),
    "integers": lambda: _categories("int64"),
    "texts": _texts,
    "a_table": _table,
    "a_tower": lambda: _tower(("cat", "dog")),
}


@pytest.mark.parametrize("kind", LOOK_UPS)
def test_onnx_has_no_look_up(kind, tmp_path):
    pytest.importorskip("tf2onnx", reason="needs tf2onnx")
    (tmp_path / "m.onnx").write_text("old")
    with pytest.raises(
        ValueError, match=r"`model` must have operations that ONNX has.*it has no .*ids; or use `export.saved_mo"
    ):
        mtl.export.onnx(LOOK_UPS[kind](), tmp_path / "m.onnx")
    assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [("m.onnx", "old")]


@pytest.mark.parametrize("kind", ["integers", "texts", "a_tower"])
def test_litert_looks_up_strings_alone(kind, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    with pytest.raises(ValueError, match=r"`model` must have operations that LiteRT has.*build it on their ids.*Flex"):
        mtl.export.litert(LOOK_UPS[kind](), tmp_path / "m.tflite")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(("make", "kind"), [(_onnx, "ids"), (_litert, "ids"), (_litert, "strings")])
def test_from_the_ids_on(make, kind, tmp_path):
    model = _tower(None) if kind == "ids" else LOOK_UPS[kind]()
    x = np.array([[1, 2, 0, 0], [3, 0, 0, 0]], "int32") if kind == "ids" else np.array(["a", "z"])
    run, _ = make(model, tmp_path)
    expected = model.predict(x if kind == "ids" else {"x": tf.constant(x)}, verbose=0)["a"]
    np.testing.assert_allclose(run({"x": x if kind == "ids" else x.astype(object)})["a"], expected, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("make", FORMATS)
@pytest.mark.parametrize("tower", ["text_cnn", "dpcnn", "cnn_attention", "transformer"])
def test_padding_in_a_text(make, tower, tmp_path):
    """Converters select by products: what is infinite where a token is missing would be NaN."""
    towers = {
        "text_cnn": mtl.towers.TextCNN(2, (2,), 2, num_tokens=5, length=6),
        "dpcnn": mtl.towers.DPCNN(filters=2, num_blocks=2, embedding_dim=2, num_tokens=5, length=6),
        "cnn_attention": mtl.towers.CNNAttention((2,), embedding_dim=2, num_tokens=5, length=6),
        "transformer": mtl.towers.Transformer(2, num_layers=1, num_heads=1, units=2, num_tokens=5, length=6),
    }
    inputs = keras.Input((6,), dtype="int32", name="x")
    model = mtl.build_model(inputs, [mtl.Task("a", mtl.heads.Binary())], tower=towers[tower])
    run, _ = make(model, tmp_path)
    x = np.array([[1, 2, 0, 0, 0, 0], [3, 4, 2, 1, 1, 2]], "int32")
    np.testing.assert_allclose(run({"x": x})["a"], model.predict(x, verbose=0)["a"], atol=1e-5)


def test_a_file_that_computes_nan_is_not_kept(tmp_path):
    pytest.importorskip("tf2onnx", reason="needs tf2onnx")
    x = keras.Input((2,), name="x")
    y = keras.ops.where(x > 1, x * keras.ops.full_like(x, np.inf), x)
    with pytest.raises(ValueError, match=r"which is not kept: it computes NaN for \['a'\] where the model does not"):
        mtl.export.onnx(_of([x], y), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


class _Fake:
    """The runtime of a format, which refuses every file."""

    def __init__(self, *arguments, **keywords):
        raise RuntimeError("I do not like it")


def test_a_file_that_onnxruntime_refuses(monkeypatch, tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    pytest.importorskip("tf2onnx", reason="needs tf2onnx")
    monkeypatch.setattr(runtime, "InferenceSession", _Fake)
    with pytest.raises(ValueError, match=r"for which it refuses the file, which is not kept: I do not like it"):
        mtl.export.onnx(_tower(None), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_that_litert_refuses(monkeypatch, tmp_path):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")
    monkeypatch.setattr(interpreter, "Interpreter", _Fake)
    with pytest.raises(ValueError, match=r"for which it refuses the file, which is not kept: I do not like it"):
        mtl.export.litert(_tower(None), tmp_path / "m.tflite")
    assert not list(tmp_path.iterdir())


def test_openvino_is_asked(monkeypatch, tmp_path):
    """With a module in its place, as it is not installed everywhere: `write` of Keras, and what reads the file."""
    monkeypatch.setitem(sys.modules, "openvino", types.SimpleNamespace(Core=_Core))
    monkeypatch.setitem(sys.modules, "scipy", types.SimpleNamespace())
    monkeypatch.setattr(keras.Model, "export", lambda self, file, **options: open(file, "w").close())
    model = _tower(None)
    mtl.export.openvino(model, tmp_path / "m.xml")
    monkeypatch.setattr(_Core, "names", {"b"})
    with pytest.raises(ValueError, match=r"OpenVINO.*which is not kept: it has no outputs of the names \['a'\]"):
        mtl.export.openvino(model, tmp_path / "n.xml")
    monkeypatch.setattr(_Core, "names", None)
    with pytest.raises(ValueError, match=r"OpenVINO.*which is not kept: unsupported"):
        mtl.export.openvino(model, tmp_path / "n.xml")
    assert [f.name for f in tmp_path.iterdir()] == ["m.xml"]


class _Core:
    names = {"a", "Sigmoid:0"}

    def compile_model(self, file, device):
        if self.names is None:
            raise RuntimeError("unsupported")
        return _Compiled(self.names)


class _Port:
    def __init__(self, names):
        self.get_names = lambda: names


class _Compiled:
    def __init__(self, names):
        self.inputs, self.outputs = [_Port({"x"})], [_Port(names)]

    def __call__(self, row):
        assert set(row) == {"x"}
        return {self.outputs[0]: np.zeros((1, 1))}


@pytest.mark.slow
@pytest.mark.parametrize("quantize", ["float16", "dynamic"])
def test_litert_with_fewer_bits(quantize, model, tmp_path):
    """Half precision has 11 bits: sums of probabilities and weights under 1 are right to some 1e-3."""
    run, _ = _litert(model, tmp_path, quantize=quantize)
    size = (tmp_path / "m.tflite").stat().st_size
    mtl.export.litert(model, tmp_path / "m.tflite")
    assert size < (tmp_path / "m.tflite").stat().st_size
    expected, answer = model.predict(_inputs(7), verbose=0), run(_inputs(7))
    for task, value in expected.items():
        np.testing.assert_allclose(answer[task], value, atol=1e-3 if quantize == "float16" else 2e-2)


@pytest.mark.parametrize(
    ("export", "name", "right"),
    [("onnx", "m.bin", ".onnx"), ("litert", "m", ".tflite"), ("openvino", "m.onnx", ".xml")],
)
def test_bad_calls_leave_nothing(export, name, right, model, tmp_path):
    function = getattr(mtl.export, export)
    with pytest.raises(ValueError, match=rf"`path` must end in '{right}'. Received: path='.*{name}'"):
        function(model, tmp_path / name)
    with pytest.raises(ValueError, match=r"`tasks` must be a list of names out of .*Received: tasks=\['no'\]"):
        function(model, tmp_path / f"m{right}", tasks=["no"])
    with pytest.raises(ValueError, match=r"`model` must be a functional model with outputs by name"):
        function(keras.Sequential([keras.layers.Dense(1)]), tmp_path / f"m{right}")
    (tmp_path / f"folder{right}").mkdir()
    with pytest.raises(IsADirectoryError, match=r"`path` must be a file. Received a folder"):
        function(model, tmp_path / f"folder{right}")
    assert [f.name for f in tmp_path.iterdir()] == [f"folder{right}"]


def test_an_unknown_quantisation(model, tmp_path):
    with pytest.raises(ValueError, match=r"`quantize` must be one of .*Received: quantize='int4'"):
        mtl.export.litert(model, tmp_path / "m.tflite", quantize="int4")


@pytest.mark.parametrize("opset_version", [0, True, "17", 17.0])
def test_a_version_of_operators_that_is_no_count(opset_version, model, tmp_path):
    with pytest.raises(
        ValueError, match=r"`opset_version` must be an integer of at least 1\. Received: opset_version="
    ):
        mtl.export.onnx(model, tmp_path / "m.onnx", opset_version=opset_version)


@pytest.mark.slow
def test_a_missing_package_is_named(tmp_path):
    """In a process where the packages cannot be imported."""
    program = f"""
        import sys
        sys.modules["onnx"] = sys.modules["openvino"] = sys.modules["tensorflow_serving"] = None
        import mtl_keras as mtl

        model = mtl.build_model((2,), [mtl.Task("odd", mtl.heads.Binary())], tower="mlp")
        calls = [
            lambda: mtl.export.onnx(model, {str(tmp_path)!r} + "/m.onnx"),
            lambda: mtl.export.openvino(model, {str(tmp_path)!r} + "/m.xml"),
            lambda: mtl.export.saved_model(model, {str(tmp_path)!r} + "/m", warmup=True),
        ]
        for call in calls:
            try:
                call()
            except ImportError as error:
                print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    for line, extra in zip(lines, ("onnx", "openvino", "serving"), strict=True):
        assert line.endswith(f"Install it: `pip install mtl_keras[{extra}]`.")
    assert not list(tmp_path.iterdir())
