"""Does the memory of workers grow? `python -m mtl_keras launch --workers 4 leak.py --minutes 10`.

Each worker trains and validates with a weighting, two callbacks and a backup, and prints its memory once a minute.
`--sums 20000` makes sums over the workers instead, with TensorFlow alone, and prints how much memory each one keeps.
"""

import argparse
import os
import pathlib
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl


class Watch(keras.callbacks.Callback):
    """Prints the memory of the process once a minute, and ends the training of all workers after so many minutes."""

    def __init__(self, minutes):
        super().__init__()
        self.minutes = minutes
        self.start = self.last = time.time()

    def on_epoch_end(self, epoch, logs=None):
        now = time.time()
        if now - self.last >= 60:
            self.last = now
            print(f"minute {(now - self.start) / 60:.1f}: epoch {epoch + 1}, {megabytes():.0f} MB", flush=True)
        self.model.stop_training = self.model.workers.any(now - self.start > 60 * self.minutes + 5)


def megabytes():
    """Returns the memory that the process takes now."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def print_memory_of_sums(strategy, count, at_once=20):
    """Sums pairs of numbers, `at_once` in a step, and prints the memory that each sum of the second half keeps."""

    @tf.function
    def step():
        return strategy.run(
            lambda: [tf.distribute.get_replica_context().all_reduce("SUM", tf.ones([2])) for _ in range(at_once)]
        )

    marks = []
    for _ in range(2):
        for _ in range(count // at_once // 2):
            step()
        marks.append(megabytes())
    print(f"{(marks[1] - marks[0]) * 2**10 / (count / 2):.1f} kB for each sum", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--sums", type=int, help="how many sums TensorFlow alone makes")
    arguments = parser.parse_args()
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    if arguments.sums:
        print_memory_of_sums(strategy, arguments.sums)
        return
    rng = np.random.default_rng(0)
    x, y = (
        rng.random((2048, 28, 28, 1), "float32"),
        {"digit": rng.integers(0, 10, 2048), "odd": rng.integers(0, 2, 2048)},
    )
    with strategy.scope():
        tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
        model = mtl.build_model((28, 28, 1), tasks, tower="lenet")
        model.compile("adam", weighting="cagrad")
    with tempfile.TemporaryDirectory() as folder:
        callbacks = [mtl.callbacks.LogTaskWeights(), mtl.callbacks.GradientConflict(every=10), Watch(arguments.minutes)]
        callbacks.append(mtl.callbacks.Backup(folder))
        train = mtl.data.from_arrays(x, y, 128, shuffle=True)
        model.fit(train, validation_data=train, epochs=1_000_000, verbose=0, callbacks=callbacks)


if __name__ == "__main__":
    main()
