"""Trains on two replicas and on one, and prints by how much the variables differ; run by `test_replicas.py`."""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl
from tests.helpers import toy


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    devices = ["CPU:0", "CPU:1"]
    one_device = tf.distribute.ReductionToOneDevice()
    two = tf.distribute.MirroredStrategy(devices, cross_device_ops=one_device)
    results = {}
    for case in json.loads(sys.argv[1]):
        found = []
        for scope in (tf.distribute.get_strategy().scope, two.scope):
            with scope():
                found.append(_train(**case))
        update = max(np.abs(old - new).max() for old, new in zip(found[0]["start"], found[0]["end"], strict=True))
        difference = max(np.abs(a - b).max() for a, b in zip(found[0]["end"], found[1]["end"], strict=True))
        losses = max(abs(found[0]["logs"][name] - found[1]["logs"][name]) for name in found[0]["logs"])
        results[json.dumps(case)] = [float(difference), float(update), float(losses)]
    print("RESULTS", json.dumps(results))


def _train(
    weighting=None, missing=False, level="parameters", every=1, observed=False, weighted=True, rows=16, tags=None
):
    keras.utils.set_random_seed(3)
    x, y = _tags(rows) if tags else toy.arrays(rows=rows)
    weights = {task: np.ones(len(x), "float32") for task in y}
    if missing:
        weights["odd"][:9] = 0.0  # so that one replica sees few labels
        weights["ink"][:] = 0.0
    data = tf.data.Dataset.from_tensor_slices((x, y, weights) if weighted else (x, y)).batch(8)
    arguments = {"level": level, "every": every} if weighting else {}
    arguments |= {"optimizer": keras.optimizers.Adam(0.01), "weighting": weighting}
    model = (
        _tagger(tags, arguments) if tags else toy.model(metrics=metrics_of_parts() if rows < 16 else [], **arguments)
    )
    start = model.get_weights()
    callbacks = [mtl.callbacks.LogTaskWeights(every=1), mtl.callbacks.GradientConflict()] if observed else []
    history = model.fit(data, epochs=3, verbose=0, shuffle=False, callbacks=callbacks, validation_data=data)
    logs = {k: v[-1] for k, v in history.history.items() if not np.isnan(v[-1])}
    logs |= {f"evaluate_{k}": v for k, v in model.evaluate(data, verbose=0, return_dict=True).items() if v == v}
    if observed:
        logs |= {f"{task}_last_weight": callbacks[0].history[task][-1] for task in y}
    return {
        "start": start,
        "end": model.get_weights(),
        "logs": logs,
    }


def metrics_of_parts():
    """Metrics that are no means of those of parts."""
    return {
        "digit": ["accuracy", mtl.metrics.MacroF1(4, name="f1")],
        "odd": [keras.metrics.AUC(name="keras_auc"), keras.metrics.Precision(name="precision"), mtl.metrics.ROCAUC()],
        "marks": [keras.metrics.F1Score(average="macro", threshold=0.5, name="f1"), mtl.metrics.ROCAUC(3)],
        "ink": [keras.metrics.RootMeanSquaredError(name="rmse")],
    }


def _tags(rows):
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 9, (rows, 5)) * (np.arange(5) < rng.integers(1, 6, (rows, 1)))
    return ids, {"tags": rng.integers(0, 3, (rows, 5)), "any": rng.normal(size=rows).astype("float32")}


def _tagger(structure, arguments):
    ids = keras.Input((5,), dtype="int32")
    tower = keras.Sequential([keras.layers.Embedding(9, 4, mask_zero=True), keras.layers.Dense(4)])
    tasks = [mtl.Task("tags", mtl.heads.Tagging(3, structure)), mtl.Task("any", mtl.heads.Regression())]
    model = mtl.build_model(ids, tasks, tower=tower)
    f1 = mtl.metrics.SpanF1(["O", "B-a", "I-a"])
    model.compile(
        metrics={"tags": ["accuracy", f1], "any": [keras.metrics.RootMeanSquaredError(name="rmse")]}, **arguments
    )
    return model


if __name__ == "__main__":
    main()
