"""Marks for the cases of a test."""

from collections.abc import Container, Iterable
from typing import Any

import pytest


def first_fast(cases: Iterable[Any], count: int = 1) -> list[Any]:
    """Returns cases of which all but the first `count` are slow, for a kind that one fast case stands for."""
    return [case if i < count else _slow(case) for i, case in enumerate(cases)]


def fast_only(cases: Iterable[Any], fast: Container[Any]) -> list[Any]:
    """Returns cases of which all but those in `fast` are slow."""
    return [case if case in fast else _slow(case) for case in cases]


def _slow(case):
    if hasattr(case, "marks"):
        return pytest.param(*case.values, marks=[*case.marks, pytest.mark.slow], id=case.id)
    return pytest.param(*(case if isinstance(case, tuple) else [case]), marks=pytest.mark.slow)
