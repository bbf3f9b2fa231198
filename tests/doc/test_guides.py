"""Every page of the documentation is a program that runs: its blocks one after the other."""

import ast

import pytest

from tests.doc._pages import DOCS, ROOT, blocks, pages

PROGRAMS = [
    page for page in pages() if DOCS in page.parents and page.parent.name != "notebooks" and blocks(page, run_only=True)
]


def _name(page):
    return str(page.relative_to(DOCS))


def test_every_python_block_is_python():
    found = {page: blocks(page) for page in pages()}
    assert found[ROOT / "README.md"]
    for page, code in found.items():
        for block in code:
            compile(block, str(page), "exec", flags=ast.PyCF_ONLY_AST)


def test_every_guide_is_a_program():
    assert set(DOCS.glob("guides/*.md")) <= set(PROGRAMS)


@pytest.mark.slow
@pytest.mark.graph  # as for a user: what works eagerly need not work in a graph
@pytest.mark.parametrize("page", PROGRAMS, ids=_name)
def test_guide_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "guide"}
    for i, block in enumerate(blocks(page, run_only=True), start=1):
        exec(compile(block, f"block {i} of {_name(page)}", "exec"), names)
