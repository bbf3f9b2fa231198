"""README.md: its program runs, and its tables name what there is, all of it and nothing else."""

import ast
import importlib
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

import mtl_keras as mtl
from mtl_keras import _registry

README = pathlib.Path(__file__).parents[2] / "README.md"
PACKAGE = pathlib.Path(mtl.__file__).parent
INTERNAL = {"engine", "linalg", "models"}  # of no interest to a user; models are in mtl_keras.__all__
FAMILIES = sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py") if p.parent.name not in INTERNAL)
BY_STRING = ["sharing", "towers", "weightings"]  # families of which users write the look-up strings


def _text():
    return README.read_text(encoding="utf-8")


def _blocks():
    """Returns the ```python blocks."""
    return re.findall(r"^```python\n(.*?)^```", _text(), re.DOTALL | re.MULTILINE)


def _prose():
    """Returns the text without code blocks and comments."""
    return re.sub(r"^```.*?^```|<!--.*?-->", "", _text(), flags=re.DOTALL | re.MULTILINE)


def _spans(text):
    """Returns what stands between backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def _name(span):
    """Returns the name in `Name`, `Name(...)`, `family.Name` or `mtl.family.Name`; else None."""
    found = re.fullmatch(r"(?:mtl(?:_keras)?\.)?(?:\w+\.)?(\w+)(?:\(.*\))?", span)
    return found and found.group(1)


def _public(family):
    return getattr(importlib.import_module(f"mtl_keras.{family}"), "__all__", [])


def _sections():
    """Returns `{family: text}` of the sections whose heading names a family, such as "### Towers: `mtl.towers`"."""
    parts = re.split(r"^(#+ .*)$", _prose(), flags=re.MULTILINE)[1:]
    sections = {}
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        family = re.search(r"`mtl(?:_keras)?\.(\w+)`", heading)
        if family:
            sections[family.group(1)] = sections.get(family.group(1), "") + text
    return sections


def _rows(text):
    """Returns the cells of the rows of the tables of a text, without heads and rules."""
    lines = [line.strip() for line in text.splitlines()]
    rows = []
    for above, line in zip(["", *lines], lines, strict=False):
        is_rule = set(line) <= set("|-: ") and line
        if line.startswith("|") and not is_rule and above.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_every_python_block_is_python():
    assert _blocks()
    for block in _blocks():
        ast.parse(block)


def _assigned(code):
    nodes = ast.walk(ast.parse(code))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _digits(rows):
    """The digits of scikit-learn in the form of MNIST."""
    digits = load_digits()
    images = np.pad(digits.images[rows] / 16, ((0, 0), (10, 10), (10, 10)))[..., None].astype("float32")
    ink = digits.images[rows].mean(axis=(1, 2)).astype("float32") / 16
    labels = {"digit": digits.target[rows], "odd": digits.target[rows] % 2, "ink": ink}
    return mtl.data.from_arrays(images, labels, batch_size=64)


@pytest.mark.slow
def test_the_program_runs(tmp_path, monkeypatch):
    """The first long block: from tasks to an export that predicts."""
    program = next(block for block in _blocks() if len(block.splitlines()) >= 10)
    names = {"keras": keras, "np": np, "tf": tf, "mtl": mtl}
    for name, rows in (("train", slice(0, 256)), ("valid", slice(256, 320))):
        if name not in _assigned(program):
            names[name] = _digits(rows)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "the program of README.md", "exec"), names)
    model = names["model"]
    assert isinstance(model, mtl.MultiTaskModel)
    assert len(model.history.epoch) >= 1
    (exported,) = tmp_path.glob("**/saved_model.pb")
    served = tf.saved_model.load(exported.parent).signatures["serving_default"]
    assert set(served.structured_outputs) == set(model.task_names)


def test_every_public_part_has_a_section():
    parts = {family for family in FAMILIES if _public(family)}
    assert parts <= set(_sections())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_name_is_there(family):
    named = {_name(span) for span in _spans(_prose())}
    assert not [name for name in _public(family) if name not in named]
    if family in BY_STRING:
        spans = set(_spans(_prose()))
        assert not [name for name in _registry.names(family) if f'"{name}"' not in spans]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_row_names_what_there_is(family):
    for row in _rows(_sections().get(family, "")):
        (span, *_) = _spans(row[0]) or [row[0]]
        assert _name(span) in _public(family), f"{row[0]} of the table of {family}"
        strings = [span.strip('"') for cell in row[1:2] for span in _spans(cell) if re.fullmatch(r'"\w+"', span)]
        for string in strings:
            assert type(_registry.get(family, string)).__name__ == _name(span), f"{row[0]} and {row[1]}"


def test_the_package_itself_is_named():
    named = {_name(span) for span in _spans(_prose())} | {"Task"} & set(re.findall(r"\bTask\b", _text()))
    assert set(mtl.__all__) <= named
