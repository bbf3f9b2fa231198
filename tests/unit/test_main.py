"""`python -m mtl_keras`: what it prints."""

import os
import pathlib
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
        (["predict", "{folder}", "{files}/text.png"], "text.png is no image"),
    ],
)
def test_errors_are_one_line(folder, files, arguments, message, capsys):
    assert main([part.format(folder=folder, files=files) for part in arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.mark.slow
def test_as_a_program(folder):
    root = pathlib.Path(mtl.__file__).parents[1]
    command = [sys.executable, "-m", "mtl_keras", "inspect", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert [row[0] for row in _table(done.stdout, "task")] == ["share", "bright", "class"]
