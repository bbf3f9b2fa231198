"""Digits on a canvas: how many there are, which is the largest, and where they are. One tower for all three.

    python examples/detect_digits.py --baseline

One to four digits of MNIST in different sizes lie on a canvas of 64x64 pixels, without overlap. `count` and `largest`
are classifications, `where` is a detection, whose mean average precision at an overlap of 0.5 is computed exactly on
the boxes of the test set. `--boxes FILE` is where pictures of the boxes that were found are saved. `--baseline` trains
a model with a tower of its own for each task as well, and says for which tasks sharing gains, which takes several
`--seeds`. The first run downloads MNIST through tensorflow-datasets.
"""

import functools

import _common
import keras
import numpy as np
from _canvases import CANVAS, MOST, compose, read
from keras import layers
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import mtl_keras as mtl

GRID = 8
TASKS = [
    mtl.Task("count", mtl.heads.Multiclass(MOST, hidden=(64,))),  # class 0: one digit
    mtl.Task("largest", mtl.heads.Multiclass(10, hidden=(64,))),
    mtl.Task("where", mtl.heads.Detection(10, max_boxes=8, hidden=(128,))),
]


def load(split, num, arguments, **options):
    """Returns batches of canvases with their labels, and the boxes with their classes [num, 4, 5]."""
    num = 128 if arguments.smoke else num
    canvases, boxes, classes = compose(*read(split, arguments.smoke), num, seed=len(split))
    where = mtl.data.encode_boxes(boxes, classes, GRID, num_classes=10)
    labels = {"count": (classes >= 0).sum(axis=1) - 1, "largest": classes[:, 0], "where": where}
    batches = mtl.data.from_arrays(canvases, labels, batch_size=64, seed=arguments.seed, **options)
    return batches, np.concatenate([boxes, classes[..., None]], axis=-1)


def tower():
    """Returns convolutions from a canvas to a map of 8x8 cells, each of which sees most of the canvas."""
    parts = []
    for filters, size, strides in ((32, 5, 2), (64, 3, 2), (128, 3, 2), (128, 3, 1), (128, 3, 1)):
        parts += [layers.Conv2D(filters, size, strides, padding="same", use_bias=False), layers.BatchNormalization()]
        parts += [layers.ReLU()]
    return keras.Sequential(parts, name="convolutions")


def build(steps, sharing):
    """Returns a compiled model whose learning rate falls to 0 in so many steps."""
    model = mtl.build_model(
        inputs=keras.Input((CANVAS, CANVAS, 1), dtype="uint8", name="canvas"),
        tasks=TASKS,
        tower=tower(),
        sharing=sharing,
        preprocess=layers.Rescaling(1 / 255),
        name=sharing,
    )
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)))
    return model


def exact_map(study, name, test, boxes):
    """Returns the mean average precision on the boxes of the test set themselves, the mean over the seeds."""
    found = [study.model(name, seed).predict(test, verbose=0)["where"] for seed in study.runs(name)]
    return float(np.mean([mtl.metrics.mean_average_precision(boxes, where) for where in found]))


def draw(model, data, file):
    """Saves a picture of the first eight canvases with the boxes that were found with a score above 0.5."""
    canvases, *_ = next(iter(data))
    predicted = model.predict(canvases[:8], verbose=0)
    axes = Figure(figsize=(12, 6), layout="tight").subplots(2, 4).ravel()
    for i, axis in enumerate(axes):
        axis.imshow(canvases[i], cmap="gray")
        count, largest = (predicted[task][i].argmax() for task in ("count", "largest"))
        axis.set(title=f"{count + 1} digits, the largest a {largest}", xticks=[], yticks=[])
        for *box, score, label in predicted["where"][i]:
            if score > 0.5:
                top, left, bottom, right = np.array(box) * CANVAS - 0.5
                axis.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, color="tab:orange"))
                place = (left, top - 1) if top > 5 else (left, bottom + 5)  # not over the title
                axis.text(*place, f"{label:.0f}  {score:.2f}", color="tab:orange", fontsize=11)
    axes[0].figure.savefig(file)


def main():
    parser = _common.parser(__doc__, epochs=4)
    parser.add_argument("--baseline", action="store_true", help="train a tower for each task as well")
    parser.add_argument("--seeds", type=int, default=1, help="how often each model is trained, 1 by default")
    parser.add_argument("--boxes", default="detected_digits.png", metavar="FILE", help="where to save the pictures")
    arguments = parser.parse_args()
    parts = [("train[:55000]", 20_000, {"shuffle": True}), ("train[55000:]", 1000, {}), ("test", 4000, {})]
    (train, _), (valid, _), (test, boxes) = (load(split, num, arguments, **options) for split, num, options in parts)
    schemes, epochs = ["single_task", "hard"] if arguments.baseline else ["hard"], _common.epochs(arguments)
    study = mtl.study.compare(
        functools.partial(build, epochs * len(train)),
        {sharing: {"sharing": sharing} for sharing in schemes},
        train,
        valid,
        test,
        baseline=schemes[0],
        seeds=arguments.seeds,
        epochs=epochs,
        keep="best",
        seed=arguments.seed,
    )
    draw(study.build_best(), test, arguments.boxes)
    _common.plot(study, arguments.plot)
    print(f"\n{study}")
    results = {name: _common.means(study, name) for name in schemes}
    for name, result in results.items():
        result |= {"where_map": exact_map(study, name, test, boxes), **_common.costs(study, name)}
    _common.print_table(results, [*(task.name for task in TASKS), "model"])


if __name__ == "__main__":
    main()
