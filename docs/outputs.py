"""Makes the pictures of the site and the outputs of its notebooks, by running the programs that they are from.

    python docs/outputs.py [NAME ...]

All of them take about fifteen minutes on 2 cores, half of them for `boxes`. The pages show what is stored.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import jupytext
import nbclient
import nbformat

ROOT = pathlib.Path(__file__).parents[1]
PICTURES = {  # name: the page or the example, and the file that it writes
    "boxes": ("examples/detect_digits.py", "detected_digits.png"),
    "conflict": ("docs/guides/weighting.md", "conflict.png"),
    "curves": ("docs/tour.md", "curves.png"),
    "gains": ("docs/guides/study.md", "report/gains.png"),
    "relatedness": ("docs/guides/relatedness.md", "affinity.png"),
    "sharing": ("docs/guides/sharing.md", "sharing.png"),
}
NOTEBOOKS = {path.stem: path for path in sorted((ROOT / "docs" / "notebooks").glob("*.md"))}


def picture(name, folder):
    """Runs the program of a picture in a folder, and copies the picture to the site."""
    source, file = PICTURES[name]
    command = [ROOT / source]
    if source.endswith(".md"):
        text = (ROOT / source).read_text(encoding="utf-8")
        command = [
            "-c",
            "\n".join(re.findall(r"(?<!-->\n)^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)),
        ]
    subprocess.run([sys.executable, *command], cwd=folder, check=True)
    shutil.copy(pathlib.Path(folder, file), ROOT / "docs" / "images" / f"{name}.png")


def notebook(name, folder):
    """Runs the page of a notebook in a folder, and stores the notebook with its outputs."""
    cells = jupytext.read(NOTEBOOKS[name])
    nbclient.NotebookClient(cells, timeout=600, resources={"metadata": {"path": folder}}).execute()
    for number, cell in enumerate(cells.cells):
        cell["id"] = f"cell-{number}"  # the same in each run, as what follows
        cell["metadata"] = {}
        if cell.cell_type == "code":
            cell["outputs"] = [output for output in cell.outputs if output.get("name") != "stderr"]
    nbformat.write(cells, NOTEBOOKS[name].with_suffix(".ipynb"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*PICTURES, *NOTEBOOKS]
    parser.add_argument("names", nargs="*", default=[], metavar="NAME", help=", ".join(names))
    os.environ |= {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    for name in parser.parse_args().names or names:
        with tempfile.TemporaryDirectory() as folder:
            (picture if name in PICTURES else notebook)(name, folder)
        print(f"Made {name}")


if __name__ == "__main__":
    main()
