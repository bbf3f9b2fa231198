"""TensorBoard and CSVLogger get what the weightings and the callbacks log."""

import csv

import keras
import pytest
import tensorflow as tf

import mtl_keras as mtl
from tests.helpers import toy

pytest.importorskip("tensorboard")  # TensorFlow 2.21 does not bring it


def _scalars(folder):
    """Returns `{name: {step: number}}` of the event files of a folder."""
    found = {}
    for path in folder.glob("*.v2"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = float(tf.make_ndarray(value.tensor))
    return found


def test_the_scalars_are_those_of_the_history(tmp_path):
    x, y = toy.arrays()
    model = toy.model(weighting="mgda", metrics=[])
    callbacks = [
        mtl.callbacks.LogTaskWeights(),
        mtl.callbacks.GradientConflict(),
        keras.callbacks.TensorBoard(tmp_path, write_graph=False),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
    ]
    history = model.fit(x, y, batch_size=10, epochs=2, validation_data=(x, y), callbacks=callbacks, verbose=0).history
    names = {f"{task}_weight" for task in y} | {"conflict", "conflict_after", "solver_residual", "solver_fallbacks"}
    names |= {"cosine_digit_odd", "cosine_digit_marks", "cosine_digit_ink"}
    names |= {"cosine_odd_marks", "cosine_odd_ink", "cosine_marks_ink", "skipped_steps"}
    assert names <= set(history)
    written = _scalars(tmp_path / "train")
    for name in names:
        assert written[f"epoch_{name}"] == {epoch: pytest.approx(v) for epoch, v in enumerate(history[name])}
    validation = _scalars(tmp_path / "validation")
    assert "epoch_loss" in validation
    assert not [name for name in validation if "weight" in name or "conflict" in name or "cosine" in name]
    with open(tmp_path / "log.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["cosine_odd_ink"]) for row in rows] == pytest.approx(history["cosine_odd_ink"])
    assert [float(row["ink_weight"]) for row in rows] == pytest.approx(history["ink_weight"])
