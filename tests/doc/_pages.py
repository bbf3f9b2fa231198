"""The pages of the documentation, and what stands in them."""

import pathlib
import re
import textwrap

ROOT = pathlib.Path(__file__).parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(
    r"^(?P<skip><!-- not run: [^\n]* -->\n)? *```python\n(?P<code>.*?)^ *```", flags=re.DOTALL | re.MULTILINE
)


def blocks(path, run_only=False):
    """Returns the ```python blocks of a page; with `run_only`, without those that say that they are not run."""
    found = _BLOCK.finditer(path.read_text(encoding="utf-8"))
    return [textwrap.dedent(block["code"]) for block in found if not (run_only and block["skip"])]


def pages():
    """Returns the pages that are written by hand, with the README."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def prose(path):
    """Returns the text of a page without code blocks and comments."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"^ *```.*?^ *```|<!--.*?-->", "", text, flags=re.DOTALL | re.MULTILINE)


def spans(text):
    """Returns what stands between backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def rows(text):
    """Returns the cells of the rows of the tables of a text, without heads and rules."""
    lines = [line.strip() for line in text.splitlines()]
    found = []
    for above, line in zip(["", *lines], lines, strict=False):
        is_rule = set(line) <= set("|-: ") and line
        if line.startswith("|") and not is_rule and above.startswith("|"):
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found
