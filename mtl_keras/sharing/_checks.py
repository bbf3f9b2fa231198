"""Checks of arguments that several schemes have."""

from typing import Any


def check_alone(scheme: Any) -> None:
    """Raises ValueError if `transfer_from` is combined with `split_after` or `groups`."""
    if scheme.transfer_from is not None and (scheme.split_after is not None or scheme.groups is not None):
        raise ValueError(
            "`transfer_from` needs a whole tower for each task. Received: "
            f"split_after={scheme.split_after!r}, groups={scheme.groups!r}. Set these to None."
        )
