"""README.md: short, and its program is that of the site, where a test runs it."""

import importlib
import pathlib
import re

import mtl_keras as mtl
from tests.doc._pages import DOCS, ROOT, blocks, prose, rows, spans

README = ROOT / "README.md"
INTERNAL = {"engine", "linalg", "models"}  # of no interest to a user; models are in mtl_keras.__all__


def test_it_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def test_its_program_is_that_of_the_start_page():
    assert blocks(README) == blocks(DOCS / "index.md")


def test_its_table_names_the_families():
    named = {span for row in rows(prose(README)) for span in spans(row[0])}
    packages = {path.parent.name for path in pathlib.Path(mtl.__file__).parent.glob("*/__init__.py")} - INTERNAL
    public = {name for name in packages if hasattr(importlib.import_module(f"mtl_keras.{name}"), "__all__")}
    assert {f"mtl.{name}" for name in {*public, "optimizers"}} <= named


def test_the_pages_that_it_names_exist():
    for row in rows(prose(README)):
        folder = DOCS
        for path in re.findall(r"`([\w/]+\.md)`", row[-1]):
            folder = (ROOT / path).parent if "/" in path else folder
            assert (folder / path.rpartition("/")[2]).exists(), row
