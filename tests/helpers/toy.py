"""A small problem with tasks of every kind, for tests."""

import numpy as np

import mtl_keras as mtl

SHAPE = (6, 6)
NUM_ROWS = 20


def tasks():
    """Returns one task per kind of head."""
    return [
        mtl.Task("digit", mtl.heads.Multiclass(4)),
        mtl.Task("odd", mtl.heads.Binary(), weight=0.5),
        mtl.Task("marks", mtl.heads.Multilabel(3)),
        mtl.Task("ink", mtl.heads.Regression(), weight=2.0),
    ]


def arrays(rows=NUM_ROWS, seed=0):
    """Returns inputs and labels for `tasks()`."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, *SHAPE)).astype("float32")
    y = {
        "digit": rng.integers(0, 4, rows),
        "odd": rng.integers(0, 2, rows),
        "marks": rng.integers(0, 2, (rows, 3)).astype("float32"),
        "ink": rng.normal(size=rows).astype("float32"),
    }
    return x, y


def model(sharing="hard", tower=None, **compile_arguments):
    """Returns a compiled model for `tasks()`; by default the cheapest one, with plain SGD and no metrics."""
    built = mtl.build_model(SHAPE, tasks(), tower=tower or mtl.towers.MLP((8,)), sharing=sharing)
    built.compile(**{"optimizer": "sgd", "metrics": [], **compile_arguments})
    return built
