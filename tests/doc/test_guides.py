"""Every page of the documentation is a program that runs: its blocks one after the other."""

import ast

import pytest

from tests.doc._pages import DOCS, ROOT, blocks, pages

PROGRAMS = [
    page for page in pages() if DOCS in page.parents and page.parent.name != "notebooks" and blocks(page, run_only=True)
]
SLOW = {  # those above ten seconds
    *(f"guides/{name}.md" for name in ("relatedness", "saving", "serving", "sharing", "soft_sharing", "sources")),
    *(f"guides/{name}.md" for name in ("stages", "study", "tables", "texts", "weighting")),
    *("index.md", "tour.md"),
}


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
    assert {DOCS / name for name in SLOW} <= set(PROGRAMS)


def _run(page, folder, monkeypatch):
    monkeypatch.chdir(folder)
    names = {"__name__": "guide"}
    for i, block in enumerate(blocks(page, run_only=True), start=1):
        exec(compile(block, f"block {i} of {_name(page)}", "exec"), names)


@pytest.mark.parametrize("page", [page for page in PROGRAMS if _name(page) not in SLOW], ids=_name)
def test_guide_runs(page, tmp_path, monkeypatch):
    _run(page, tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.graph
@pytest.mark.parametrize("page", [page for page in PROGRAMS if _name(page) in SLOW], ids=_name)
def test_long_guide_runs(page, tmp_path, monkeypatch):
    _run(page, tmp_path, monkeypatch)
