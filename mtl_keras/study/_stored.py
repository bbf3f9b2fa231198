"""The description of a study in its storage."""

from typing import Any

from mtl_keras.study._queue import Queue


def stored_before(queue: Queue, about: dict[str, Any]) -> dict[str, Any]:
    """Returns the description of a study in its storage; `{}` for a new one.

    Args:
        queue: The study.
        about: The expected description: "kind", "settings" and "metrics", and for a comparison "candidates".

    Raises:
        ValueError: If the storage holds a study of another kind or with other settings.
    """
    before = queue.about()
    if not before:
        return {}
    way_out = f"Use another `storage`, or another name than name={queue.name!r}."
    if before["kind"] != about["kind"]:
        raise ValueError(
            f"`storage` holds a {before['kind']} under the name {queue.name!r}, not a {about['kind']}. {way_out}"
        )
    changed = [name for name, value in about["settings"].items() if before["settings"].get(name) != value]
    for name, parameters in about.get("candidates", {}).items():
        if before["candidates"].get(name, parameters) != parameters:
            changed.append(f"candidates[{name!r}]")
    if before["metrics"] != about["metrics"]:
        changed.append("metrics")
    if changed:
        raise ValueError(f"`storage` holds a {about['kind']} with other settings: {', '.join(changed)}. {way_out}")
    return before
