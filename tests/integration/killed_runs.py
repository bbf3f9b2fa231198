"""Runs that are killed at random steps and taken up, and the same runs in one piece: python -m ... FOLDER NAME...

Prints what came of each: a dict of fingerprints. Each attempt is a process of its own, forked before TensorFlow starts.
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

import mtl_keras as mtl
from tests.helpers import toy

ROWS, BATCH, EPOCHS = 24, 4, 3
STEPS = ROWS // BATCH * EPOCHS
SOFT = mtl.sharing.Soft(split_after=1)
RUNS = {  # each with every callback of `_callbacks`
    "gradnorm": {"weighting": "gradnorm", "sharing": SOFT, "save_freq": 1, "kills": 4},
    "uncertainty": {"weighting": "uncertainty", "sharing": SOFT, "save_freq": 2, "kills": 4},
    "famo": {"weighting": "famo", "save_freq": 3, "kills": 4},
    "dwa": {"weighting": "dwa", "sharing": "mmoe", "save_freq": 1, "kills": 4},
    "modo": {"weighting": "modo", "save_freq": 2, "kills": 4},
    "nash_mtl": {"weighting": "nash_mtl", "every": 3, "save_freq": 1, "kills": 4},
    "rlw": {"weighting": "rlw", "sharing": SOFT, "save_freq": "epoch", "kills": 4},
    "two replicas": {"weighting": "pcgrad", "every": 2, "save_freq": 1, "kills": 2, "replicas": 2},
}


class Killer(keras.callbacks.Callback):
    """Kills the process at the start or at the end of a step."""

    def __init__(self, step, at_end):
        super().__init__()
        self.step, self.at_end = step, at_end

    def on_train_batch_begin(self, batch, logs=None):
        if not self.at_end and self.model.progress.num_steps == self.step:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_train_batch_end(self, batch, logs=None):
        if self.at_end and self.model.progress.num_steps == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def main(folder, *names):
    results = {}
    for i, name in enumerate(names):
        place = pathlib.Path(folder) / str(i)
        place.mkdir(parents=True)
        options = dict(RUNS[name])
        kills = np.random.default_rng(len(name)).choice(np.arange(7, STEPS), options.pop("kills"), replace=False)
        for step in sorted(kills):  # or one would come before the backup that the run goes on from
            status = _in_a_process(place / "killed", Killer(step, at_end=step % 2), **options)
            assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, (name, step)
        for attempt in ("killed", "whole"):
            assert _in_a_process(place / attempt, None, **options) == 0, (name, attempt)
        found = [json.loads((place / f"{attempt}.json").read_text()) for attempt in ("killed", "whole")]
        results[name] = {"killed": found[0], "whole": found[1]}
    print("RESULTS", json.dumps(results))


def _in_a_process(place, killer, **options):
    """Trains in a child of this process, and returns its status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        place.with_suffix(".json").write_text(json.dumps(_run(place, killer, **options)))
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def _run(folder, killer, weighting, save_freq, sharing="hard", every=1, replicas=1):
    """Trains, and returns fingerprints of all there is afterwards."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
    several = replicas > 1
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]) if several else tf.distribute.get_strategy()
    tf.config.run_functions_eagerly(not several)  # which takes less time for so few steps
    keras.utils.set_random_seed(3)
    with strategy.scope():
        tower = mtl.towers.MLP((4, 4), dropout=0.3)
        model = mtl.build_model(toy.SHAPE, toy.tasks()[:2], tower=tower, sharing=sharing)
        model.compile(keras.optimizers.Adam(0.01), weighting=weighting, **({"every": every} if every > 1 else {}))
    x, y = toy.arrays(rows=ROWS)
    y = {task: y[task] for task in model.task_names}
    weights = {task: np.ones(ROWS, "float32") for task in y}
    weights["odd"][: ROWS // 2] = 0.0
    with strategy.scope():
        callbacks = _callbacks(sharing is SOFT)
    history = model.fit(
        mtl.data.from_arrays(x, y, BATCH, sample_weight=weights, shuffle=True, seed=4),
        validation_data=mtl.data.from_arrays(x, y, BATCH),
        epochs=EPOCHS,
        callbacks=[*callbacks, mtl.callbacks.Backup(folder, save_freq), *([killer] if killer else [])],
        verbose=0,
    )
    stop, plateau, gain, logs, conflict = callbacks[:5]
    values = [np.asarray(v.numpy()) for v in [*model.variables, *model.optimizer.variables]]
    return {
        "variables": hashlib.sha256(b"".join(value.tobytes() for value in values)).hexdigest(),
        "steps": model.progress.num_steps,
        "history": repr(history.history),
        "epochs": history.epoch,
        "stop": repr((stop.wait, stop.best, stop.best_epoch, stop.stopped_epoch)),
        "plateau": repr((plateau.wait, plateau.best, plateau.cooldown_counter)),
        "gain": repr(gain._from),
        "weights": repr(logs.history),
        "cosines": hashlib.sha256(conflict.cosines.tobytes()).hexdigest(),
        "conflict steps": conflict.steps,
    }


def _callbacks(are_towers_soft):
    found = [
        keras.callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", patience=1, factor=0.5),
        mtl.callbacks.MeanGain(),
        mtl.callbacks.LogTaskWeights(every=2),
        mtl.callbacks.GradientConflict(every=2),
        mtl.callbacks.Freeze("digit", start=1, stop=2),
    ]
    return found + [mtl.callbacks.SoftSharing(0.1, schedule="cosine", warmup_epochs=1)] * are_towers_soft


if __name__ == "__main__":
    main(*sys.argv[1:])
