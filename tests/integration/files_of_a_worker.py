"""One of several workers that write files, and print where and what came of it: python -m ... FOLDER"""

import json
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl
from tests.helpers import toy


def main(folder):
    folder = pathlib.Path(folder)
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    keras.utils.set_random_seed(3)
    with strategy.scope():
        model = toy.model()
    x, y = toy.arrays(rows=16)
    logs = mtl.callbacks.LogTaskWeights(folder / "weights.csv", every=1)
    model.fit(mtl.data.from_arrays(x, y, 8), callbacks=[logs], verbose=0)
    predicted = model.predict(mtl.data.from_arrays(x, batch_size=8), verbose=0)
    place = mtl.export.saved_model(model, folder / "served")
    loaded = mtl.export.load(place).predict(x)
    results = {
        "served": str(place.relative_to(folder)),
        "litert": str(mtl.export.litert(model, folder / "model.tflite").relative_to(folder)),
        "difference": max(float(np.abs(loaded[task] - values).max()) for task, values in predicted.items()),
    }
    try:
        mtl.export.saved_model(model, folder / "served", version=1)
    except (FileExistsError, RuntimeError) as error:
        results["error"] = f"{type(error).__name__}: {error}"
    print("RESULTS", json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
