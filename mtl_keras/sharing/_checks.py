"""Checks of the arguments that several schemes share."""

from typing import Any


def check_alone(scheme: Any) -> None:
    """Raises ValueError for a `transfer_from` beside `split_after` or `groups`."""
    if scheme.transfer_from is not None and (scheme.split_after is not None or scheme.groups is not None):
        raise ValueError(
            "`transfer_from` needs a whole tower for each task. Received: "
            f"split_after={scheme.split_after!r}, groups={scheme.groups!r}. Leave these at None."
        )
