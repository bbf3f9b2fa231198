"""Digits on a canvas: how many there are, which is the largest, and where they are. One tower for all three.

    python examples/detect_digits.py --baseline

One to four digits of MNIST in different sizes lie on a canvas of 64x64 pixels, without overlap. `count` and `largest`
are classifications, `where` is a detection, whose mean average precision at an overlap of 0.5 is computed exactly on
the boxes of the test set. `--boxes FILE` is where pictures of the boxes that were found are saved. `--baseline` trains
a model with a tower of its own for each task as well. The first run downloads MNIST through tensorflow-datasets.
"""

import _common
import keras
import numpy as np
from keras import layers
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.datasets import load_digits

import mtl_keras as mtl

CANVAS, GRID, MOST = 64, 8, 4
SIZES = np.arange(12, 32, 2)  # of the longer side of a digit, in pixels
TASKS = [
    mtl.Task("count", mtl.heads.Multiclass(MOST, hidden=(64,))),  # class 0: one digit
    mtl.Task("largest", mtl.heads.Multiclass(10, hidden=(64,))),
    mtl.Task("where", mtl.heads.Detection(10, max_boxes=8, hidden=(128,))),
]


def read(split, smoke):
    """Returns images of single digits and their labels: of MNIST, or the small ones that scikit-learn brings."""
    if smoke:
        digits = load_digits()
        return digits.images * 15, digits.target
    (images, labels), *_ = mtl.data.tfds("mnist", split, {"digit": lambda image, label: label}, batch_size=100_000)
    return images.numpy()[..., 0], labels["digit"].numpy()


def resized(image, size):
    """Returns the inked part of an image in a size, by linear interpolation."""
    rows, columns = (np.flatnonzero(image.max(axis=axis) > 50) for axis in (1, 0))
    image = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype("float32")
    for axis in (0, 1):
        old = image.shape[axis]
        new = max(round(old * size / max(len(rows), len(columns))), 3)
        place = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
        weights = np.maximum(1 - np.abs(place[:, None] - np.arange(old)), 0)  # [new, old]
        image = np.moveaxis(np.tensordot(weights, image, axes=[1, axis]), 0, axis)
    return image


def compose(images, labels, num, seed):
    """Returns canvases, and the boxes and classes of their digits with padding, the largest digit first."""
    rng = np.random.default_rng(seed)
    canvases = np.zeros((num, CANVAS, CANVAS, 1), "uint8")
    boxes, classes = np.zeros((num, MOST, 4), "float32"), np.full((num, MOST), -1)
    for i, canvas in enumerate(canvases):
        sizes = np.sort(rng.choice(SIZES, rng.integers(1, MOST + 1), replace=False))[::-1]
        taken = np.zeros((CANVAS, CANVAS), bool)
        for size in sizes:
            which = rng.integers(len(images))
            digit = resized(images[which], size)
            for y, x in rng.integers(0, CANVAS + 1 - np.array(digit.shape), (50, 2)):
                place = slice(y, y + len(digit)), slice(x, x + digit.shape[1])
                if not taken[place].any():  # without a free place in fifty, the digit stays out
                    canvas[place] = digit[..., None]
                    taken[place] = True
                    free = np.argmin(classes[i])
                    boxes[i, free] = np.array([y, x, y + len(digit), x + digit.shape[1]]) / CANVAS
                    classes[i, free] = labels[which]
                    break
    return canvases, boxes, classes


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


def train(sharing, data, arguments):
    """Returns what a model reaches on the test set, its history and the model."""
    keras.utils.set_random_seed(arguments.seed)
    (train, _), (valid, _), (test, boxes) = data
    model = mtl.build_model(
        inputs=keras.Input((CANVAS, CANVAS, 1), dtype="uint8", name="canvas"),
        tasks=TASKS,
        tower=tower(),
        sharing=sharing,
        preprocess=layers.Rescaling(1 / 255),
        name=sharing,
    )
    print(f"\n{sharing}: {model.count_params():,} parameters")
    epochs = _common.epochs(arguments)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, epochs * len(train))))
    history = model.fit(train, validation_data=valid, epochs=epochs)
    reached = model.evaluate(test, return_dict=True, verbose=0)
    reached["where_map"] = mtl.metrics.mean_average_precision(boxes, model.predict(test, verbose=0)["where"])
    return reached, history, model


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
                axis.text(left, top - 1, f"{label:.0f}  {score:.2f}", color="tab:orange", fontsize=8)
    axes[0].figure.savefig(file)


def main():
    parser = _common.parser(__doc__, epochs=4)
    parser.add_argument("--baseline", action="store_true", help="train a tower for each task as well")
    parser.add_argument("--boxes", default="detected_digits.png", metavar="FILE", help="where to save the pictures")
    arguments = parser.parse_args()
    parts = [("train[:55000]", 20_000, {"shuffle": True}), ("train[55000:]", 1000, {}), ("test", 4000, {})]
    data = [load(split, num, arguments, **options) for split, num, options in parts]
    results = {}
    for sharing in ("single_task", "hard") if arguments.baseline else ("hard",):
        results[sharing], history, model = train(sharing, data, arguments)
    draw(model, data[-1][0], arguments.boxes)
    if arguments.plot:
        mtl.plots.history(history, arguments.plot)
    _common.print_table(results, [task.name for task in TASKS])


if __name__ == "__main__":
    main()
