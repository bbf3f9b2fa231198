"""onnx, litert and openvino: the numbers of their own runtimes, by the model's names."""

import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

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
    wanted = [name for name in ("image", "size") if any(name in given.get_names() for given in compiled.inputs)]
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
