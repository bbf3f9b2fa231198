"""Looks into an export and predicts with it.

python -m mtl_keras inspect saved_models/digits
python -m mtl_keras predict saved_models/digits --task digit image.png
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence

import numpy as np

from mtl_keras import export
from mtl_keras._arguments import choice, count


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m mtl_keras", description="Looks into exports of models.")
    commands = parser.add_subparsers(dest="command", required=True)
    looks = commands.add_parser("inspect", help="print the tasks, labels and signatures of an export")
    looks.add_argument("folder", help="folder of a model, or of one of its versions")
    predicts = commands.add_parser("predict", help="predict with an export")
    predicts.add_argument("folder", help="folder of a model, or of one of its versions")
    predicts.add_argument("files", nargs="+", metavar="FILE", help="an image; or rows, .npy, or .npz by input name")
    predicts.add_argument("--task", help="the only task to predict")
    predicts.add_argument("--top", type=int, default=1, help="how many labels to print, 1 by default")
    given = parser.parse_args(arguments)
    try:
        served = export.load(given.folder)
        if given.command == "inspect":
            _inspect(served)
        else:
            _predict(served, given.files, given.task, count("--top", given.top))
    except (OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    return 0


def _inspect(served):
    versions = served.description.get("versions", {})
    print(served.path, *(f"{package} {version}" for package, version in versions.items()))
    rows = [["task", "head", "output", "labels"]]
    for task, known in served.tasks.items():
        rows.append([task, known.get("head", "?"), _shape(known["shape"]), ", ".join(known.get("labels", []))])
    _print_table(rows)
    rows = [["signature", "takes", "gives"]]
    for name, signature in served.signatures.items():
        sides = [
            [f"{key} {spec.dtype.name} {_shape(spec.shape)}" for key, spec in sorted(signature[side].items())]
            for side in ("inputs", "outputs")
        ]
        for i in range(max(map(len, sides))):
            rows.append([name if i == 0 else "", *(side[i] if i < len(side) else "" for side in sides)])
    _print_table(rows)
    if served.description.get("metrics"):
        _print_table(
            [["metric", "value"], *([m, f"{value:.4g}"] for m, value in served.description["metrics"].items())]
        )


def _predict(served, files, task, top):
    if task is not None:
        choice("--task", task, served.tasks)
    rows = [["file", "row", "task", "prediction"]]
    for file in files:
        outputs = _outputs(served, pathlib.Path(file), task)
        for row in range(len(next(iter(outputs.values())))):
            for name in [name for name in served.tasks if name in outputs]:
                answer = _answer(outputs[name][row], served.tasks[name].get("labels"), top)
                rows.append([file, str(row), name, answer])
    _print_table(rows)


def _outputs(served, file, task):
    """Returns `{task: array}` for a file."""
    signature = task if task in served.signatures else "serving_default"
    if file.suffix in (".npy", ".npz"):
        given = np.load(file)
        inputs = dict(given) if file.suffix == ".npz" else given
    elif "serving_bytes" in served.signatures:  # it knows how pixels become inputs
        signature = "serving_bytes"
        inputs = [file.read_bytes()]
    else:
        inputs = served.read_image(file, signature)
    outputs = served.predict(inputs, signature=signature)
    return {name: array for name, array in outputs.items() if name == task or (task is None and name in served.tasks)}


def _answer(values, labels, top):
    """Returns in words what an output says of one sample."""
    values = np.ravel(values)
    if labels and len(values) == 1 and len(labels) == 2:
        values = np.array([1 - values[0], values[0]])
    if labels and len(values) == len(labels):
        return ", ".join(f"{labels[i]} {values[i]:.4g}" for i in np.argsort(-values)[:top])
    return " ".join(f"{value:.4g}" for value in values)


def _shape(shape):
    return f"[{', '.join('B' if size is None else str(size) for size in shape)}]"


def _print_table(rows):
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print()
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
