"""A tiny problem for comparisons: two tasks on six inputs."""

import keras
import numpy as np

import mtl_keras as mtl

TASKS = ["digit", "odd"]


def part(rows, seed=0):
    """Returns arrays of noisy one-hot rows, whose place is the digit."""
    rng = np.random.default_rng(seed)
    digit = rng.integers(0, 4, rows)
    x = (np.eye(6)[digit] + rng.normal(0, 0.5, (rows, 6))).astype("float32")
    return x, {"digit": digit, "odd": digit % 2}


TRAIN, VALID, TEST = part(64, 0), part(48, 1), part(48, 2)


def build(sharing="hard", weighting=None, rate=0.02, width=4, loss_weights=None, fails=False):
    """Returns a compiled model with few units; an error with `fails`."""
    if fails:
        raise RuntimeError("no such model")
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(4)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((6,), tasks, tower=mtl.towers.MLP((width,)), sharing=sharing)
    model.compile(keras.optimizers.Adam(rate), weighting=weighting, loss_weights=loss_weights)
    return model


def compare(candidates, function=build, **options):
    """Compares with little to do."""
    data = {"train": TRAIN, "valid": VALID, "test": TEST, **{p: options.pop(p) for p in list(options) if p in PARTS}}
    options = {"seeds": 2, "epochs": 2, "batch_size": 64, "verbose": False, **options}
    return mtl.study.compare(function, candidates, data["train"], data["valid"], data["test"], **options)


PARTS = ("train", "valid", "test")
