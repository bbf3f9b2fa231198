"""One of several workers, or the only one: trains, evaluates and predicts, and prints what came of it."""

import json
import os
import sys

import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl
from tests.helpers import toy
from tests.integration.replicas import metrics_of_parts

BATCH = 8


def main(cases):
    several = "TF_CONFIG" in os.environ
    strategy = tf.distribute.MultiWorkerMirroredStrategy() if several else tf.distribute.get_strategy()
    print("RESULTS", json.dumps({json.dumps(case): _train(strategy, **case) for case in json.loads(cases)}))
    if several:
        try:
            with strategy.scope():
                toy.model(steps_per_execution=2)
        except ValueError as error:
            print("REFUSED", error)


def _train(
    strategy,
    weighting=None,
    rows=16,
    level="parameters",
    every=1,
    chunk_size=None,
    epsilon=1e-7,
    observed=0,
    metrics=False,
    **clipping,
):
    keras.utils.set_random_seed(3)
    x, y = toy.arrays(rows=rows)
    weights = {task: np.ones(rows, "float32") for task in y}
    weights["odd"][: rows // 2 + 1] = 0.0  # so that one worker sees few labels
    data = mtl.data.from_arrays(x, y, BATCH, sample_weight=weights, shuffle=True)
    with strategy.scope():
        adam = keras.optimizers.Adam(0.01, epsilon=epsilon)
        optimizer = keras.optimizers.SGD(1.0, **clipping) if clipping else adam
        arguments = {"level": level, "every": every, "chunk_size": chunk_size} if weighting else {}
        metrics = metrics_of_parts() if metrics else []
        model = toy.model(metrics=metrics, optimizer=optimizer, weighting=weighting, **arguments)
    start = [v.numpy() for v in model.trainable_variables]
    callbacks = [mtl.callbacks.GradientConflict(observed)] if observed else []
    history = model.fit(data, epochs=3, verbose=0, validation_data=data, callbacks=callbacks)
    results = {name: values[-1] for name, values in history.history.items()}
    results |= {f"evaluate_{k}": v for k, v in model.evaluate(data, verbose=0, return_dict=True).items()}
    trained = [v.numpy() for v in model.trainable_variables]
    predicted = model.predict(mtl.data.from_arrays(x, batch_size=BATCH), verbose=0)
    return {
        "update": max(float(np.abs(a - b).max()) for a, b in zip(start, trained, strict=True)),
        "weights": [value.tolist() for value in model.get_weights()],
        "logs": {name: float(value) for name, value in results.items()},
        "predicted": {task: values.tolist() for task, values in predicted.items()},
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
