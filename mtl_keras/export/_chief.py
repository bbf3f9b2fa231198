"""Exports where several workers train."""

import functools
import os
import pathlib
from collections.abc import Callable
from typing import Concatenate, ParamSpec

import keras

from mtl_keras.engine import Workers

P = ParamSpec("P")


def by_chief(
    export: Callable[Concatenate[keras.Model, P], pathlib.Path],
) -> Callable[Concatenate[keras.Model, P], pathlib.Path]:
    """Has the chief alone call a function that writes a model, while the other workers wait; all get the path.

    Args:
        export: Function whose first argument is the model.
    """

    @functools.wraps(export)
    def on_each_worker(model: keras.Model, *args: P.args, **kwargs: P.kwargs) -> pathlib.Path:
        if not isinstance(model, keras.Model):
            return export(model, *args, **kwargs)  # which raises its error
        workers = Workers(model.distribute_strategy)
        path = workers.by_chief(lambda: export(model, *args, **kwargs))
        return pathlib.Path(os.fsdecode(workers.from_chief(os.fsencode(path or ""))))

    return on_each_worker
