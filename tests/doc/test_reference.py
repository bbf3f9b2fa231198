"""The tables of the reference name what there is, all of it and nothing else."""

import importlib
import pathlib
import re

import pytest

import mtl_keras as mtl
from mtl_keras import _registry
from tests.doc._pages import DOCS, prose, rows, spans

PACKAGE = pathlib.Path(mtl.__file__).parent
INTERNAL = {"engine", "linalg", "models"}  # of no interest to a user; models are in mtl_keras.__all__
FAMILIES = sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py") if p.parent.name not in INTERNAL)
BY_STRING = ["sharing", "towers", "weightings"]  # families of which users write the look-up strings


def _public(family):
    return getattr(importlib.import_module(f"mtl_keras.{family}"), "__all__", [])


def _table(family):
    """Returns the rows of the first columns of a family's page that name members: `(names, strings)`."""
    text = prose(DOCS / "reference" / family / "index.md")
    found = []
    for section in re.split(r"^\| (?:class|function|name|class or function) \|", text, flags=re.MULTILINE)[1:]:
        table = "| name |" + section.partition("\n\n")[0]
        for row in rows(table):
            strings = [span.strip('"') for cell in row[1:2] for span in spans(cell) if re.fullmatch(r'"\w+"', span)]
            found.append((spans(row[0]), strings))
    return found


@pytest.mark.parametrize("family", [family for family in FAMILIES if _public(family)])
def test_every_name_has_a_row_and_every_row_a_name(family):
    named = [name for names, _ in _table(family) for name in names]
    assert sorted(named) == sorted(_public(family))


@pytest.mark.parametrize("family", BY_STRING)
def test_every_string_has_a_row_and_means_it(family):
    strings = {string: names for names, strings in _table(family) for string in strings}
    assert sorted(strings) == sorted(_registry.names(family))
    for string, (name,) in strings.items():
        assert type(_registry.get(family, string)).__name__ == name


def test_the_package_itself_is_named():
    named = {span for row in rows(prose(DOCS / "reference" / "index.md")) for span in spans(row[0])}
    assert set(mtl.__all__) <= named
    assert {f"mtl.{family}" for family in FAMILIES if _public(family)} <= named
    assert [span for span in spans(prose(DOCS / "reference" / "optimizers" / "index.md")) if span == "by_part"]
