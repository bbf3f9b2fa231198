"""Plots training curves."""

import math
import os
import textwrap
from typing import Any

import keras

from mtl_keras.plots._looks import curve_style, task_looks
from mtl_keras.plots._matplotlib import add_legend, import_matplotlib, set_scale, tidy

_MANY_TASKS = 5  # above it, training and validation have separate panels
_NO_TASK = ("black", "o")


def history(history: keras.callbacks.History | dict[str, list[float]], path: str | os.PathLike | None = None) -> Any:
    """Plots the training curves of a `fit`: one panel for the losses, and one for each kind of metric.

    Each task has the same colour in all panels and in the other plots of `mtl_keras.plots`; tasks 11 to 20 have the
    same ten colours with a triangle. Training is solid with filled markers, validation is dashed with hollow markers.
    With more than five tasks, they have separate panels side by side, on the same scale. The scale is logarithmic if
    losses, or metrics above 1, differ by a factor of 100 or more.

    Values that belong to no task, such as `learning_rate` or `tower_distance`, have their own panel. If such a value,
    or the weight of every task, is the same in all epochs (two or more), it is written below the panels instead. For
    the cosines of `callbacks.GradientConflict`, use `plots.gradient_conflict`. Needs `pip install "mtl_keras[plots]"`.

    Args:
        history: The result of `fit`, or its dict `{name: one number per epoch}`.
        path: File for the picture, such as `"curves.png"`; None to save nothing.

    Returns:
        The `matplotlib.figure.Figure`, which notebooks display.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `history` is neither of these, or has no epoch.

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
    kinds = _kinds(curves)
    looks = task_looks(task for kind in kinds.values() for task in kind if task)
    order = [task for task in dict.fromkeys(task for kind in kinds.values() for task in kind) if task]
    constant = _constant(curves, kinds)
    panels = _panels(curves, {kind: names for kind, names in kinds.items() if kind not in constant}, len(looks))
    most = 4 if any(title.endswith(", validation") for title in panels) else 3  # puts both side by side
    rows = math.ceil(len(panels) / most)
    columns = most if rows > 1 and most == 4 else math.ceil(len(panels) / rows)
    size = (1 + 3.6 * columns, 0.8 + 2.8 * rows)
    figure = matplotlib.figure.Figure(figsize=size, dpi=120, layout="constrained")
    drawn: dict[str, Any] = {}
    for i, (title, lines) in enumerate(panels.items(), start=1):
        partner = drawn.get(title.replace(", validation", ", training"))
        axes = drawn[title] = figure.add_subplot(rows, columns, i, sharey=partner)
        _draw(axes, title, lines, order, looks, matplotlib)
    _set_scales(drawn, panels)
    _add_legend(figure, matplotlib.lines.Line2D, order, looks, panels)
    if constant:
        text = "Constant: " + ", ".join(f"{kind} {numbers}" for kind, numbers in constant.items())
        figure.supxlabel(textwrap.fill(text, int(13 * size[0])), fontsize=8, color="0.3")
    if path is not None:
        figure.savefig(path)
    return figure


def _kinds(curves):
    """Returns `{kind: {task: name of the curve}}`, the losses first; the task is None for values without a task."""
    names = [name for name in curves if not name.startswith("val_")]
    names += [name[4:] for name in curves if name.startswith("val_") and name[4:] not in names]
    tasks = sorted((name.removesuffix("_loss") for name in names if name.endswith("_loss")), key=len, reverse=True)
    kinds = {"loss": {}}
    for name in names:
        if name.startswith("cosine_"):
            continue
        task = next((task for task in tasks if name.startswith(f"{task}_")), None)
        kind = name if task is None else name[len(task) + 1 :]
        kinds.setdefault(kind, {})[task] = name
    return {kind: names for kind, names in kinds.items() if names}


def _constant(curves, kinds):
    """Returns `{kind: its numbers as text}` of settings that do not change. Metrics that do not change are drawn."""
    found = {}
    for kind, names in kinds.items():
        lists = [list(curves[key]) for name in names.values() for key in (name, f"val_{name}") if key in curves]
        setting = kind == "weight" or (kind != "loss" and all(task is None for task in names))
        if not setting or max(map(len, lists)) < 2 or any(len(set(values)) > 1 for values in lists):
            continue
        low, high = min(values[0] for values in lists if values), max(values[0] for values in lists if values)
        found[kind] = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
    return found if len(found) < len(kinds) else {}


def _panels(curves, kinds, num_tasks):
    """Returns `{title: [(task, epochs, numbers, whether validation)]}`; kinds with two panels come first."""
    pairs, singles = {}, {}
    for kind, names in kinds.items():
        training = [(task, *_points(curves, name), False) for task, name in names.items() if name in curves]
        validation = [(t, *_points(curves, n, "val_"), True) for t, n in names.items() if f"val_{n}" in curves]
        if training and validation and num_tasks > _MANY_TASKS and len(names) > 1:
            pairs |= {f"{kind}, training": training, f"{kind}, validation": validation}
        else:
            lines = {True: validation, False: training}
            by_task = [line for task in names for v in (False, True) for line in lines[v] if line[0] == task]
            singles[kind] = by_task
    return pairs | singles


def _points(curves, name, prefix=""):
    """Returns the epochs and the numbers of a curve; validation may run only every n-th epoch."""
    values = list(curves[prefix + name])
    every = max(1, len(curves.get(name, values)) // max(1, len(values)))
    return [every * i for i in range(1, len(values) + 1)], values


def _draw(axes, title, lines, order, looks, matplotlib):
    one = max((len(epochs) for _, epochs, _, _ in lines), default=0) == 1
    for task, epochs, values, validation in lines:
        look = looks.get(task, _NO_TASK)
        if one and task and len(order) > 1:  # side by side, because points of one epoch would overlap
            epochs = [epochs[0] + 0.6 * (order.index(task) / (len(order) - 1) - 0.5)]
        axes.plot(epochs, values, **curve_style(look, len(values), validation))
    axes.set_title(title, fontsize=11)
    axes.set_xlabel("epoch")
    tidy(axes, matplotlib, [1] if one else [])
    if one:
        axes.set_xlim(0.5, 1.5)


def _set_scales(drawn, panels):
    """Sets the log scales: for losses, for values without a task, and for values above 1."""
    for title, axes in drawn.items():
        kind = title.removesuffix(", training").removesuffix(", validation")
        lines = [line for name in (kind, f"{kind}, training", f"{kind}, validation") for line in panels.get(name, [])]
        curves = [values for _, _, values, _ in lines]
        beyond = any(value > 1 for values in curves for value in values)
        if kind == "loss" or beyond or all(task is None for task, *_ in lines):
            set_scale(axes, curves)


def _add_legend(figure, line, order, looks, panels):
    """Adds one legend above all panels: the colours of the tasks, and the styles of training and validation."""
    lines = [line for panel in panels.values() for line in panel]
    handles = [_handle(line, looks[task], task) for task in order]
    if order and any(task is None for title in panels if title.startswith("loss") for task, *_ in panels[title]):
        handles.append(_handle(line, _NO_TASK, "total"))
    if any(validation for *_, validation in lines) and not any(title.endswith(", validation") for title in panels):
        handles += [_handle(line, ("0.5", "o"), "training"), _handle(line, ("0.5", "o"), "validation", True)]
    add_legend(figure, handles)


def _handle(line, look, label, validation=False):
    return line([], [], label=label, **curve_style(look, 1, validation))
