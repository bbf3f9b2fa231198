"""Configures TensorFlow Serving for several models."""

import os
import pathlib
import re
import shlex

from mtl_keras._arguments import count
from mtl_keras.export._versions import versions

BATCHING = {"max_batch_size", "batch_timeout_micros", "num_batch_threads", "max_enqueued_batches"}
PORTS = {"gRPC": 8500, "REST": 8501}


def serving_config(
    models: dict[str, str | os.PathLike],
    folder: str | os.PathLike,
    labels: dict[str, dict[str, int]] | None = None,
    batching: dict[str, int] | None = None,
    image: str = "tensorflow/serving",
) -> str:
    """Writes the configuration of a server for several models, and returns the command that starts it.

    `models.config` has the models and their versions; `batching.config` says how to batch the requests of many clients.
    A version label is a name that clients use instead of a number. Some clients can then try a new version (`"canary"`)
    before all clients get it (`"stable"`). A model with labels serves the labelled versions; any other model serves the
    highest version.

    Args:
        models: `{name of the model: folder of its versions}`, the `path` of `export.saved_model`.
        folder: Folder for the two files; created if it does not exist.
        labels: `{name of the model: {label: version}}`.
        batching: `{"max_batch_size": rows, "batch_timeout_micros": how long to wait for them, "num_batch_threads":
            number of batches computed at once, "max_enqueued_batches": number of batches that may wait}`, all positive
            integers and all optional; None for no batching.
        image: The container image.

    Returns:
        The `docker run` line, which publishes gRPC on port 8500 and REST on 8501.

    Raises:
        ValueError: If a server would not accept a name, a model has no version, a labelled version does not exist, or
            `batching` has another key or value.

    Example:

    ```python
    model = mtl.build_model((8, 8), [mtl.Task("odd", mtl.heads.Binary())])
    for version in (1, 2):
        mtl.export.saved_model(model, "models/digits", version)
    line = mtl.export.serving_config(
        {"digits": "models/digits"},
        "serving",
        labels={"digits": {"stable": 1, "canary": 2}},
        batching={"max_batch_size": 64, "batch_timeout_micros": 1000},
    )
    line.startswith("docker run")  # True
    ```
    """
    labels, batching = _checked(models, labels or {}, batching or {})
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    entries = "".join(_model(name, labels.get(name)) for name in models)
    (folder / "models.config").write_text(f"model_config_list {{\n{entries}}}\n", encoding="utf-8")
    command = ["docker", "run", "--rm"]
    for port in PORTS.values():
        command += ["-p", f"{port}:{port}"]
    for name, path in models.items():
        command += ["-v", f"{pathlib.Path(path).resolve()}:/models/{name}:ro"]
    command += ["-v", f"{folder.resolve()}:/serving:ro", image, "--model_config_file=/serving/models.config"]
    if labels:  # labels are also accepted before the server has loaded the version
        command.append("--allow_version_labels_for_unavailable_models=true")
    if batching:
        lines = "".join(f"{key} {{ value: {value} }}\n" for key, value in batching.items())
        (folder / "batching.config").write_text(lines, encoding="utf-8")
        command += ["--enable_batching=true", "--batching_parameters_file=/serving/batching.config"]
    return shlex.join(command)


def _model(name, labels):
    """Returns the entry of a model in the text form of TensorFlow Serving's `ModelServerConfig`."""
    lines = [f'name: "{name}"', f'base_path: "/models/{name}"', 'model_platform: "tensorflow"']
    if labels:
        numbers = " ".join(f"versions: {version}" for version in sorted(set(labels.values())))
        lines.append(f"model_version_policy {{ specific {{ {numbers} }} }}")
        lines += [f'version_labels {{ key: "{label}" value: {version} }}' for label, version in labels.items()]
    return "  config {\n" + "".join(f"    {line}\n" for line in lines) + "  }\n"


def _checked(models, labels, batching):
    """Returns the labels and the batching with plain integers; raises a ValueError if a server would reject them."""
    for name in [*models, *(label for by_label in labels.values() for label in by_label)]:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
            raise ValueError(
                "Names of models and labels must consist of ASCII letters, digits, `_`, `.` and `-`, and begin with a "
                f"letter or digit. Received: {name!r}."
            )
    if not models or not set(labels) <= set(models):
        raise ValueError(f"`labels` must name models out of {list(models)}. Received: {list(labels)}.")
    labels = {
        name: {label: count(f"labels[{name!r}][{label!r}]", version) for label, version in by_label.items()}
        for name, by_label in labels.items()
    }
    for name, path in models.items():
        there = versions(path)
        missing = [version for version in labels.get(name, {}).values() if version not in there]
        if missing or not there:
            raise ValueError(f"`models[{name!r}]` lacks versions {missing}: in {path} there are {there}.")
    unknown = [key for key in batching if key not in BATCHING]
    if unknown:
        raise ValueError(f"`batching` has unknown keys {unknown}. Expected keys out of {sorted(BATCHING)}.")
    return labels, {key: count(f"batching[{key!r}]", value) for key, value in batching.items()}
