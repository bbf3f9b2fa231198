"""Checks of the arguments that several schemes share."""


def check_share(name, value):
    """Raises ValueError unless `value` is in [0, 1]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(
            f"`{name}` must be a number in [0, 1], a task's share of itself at the start. "
            f"Received: {name}={value!r}. Use 1.0 for tasks that start apart."
        )


def check_alone(scheme):
    """Raises ValueError for a `transfer_from` beside `split_after` or `groups`."""
    if scheme.transfer_from is not None and (scheme.split_after is not None or scheme.groups is not None):
        raise ValueError(
            "`transfer_from` needs a whole tower for each task. Received: "
            f"split_after={scheme.split_after!r}, groups={scheme.groups!r}. Leave these at None."
        )
