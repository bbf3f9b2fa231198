"""The contents of an export, read without loading it: none of its graph runs."""

import os
import pathlib
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from mtl_keras.export import _description
from mtl_keras.export._versions import GRAPH, read_version


class Contents:
    """The signatures of an export and its description in `tasks.json`.

    Args:
        path: Folder of a model, whose highest version is read, or folder of a version.

    Attributes:
        path: `pathlib.Path` of the version's folder.
        tasks: `{task: its description in tasks.json}`: `shape`, `head`, `config`, `labels`, if known.
        signatures: `{signature: {"inputs": {name: tf.TensorSpec}, "outputs": {name: tf.TensorSpec}}}`.
        description: The description of the export in `tasks.json`: `versions`, `metrics`.

    Raises:
        FileNotFoundError: If there is no export.
        ValueError: If a file is broken.
    """

    def __init__(self, path: str | os.PathLike):
        self.path, (self.signatures, self.description) = read_version(
            path, lambda folder: (_signatures(folder), _description.read(folder))
        )
        self.tasks = tasks_of(self.description, self.signatures)
        order = ["serving_default", *self.tasks, *sorted(self.signatures)]
        self.signatures = {name: self.signatures[name] for name in sorted(self.signatures, key=order.index)}


def tasks_of(description: dict[str, Any], signatures: dict[str, Any]) -> dict[str, Any]:
    """Returns `{task: known facts}`; without a description, the tasks are the outputs of the default signature."""
    default = signatures.get("serving_default", {"outputs": {}})
    return description.get("tasks") or {task: {"shape": _sizes(spec)} for task, spec in default["outputs"].items()}


def _sizes(spec):
    return None if spec.shape.rank is None else list(spec.shape)


def _signatures(folder: pathlib.Path) -> dict[str, dict[str, dict[str, tf.TensorSpec]]]:
    try:
        saved = saved_model_pb2.SavedModel.FromString((folder / GRAPH).read_bytes())
    except DecodeError as error:
        raise ValueError(f"{folder / GRAPH} is broken: {error}. Export the model again.") from error
    graphs = [graph for graph in saved.meta_graphs if "serve" in graph.meta_info_def.tags]
    if not graphs:
        raise ValueError(f"{folder / GRAPH} is broken: it has no graph to serve. Export the model again.")
    return {
        name: {
            side: {key: _spec(folder, key, info) for key, info in getattr(signature, side).items()}
            for side in ("inputs", "outputs")
        }
        for name, signature in graphs[0].signature_def.items()
        if not name.startswith("__")  # names of SavedModel itself
    }


def _spec(folder: pathlib.Path, key: str, info: meta_graph_pb2.TensorInfo) -> tf.TensorSpec:
    try:
        return tf.TensorSpec(tf.TensorShape(info.tensor_shape), tf.as_dtype(info.dtype), name=key)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{folder / GRAPH} is broken: the tensor {key!r} has no dtype or shape ({error}). Export the model again."
        ) from error
