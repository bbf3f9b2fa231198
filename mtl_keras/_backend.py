"""Checks, when it is imported, that Keras runs on TensorFlow."""

import importlib
import os


def check() -> None:
    """Raises an ImportError unless Keras runs on TensorFlow."""
    chosen, cause = os.environ.get("KERAS_BACKEND"), None
    try:
        chosen = importlib.import_module("keras").backend.backend()
    except (ImportError, ValueError) as error:  # Keras imports its backend
        missing = getattr(error, "name", None)
        chosen, cause = chosen or (missing if missing in ("jax", "torch") else None), error
        if chosen in (None, "tensorflow"):
            raise
    if chosen != "tensorflow":
        raise ImportError(
            f"mtl_keras needs Keras on the backend 'tensorflow'. Received: the backend {chosen!r}. "
            "Set the environment variable KERAS_BACKEND=tensorflow before keras is imported."
        ) from cause


check()
