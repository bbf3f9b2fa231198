"""Marks for the cases of a test."""

from collections.abc import Container, Iterable
from typing import Any

import pytest


def first_fast(cases: Iterable[Any], count: int = 1) -> list[Any]:
    """Marks all cases except the first `count` as slow, for cases that one fast case represents."""
    return [case if i < count else _slow(case) for i, case in enumerate(cases)]


def fast_only(cases: Iterable[Any], fast: Container[Any]) -> list[Any]:
    """Marks all cases except those in `fast` as slow."""
    return [case if case in fast else _slow(case) for case in cases]


def _slow(case):
    if hasattr(case, "marks"):
        return pytest.param(*case.values, marks=[*case.marks, pytest.mark.slow], id=case.id)
    return pytest.param(*(case if isinstance(case, tuple) else [case]), marks=pytest.mark.slow)
