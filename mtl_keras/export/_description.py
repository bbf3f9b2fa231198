"""`tasks.json`: the description of an export and its tasks."""

import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras._arguments import error, number
from mtl_keras._version import __version__
from mtl_keras.export._plain import plain

FILE = pathlib.Path("assets.extra", "tasks.json")


def check_metrics(metrics: Any) -> dict[str, float]:
    """Returns the metrics as plain numbers, or raises a ValueError: JSON has no NaN and no infinity."""
    if metrics is None:
        return {}
    if not isinstance(metrics, dict) or not all(isinstance(name, str) for name in metrics):
        raise ValueError(error("metrics", "a dict {name: number}", metrics))
    hint = "Leave it out if it is not known."
    return {name: float(number(f"metrics[{name!r}]", _scalar(value), hint=hint)) for name, value in metrics.items()}


def _scalar(value):
    """Returns a tensor or array with one value as a Python number, and anything else unchanged."""
    return np.asarray(value).item() if getattr(value, "shape", None) == () else value


def describe(
    model: keras.Model,
    tasks: Sequence[str],
    heads: dict[str, Any],
    labels: dict[str, list[str]],
    metrics: dict[str, float],
) -> dict[str, Any]:
    """Returns the facts about an export that a program needs without a Keras model, in a form for JSON."""
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
        "metrics": metrics,
        "versions": {"mtl_keras": __version__, "keras": keras.__version__, "tensorflow": tf.__version__},
    }


def write(folder: str | os.PathLike, description: dict[str, Any]) -> None:
    """Writes the description into the folder of a version."""
    file = pathlib.Path(folder) / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(description, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read(folder: str | os.PathLike) -> dict[str, Any]:
    """Returns the description in the folder of a version; `{}` if there is none.

    Raises:
        ValueError: If the file is broken or incomplete.
    """
    file = pathlib.Path(folder) / FILE
    if not file.is_file():
        return {}
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is broken: {error}. Export the model again.") from error
    wrong = _wrong(description)
    if wrong:
        raise ValueError(f"{file} is broken: {wrong}. Export the model again.")
    return description


def _wrong(description: Any) -> str:
    """Returns the problem with a description, or an empty string."""
    if not isinstance(description, dict):
        return "it must be an object"
    for field in ("tasks", "metrics", "versions"):
        if not isinstance(description.get(field), dict):
            return f"{field!r} must be an object"
    for task, known in description["tasks"].items():
        shape, labels = (known.get("shape"), known.get("labels", [])) if isinstance(known, dict) else (None, [])
        if not isinstance(shape, list) or not all(size is None or type(size) is int for size in shape):
            return f"the 'shape' of task {task!r} must be a list of sizes"
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            return f"the 'labels' of task {task!r} must be a list of strings"
        if not isinstance(known.get("head", ""), str):
            return f"the 'head' of task {task!r} must be a string"
    for name, value in description["metrics"].items():
        if type(value) not in (int, float):
            return f"the metric {name!r} must be a number"
    return ""
