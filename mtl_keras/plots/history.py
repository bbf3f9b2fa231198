"""A picture of the training curves."""

import math
import os
from typing import Any

import keras

from mtl_keras.plots._matplotlib import import_matplotlib, tidy


def history(history: keras.callbacks.History | dict[str, list[float]], path: str | os.PathLike | None = None) -> Any:
    """Draws the training curves of a `fit`: one panel for the losses, and one for each kind of metric.

    Each task keeps its colour in all panels; training is a solid line and validation a dashed one. What
    belongs to no task, such as `learning_rate` or `tower_distance`, gets a panel of its own; the cosines of
    `callbacks.GradientConflict` have a picture of their own, `plots.gradient_conflict`. Needs
    `pip install "mtl_keras[plots]"`.

    Args:
        history: What `fit` returned, or its dict `{name: one number an epoch}`.
        path: File to save the picture to, such as `"curves.png"`; None to save nothing.

    Returns:
        The `matplotlib.figure.Figure`, which a notebook shows.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `history` is neither of these, or holds no epoch.

    Example:

    ```python
    import tempfile

    curves = {"loss": [1.2, 0.9], "digit_loss": [0.8, 0.6], "digit_accuracy": [0.7, 0.8], "ink_loss": [0.4, 0.3]}
    figure = mtl.plots.history(curves, tempfile.mkdtemp() + "/curves.png")
    [axes.get_title() for axes in figure.axes]  # ['loss', 'accuracy']
    ```
    """
    curves = getattr(history, "history", history)
    if not isinstance(curves, dict) or not any(len(values) for values in curves.values()):
        raise ValueError(
            "`history` must be what `fit` returned after at least one epoch, or its dict `{name: numbers}`. "
            f"Received: history={history!r}."
        )
    matplotlib = import_matplotlib("history")
    panels = _panels(curves)
    tasks = list(dict.fromkeys(task for panel in panels.values() for task in panel if task))
    colours = {None: "0.35", **{task: f"C{i % 10}" for i, task in enumerate(tasks)}}
    rows = math.ceil(len(panels) / 3)
    columns = math.ceil(len(panels) / rows)
    figure = matplotlib.figure.Figure(figsize=(1 + 3.6 * columns, 0.6 + 2.8 * rows), dpi=120, layout="constrained")
    for i, (kind, panel) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(rows, columns, i)
        for task, name in panel.items():
            _draw(axes, curves, name, colours[task])
        axes.set_title(kind, fontsize=11)
        axes.set_xlabel("epoch")
        tidy(axes, matplotlib)
    _add_legend(figure, matplotlib.lines.Line2D, colours, panels, curves)
    if path is not None:
        figure.savefig(path)
    return figure


def _panels(curves):
    """Returns `{kind: {task: name of the curve}}`, the losses first; the task is None for what belongs to none."""
    names = [name for name in curves if not name.startswith("val_")]
    names += [name[4:] for name in curves if name.startswith("val_") and name[4:] not in names]
    tasks = sorted((name.removesuffix("_loss") for name in names if name.endswith("_loss")), key=len, reverse=True)
    panels = {"loss": {}}
    for name in names:
        if name.startswith("cosine_"):
            continue
        task = next((task for task in tasks if name.startswith(f"{task}_")), None)
        kind = name if task is None else name[len(task) + 1 :]
        panels.setdefault(kind, {})[task] = name
    return {kind: panel for kind, panel in panels.items() if panel}


def _draw(axes, curves, name, colour):
    for key, style in ((name, "-"), (f"val_{name}", "--")):
        values = curves.get(key, [])
        marker = "o" if len(values) < 12 else None
        axes.plot(range(1, len(values) + 1), values, style, color=colour, marker=marker, markersize=3, linewidth=1.5)


def _add_legend(figure, line, colours, panels, curves):
    """Says once, above all panels, which colour is which task and which style is which data."""
    labels = {task: {"color": colour} for task, colour in colours.items() if task}
    if labels and None in panels.get("loss", {}):
        labels["total"] = {"color": colours[None]}
    if any(name.startswith("val_") for name in curves):
        labels["training"] = {"color": "0.6"}
        labels["validation"] = {"color": "0.6", "linestyle": "--"}
    handles = [line([], [], label=label, **style) for label, style in labels.items()]
    if handles:
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False, fontsize=9)
