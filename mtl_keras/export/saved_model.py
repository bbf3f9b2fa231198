"""Exports a model for TensorFlow Serving."""

import os
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras

from mtl_keras._arguments import count, error, flag
from mtl_keras._types import Tensor
from mtl_keras.export import _archive, _description, _postprocess, _warmup
from mtl_keras.export._chief import by_chief
from mtl_keras.export._plain import check_model, check_tasks, plain
from mtl_keras.export._served import Served
from mtl_keras.export._signatures import from_bytes, from_examples, of_tasks, with_outputs
from mtl_keras.export._versions import check_place, publish

KINDS = ("tasks", "bytes", "examples")
# Names of our own signatures, and reserved names of a SavedModel.
RESERVED = {"serving_default", "serving_bytes", "serving_examples", "labels", "signatures"} | {
    "variables",
    "trainable_variables",
    "non_trainable_variables",
}


@by_chief
def saved_model(
    model: keras.Model,
    path: str | os.PathLike,
    version: int | None = None,
    tasks: Sequence[str] | None = None,
    signatures: str | Sequence[str] = ("tasks",),
    preprocess: Callable[[Tensor], Tensor] | None = None,
    postprocess: bool = True,
    labels: dict[str, Sequence[str]] | None = None,
    top_k: int | None = None,
    warmup: Any = None,
    metrics: dict[str, float] | None = None,
    keep: int | None = None,
) -> pathlib.Path:
    """Writes a SavedModel in the layout of TensorFlow Serving, `path/version/`.

    The signature `serving_default` takes the inputs by name and returns one output per task, by task name, for any
    batch size. The other signatures are

    - `<task>`, which takes only the inputs that the task needs, and computes only this task;
    - `labels`, if `labels` are given: all tasks, with the label and its score instead of probabilities;
    - `serving_bytes`, which takes encoded images (PNG, JPEG) as `<input>_bytes`, resizes them and returns all tasks;
    - `serving_examples`, which takes serialized `tf.train.Example`s as `examples` and returns all tasks.

    A task with `labels` also has the outputs `<task>_label` and `<task>_score`, in its own signature and in `labels`.
    For `Multiclass` and `Binary` they have the shape [B]. With `top_k`, `Multiclass` also has `<task>_top_label` and
    `<task>_top_score` [B, top_k]. For `Multilabel` they have the shape [B, top_k], with the highest score first. For
    `Detection` they have the shape [B, max_boxes], beside `<task>_box` and `<task>_count`: rows from the count on are
    not boxes.

    The export has no training state, and no layer that no exported task needs. Models in float16 or bfloat16 take and
    return float32. The version is written under another name, read back, and then renamed, so that a server that
    watches `path` never sees an incomplete one. `assets.extra/tasks.json`, which servers do not expose, has the tasks,
    their heads and labels, and the versions of the software that wrote them. If several workers train, each must call
    this function; the chief writes, and the others wait.

    Args:
        model: A `mtl_keras.MultiTaskModel`, or any functional `keras.Model` whose outputs are a dict by name.
        path: Folder of the model; created if it does not exist.
        version: Positive integer; by default one above the highest version in `path`.
        tasks: List of the names of the tasks to export; all by default.
        signatures: Signatures to add to `serving_default` and `labels`: any of `"tasks"`, `"bytes"`, `"examples"`.
        preprocess: For `"bytes"`: a function or a Keras layer without weights that turns the decoded images, float32 in
            [0, 255] and of the size of the input, into the input. None for models that take such images.
        postprocess: Whether `labels` become outputs; if not, they are only in `tasks.json`.
        labels: `{task: list of names}` for tasks with a head that makes decisions: `Multiclass`, `Binary` (no, yes),
            `Multilabel`.
        top_k: Number of labels to return, in the order of their scores.
        warmup: True, or inputs as for `predict`. Writes one request per signature, which a server replays before it
            serves the version. True uses a row of zeros and empty strings. Needs the extra `serving`.
        metrics: `{name: finite number}` for `tasks.json`, such as `model.evaluate(..., return_dict=True)`.
        keep: Number of versions to keep in `path`: the highest ones and the new one; all by default.

    Returns:
        The `pathlib.Path` of the version's folder.

    Raises:
        ValueError: If `model` has no named outputs, an argument is not valid, two signatures or outputs would have the
            same name, or a layer runs Python code, which servers cannot run.
        FileExistsError: If the version exists, or `path` is a file.
        ImportError: If `warmup` is given and the extra `serving` is not installed.

    Example:

    ```python
    import tempfile

    model = mtl.build_model((8, 8), [mtl.Task("odd", mtl.heads.Binary()), mtl.Task("ink", mtl.heads.Regression())])
    folder = mtl.export.saved_model(model, tempfile.mkdtemp(), labels={"odd": ["even", "odd"]})
    signatures = tf.saved_model.load(folder).signatures
    signatures["serving_default"](inputs=tf.zeros((3, 8, 8)))["odd"].shape  # (3, 1)
    sorted(signatures["odd"](inputs=tf.zeros((3, 8, 8))))  # ['odd', 'odd_label', 'odd_score']
    ```
    """
    check_model(model)
    path, version, keep = check_place(path, version, keep)
    tasks = check_tasks(model, tasks)
    heads = {task.name: task.head for task in getattr(model, "tasks", [])}
    named = _postprocess.check_labels(labels, tasks, heads)
    top_k = None if top_k is None else count("top_k", top_k)
    decoded = named if flag("postprocess", postprocess) else {}
    _postprocess.check_names(tasks, decoded, heads)
    kinds = _check_kinds(signatures, tasks)
    known_metrics = _description.check_metrics(metrics)

    functions = {"serving_default": (everything := of_tasks(model, tasks))}
    if "tasks" in kinds:
        add = _postprocess.decoder(decoded, heads, top_k)
        functions |= {task: with_outputs(of_tasks(model, [task]), add) for task in tasks}
    if decoded:
        answers = _postprocess.decoder(decoded, heads, top_k, values=False)
        functions["labels"] = with_outputs(everything, answers)
    if "bytes" in kinds:
        functions["serving_bytes"] = from_bytes(everything, preprocess)
    if "examples" in kinds:
        functions["serving_examples"] = from_examples(everything)
    requests = None
    if warmup is not None and warmup is not False:
        _warmup.check_available()
        requests = _warmup.model_inputs(warmup, everything.inputs)
    description = _description.describe(model, tasks, heads, named, known_metrics)
    archive = _archive.traced(plain(model, tasks), functions)

    def write(folder):
        _archive.write(archive, folder)
        _description.write(folder, description)
        if requests is not None:
            _warmup.write(folder, path.resolve().name, functions, requests)
        Served(folder).check_signatures(functions)

    return publish(path, version, write, keep)


def _check_kinds(signatures, tasks):
    """Returns the kinds of signatures; raises a ValueError if one is unknown or has the name of a task."""
    kinds = [signatures] if isinstance(signatures, str) else signatures
    if not isinstance(kinds, Iterable) or not set(kinds) <= set(KINDS):
        raise ValueError(error("signatures", f"names out of {KINDS}", signatures))
    taken = sorted(RESERVED & set(tasks))
    if "tasks" in kinds and taken:
        raise ValueError(
            f"`signatures` cannot have 'tasks' for the tasks {taken}, whose names have other meanings in a SavedModel. "
            "Use `signatures=()`, or other names of tasks."
        )
    return kinds
