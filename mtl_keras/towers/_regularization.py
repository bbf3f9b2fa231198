"""The arguments `dropout`, `l1` and `l2` of towers."""

from typing import Any

from mtl_keras._arguments import number, settle


def settle_regularization(tower: Any) -> None:
    """Stores the checked `dropout`, `l1` and `l2` of a tower, or raises a ValueError."""
    none = "Use 0.0 for none."
    settle(
        tower,
        dropout=number("dropout", tower.dropout, at_least=0, below=1, hint=none),
        l1=number("l1", tower.l1, at_least=0, hint=none),
        l2=number("l2", tower.l2, at_least=0, hint=none),
    )
