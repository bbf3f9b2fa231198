"""Checks at import that Keras runs on TensorFlow."""

import json
import os
import pathlib
import sys


def configured() -> str:
    """Returns the backend of Keras, or the one it would use if it were imported now."""
    if "keras" in sys.modules:
        return sys.modules["keras"].config.backend()
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    file = pathlib.Path(os.environ.get("KERAS_HOME") or pathlib.Path.home() / ".keras") / "keras.json"
    try:
        return json.loads(file.read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):  # Keras also ignores a file that it cannot read
        return "tensorflow"


def check() -> None:
    """Raises an ImportError unless Keras runs on TensorFlow."""
    backend = configured()
    if backend != "tensorflow":
        raise ImportError(
            f"mtl_keras needs Keras on the backend 'tensorflow'. Received: the backend {backend!r}. "
            "Set the environment variable KERAS_BACKEND=tensorflow before keras is imported."
        )


check()
