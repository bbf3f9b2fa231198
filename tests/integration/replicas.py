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
        difference = max(np.abs(a - b).max() for a, b in zip(found[0]["end"], found[1]["end"], strict=True))
        losses = max(abs(a - found[1]["logs"][name]) / max(1.0, abs(a)) for name, a in found[0]["logs"].items())
        results[json.dumps(case)] = [float(difference), float(found[0]["update"]), float(losses)]
    print("RESULTS", json.dumps(results))


def _train(
    weighting=None,
    missing=False,
    level="parameters",
    every=1,
    observed=0,
    weighted=True,
    rows=16,
    tags=None,
    optimizer=None,
    scale=None,
    steps=1,
    huge=False,
    chunk_size=None,
):
    keras.utils.set_random_seed(3)
    x, y = _tags(rows) if tags else toy.arrays(rows=rows)
    weights = {task: np.ones(len(x), "float32") for task in y}
    if missing:
        weights["odd"][:9] = 0.0  # so that one replica sees few labels
        weights["ink"][:] = 0.0
    if huge:
        x[4:8] *= 1000.0  # on the second replica, whose gradients become infinite by the scale
    data = tf.data.Dataset.from_tensor_slices((x, y, weights) if weighted else (x, y)).batch(8)
    arguments = {"level": level, "every": every, "chunk_size": chunk_size} if weighting else {}
    optimizer = keras.optimizers.get(optimizer or {"class_name": "Adam", "config": {"learning_rate": 0.01}})
    optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=scale) if scale else optimizer
    arguments |= {"optimizer": optimizer, "weighting": weighting, "steps_per_execution": steps}
    model = (
        _tagger(tags, arguments) if tags else toy.model(metrics=metrics_of_parts() if rows < 16 else [], **arguments)
    )
    start = [v.numpy() for v in model.trainable_variables]
    callbacks = [mtl.callbacks.LogTaskWeights(every=1), mtl.callbacks.GradientConflict(observed)] if observed else []
    history = model.fit(data, epochs=3, verbose=0, shuffle=False, callbacks=callbacks, validation_data=data)
    logs = {k: v[-1] for k, v in history.history.items() if not np.isnan(v[-1])}
    logs |= {f"evaluate_{k}": v for k, v in model.evaluate(data, verbose=0, return_dict=True).items() if v == v}
    if observed:
        logs |= {f"{task}_last_weight": callbacks[0].history[task][-1] for task in y}
        logs |= {f"cosine_{i}": value for i, value in enumerate(callbacks[1].cosines.ravel()) if value == value}
    return {
        "update": max(np.abs(old - v.numpy()).max() for old, v in zip(start, model.trainable_variables, strict=True)),
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
