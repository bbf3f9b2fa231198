"""`tasks.json`: what an export says of its tasks."""

import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mtl_keras._version import __version__
from mtl_keras.export._plain import plain

FILE = pathlib.Path("assets.extra", "tasks.json")


def describe(
    model: keras.Model,
    tasks: Sequence[str],
    heads: dict[str, Any],
    labels: dict[str, list[str]],
    metrics: dict[str, float] | None,
) -> dict[str, Any]:
    """Returns what a program that has no Keras model wants to know of an export, for JSON."""
    described: dict[str, Any] = {}
    part = plain(model, tasks)
    for task in tasks:
        described[task] = {"shape": list(part.output[task].shape)}
        if task in heads:
            described[task] |= {"head": type(heads[task]).__name__, "config": heads[task].get_config()}
        if task in labels:
            described[task]["labels"] = labels[task]
    return {
        "tasks": described,
        "metrics": {name: float(value) for name, value in (metrics or {}).items()},
        "versions": {"mtl_keras": __version__, "keras": keras.__version__, "tensorflow": tf.__version__},
    }


def write(folder: str | os.PathLike, description: dict[str, Any]) -> None:
    """Writes the description into the folder of a version."""
    file = pathlib.Path(folder) / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def read(folder: str | os.PathLike) -> dict[str, Any]:
    """Returns the description in the folder of a version; `{}` where there is none."""
    file = pathlib.Path(folder) / FILE
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
