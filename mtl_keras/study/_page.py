"""The report as Markdown and as a page of HTML."""

import base64
import html as escape
import pathlib
from typing import Any

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } img { max-width: 100% }
td, th { padding: .2em .9em .2em 0; text-align: left; border-bottom: 1px solid #ddd; white-space: nowrap }
pre { white-space: pre-wrap; font: 14px/1.5 system-ui, sans-serif } .wide { overflow-x: auto }
"""


def markdown(title: str, parts: list[tuple[str, Any]], pictures: dict[str, str]) -> str:
    """Returns the report as Markdown, with links to the pictures.

    Args:
        title: Title of the report.
        parts: Pairs of a title and a table (a list of rows) or a text.
        pictures: `{title: file name}`.
    """
    lines = [f"# {title}", ""]
    for name, part in parts:
        lines += [f"## {name}", ""]
        if isinstance(part, str):
            lines += ["```", part, "```", ""]
            continue
        head, *rows = [[cell.replace("|", "\\|") for cell in row] for row in part]
        lines += [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows), ""]
    for name, file in pictures.items():
        lines += [f"## {name}", "", f"![{name}]({file})", ""]
    return "\n".join(lines)


def html(title: str, parts: list[tuple[str, Any]], pictures: dict[str, str], folder: pathlib.Path) -> str:
    """Returns the report as one page with embedded pictures.

    Args:
        title, parts, pictures: As in `markdown`.
        folder: Folder of the pictures.
    """
    body = [f"<h1>{title}</h1>"]
    for name, part in parts:
        body.append(f"<h2>{escape.escape(name)}</h2>")
        if isinstance(part, str):
            body.append(f"<pre>{escape.escape(part)}</pre>")
            continue
        head, *rows = ([escape.escape(str(cell)) for cell in row] for row in part)
        body.append('<div class="wide"><table><tr>' + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>")
        body += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
        body.append("</table></div>")
    for name, file in pictures.items():
        data = base64.b64encode((folder / file).read_bytes()).decode()
        body.append(f'<h2>{escape.escape(name)}</h2><img alt="" src="data:image/png;base64,{data}">')
    top = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return top + "\n".join(body) + "</html>\n"
