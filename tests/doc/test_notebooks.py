"""The notebooks are those of the pages of the site, have outputs, and run."""

import jupytext
import nbclient
import pytest

from tests.doc._pages import DOCS

PAGES = sorted((DOCS / "notebooks").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_notebook_has_the_cells_of_its_page(page):
    notebook, text = jupytext.read(page.with_suffix(".ipynb")), jupytext.read(page)
    cells = [(cell.cell_type, cell.source) for cell in text.cells]
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == cells
    assert f"{page.stem}.ipynb" in text.cells[0].source


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_notebook_is_stored_with_what_it_prints_and_draws(page):
    outputs = _outputs(jupytext.read(page.with_suffix(".ipynb")))
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert any(output["output_type"] == "stream" or "text/plain" in output["data"] for output in outputs)
    assert any("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_notebook_runs(page, tmp_path):
    notebook = jupytext.read(page.with_suffix(".ipynb"))
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert any("image/png" in output.get("data", {}) for output in _outputs(notebook))


def _outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]
