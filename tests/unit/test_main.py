"""`python -m mtl_keras`: what it prints."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.__main__ import main


def _model(preprocess=None):
    """A model that tells an image's mean: `share` of white, `bright` if it is above a half, and its class of four."""
    image = keras.Input((4, 4, 1), name="image")
    tasks = [
        mtl.Task("share", mtl.heads.Regression()),
        mtl.Task("bright", mtl.heads.Binary()),
        mtl.Task("class", mtl.heads.Multiclass(4)),
    ]
    model = mtl.build_model(image, tasks, tower=keras.layers.GlobalAveragePooling2D(), preprocess=preprocess)
    model.get_layer("share_linear").set_weights([np.ones((1, 1)), np.zeros(1)])
    model.get_layer("bright_linear").set_weights([np.full((1, 1), 100.0), np.full(1, -50.0)])
    model.get_layer("class_linear").set_weights(
        [np.array([[0.0, 0.0, 100.0, 0.0]]), np.array([50.0, 10.0, 0.0, -10.0])]
    )
    return model


LABELS = {"bright": ["dark", "bright"], "class": ["a", "b", "c", "d"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "shades"
    mtl.export.saved_model(_model(keras.layers.Rescaling(1 / 255)), folder, labels=LABELS, metrics={"share_mae": 0.25})
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name, value in (("black", 0), ("white", 255)):
        (folder / f"{name}.png").write_bytes(tf.io.encode_png(np.full((9, 7, 1), value, "uint8")).numpy())
    np.save(folder / "rows.npy", np.full((2, 4, 4, 1), 51.0))
    np.savez(folder / "rows.npz", image=np.full((1, 4, 4, 1), 102.0))
    (folder / "text.png").write_text("no image")
    return folder


def _table(printed, first):
    """Returns the cells of the table whose first column has this head."""
    lines = printed.splitlines()
    (start,) = [i for i, line in enumerate(lines) if line.startswith(first)]
    end = next((i for i in range(start, len(lines)) if not lines[i]), len(lines))
    return [line.split() for line in lines[start + 1 : end]]


def test_inspect(folder, capsys):
    assert main(["inspect", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{folder / '1'} mtl_keras {mtl.__version__} keras {keras.__version__}")
    assert _table(printed, "task") == [
        ["share", "Regression", "[B,", "1]"],
        ["bright", "Binary", "[B,", "1]", "dark,", "bright"],
        ["class", "Multiclass", "[B,", "4]", "a,", "b,", "c,", "d"],
    ]
    signatures = _table(printed, "signature")
    assert signatures[0] == [
        "serving_default",
        "image",
        "float32",
        *("[B,", "4,", "4,", "1]"),
        "bright",
        "float32",
        "[B,",
        "1]",
    ]
    assert ["bright_label", "string", "[B]"] in signatures
    assert _table(printed, "metric") == [["share_mae", "0.25"]]


def test_predict_images(folder, files, capsys):
    images = [str(files / "black.png"), str(files / "white.png")]
    assert main(["predict", str(folder), *images]) == 0
    assert _table(capsys.readouterr().out, "file") == [
        [images[0], "0", "share", "0"],
        [images[0], "0", "bright", "dark", "1"],
        [images[0], "0", "class", "a", "1"],
        [images[1], "0", "share", "1"],
        [images[1], "0", "bright", "bright", "1"],
        [images[1], "0", "class", "c", "1"],
    ]


def test_predict_a_task_and_rows(folder, files, capsys):
    assert main(["predict", str(folder), "--task", "share", str(files / "rows.npy"), str(files / "rows.npz")]) == 0
    rows = _table(capsys.readouterr().out, "file")
    assert [row[1:] for row in rows] == [["0", "share", "0.2"], ["1", "share", "0.2"], ["0", "share", "0.4"]]
    assert main(["predict", str(folder), "--task", "class", "--top", "2", str(files / "black.png")]) == 0
    (row,) = _table(capsys.readouterr().out, "file")
    assert row[2:6] == ["class", "a", "1,", "b"]


def test_predict_through_the_signature_for_images(files, tmp_path, capsys):
    """Here the pixels are scaled outside the model, by the export alone."""
    scale = keras.layers.Rescaling(1 / 255)
    mtl.export.saved_model(_model(), tmp_path, signatures=("tasks", "bytes"), preprocess=scale)
    assert main(["predict", str(tmp_path), "--task", "share", str(files / "white.png")]) == 0
    (row,) = _table(capsys.readouterr().out, "file")
    assert row[2:] == ["share", "1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inspect", "nowhere"], "must be an export"),
        (["predict", "{folder}", "--task", "shar", "{files}/rows.npy"], "`--task` must be one of"),
        (["predict", "{folder}", "--top", "0", "{files}/rows.npy"], "`--top` must be an integer of at least 1"),
        (["predict", "{folder}", "{files}/nothing.png"], "No such file"),
        (["predict", "{folder}", "{files}/text.png"], "text.png is not an image"),
    ],
)
def test_errors_are_one_line(folder, files, arguments, message, capsys):
    assert main([part.format(folder=folder, files=files) for part in arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.mark.graph
@pytest.mark.parametrize("command", ["inspect", "predict"])
def test_what_runs(command, files, tmp_path, capsys):
    """An export whose initializer writes a file: `predict` runs it, `inspect` does not."""

    class Writer(tf.saved_model.experimental.TrackableResource):
        def _create_resource(self):
            return tf.raw_ops.VarHandleOp(dtype="float32", shape=[])

        def _initialize(self):
            tf.io.write_file(str(tmp_path / "ran"), "yes")

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.writer = Writer()

        @tf.function(input_signature=[tf.TensorSpec([None, 4, 4, 1], name="image")])
        def call(self, image):
            self.writer.resource_handle  # noqa: B018  (makes it part of the graph)
            return {"share": tf.reduce_mean(image, [1, 2])}

    module = Module()
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=module.call)
    (tmp_path / "ran").unlink(missing_ok=True)
    assert main([command, str(tmp_path), *([str(files / "rows.npy")] if command == "predict" else [])]) == 0
    assert (tmp_path / "ran").exists() == (command == "predict")
    assert "share" in capsys.readouterr().out


def _edit(change):
    """Returns a function of an export that changes its `tasks.json`."""

    def edit(folder):
        file = folder / "assets.extra" / "tasks.json"
        description = json.loads(file.read_text())
        file.write_text(json.dumps(change(description)))

    return edit


def _bytes(name, change):
    """Returns a function of an export that changes the bytes of a file."""

    def edit(folder):
        (file,) = folder.rglob(name)
        file.write_bytes(change(file.read_bytes()))

    return edit


def _without(description, *path):
    """Returns a description without a field."""
    inner = description
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return description


TASKS_JSON = {
    "tasks": _edit(lambda d: _without(d, "tasks")),
    "versions": _edit(lambda d: _without(d, "versions")),
    "metrics": _edit(lambda d: _without(d, "metrics")),
    "shape": _edit(lambda d: _without(d, "tasks", "share", "shape")),
    "a_list": _edit(lambda d: [d]),
    "a_task_that_is_none": _edit(lambda d: {**d, "tasks": {"share": None}}),
    "labels": _edit(lambda d: {**d, "tasks": {"share": {"shape": [None, 1], "labels": [1]}}}),
    "a_metric": _edit(lambda d: {**d, "metrics": {"m": "high"}}),
    "half": _bytes("tasks.json", lambda content: content[: len(content) // 2]),
    "empty": _bytes("tasks.json", lambda content: b""),
    "no_text": _bytes("tasks.json", lambda content: b"\xff\xfe" + content),
    "deep": _bytes("tasks.json", lambda content: b"[" * 100_000),
}
GRAPH = {
    "half_a_graph": _bytes("saved_model.pb", lambda content: content[: len(content) // 2]),
    "empty_graph": _bytes("saved_model.pb", lambda content: b""),
    "text_for_a_graph": _bytes("saved_model.pb", lambda content: b"no graph\n" * 10),
}
VARIABLES = {
    "half_the_variables": _bytes("variables.data*", lambda content: content[: len(content) // 2]),
    "flipped_bytes": _bytes("variables.data*", lambda content: bytes(255 - b for b in content)),
    "flipped_index": _bytes("variables.index", lambda content: bytes(255 - b for b in content)),
    "no_variables": lambda folder: shutil.rmtree(folder / "variables"),
}


@pytest.mark.parametrize(
    ("command", "breaks"),
    [
        *(pytest.param("inspect", breaks, id=f"inspect-{name}") for name, breaks in {**TASKS_JSON, **GRAPH}.items()),
        *(
            pytest.param("predict", {**TASKS_JSON, **GRAPH, **VARIABLES}[name], id=f"predict-{name}")
            for name in ("shape", "half", "half_a_graph", "empty_graph", *VARIABLES)
        ),
    ],
)
def test_a_broken_export_is_one_line(command, breaks, folder, files, tmp_path, capsys):
    shutil.copytree(folder / "1", tmp_path / "m" / "1")
    breaks(tmp_path / "m" / "1")
    assert main([command, str(tmp_path / "m"), *([str(files / "rows.npy")] if command == "predict" else [])]) == 1
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.startswith("python -m mtl_keras: ")
    assert str(tmp_path) in line
    assert not out


@pytest.mark.parametrize("breaks", VARIABLES.values(), ids=VARIABLES)
def test_inspect_needs_no_variables(breaks, folder, tmp_path, capsys):
    shutil.copytree(folder / "1", tmp_path / "1")
    breaks(tmp_path / "1")
    assert main(["inspect", str(tmp_path)]) == 0
    assert _table(capsys.readouterr().out, "metric") == [["share_mae", "0.25"]]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.npy", b""),
        ("empty.npz", b""),
        ("text.npy", b"no array"),
        ("text.npz", b"no arrays"),
        ("none.npy", np.zeros((0, 4, 4, 1))),
        ("scalar.npy", np.zeros(())),
        ("short.npy", np.zeros((2, 4))),
        ("objects.npy", np.array([{"a": 1}, None])),
        ("empty.png", b""),
    ],
)
def test_a_broken_file_is_one_line(name, content, folder, tmp_path, capsys):
    file = tmp_path / name
    file.write_bytes(content) if isinstance(content, bytes) else np.save(file, content)
    assert main(["predict", str(folder), str(file)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m mtl_keras: ")


def test_names_are_printed_without_control_characters(folder, tmp_path, capsys):
    """Of tasks.json and of a path; ESC would reach the terminal, and a line feed would make a row of its own."""
    shutil.copytree(folder / "1", tmp_path / "a\x1b[2Jb" / "1")
    evil = {"shape": [None, 1], "head": "He\x07ad", "labels": ["x\ny", "\u202ez", "\udcff"]}
    description = {"tasks": {"t\x1b[31m": evil}, "metrics": {"m\r": 1.0}, "versions": {"v\x08": "1\x00"}}
    file = tmp_path / "a\x1b[2Jb" / "1" / "assets.extra" / "tasks.json"
    file.write_text(json.dumps(description))
    assert main(["inspect", str(tmp_path / "a\x1b[2Jb")]) == 0
    out = capsys.readouterr().out
    assert all(c.isprintable() for c in out.replace("\n", ""))
    for shown in (r"t\x1b[31m", r"He\x07ad", r"x\ny, \u202ez, \udcff", r"m\r", r"v\x08 1\x00", r"a\x1b[2Jb"):
        assert shown in out
    assert main(["inspect", str(tmp_path / "no\x1b[2J")]) == 1
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.slow
def test_as_a_program(folder):
    root = pathlib.Path(mtl.__file__).parents[1]
    command = [sys.executable, "-m", "mtl_keras", "inspect", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert [row[0] for row in _table(done.stdout, "task")] == ["share", "bright", "class"]
