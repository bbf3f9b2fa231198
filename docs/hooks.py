"""Hooks of mkdocs: a page per public name, links from names in a text to these pages, outputs, and equations."""

import ast
import json
import pathlib
import re

from latex2mathml.converter import convert
from mkdocs.structure.files import File
from mkdocs.utils import get_relative_url

PACKAGE = pathlib.Path(__file__).parents[1] / "mtl_keras"
FAMILIES = ["towers", "heads", "sharing", "weightings", "data", "callbacks", "export", "study", "relatedness"]
FAMILIES += ["ensembles", "plots", "losses", "metrics", "optimizers", "layers"]
_CALL_ARGUMENTS = r'<details class="call-arguments" open>\s*<summary>.*?</summary>\s*<p>(.*?)</p>\s*</details>'
INTERNAL = {"engine", "linalg", "models"}  # whose names are not for users


def public():
    """Returns `{family: public names}`; those of the package itself are under ""."""
    found = {"": _listed(PACKAGE / "__init__.py"), "optimizers": ["by_part"]}
    for path in sorted(PACKAGE.glob("*/__init__.py")):
        if path.parent.name not in INTERNAL and (names := _listed(path)):
            found[path.parent.name] = names
    return {family: found[family] for family in ["", *FAMILIES, *sorted(set(found) - {"", *FAMILIES})]}


def _listed(path):
    """Returns what a file lists in `__all__`, without importing it."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return sorted(ast.literal_eval(node.value), key=str.lower)
    return []


def page(family, name):
    """Returns the path of the page of a name."""
    return "/".join(part for part in ("reference", family, f"{name}.md") if part)


def identifier(family, name):
    """Returns the path of a name; a function is in a module of its own name, which would be found in its place."""
    inside = [name] if (PACKAGE / family / f"{name}.py").exists() else []
    return ".".join(part for part in ("mtl_keras", family, *inside, name) if part)


def on_config(config):
    """Puts the reference in the navigation: the families in order, and the names of each."""
    pages = []
    for family, names in public().items():
        entries = [{name: page(family, name)} for name in names]
        pages += [{family: [page(family, "index"), *entries]}] if family else [page("", "index"), *entries]
    (reference,) = (entry for entry in config.nav if "Reference" in entry)
    reference["Reference"] = pages
    return config


def on_files(files, config):
    """Adds a page for each public name."""
    for family, names in public().items():
        for name in names:
            full = ".".join(part for part in ("mtl_keras", family, name) if part)
            text = f"::: {identifier(family, name)}\n    options: {{heading: {full}, toc_label: {name}}}\n"
            files.append(File.generated(config, page(family, name), content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Puts the stored outputs below the code of a notebook."""
    if not page.file.src_uri.startswith("notebooks/"):
        return markdown
    stored = json.loads(pathlib.Path(page.file.abs_src_path).with_suffix(".ipynb").read_text(encoding="utf-8"))
    return "\n\n".join(_cell(cell) for cell in stored["cells"])


def _cell(cell):
    """Returns a cell of a notebook in Markdown."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    parts = [f"```python\n{source}\n```"]
    for output in cell["outputs"]:
        data = output.get("data", {"text/plain": output.get("text", [])})
        if "image/png" in data:
            image = "".join(data["image/png"]).replace("\n", "")
            parts.append(f'<p><img class="plot" alt="What the code draws" src="data:image/png;base64,{image}"></p>')
        else:
            parts.append(f"```{{.text .output}}\n{''.join(data['text/plain']).rstrip()}\n```")
    return "\n\n".join(parts)


def on_page_content(html, page, config, files):
    """Turns the names in the text of a page into links, and its equations into MathML, which needs no script."""
    html = re.sub(_CALL_ARGUMENTS, _as_list, html, flags=re.DOTALL)
    html = re.sub(r'(<li class="doc-section-item field-body">\s*)–\s*(?=<div)', r"\1", html)  # a value without a name
    html = _with_links(html, page)
    html = re.sub(r"<p>(Example|Reference|Warns|Note):\s*", r'<p><strong class="section">\1</strong> ', html)
    return re.sub(r'<(span|div) class="arithmatex">(.*?)</\1>', _equation, html, flags=re.DOTALL)


def _as_list(match):
    """Returns the arguments of a call as a list, like that of the parameters."""
    items = [argument.split(":", 1) for argument in re.split(r"\n(?=[\w*, ]+:)", match[1])]
    parts = [
        f'<li class="doc-section-item field-body"><b><code>{name.strip()}</code></b> – '
        f'<div class="doc-md-description"><p>{text.strip()}</p></div></li>'
        for name, text in items
    ]
    return f'<p><span class="doc-section-title">Call arguments:</span></p><ul>{"".join(parts)}</ul>'


def _with_links(html, page_of_html):
    names = public()
    here = re.match(r"reference/(?:(\w+)/)?", page_of_html.file.src_uri)
    own = (here.group(1) or "") if here else ""

    def link(match):
        family, name = match["family"] or own, match["name"]
        if name not in names.get(family, []):
            family = ""
        target = page(family, name)
        if name not in names[family] or target == page_of_html.file.src_uri:
            return match[0]
        url = get_relative_url(target.removesuffix(".md") + ".html", page_of_html.url)
        return f'<a href="{url}">{match[0]}</a>'

    code = r"<code>(?:mtl(?:_keras)?\.)?(?:(?P<family>[a-z]+)\.)?(?P<name>\w+)(?:\([^<]*\))?</code>"
    parts = re.split(r"(<a\b.*?</a>|<h\d\b.*?</h\d>|<pre\b.*?</pre>|<summary>.*?</details>)", html, flags=re.DOTALL)
    return "".join(part if i % 2 else re.sub(code, link, part) for i, part in enumerate(parts))


def _equation(match):
    latex = match[2].strip()[2:-2].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    return convert(latex, display="block" if match[1] == "div" else "inline")
