"""One of several workers that train with a backup, save the model, and print what came of it.

python -m mtl_keras launch --workers 2 tests/integration/backup_of_a_worker.py FOLDER STEP

In step STEP of this process worker 1 is killed, or sent SIGTERM in step -STEP; nothing happens for 0.
"""

import hashlib
import json
import os
import pathlib
import signal
import sys

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import mtl_keras as mtl
from tests.helpers import toy

ROWS, BATCH, EPOCHS = 48, 8, 3


class Death(keras.callbacks.Callback):
    def __init__(self, step):
        super().__init__()
        self.step, self.seen = step, 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == abs(self.step):
            os.kill(os.getpid(), signal.SIGKILL if self.step > 0 else signal.SIGTERM)


def main(folder, step):
    folder = pathlib.Path(folder)
    index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    keras.utils.set_random_seed(3)
    with strategy.scope():
        model = mtl.build_model(toy.SHAPE, toy.tasks()[:2], tower=mtl.towers.MLP((4,), dropout=0.3))
        model.compile(keras.optimizers.Adam(0.01), weighting="pcgrad")
    x, y = toy.arrays(rows=ROWS)
    y = {task: y[task] for task in model.task_names}
    data = mtl.data.from_arrays(x, y, BATCH, shuffle=True, seed=4)
    valid = mtl.data.from_arrays(x, y, BATCH)
    callbacks = [mtl.callbacks.Backup(folder / "backup", save_freq=4)]
    if index == 1 and int(step):
        callbacks.append(Death(int(step)))
    history = model.fit(data, validation_data=valid, epochs=EPOCHS, callbacks=callbacks, verbose=0)
    model.save(folder / "model.keras")
    weights = b"".join(np.asarray(v).tobytes() for v in model.get_weights())
    found = {"weights": hashlib.sha256(weights).hexdigest(), "steps": model.progress.num_steps}
    print("RESULTS", json.dumps({**found, "history": history.history}))


if __name__ == "__main__":
    main(*sys.argv[1:])
