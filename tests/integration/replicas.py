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


def _train(weighting=None, missing=False, level="parameters", every=1, observed=False):
    keras.utils.set_random_seed(3)
    x, y = toy.arrays(rows=16)
    weights = {task: np.ones(16, "float32") for task in y}
    if missing:
        weights["odd"][:9] = 0.0  # so that one replica sees few labels
        weights["ink"][:] = 0.0
    data = tf.data.Dataset.from_tensor_slices((x, y, weights)).batch(8, drop_remainder=True)
    arguments = {"level": level, "every": every} if weighting else {}
    model = toy.model(optimizer=keras.optimizers.Adam(0.01), weighting=weighting, **arguments)
    start = model.get_weights()
    callbacks = [mtl.callbacks.LogTaskWeights(every=1), mtl.callbacks.GradientConflict()] if observed else []
    history = model.fit(data, epochs=3, verbose=0, shuffle=False, callbacks=callbacks)
    logs = {k: v[-1] for k, v in history.history.items() if "auc" not in k and not np.isnan(v[-1])}
    if observed:
        logs |= {f"{task}_last_weight": callbacks[0].history[task][-1] for task in y}
    return {
        "start": start,
        "end": model.get_weights(),
        "logs": logs,
    }


if __name__ == "__main__":
    main()
